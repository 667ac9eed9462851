"""What pages read of differences: tabs, words, when the platform was last asked."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone

from insurance.mapping.choices import DifferenceKind, WorkState
from insurance.mapping.models import Difference
from insurance.mapping.models.relations import OPEN_END

OPEN = Q(state=WorkState.OPEN)
ADVICE = {
    DifferenceKind.MISSING: "本院有、平台没有：以本院为准会重新上传；以平台为准会撤销本院这条。",
    DifferenceKind.EXTRA: "平台有、本院没有：以平台为准采用它；以本院为准在平台终止它。",
    DifferenceKind.OTHER_CODE: "同一项目两边编码不同：费用按平台的算，请尽快定下以哪边为准。",
    DifferenceKind.OTHER_DATES: "编码相同，日期不同：对照的有效期以哪边为准。",
    DifferenceKind.EXPIRED: "本院仍在用，平台已失效或已终止：这些项目现在上传费用会被拒。",
}
TABS: dict[str, tuple[str, Q]] = {
    "open": ("待处理", OPEN),
    **{kind.value: (str(kind.label), OPEN & Q(kind=kind)) for kind in DifferenceKind},
    "ignored": ("不处理", Q(state=WorkState.IGNORED)),
    "handled": ("已处理", Q(state=WorkState.HANDLED)),
    "gone": ("已消失", Q(state=WorkState.GONE)),
    "all": ("全部", Q()),
}


def code_words(side: dict[str, Any] | None) -> str:
    """Return one side's code, 「没有」 where that side has none."""
    return str(side.get("code", "")) if side else "没有"


def period_words(side: dict[str, Any] | None) -> str:
    """Return 「2025-03-01 起」 or 「2025-03-01～2030-01-01」, "" where that side has none."""
    if not side:
        return ""
    begin, end = side.get("begndate", ""), side.get("enddate") or str(OPEN_END)
    days = f"{begin} 起" if end == str(OPEN_END) else f"{begin}～{end}"
    return days if side.get("valid", True) else f"{days}，已无效"


def name_of(one: Difference) -> str:
    """Return the item's name: ours, else the platform's."""
    if one.item is not None:
        return str(one.item.fixmedins_hilist_name)
    return str(one.platform.fixmedins_hilist_name) if one.platform is not None else ""


def settled_words(one: Difference) -> str:
    """Return who settled a difference, when, and how."""
    if one.settled_at is None:
        return ""
    at = timezone.localtime(one.settled_at)
    who = f"{one.settled_by}，" if one.settled_by else ""
    return f"{who}{at:%m-%d %H:%M}{f'：{one.reason}' if one.reason else ''}"
