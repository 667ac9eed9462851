"""审核批次: what was drawn is looked at one by one, then all of it goes with one act."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from insurance.mapping.choices import MappingState
from insurance.mapping.errors import MappingError
from insurance.mapping.models import ApprovalLook, ApprovalRound, Mapping
from insurance.mapping.review import services
from insurance.mapping.review.facts import digest_of
from insurance.mapping.review.forms import ReturnForm
from insurance.mapping.review.pairing import pairs_of
from insurance.mapping.review.showing import marks_of
from portal.lists.batch import LEVELS
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, once
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, go, needs

PURPOSE = "mapping.round"
SHOWN = 50
TOLD = 4


def _round(request: ActorRequest, pk: int) -> ApprovalRound:
    rows = ApprovalRound.objects.visible_to(request.user).filter(institution=request.actor.institution)
    found: ApprovalRound = get_object_or_404(rows.select_related("person"), pk=pk)
    return found


def _look(request: ActorRequest, pk: int) -> ApprovalLook:
    rows = ApprovalLook.objects.filter(round__institution=request.actor.institution)
    found: ApprovalLook = get_object_or_404(rows.select_related("round", "mapping"), pk=pk)
    return found


@require_GET
@needs("mapping.approve")
def show(request: ActorRequest, pk: int) -> HttpResponseBase:
    """The next one to look at, or, when all were seen, what goes with one act."""
    made = _round(request, pk)
    looks = list(
        made.looks.select_related("mapping__item", "mapping__proposed_by", "mapping__replaces").order_by("why", "pk")
    )
    open_ones = [one for one in looks if one.looked_at is None and one.mapping.state == MappingState.PROPOSED]
    seen = len(looks) - len(open_ones)
    context: dict[str, Any] = {
        "round": made, "own": made.person_id == request.user.pk, "looks": looks, "seen": seen,
        "look": open_ones[0] if open_ones else None,
        "form": ReturnForm(), "reasons": Counter(one.get_why_display() for one in looks).items(),
    }  # fmt: skip
    context |= _one(open_ones[0].mapping) if open_ones else _all(request, made)
    return render(request, "mapping/review/round.html", context)


def _one(mapping: Mapping) -> dict[str, Any]:
    return {"mapping": mapping, "pairs": pairs_of(mapping)}


def _all(request: ActorRequest, made: ApprovalRound) -> dict[str, Any]:
    """Return what would go, and what has changed or gone since it was drawn."""
    rows = Mapping.objects.filter(pk__in=[int(key) for key in made.shown], state=MappingState.PROPOSED)
    waiting = list(rows.select_related("item", "proposed_by", "replaces").order_by("-item__revenue", "pk"))
    able = [one for one in waiting if made.shown[str(one.pk)] == digest_of(one)]
    return {
        "able": [(one, marks_of(one.reasons)) for one in able[:SHOWN]],
        "able_count": len(able),
        "changed": [one for one in waiting if made.shown[str(one.pk)] != digest_of(one)][:SHOWN],
        "gone": len(made.shown) - len(waiting),
        "revenue": sum(one.item.revenue for one in able),
        "kinds": Counter(one.get_list_type_display() for one in able).items(),
        "replacing": sum(one.replaces_id is not None for one in able),
        "intent": issue(request.user, PURPOSE, {"round": made.pk}) if able and made.approved_at is None else None,
    }


@require_POST
@needs("mapping.approve")
def look(request: ActorRequest, pk: int) -> HttpResponseBase:
    """看过，无误: note it and show the next."""
    found = _look(request, pk)
    made = found.round
    try:
        services.look_at(request.actor, look=found)
    except (MappingError, NotAllowed) as error:
        messages.error(request, str(error))
    return go(request, made.get_absolute_url())


@require_POST
@needs("mapping.approve")
def give_back(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Return the one that is being looked at, with a reason, and show the next."""
    found = _look(request, pk)
    made = found.round
    form = ReturnForm(request.POST)
    if not form.is_valid():
        messages.error(request, "没有退回：请选择或填写退回原因，对码人要据此改正。")
        return go(request, made.get_absolute_url())
    try:
        services.look_at(request.actor, look=found)
        services.return_mappings(request.actor, mappings=[found.mapping], reason=form.cleaned_data["words"])
        messages.success(request, f"已退回 {found.mapping}。")
    except (MappingError, NotAllowed) as error:
        messages.error(request, str(error))
    return go(request, made.get_absolute_url())


@require_POST
@needs("mapping.approve")
def approve(request: ActorRequest, pk: int) -> HttpResponseBase:
    """通过 M 条, once."""
    made = _round(request, pk)
    try:
        result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _approve(request, made))
    except (MappingError, NotAllowed, UnknownIntent) as error:
        messages.error(request, f"没有通过：{error}")
        return go(request, made.get_absolute_url())
    if result.again:
        messages.info(request, f"已经执行过，没有重复执行。当时的结果：{result.message}")
    else:
        messages.add_message(request, LEVELS[result.level], result.message)
    return go(request, result.url)


def _approve(request: ActorRequest, made: ApprovalRound) -> Result:
    done = services.approve_round(request.actor, round=made)
    words = f"已通过 {len(done.approved):,} 条，{done.queued:,} 条正在上传（3301）。"
    rest = [why for _, why in done.left_out] + done.held_back
    if rest:
        words += f"{len(rest):,} 条另有说明：{'；'.join(rest[:TOLD])}。"
    return Result(words[:500], reverse("mapping:approvals"), "warning" if rest else "success")
