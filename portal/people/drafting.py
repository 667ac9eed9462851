"""The page's script saves, fetches and forgets half-filled forms here."""

from __future__ import annotations

import json

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.people import drafts
from portal.people.guard import ActorRequest, refuse, signed_in


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in
def draft(request: ActorRequest) -> HttpResponseBase:
    """GET ?path=: what was kept of a page's form. POST path, fields (JSON): keep it; without fields: forget it."""
    if request.actor is None:
        return refuse(request, "", "您还没有在任何机构任职。")
    if request.method == "GET":
        return JsonResponse(_kept(request, request.GET.get("path", "").replace("\0", "")))
    path = request.POST.get("path", "").replace("\0", "")
    fields = _fields(request.POST.get("fields", ""))
    if not path or fields is None:
        return JsonResponse({"words": "没有保存：内容不完整。"}, status=400)
    if not fields:
        drafts.drop(request.actor, path)
        return HttpResponse(status=204)
    try:
        saved = drafts.save(request.actor, path=path, fields=fields)
    except drafts.TooLong as error:
        return JsonResponse({"words": str(error)}, status=400)
    return JsonResponse({"saved": timezone.localtime(saved).strftime("%H:%M")})


def _kept(request: ActorRequest, path: str) -> dict[str, object]:
    found = drafts.find(request.actor, path)
    if found is None:
        return {"saved": None, "fields": []}
    saved, fields = found
    return {"saved": timezone.localtime(saved).strftime("%m-%d %H:%M"), "fields": fields}


def _fields(text: str) -> drafts.Fields | None:
    """Return the fields a browser sent, None when they are not a list of pairs of texts."""
    try:
        given = json.loads(text) if text else []
    except ValueError:
        return None
    if not isinstance(given, list):
        return None
    pairs = [(pair[0], pair[1]) for pair in given if isinstance(pair, list) and len(pair) == 2]
    if len(pairs) != len(given) or not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        return None
    return pairs
