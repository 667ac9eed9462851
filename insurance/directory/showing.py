"""Values as a person reads them: labels of dictionaries, days, masks, and where a submission stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Submission
from insurance.specification.books import open_book
from insurance.specification.errors import UnknownDictionary
from portal.privacy.masks import mask_document, mask_name, mask_phone

# Which dictionary a column's codes come from.
DICTIONARIES = {
    "caty": "dept",
    "poolarea_no": "admdvs",
    "prac_psn_type": "medins_psn_type",
    "psn_cert_type": "psn_cert_type",
    "hi_dr_flag": "hi_dr_flag",
    "fixmedins_type": "fixmedins_type",
    "hosp_lv": "hosp_lv",
}
MASKS = {
    "dept_resper_name": mask_name,
    "dept_resper_tel": mask_phone,
    "prac_psn_name": mask_name,
    "certno": mask_document,
}


def word_of(column: str, code: str) -> str:
    """Return `A05.02 产科专业` for a coded column, the code alone where the dictionary does not know it."""
    try:
        book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
        label = book.dictionary(DICTIONARIES[column]).get(code, "")
    except UnknownDictionary:
        label = ""
    return f"{code} {label}".strip()


def shown(record: models.Model, column: str, *, clear: bool = False) -> str:
    """Return a column's value as text, masked where it is personal unless `clear`."""
    value = getattr(record, column)
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return day(value)
    if column in MASKS and not clear:
        return MASKS[column](str(value))
    return word_of(column, str(value)) if column in DICTIONARIES else str(value)


def day(value: datetime | None) -> str:
    """Return 2026-11-23, with the time of day only where there is one."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00") if value else ""


def label_of(model: type[models.Model], column: str) -> str:
    """Return the Chinese label of a column."""
    return str(getattr(model._meta.get_field(column), "verbose_name", column))


def delivery_words(submission: Submission | None) -> str:
    """Return what stands after a submission's state: since when, how often, the platform's own words (ui.md)."""
    if submission is None:
        return ""
    since = timezone.localtime(submission.state_at).strftime("%m-%d %H:%M")
    if submission.state == SubmissionState.QUEUED:
        waits = "" if submission.ready else "，排在同一科室的前一次之后"
        failed = f"，未发出，第 {submission.attempts} 次" if submission.attempts else ""
        return f"{since} 起{waits}{failed}"
    if submission.state == SubmissionState.REFUSED:
        return f"{'整批被拒，' if submission.whole else ''}平台返回：{submission.words}"
    if submission.state == SubmissionState.UNKNOWN:
        return "等人工核实" if submission.needs_person else "正在向平台查证，查清前不会重发"
    return submission.settled_words or since


def both_shown(ours: models.Model, theirs: models.Model, column: str, *, clear: bool = False) -> tuple[str, str]:
    """Return both values of a column in which two records differ; what a mask would make alike says that it differs."""
    left, right = shown(ours, column, clear=clear), shown(theirs, column, clear=clear)
    return (left, f"{right}（遮盖部分不同）") if left == right and left else (left or "空", right or "空")


def differences_of(row: Any) -> str:
    """Return 「批准床位数量：本院 40，平台 38」 for each column in which a compared pair differs."""
    ours, theirs = row.department or row.staff, row.platform or row.practitioner
    if ours is None or theirs is None:
        return ""
    parts = []
    for name in row.fields:
        left, right = both_shown(ours, theirs, name)
        parts.append(f"{label_of(type(ours), name)}：本院 {left}，平台 {right}")
    return "；".join(parts)
