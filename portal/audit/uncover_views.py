"""The small eye: a reason, then the values in this one answer."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.audit.uncovering import (
    LEAST_REASON,
    Uncoverable,
    UncoverRefused,
    clear_values,
    uncover,
    uncoverable,
)
from portal.people.guard import ActorRequest, is_htmx, needs, refuse


@never_cache
@require_http_methods(["GET", "POST"])
@needs("privacy.uncover")
def uncover_one(request: ActorRequest, label: str, pk: int) -> HttpResponseBase:
    """Ask for the reason (GET), or show the fields once (POST). A reload of the page masks them again.

    `fields` repeats in the address. htmx gets a piece to stand in the place of the masked value; without script it
    is a page of its own.
    """
    what = _what(label)
    if not request.actor.may(what.action):
        return refuse(request, what.action)
    rows = what.visible(request.user).filter(institution=request.actor.institution)
    thing = get_object_or_404(rows, pk=pk)
    fields = [name for name in request.GET.getlist("fields") if name in what.fields]
    context: dict[str, Any] = {
        "labels": "、".join(what.fields[name] for name in fields),
        "masked": [(what.fields[name], what.masked(thing, name)) for name in fields],
        "least": LEAST_REASON,
    }
    if request.method == "POST":
        try:
            uncover(request.actor, thing, fields=fields, reason=request.POST.get("reason", ""))
            context["values"] = clear_values(thing, fields)
        except UncoverRefused as error:
            context |= {"fault": str(error), "reason": request.POST.get("reason", "")}
    # 200 also for a fault: htmx would not put a 422 into its place
    return _render(request, context)


def _what(label: str) -> Uncoverable:
    try:
        return uncoverable(label)
    except LookupError:
        raise Http404 from None


def _render(request: ActorRequest, context: dict[str, Any]) -> HttpResponse:
    template = "audit/uncover_piece.html" if is_htmx(request) else "audit/uncover.html"
    return render(request, template, context)
