"""核对: what differs from the platform, and settling it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from insurance.directory import services
from insurance.directory.choices import ComparisonKind, Verdict
from insurance.directory.filters import ComparisonFilter
from insurance.directory.forms import OptionalReasonForm, ReasonForm
from insurance.directory.models import DEPARTMENT_COLUMNS, ComparisonRow
from insurance.directory.pairing import STAFF_COLUMNS
from insurance.directory.queries import VERDICT_TABS
from insurance.directory.services import Settled
from insurance.directory.services.settling import NO_UPLOAD_OF_STAFF
from insurance.directory.showing import both_shown, delivery_words, label_of, shown
from insurance.directory.tables import ComparisonTable, StaffComparisonTable, comparison_acts
from insurance.directory.views.asking import asked
from insurance.exchange.choices import OPEN_STATES
from insurance.exchange.queries import attach_latest
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs

DIFFERING = ("different", "ours", "theirs", "ignored", "all")
LEVEL_REASON = "一致的记录无需处理。"


def rows_of(request: ActorRequest) -> QuerySet[ComparisonRow]:
    """Return the comparisons of the institution at hand that the person may see, with both sides."""
    visible: QuerySet[ComparisonRow] = ComparisonRow.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution).select_related(
        "department", "platform", "staff", "practitioner"
    )


class Comparison(ListPage):
    """Departments beside 5101."""

    action = "directory.view"
    title = "科室核对"
    purpose = "本院科室与医保平台（科室信息查询 5101）逐项核对；每天 02:30 自动核对一次。"
    kind: ClassVar[str] = ComparisonKind.DEPARTMENT
    task_kind: ClassVar[str] = "directory.compare"
    run_url: ClassVar[str] = "directory:compare_run"
    table_class = ComparisonTable
    filter_class = ComparisonFilter
    tabs = tuple(Tab(key, label, rows, f"没有「{label}」的科室。") for key, (label, rows) in VERDICT_TABS.items())
    tools = (Link("返回科室", "directory:departments"),)
    batches = (
        Batch("以平台为准", "directory:compare_departments_adopt", "directory.edit", DIFFERING, LEVEL_REASON),
        Batch("以本院为准", "directory:compare_departments_keep", "directory.submit", DIFFERING, LEVEL_REASON),
        Batch("不处理", "directory:compare_departments_ignore", "directory.edit", DIFFERING, LEVEL_REASON),
    )
    empty = Empty("还没有核对过。请点右上角「核对」向平台查询。")
    order = ("code",)
    export_action = "directory.export"
    template_name = "directory/comparison.html"

    def rows(self) -> QuerySet[Any]:
        """Return the last comparison."""
        return rows_of(self.request).filter(kind=self.kind)

    def decorate(self, records: list[Any]) -> None:
        """Fetch where the upload of each department stands."""
        attach_latest([row.department for row in records if row.department])

    def context(self) -> dict[str, Any]:
        """Add the last run."""
        return {**asked(self.request, self.task_kind), "run_url": self.run_url}


class StaffComparison(Comparison):
    """The hospital's own list beside 5102."""

    title = "人员核对"
    purpose = "本院医师护士药师名单与医保平台（医执人员信息查询 5102）核对：先按代码，再按证件号码。"
    kind = ComparisonKind.STAFF
    task_kind = "directory.practitioners"
    run_url = "directory:practitioners_run"
    table_class = StaffComparisonTable
    tabs = tuple(Tab(key, label, rows, f"没有「{label}」的人员。") for key, (label, rows) in VERDICT_TABS.items())
    tools = (Link("导入本院名单", "directory:staff_import", "directory.import"),)
    batches = (
        Batch("以平台为准", "directory:compare_staff_adopt", "directory.edit", DIFFERING, LEVEL_REASON),
        Batch("以本院为准", "directory:compare_staff_keep", "directory.submit", ("never",), NO_UPLOAD_OF_STAFF),
        Batch("不处理", "directory:compare_staff_ignore", "directory.edit", DIFFERING, LEVEL_REASON),
    )
    empty = Empty("还没有本院名单。", Link("导入本院名单", "directory:staff_import", "directory.import"))


@require_GET
@needs("directory.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One pair, field by field."""
    row = get_object_or_404(rows_of(request), pk=pk)
    if row.department:
        attach_latest([row.department])
    ours, theirs = row.department or row.staff, row.platform or row.practitioner
    columns = DEPARTMENT_COLUMNS if row.kind == ComparisonKind.DEPARTMENT else STAFF_COLUMNS
    submission = row.department.submission if row.department else None  # type: ignore[attr-defined]
    context = {
        "row": row,
        "sides": [_side(row, column, ours, theirs) for column in columns],
        "ours": ours,
        "theirs": theirs,
        "submission": submission,
        "delivery_words": delivery_words(submission),
        "acts": list(comparison_acts(row, request.actor)),
    }
    return render(request, "directory/comparison_row.html", context)


def _side(row: ComparisonRow, column: str, ours: Model | None, theirs: Model | None) -> dict[str, Any]:
    """Return label, both values, and whether they differ, for one column of a pair."""
    model = type(row.department or row.platform or row.staff or row.practitioner or row)
    left, right = (shown(side, column) if side else "" for side in (ours, theirs))
    differs = column in row.fields
    if differs and ours and theirs:
        left, right = both_shown(ours, theirs, column)
    return {"label": label_of(model, column), "ours": left, "theirs": right, "differs": differs}


class Settle(BatchPage):
    """What the three ways share."""

    unit = "条"

    def prepare(self, rows: list[Any]) -> None:
        """Fetch where the uploads stand."""
        attach_latest([row.department for row in rows if row.department])

    def refusal(self, row: Any) -> str:
        """Return why a row cannot be settled now."""
        if row.verdict == Verdict.SAME:
            return "已一致，无需处理"
        submission = row.department.submission if row.department else None
        return "正在上传，请等结果" if submission and submission.state in OPEN_STATES else ""

    def told(self, settled: Settled, words: str) -> Result:
        """Return what was done, and the first reason why the rest was not."""
        words = words.format(len(settled.done))
        if settled.skipped:
            row, reason = settled.skipped[0]
            words += f"{len(settled.skipped)} 条没有处理：{row.name or row.code}，{reason}。"
        return Result(words, level="warning" if settled.skipped else "success")


class Adopt(Settle):
    """以平台为准."""

    action = "directory.edit"
    verb = "以平台为准"
    effect = (
        "本院记录改为平台的内容：「不同」的改成平台的值，「仅平台」的在本院新建，「仅本院」的在本院停用。"
        "不会向平台发送任何内容。"
    )

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Take theirs."""
        return self.told(services.adopt_platform(actor, rows=rows), "已以平台为准处理 {} 条。")


class Keep(Settle):
    """以本院为准."""

    action = "directory.submit"
    verb = "以本院为准"
    danger = True
    effect = (
        "把平台改成与本院一致：「不同」的上传变更（3402），「仅本院」的新上传（3401），「仅平台」的在平台撤销（3403）。"
        "平台受理后立即生效。"
    )
    form_class = OptionalReasonForm

    def sums(self, rows: list[Any]) -> list[tuple[str, str]]:
        """Return how many go by which transaction."""
        words = {Verdict.DIFFERENT: "变更（3402）", Verdict.OURS: "新上传（3401）", Verdict.THEIRS: "平台撤销（3403）"}
        counts = {word: sum(1 for row in rows if row.verdict == verdict) for verdict, word in words.items()}
        return [(word, f"{count} 条") for word, count in counts.items() if count]

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Queue what makes the platform hold ours."""
        reason = form.cleaned_data["reason"] if form else ""
        settled = services.keep_ours(actor, rows=rows, reason=reason)
        return self.told(settled, "已提交 {} 条，正在后台送往平台。")


class Ignore(Settle):
    """不处理."""

    action = "directory.edit"
    verb = "不处理"
    effect = "这些差异先放在一边，不改本院、也不改平台。任何一边的内容再有变化时会重新出现。"
    form_class = ReasonForm

    def refusal(self, row: Any) -> str:
        """Return why a row cannot be set aside."""
        return "已一致，无需处理" if row.verdict == Verdict.SAME else "已标为不处理" if row.ignored else ""

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Set aside."""
        reason = form.cleaned_data["reason"] if form else ""
        return self.told(services.ignore(actor, rows=rows, reason=reason), "已标为不处理 {} 条。")


def settling(page: type[Settle], of: type[Comparison], back: str) -> Callable[..., HttpResponseBase]:
    """Return one way to settle for one of the two lists."""
    named = {"list_page": of, "list_url": back, "__module__": __name__}
    made: type[Settle] = type(f"{of.__name__}{page.__name__}", (page,), named)
    return made.as_view()
