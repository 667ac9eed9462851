"""交接: one's own open items, or a leaver's, to another person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from portal.approvals.errors import ApprovalRefused
from portal.approvals.handing import acknowledge, hand_over, handover_kinds
from portal.approvals.models import Handover
from portal.approvals.views.leaves import staff
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.people.guard import ActorRequest, needs
from portal.people.models import Membership, Person

PURPOSE = "approvals.handover"
SHOWN = 50


@require_http_methods(["GET", "POST"])
@needs("approvals.view")
def handover(request: ActorRequest) -> HttpResponseBase:
    """What is open, to whom it shall go, and what was handed over before."""
    giver = _giver(request)
    if request.method == "POST":
        answer = _hand(request, giver)
        if answer is not None:
            return answer
    context = {
        "giver": giver,
        "own": giver.pk == request.user.pk,
        "givers": _givers(request) if request.actor.may("approvals.handover") else [],
        "takers": staff(request.actor).exclude(pk=giver.pk),
        "groups": [(kind, kind.items(giver, request.actor.institution)) for kind in handover_kinds()],
        "past": _visible(request).select_related("giver", "taker", "made_by")[:SHOWN],
        "note": request.POST.get("note", ""),
    }
    return render(request, "approvals/handover.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@needs("approvals.view")
def seen(request: ActorRequest, pk: int) -> HttpResponse:
    """The taker has read it."""
    found: Handover = get_object_or_404(_visible(request), pk=pk)
    acknowledge(request.actor, handover=found)
    messages.success(request, f"已确认接手 {found.giver} 的 {found.count} 项。")
    return redirect("approvals:handover")


def _hand(request: ActorRequest, giver: Person) -> HttpResponse | None:
    """Carry out once; None when the page must be shown again with what is wrong."""
    chosen: dict[str, set[int]] = {}
    for value in request.POST.getlist("item"):
        code, _, key = value.rpartition("/")
        if key.isdecimal():
            chosen.setdefault(code, set()).add(int(key))
    taker = staff(request.actor).filter(pk=_number(request.POST.get("taker", ""))).first()
    if taker is None:
        messages.error(request, "没有交接：请选择接手人。")
        return None

    def work(_: Any) -> Result:
        made = hand_over(request.actor, giver=giver, taker=taker, chosen=chosen, note=request.POST.get("note", ""))
        return Result(f"已把 {giver} 的 {made.count} 项交接给 {taker}，对方登录后会看到。", _address(giver, request))

    try:
        result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, work)
    except (ApprovalRefused, UnknownIntent) as error:
        messages.error(request, str(error))
        return None
    messages.success(request, result.message)
    return redirect(result.url)


def _giver(request: ActorRequest) -> Person:
    """Return whose items are meant: another's only with the right, else one's own."""
    wanted = _number(request.POST.get("giver") or request.GET.get("giver") or "")
    if wanted and wanted != request.user.pk and request.actor.may("approvals.handover"):
        return get_object_or_404(_givers(request), pk=wanted)
    return request.user


def _givers(request: ActorRequest) -> QuerySet[Person]:
    """Return everybody of the institution, also whose account was stopped: a leaver's items must go somewhere."""
    here = Membership.objects.filter(institution=request.actor.institution).values("person")
    return Person.objects.filter(pk__in=here).order_by("name", "pk")


def _visible(request: ActorRequest) -> QuerySet[Handover]:
    rows: QuerySet[Handover] = Handover.objects.visible_to(request.user)
    rows = rows.filter(institution=request.actor.institution).order_by("-pk")
    if not request.actor.may("approvals.handover"):
        rows = rows.filter(Q(giver=request.user) | Q(taker=request.user))
    return rows


def _number(text: str) -> int:
    """Return a typed key, 0 for what is none."""
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _address(giver: Person, request: ActorRequest) -> str:
    base = reverse("approvals:handover")
    return base if giver.pk == request.user.pk else f"{base}?giver={giver.pk}"
