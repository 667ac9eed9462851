"""系统 · 运行状态 and 安全保护."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.people.guard import ActorRequest, needs
from portal.system.protection import Met, items
from portal.system.status import status


@require_safe
@needs("system.view")
def health(request: ActorRequest) -> HttpResponseBase:
    """Show how the portal itself is."""
    return render(request, "system/health.html", status())


@require_safe
@needs("security.view")
def protection(request: ActorRequest) -> HttpResponseBase:
    """Show which requirement is met where, looked at now."""
    found = items(request.actor)
    numbers = Counter(item.found.state for item in found)
    counts = [(state, numbers[state]) for state in Met if numbers[state]]
    note = "，".join(f"{state.label} {number} 项" for state, number in counts)
    return render(request, "system/protection.html", {"items": found, "counts": counts, "print_note": note})
