"""对码工作台: one item after the other, made for the keyboard; every act is a plain form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST

from insurance.catalogue import queries as catalogue
from insurance.catalogue.models import Item
from insurance.mapping import rules
from insurance.mapping.choices import Certainty, MappingState, Source
from insurance.mapping.errors import MappingError
from insurance.mapping.items.queries import relation_standing
from insurance.mapping.items.services import need_no_code
from insurance.mapping.matching.services import suggest_item
from insurance.mapping.models import HospitalItem, Mapping, Suggestion
from insurance.mapping.queries import undecided_of
from insurance.mapping.review import queue, services
from insurance.mapping.review.forms import TakeForm
from insurance.mapping.review.showing import Candidate, candidates_of, compared
from portal.lists.counting import tab_counts
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, once
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, go, needs

TAKE = "mapping.take"
MOST_FOUND = 9
NO_RIGHT = "您的角色不对这类项目对码。请由药房（药品）、物价与供应（服务、耗材）或医保办操作。"
FACTS = (
    ("编码", "fixmedins_hilist_id"), ("规格", "spec"), ("剂型", "dosform"), ("包装规格", "pacspec"),
    ("生产企业", "prodentp_name"), ("批准文号", "aprvno"), ("计价单位", "prcunt"), ("项目内涵", "item_cont"),
    ("除外内容", "exct_cont"), ("备注", "memo"),
)  # fmt: skip


@require_GET
@needs("mapping.view")
def bench(request: ActorRequest) -> HttpResponseBase:
    """The queue at one item; htmx gets the bench alone."""
    partial = bool(request.htmx) and request.htmx.target == "bench"
    response = render(
        request, "mapping/review/_swap.html" if partial else "mapping/review/bench.html", _context(request)
    )
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    if partial:
        response["HX-Push-Url"] = f"{request.path}?{request.GET.urlencode()}" if request.GET else request.path
    return response


def _context(request: ActorRequest) -> dict[str, Any]:
    asked = request.GET
    rows = queue.waiting(request.actor, queue.kinds_of(request.actor, asked.get("kind", "")))
    tabs = queue.tabs()
    tab = next((one for one in tabs if one.key == asked.get("tab")), tabs[0])
    counts = tab_counts(rows, tabs)
    shown = rows.filter(tab.rows)
    wanted = _key(asked.get("item", "") or asked.get("at", ""))
    # who opens one item by its link means that one, also when it is mapped already
    alone = items_of(request).select_related("suggestion").filter(pk=wanted or 0).first() if asked.get("item") else None
    place = queue.place_of(shown, wanted, alone)
    words = asked.get("q", "").strip()
    context = {
        "tabs": [(one.label, counts[one.key], _address(asked, tab=one.key), one.key == tab.key) for one in tabs],
        "tab": tab,
        "total": counts[tab.key],
        "certain_count": counts["certain"],
        "kinds": [("", "我负责的" if rules.mapped_by(request.actor) else "全部"), *queue.groups()],
        "kind": asked.get("kind", ""),
        "place": place,
        "done_today": queue.done_today(request.actor),
        "last_taken": queue.last_taken(request.actor),
        "words": words,
        "base": reverse("mapping:review"),
    }
    return context | (_item_context(request, place, words) if place else {})


def _item_context(request: ActorRequest, place: queue.Place, words: str) -> dict[str, Any]:
    item = place.item
    # also what was imported a minute ago has its candidates; whoever put it aside stays known
    suggestion: Suggestion = suggest_item(item)
    open_one = undecided_of([item]).get(item.pk)
    why_not = _why_not(request, item, open_one)
    may = not why_not
    found = _search(item, words) if words else []
    suggested = suggestion.candidates[:5]
    certain = suggestion.certainty == Certainty.CERTAIN
    cards = found if words else candidates_of(item, suggested, certain)
    return {
        "item": item,
        "facts": [(label, value) for label, name in FACTS if (value := getattr(item, name))],
        "suggestion": suggestion,
        "certainty": Certainty(suggestion.certainty),
        "deciding": suggestion.deciding if not words else [],
        "cards": cards,
        "returned": open_one if open_one is not None and open_one.state == MappingState.RETURNED else None,
        "relations": Mapping.objects.filter(item=item).select_related("proposed_by").order_by("-pk")[:5],
        "comments": item.comments.select_related("person").order_by("-at")[:5],
        "changes": item.changes.order_by("-at")[:3],
        "may": may,
        "why_not": why_not,
        "standing": relation_standing(item),
        "may_no_code": may and request.actor.may("mapping.edit"),
        "intent": issue(request.user, TAKE, {"item": item.pk}) if may else None,
        "form": TakeForm(),
        "previous_url": _address(request.GET, at=str(place.previous.pk), item=None, q=None) if place.previous else "",
        "next_url": _address(request.GET, at=str(place.next.pk), item=None, q=None) if place.next else "",
        "next_key": place.next.pk if place.next else "",
        "here": _address(request.GET, item=str(item.pk), q=None),
        "neighbours": [
            (one, _address(request.GET, at=str(one.pk), item=None, q=None), one.pk == item.pk)
            for one in (*place.before, item, *place.after)
        ],
    }


def _why_not(request: ActorRequest, item: HospitalItem, open_one: Mapping | None) -> str:
    """Return why no code can be taken for the item shown, "" when one can."""
    if not rules.may_map(request.actor, item.list_type):
        return NO_RIGHT
    if item.no_code:
        return f"已标为不需对照（{item.no_code_reason}），请先在院内收费项目里恢复。"
    if open_one is not None and open_one.state == MappingState.PROPOSED:
        return f"已由 {open_one.proposed_by} 对为 {open_one.med_list_codg}，待审核；如需改码请先撤回。"
    return ""


def _search(item: HospitalItem, words: str) -> list[Candidate]:
    rows: list[Item] = list(catalogue.search_codes(words, list_type=item.list_type)[:MOST_FOUND])
    found = [{"code": row.code, "reasons": compared(item, row)} for row in rows]
    return candidates_of(item, found, certain=False)


def _address(asked: QueryDict, **changes: str | None) -> str:
    query = {name: asked[name] for name in ("tab", "kind", "item", "at", "q") if asked.get(name)}
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    if "tab" in changes:
        for name in ("item", "at", "q"):
            query.pop(name, None)
    base = reverse("mapping:review")
    return f"{base}?{urlencode(query)}" if query else base


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def items_of(request: ActorRequest) -> QuerySet[HospitalItem]:
    """Return the items of the institution at hand that the person may see."""
    visible: QuerySet[HospitalItem] = HospitalItem.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution).select_related("institution")


def after(request: ActorRequest, *, stay: int | None = None) -> str:
    """Return the bench at the item that comes next in the queue as it was shown, or at `stay`."""
    key = str(stay) if stay else request.POST.get("next", "")
    query = {name: request.POST[name] for name in ("tab", "kind") if request.POST.get(name)}
    if _key(key):
        query["item" if stay else "at"] = key
    return f"{reverse('mapping:review')}?{urlencode(query)}" if query else reverse("mapping:review")


def _said(request: ActorRequest, name: str) -> str:
    """Return a text field as it can be kept: no form stands before it, and PostgreSQL's texts have no NUL."""
    return request.POST.get(name, "").replace("\0", "")


def _moved(request: ActorRequest, url: str) -> HttpResponseBase:
    """Go on: htmx follows the redirect itself and swaps the bench, so that the keys stay where they are."""
    return HttpResponseRedirect(url) if request.htmx and request.htmx.target == "bench" else go(request, url)


@require_POST
@needs("mapping.view")
def take(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Take one code for an item, once; then the next item."""
    item = get_object_or_404(items_of(request), pk=pk)
    form = TakeForm(request.POST)
    code = _said(request, "code").strip()
    if not form.is_valid() or not code:
        faults = [str(error) for errors in form.errors.values() for error in errors] or ["请先选择一个编码。"]
        messages.error(request, "没有提交：" + "；".join(faults))
        return _moved(request, after(request, stay=item.pk))
    return _once(request, item, lambda: _take(request, item, code, form))


def _take(request: ActorRequest, item: HospitalItem, code: str, form: TakeForm) -> Result:
    # as of now: what was certain before the item or the catalogue changed may not spare anybody a look
    suggestion: Suggestion = suggest_item(item)
    candidates = suggestion.candidates
    best = next((one for one in candidates if one["code"] == code), None)
    sure = suggestion.certainty == Certainty.CERTAIN and best is not None and best is candidates[0]
    reasons = best.get("reasons", []) if best is not None else _reasons(item, code)
    made = services.propose_mapping(
        request.actor,
        item=item,
        code=code,
        begndate=form.cleaned_data["begndate"],
        enddate=form.cleaned_data["enddate"],
        source=Source.SUGGESTED if best is not None else Source.SEARCHED,
        score=best.get("score") if best is not None else None,
        certain=sure,
        reasons=reasons,
        memo=form.cleaned_data["memo"],
    )
    name = made.code_facts.get("name", "")
    return Result(f"已对码，待另一人审核：{item.fixmedins_hilist_name} → {name}（{code}）。", after(request))


def _reasons(item: HospitalItem, code: str) -> list[dict[str, Any]]:
    row = catalogue.code_row(item.list_type, code)
    return compared(item, row) if row is not None else []


def _once(request: ActorRequest, item: HospitalItem, work: Callable[[], Result]) -> HttpResponseBase:
    try:
        result = once(request.user, request.POST.get(FIELD, ""), TAKE, lambda _: work())
    except (MappingError, NotAllowed, UnknownIntent) as error:
        messages.error(request, str(error))
        return _moved(request, after(request, stay=item.pk))
    if result.again:
        messages.info(request, f"已经执行过，没有重复执行。当时的结果：{result.message}")
    else:
        messages.success(request, result.message)
    return _moved(request, result.url)


@require_POST
@needs("mapping.view")
def skip(request: ActorRequest, pk: int) -> HttpResponseBase:
    """搁置, or back into the queue with `back`; then the next item."""
    item = get_object_or_404(items_of(request), pk=pk)
    try:
        if request.POST.get("back"):
            services.unskip_item(request.actor, item=item)
            messages.success(request, f"「{item.fixmedins_hilist_name}」已放回队列。")
        else:
            services.skip_item(request.actor, item=item)
            messages.info(request, f"「{item.fixmedins_hilist_name}」已搁置，今天在「已搁置」里，明天自动回到队列。")
    except NotAllowed as error:
        messages.error(request, str(error))
    return _moved(request, after(request))


@require_POST
@needs("mapping.view")
def no_code(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Say that an item needs no code, with a reason; then the next item."""
    item = get_object_or_404(items_of(request), pk=pk)
    reason = _said(request, "reason")

    def work() -> Result:
        rules.must_map(request.actor, item.list_type)
        need_no_code(request.actor, item=item, reason=reason)
        return Result(f"「{item.fixmedins_hilist_name}」已标为不需对照：{reason.strip()}。", after(request))

    return _once(request, item, work)


@require_POST
@needs("mapping.view")
def undo(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Take back one's own last proposal, and stand at its item again."""
    rows = Mapping.objects.visible_to(request.user).filter(institution=request.actor.institution)
    mapping = get_object_or_404(rows.select_related("item"), pk=pk)
    try:
        if mapping.proposed_by_id != request.user.pk:
            raise MappingError("这条对照是另一人提出的，不能在这里撤回。请在待审核里退回，或请其本人撤回。")
        services.cancel_mapping(request.actor, mapping=mapping, reason="对码后撤回")
        messages.success(request, f"已撤回「{mapping.item.fixmedins_hilist_name}」的对码。")
    except (MappingError, NotAllowed) as error:
        messages.error(request, str(error))
    return _moved(request, after(request, stay=mapping.item_id))


@require_POST
@needs("mapping.view")
def note(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Keep a comment and stay at the item (or at the page it was written on)."""
    item = get_object_or_404(items_of(request), pk=pk)
    about = Mapping.objects.filter(item=item, pk=_key(request.POST.get("mapping", "")) or 0).first()
    try:
        services.comment(request.actor, item=item, text=_said(request, "text"), mapping=about)
        messages.success(request, "备注已保存。")
    except (MappingError, NotAllowed) as error:
        messages.error(request, str(error))
    if about is not None:
        return go(request, about.get_absolute_url())
    return _moved(request, after(request, stay=item.pk))


@require_GET
@needs("mapping.view")
def keys(request: ActorRequest) -> HttpResponse:
    """The keys of the queues, for those who read them as a page."""
    return render(request, "mapping/review/keys.html")
