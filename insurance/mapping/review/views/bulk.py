"""批量采用: the certain suggestions of a queue, looked over in a list, handed in with one act."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from insurance.catalogue import queries as catalogue
from insurance.mapping import rules
from insurance.mapping.models import HospitalItem
from insurance.mapping.review import queue, services
from insurance.mapping.review.showing import UNKNOWN, Mark, marks_of
from insurance.mapping.review.views.bench import items_of
from portal.lists.batch import LEVELS
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, once
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, go, needs

PURPOSE = "mapping.certain"
MOST = 500
LEFT_OUT_SHOWN = 5


@require_http_methods(["GET", "POST"])
@needs("mapping.view")
def certain(request: ActorRequest) -> HttpResponseBase:
    """The list to look over; posted, the rows that were left ticked are proposed, once."""
    if request.method == "POST":
        return _hand_in(request)
    rows, total = _rows(request)
    context = {
        "rows": rows,
        "total": total,
        "rest": total - len(rows),
        "revenue": sum(item.revenue for item, *_ in rows),
        "kind": request.GET.get("kind", ""),
        "kinds": [("", "我负责的"), *queue.groups()],
        "back": _bench(request.GET.get("kind", "")),
        "intent": issue(request.user, PURPOSE) if rows else None,
    }
    return render(request, "mapping/review/certain.html", context)


def _bench(kind: str) -> str:
    query = urlencode({"tab": "certain", **({"kind": kind} if kind else {})})
    return f"{reverse('mapping:review')}?{query}"


def _rows(request: ActorRequest) -> tuple[list[tuple[HospitalItem, str, Any, list[Mark]]], int]:
    """Return item, code, its row and the marks that do not simply agree, dearest first, and how many there are."""
    mine = set(rules.mapped_by(request.actor))
    kinds = [one for one in queue.kinds_of(request.actor, request.GET.get("kind", "")) if one in mine]
    tab = next(one for one in queue.tabs() if one.key == "certain")
    found = queue.waiting(request.actor, kinds).filter(tab.rows)
    items = list(found.order_by(*queue.ORDER)[:MOST])
    codes = {item.pk: str(item.suggestion.candidates[0]["code"]) for item in items if item.suggestion.candidates}
    known: dict[tuple[str, str], Any] = {}
    for kind in kinds:
        wanted = [codes[item.pk] for item in items if item.list_type == kind and item.pk in codes]
        known |= {(kind, code): row for code, row in catalogue.code_rows(kind, wanted).items()} if wanted else {}
    shown = [
        (item, codes[item.pk], known.get((item.list_type, codes[item.pk])), _marks(item))
        for item in items
        if item.pk in codes
    ]
    return shown, found.count()


def _marks(item: HospitalItem) -> list[Mark]:
    return [mark for mark in marks_of(item.suggestion.candidates[0].get("reasons", [])) if mark.how != UNKNOWN]


def _hand_in(request: ActorRequest) -> HttpResponseBase:
    keys = [int(key) for key in request.POST.getlist("row") if key.isascii() and key.isdecimal() and len(key) < 19]
    if not keys:
        messages.error(request, "没有提交：一条也没有勾选。请勾选后再提交。")
        return go(request, request.get_full_path())
    try:
        result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _propose(request, keys))
    except (NotAllowed, UnknownIntent) as error:
        messages.error(request, f"没有提交：{error}")
        return go(request, _bench(request.POST.get("kind", "")))
    if result.again:
        messages.info(request, f"已经提交过，没有重复执行。当时的结果：{result.message}")
    else:
        messages.add_message(request, LEVELS[result.level], result.message)
    return go(request, result.url)


def _propose(request: ActorRequest, keys: list[int]) -> Result:
    items = list(items_of(request).filter(pk__in=keys[:MOST]))
    shown = {item.pk: request.POST.get(f"code-{item.pk}", "") for item in items}
    done = services.propose_certain(request.actor, items=items, shown=shown)
    words = f"已提交 {len(done.made):,} 条，待另一人审核；审核通过后才上传。"
    if done.left_out:
        reasons = "；".join(why.rstrip("。") for _, why in done.left_out[:LEFT_OUT_SHOWN])
        words += f"另有 {len(done.left_out):,} 条没有提交：{reasons}。"
    url = _bench(request.POST.get("kind", ""))
    return Result(words[:500], url, "warning" if done.left_out else "success")
