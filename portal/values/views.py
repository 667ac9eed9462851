"""值对照: what is unmapped, what waits for a second person, what is in force."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from portal.approvals.rules import may_decide
from portal.audit.queries import history
from portal.lists.batch import BatchPage
from portal.lists.exporting import ListColumn
from portal.lists.intent import FIELD, Result, UnknownIntent, once, used
from portal.lists.views import Batch, Empty, Link, ListPage, ShownTab, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, go, needs
from portal.values import services
from portal.values.choices import MappingState
from portal.values.errors import ValueRefused
from portal.values.forms import EndForm, MappingForm, ReasonForm, initial_of, offered
from portal.values.models import ValueMapping, Waiting
from portal.values.queries import mappings_of, missing_of
from portal.values.registry import find_set, find_waiter
from portal.values.tables import MappingFilter, MappingTable, MissingFilter, MissingTable, prefill, rights_on

VIEW, EDIT, APPROVE = "values.view", "values.edit", "values.approve"
PURPOSE = "values.mapping"
SHOWN = 20
TABS = (
    Tab("waiting", "待审核", Q(state=MappingState.WAITING), "没有待审核的对照。"),
    Tab("draft", "草稿", Q(state=MappingState.DRAFT), "没有草稿。"),
    Tab("in_force", "生效中", Q(state=MappingState.IN_FORCE), "没有生效中的对照。"),
    Tab("ended", "已结束", Q(state=MappingState.ENDED), "没有已结束的对照。"),
    Tab("all", "全部"),
)
TOOLS = (Link("导入", "values:import", EDIT),)


class MissingList(ListPage):
    """Values that came and that nobody has mapped, with how many things wait for them."""

    action = VIEW
    title = "值对照"
    purpose = "医院系统和表格里的值对应到平台代码。没有对照的值列在这里，对上并生效后，等待的记录自动继续处理。"
    table_class, filter_class = MissingTable, MissingFilter
    tabs = (Tab("missing", "待对照", Q(), "没有待对照的值。导入或接口遇到没有对照的值时会自动列在这里。"),)
    main = Link("新建对照", "values:new", EDIT, drawer=True)
    tools = TOOLS
    empty = Empty("没有待对照的值。导入或接口遇到没有对照的值时会自动列在这里。")
    order = ("-last_seen",)
    export_action = VIEW

    def rows(self) -> QuerySet[Any]:
        """Return what is unmapped."""
        return missing_of(self.request.actor)

    def out_columns(self) -> list[ListColumn]:
        """Return the list's columns and empty ones to fill in, so that the file can be imported as mappings."""
        empty = [("target", "平台值", "code"), ("begins", "生效日期", "date")]
        return [*super().out_columns(), *(ListColumn(*one, value=lambda record: None) for one in empty)]

    def context(self) -> dict[str, Any]:
        """Put the tabs of the mappings behind its own."""
        here = ShownTab("待对照", self.number_words(self.counts["missing"]), self.request.path, True)
        return {"tabs": [here, *_mapping_tabs(self.request.actor)]}


def _mapping_tabs(actor: Actor) -> list[ShownTab]:
    rows = mappings_of(actor).select_related(None).order_by()
    sums = {tab.key: _count(tab) for tab in TABS}
    counts = rows.aggregate(**sums)
    url = reverse("values:mappings")
    return [ShownTab(tab.label, f"{counts[tab.key]:,}", f"{url}?tab={tab.key}", False) for tab in TABS]


def _count(tab: Tab) -> Any:
    return Count("pk", filter=tab.rows or Q(pk__isnull=False))


class MappingList(ListPage):
    """Mappings by where they stand."""

    action = VIEW
    title = "值对照"
    purpose = "医院系统和表格里的值对应到平台代码。涉及金额的对照须另一人审核，其余填写后直接生效。"
    table_class, filter_class = MappingTable, MappingFilter
    tabs = TABS
    main = Link("新建对照", "values:new", EDIT, drawer=True)
    tools = TOOLS
    batches = (
        Batch("通过", "values:approve", APPROVE, ("waiting", "all"), "只有「待审核」的可以通过。"),
        Batch("退回", "values:send_back", APPROVE, ("waiting", "all"), "只有「待审核」的可以退回。"),
        Batch("提交", "values:submit", EDIT, ("draft", "all"), "只有草稿可以提交。"),
        Batch("作废草稿", "values:discard", EDIT, ("draft", "all"), "只有草稿可以作废。"),
        Batch("结束", "values:end", EDIT, ("in_force", "all"), "只有「生效中」的可以结束。"),
    )
    empty = Empty("还没有值对照。", Link("从表格导入", "values:import", EDIT))
    export_action = VIEW

    def rows(self) -> QuerySet[Any]:
        """Return the mappings of the institution at hand."""
        return mappings_of(self.request.actor)

    def context(self) -> dict[str, Any]:
        """Put the tab of unmapped values before its own."""
        missing = ShownTab("待对照", f"{missing_of(self.request.actor).count():,}", reverse("values:missing"), False)
        return {"tabs": [missing, *(self._shown(tab) for tab in self.tabs)]}


class Act(BatchPage):
    """What the buttons over mappings share."""

    list_page, list_url = MappingList, "values:mappings"
    state: MappingState

    def refusal(self, row: Any) -> str:
        """Return why this mapping cannot be taken now."""
        if row.state != self.state:
            return f"现在是「{row.get_state_display()}」"
        found = find_set(row.set_code)
        if found is None:
            return "此版本没有这种对照"
        return self.hindrance(row, found)

    def hindrance(self, row: Any, found: Any) -> str:
        """Return why this person may not."""
        return "" if self.request.actor.may(found.edit) else "您没有修改此类对照的权限"

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Do it; what is refused in words undoes the whole."""
        try:
            return self.work(actor, rows, form.cleaned_data if form else {})
        except ValueRefused as error:
            return Result(str(error), level="error")

    def work(self, actor: Actor, rows: list[Any], said: dict[str, Any]) -> Result:
        """Call the service."""
        raise NotImplementedError


class Approve(Act):
    """通过, as the second person."""

    action, verb, state = APPROVE, "通过", MappingState.WAITING
    effect = "所选对照立即生效，原来生效的同值对照在新的生效日结束；等待这些值的记录自动继续处理。"

    def hindrance(self, row: Any, found: Any) -> str:
        """Return why this person cannot be the second one for the mapping; asked once for each pair of authors."""
        kept: dict[tuple[str, Any], str] = self.__dict__.setdefault("_kept", {})
        key = (found.approve, (row.proposed_by_id, row.owner_id))
        if key not in kept:
            kept[key] = may_decide(self.request.actor, found.approve, row.proposed_by, row.owner)
        return kept[key]

    def work(self, actor: Actor, rows: list[Any], said: dict[str, Any]) -> Result:
        """Put in force."""
        return Result(f"已通过 {services.approve(actor, mappings=rows):,} 条，等待的记录会自动继续处理。")


class SendBack(Approve):
    """退回."""

    verb, effect, form_class = "退回", "退回给提交人修改，对照不生效。", ReasonForm

    def work(self, actor: Actor, rows: list[Any], said: dict[str, Any]) -> Result:
        """Return as drafts."""
        return Result(f"已退回 {services.send_back(actor, mappings=rows, reason=said['reason']):,} 条。")


class Submit(Act):
    """提交 drafts."""

    action, verb, state = EDIT, "提交", MappingState.DRAFT
    effect = "涉及金额的对照提交后由另一人审核；其余立即生效，等待这些值的记录自动继续处理。"

    def work(self, actor: Actor, rows: list[Any], said: dict[str, Any]) -> Result:
        """Hand in."""
        return Result(_submitted(services.submit(actor, mappings=rows)))


class Discard(Act):
    """作废 drafts."""

    action, verb, state, danger = EDIT, "作废", MappingState.DRAFT, True
    effect = "所选草稿被删除，不影响生效中的对照。"

    def work(self, actor: Actor, rows: list[Any], said: dict[str, Any]) -> Result:
        """Delete."""
        return Result(f"已作废 {services.discard(actor, mappings=rows):,} 条草稿。")


class End(Act):
    """结束 what is in force."""

    action, verb, state, form_class = EDIT, "结束", MappingState.IN_FORCE, EndForm
    effect = "到所填的日期为止仍然有效；之后再遇到这些值，会列入「待对照」。"

    def work(self, actor: Actor, rows: list[Any], said: dict[str, Any]) -> Result:
        """Set the end."""
        done = services.end(actor, mappings=rows, last_day=said["last_day"], reason=said["reason"])
        return Result(f"已设定 {done:,} 条在 {said['last_day']} 结束。")


def _submitted(counts: dict[str, int]) -> str:
    parts = [f"{counts['生效']:,} 条已生效"] if counts["生效"] else []
    parts += [f"{counts['待审核']:,} 条已提交审核，等待另一人通过"] if counts["待审核"] else []
    return "，".join(parts) + "。"


@require_GET
@needs(VIEW)
def mapping(request: ActorRequest, pk: int) -> HttpResponse:
    """One mapping: both sides, its time, its persons, its history."""
    it = get_object_or_404(mappings_of(request.actor), pk=pk)
    others = mappings_of(request.actor).filter(set_code=it.set_code, key=it.key).exclude(pk=it.pk).order_by("-begins")
    edit, _ = rights_on(it, request.actor)
    context = {"it": it, "others": others[:SHOWN], "history": history(it)[:50], "why_not": edit, "prefill": prefill(it)}
    return render(request, "values/mapping.html", context)


@require_GET
@needs(VIEW)
def missing_value(request: ActorRequest, pk: int) -> HttpResponse:
    """One unmapped value and what waits for it."""
    it = get_object_or_404(missing_of(request.actor), pk=pk)
    waiting = [_shown(one) for one in Waiting.objects.filter(missing=it, released_at=None).order_by("id")[:SHOWN]]
    edit, _ = rights_on(it, request.actor)
    return render(
        request, "values/missing.html", {"it": it, "waiting": waiting, "why_not": edit, "prefill": prefill(it)}
    )


def _shown(one: Waiting) -> dict[str, Any]:
    waiter = find_waiter(one.waiter)
    url = waiter.url(one.reference) if waiter and waiter.url else ""
    name = waiter.name(one.reference) if waiter and waiter.name else f"{waiter.label if waiter else ''} {one.reference}"
    return {"name": name.strip(), "url": url, "since": one.created_at}


@require_http_methods(["GET", "POST"])
@needs(EDIT)
def new(request: ActorRequest) -> HttpResponseBase:
    """A new mapping; the address may say for which value."""
    said = {name: request.GET[part] for name, part in PREFILL.items() if part in request.GET}
    fixed = "source" in said and find_set(said.get("set_code", "")) is not None
    return _form(request, None, said, fixed)


PREFILL = {"set_code": "set", "source": "source", "source_label": "source_label"}


@require_http_methods(["GET", "POST"])
@needs(EDIT)
def edit(request: ActorRequest, pk: int) -> HttpResponseBase:
    """A draft changed."""
    it = get_object_or_404(mappings_of(request.actor).filter(state=MappingState.DRAFT), pk=pk)
    return _form(request, it, initial_of(it), True)


def _form(request: ActorRequest, it: ValueMapping | None, initial: dict[str, Any], fixed: bool) -> HttpResponseBase:
    first = used(request.user, request.POST.get(FIELD, ""), PURPOSE)
    if first is not None:
        messages.info(request, f"已经保存过，没有重复执行。当时的结果：{first.message}")
        return go(request, first.url)
    form = MappingForm(request.actor, request.POST or None, initial=initial, fixed=fixed)
    if form.is_bound and form.is_valid():
        try:
            result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _save(request, form))
            messages.success(request, result.message)
            return go(request, result.url)
        except (ValueRefused, UnknownIntent) as error:
            form.add_error(None, str(error))
    code = str(form["set_code"].value() or "")
    context = {"form": form, "it": it, "targets": offered(request.actor, code), "money": _money(code)}
    return render(request, "values/form.html", context, status=422 if form.errors else 200)


def _money(code: str) -> bool:
    found = find_set(code)
    return found is not None and found.money


def _save(request: ActorRequest, form: MappingForm) -> Result:
    names = ("set_code", "source", "source_label", "target", "begins", "until", "note")
    made = services.propose(request.actor, **{name: form.cleaned_data[name] for name in names})
    if "submit" not in request.POST:
        return Result(f"已存为草稿「{made.source} → {made.target}」，提交后才生效。", made.get_absolute_url())
    counts = services.submit(request.actor, mappings=[made])
    return Result(f"「{made.source} → {made.target}」{_submitted(counts)}", made.get_absolute_url())


@require_GET
@needs(VIEW)
def targets(request: ActorRequest) -> HttpResponse:
    """The options of the target's list, for what is typed so far."""
    found = offered(request.actor, request.GET.get("set_code", ""), request.GET.get("target", ""))
    return render(request, "values/_targets.html", {"targets": found})
