"""Tables of this room's lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Any

from django.urls import reverse
from django.utils import timezone

from insurance.directory.acts import ACTS, NO_RIGHT
from insurance.directory.choices import ComparisonKind, DepartmentState, Verdict
from insurance.directory.services.settling import NO_UPLOAD_OF_STAFF
from insurance.directory.showing import day, delivery_words, differences_of, word_of
from insurance.exchange.choices import OPEN_STATES, SubmissionState
from portal.lists.columns import (
    Act,
    ActionsColumn,
    CodeColumn,
    NameColumn,
    NumberColumn,
    SelectColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)
from portal.lists.tables import ListTable


class DayColumn(TimeColumn):
    """A day of the hospital's zone: 2026-11-23."""

    kind = "date"

    def words(self, value: Any, record: Any) -> str:
        """Return the day."""
        return day(value)

    title = words

    def plain(self, value: Any, record: Any) -> Any:
        """Return the day itself, so that a spreadsheet can filter it; one with a time of day keeps it as text."""
        local = timezone.localtime(value)
        return local.date() if local.time() == time.min else day(value)


class CodedColumn(TextColumn):
    """A code with its label; the column's name says which dictionary."""

    def __init__(self, column: str, *args: Any, **kwargs: Any) -> None:
        self.coded = column
        super().__init__(*args, **kwargs)

    def words(self, value: Any, record: Any) -> str:
        """Return code and label."""
        return word_of(self.coded, str(value))


def department_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield what can be done with a department, disabled ones with their reason."""
    for act in ACTS:
        url = reverse(act.url_name) if act.batch else reverse(act.url_name, args=[record.pk])
        reason = act.reason(record) if table.may(act.action) else NO_RIGHT
        yield Act(act.label, url, batch=act.batch, drawer=not act.batch, reason=reason)


class DepartmentTable(ListTable):
    """科室; rows of `queries.with_delivery` with `.submission` attached."""

    chosen = SelectColumn()
    hosp_dept_codg = CodeColumn(verbose_name="编码", opens=True)
    hosp_dept_name = TextColumn(verbose_name="科室名称", opens=True, width="w-m")
    caty = CodedColumn("caty", verbose_name="科别", width="w-m")
    state = StateColumn(DepartmentState, verbose_name="状态")
    delivery = StateColumn(SubmissionState, verbose_name="上传", extra=lambda record: delivery_words(record.submission))
    verdict = StateColumn(Verdict, verbose_name="与平台")
    dept_resper_name = NameColumn(verbose_name="负责人")
    aprv_bed_cnt = NumberColumn(verbose_name="床位")
    begntime = DayColumn(verbose_name="开始")
    endtime = DayColumn(verbose_name="结束")
    actions = ActionsColumn(department_acts)


def comparison_acts(record: Any, table: Any) -> Iterator[Act]:
    """Yield the three ways to settle a difference."""
    staff = record.kind == ComparisonKind.STAFF
    done = "已一致，无需处理" if record.verdict == Verdict.SAME else ""
    submission = getattr(record.department, "submission", None) if record.department else None
    busy = "正在上传，请等结果" if submission and submission.state in OPEN_STATES else ""
    which = "staff" if staff else "departments"
    for key, label, action, reason in (
        ("adopt", "以平台为准", "directory.edit", done or busy),
        ("keep", "以本院为准", "directory.submit", done or busy or (NO_UPLOAD_OF_STAFF if staff else "")),
        ("ignore", "不处理", "directory.edit", done or ("已标为不处理" if record.ignored else "")),
    ):
        url = reverse(f"directory:compare_{which}_{key}")
        yield Act(label, url, batch=True, reason=reason if table.may(action) else NO_RIGHT)


class DifferencesColumn(TextColumn):
    """The columns that differ, with both values."""

    def words(self, value: Any, record: Any) -> str:
        """Return them in one line."""
        return differences_of(record)


class ComparisonTable(ListTable):
    """核对结果 of departments."""

    chosen = SelectColumn()
    code = CodeColumn(verbose_name="编码", opens=True)
    name: TextColumn = TextColumn(verbose_name="科室名称", opens=True, width="w-m")
    verdict = StateColumn(Verdict, verbose_name="结果", extra=lambda row: ignored_words(row))
    fields = DifferencesColumn(verbose_name="不同之处", accessor="pk", orderable=False, width="w-xl")
    delivery = StateColumn(
        SubmissionState, verbose_name="上传", accessor="department__submission__state", orderable=False
    )
    compared_at = TimeColumn(verbose_name="核对时间")
    actions = ActionsColumn(comparison_acts)

    def row_url(self, record: Any) -> str:
        """Return the page that lays both sides beside each other."""
        return reverse("directory:comparison", args=[record.pk])


class StaffComparisonTable(ComparisonTable):
    """核对结果 of the hospital's own list against 5102."""

    code = CodeColumn(verbose_name="执业人员代码", opens=True)
    name = NameColumn(verbose_name="姓名", opens=True)
    delivery: None = None  # type: ignore[assignment]  # 5102 knows no upload: django-tables2 drops a column set to None


def ignored_words(row: Any) -> str:
    """Return who set a difference aside and why."""
    return f"不处理（{row.ignored_by}）：{row.ignored_reason}" if row.ignored else ""


class PractitionerTable(ListTable):
    """医保医师护士药师."""

    prac_psn_code = CodeColumn(verbose_name="执业人员代码", opens=True)
    prac_psn_name = NameColumn(verbose_name="姓名", opens=True)
    prac_psn_type = CodedColumn("prac_psn_type", verbose_name="分类")
    prac_cert_no = CodeColumn(verbose_name="执业证书编号")
    hi_dr_flag = CodedColumn("hi_dr_flag", verbose_name="医保医师")
    begntime = DayColumn(verbose_name="开始")
    endtime = DayColumn(verbose_name="结束（证书到期）")
    compared = StateColumn(Verdict, verbose_name="与本院名单")
    left_at = TimeColumn(verbose_name="平台不再返回")
    last_seen = TimeColumn(verbose_name="最近取得")

    def row_url(self, record: Any) -> str:
        """Return the person's own page."""
        return reverse("directory:practitioner", args=[record.pk])
