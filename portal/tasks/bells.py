"""The bell in the head, and the page of everything that rang."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal.people.guard import ActorRequest, needs
from portal.tasks import notices

SHOWN = 8
PER_PAGE = 50


@never_cache
@require_GET
@needs("desk.view")
def bell(request: ActorRequest) -> HttpResponse:
    """The bell alone, as the page asks for it now and then: the number of unseen notices and the newest ones."""
    context = {"unseen": notices.unseen(request.actor), "notices": notices.notices_of(request.actor)[:SHOWN]}
    return render(request, "tasks/_bell.html", context)


@require_GET
@needs("desk.view")
def index(request: ActorRequest) -> HttpResponseBase:
    """Everything that rang in the last month; what is shown counts as seen from then on."""
    page = Paginator(notices.notices_of(request.actor), PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    response = render(request, "tasks/notices.html", {"page": page, "notices": shown})
    if shown and request.GET.get("page", "1") == "1":
        notices.see(request.actor, up_to=shown[0].pk)
    return response
