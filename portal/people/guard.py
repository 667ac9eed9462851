"""Who may open a page: `@needs("room.verb")` before a view."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from portal.people.actor import Actor
from portal.people.models import LoginSession, Membership, Person
from portal.people.roles import describe, roles_with

P = ParamSpec("P")


class ActorRequest(HttpRequest):
    """A request that passed the guard: somebody is logged in and acts in an institution."""

    actor: Actor
    user: Person
    login: LoginSession
    htmx: Any


Guarded = Callable[Concatenate[ActorRequest, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def needs(action: str) -> Callable[[Guarded[P]], View[P]]:
    """Let only those in who may take `action` (`room.verb`) where they are.

    Not logged in → the login page and back; no right → a page that names the right and who can give it.
    """

    def decorate(view: Guarded[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            actor: Actor | None = getattr(request, "actor", None)
            if actor is None or not actor.may(action):
                return refuse(request, action)
            actor.must(action)
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # it has its actor now

        guarded.needs = action  # type: ignore[attr-defined]  # the permission matrix in the tests reads it
        return guarded

    return decorate


def signed_in(view: Guarded[P]) -> View[P]:
    """Let everybody in who is logged in, with or without an institution."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_login(request)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def to_login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the login page and afterwards back here; a piece of a page takes the whole page along.

    Somebody whose login ended while they filled in a form comes back to that form and learns that nothing was done.
    """
    back = request.get_full_path() if request.method == "GET" else _came_from(request)
    why = getattr(request, "ended_words", "")
    if request.method != "GET":
        because = f"登录已结束（{why}）" if why else "登录已超时"
        messages.warning(request, f"{because}，刚才的操作没有执行。请重新登录后再做一次。", fail_silently=True)
    elif why and not is_htmx(request):
        messages.info(request, f"登录已结束：{why}。请重新登录。", fail_silently=True)
    if is_htmx(request):
        # the piece has no page of its own: come back to the page that asked for it
        back = _path_of(request.headers.get("HX-Current-URL", "/"))
    return go(request, f"{reverse('people:login')}?{urlencode({REDIRECT_FIELD_NAME: back})}")


def go(request: HttpRequest, address: str) -> HttpResponse:
    """Redirect the whole browser page, also when only a piece was asked for."""
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def refuse(request: HttpRequest, action: str, words: str = "") -> HttpResponse:
    """Answer 403: which right is missing, which roles have it, who can give it. `words` replaces the first sentence."""
    actor: Actor | None = getattr(request, "actor", None)
    context = {
        "words": words,
        "right": describe(action) if action else "",
        "roles": roles_with(action) if action else [],
        "givers": _givers(actor),
        "institution": actor.institution if actor else None,
    }
    template = "people/_refused.html" if is_htmx(request) else "people/refused.html"
    return render(request, template, context, status=403)


def wrong_way(request: HttpRequest, answer: HttpResponseBase) -> HttpResponse:
    """Return Django's empty 405 with words: an address that only takes forms was reloaded or typed."""
    words = "这个地址只用来提交，不能直接打开或刷新。没有执行任何操作，请从菜单进入列表查看结果。"
    template = "people/_refused.html" if is_htmx(request) else "people/refused.html"
    shown = render(request, template, {"words": words}, status=405)
    shown["Allow"] = answer.headers.get("Allow", "")
    return shown


def is_htmx(request: HttpRequest) -> bool:
    """Say whether htmx asked for a piece of a page (a boosted link wants the whole page)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _came_from(request: HttpRequest) -> str:
    """Return the page of ours that a form stood on, "/" when the browser does not say."""
    came = request.headers.get("Referer", "")
    return _path_of(came) if urlsplit(came).netloc == request.get_host() else "/"


def _path_of(url: str) -> str:
    """Return path and query of an address of ours, so that nobody can be sent to another site."""
    parts = urlsplit(url)
    path = "/" + parts.path.lstrip("/")
    return f"{path}?{parts.query}" if parts.query else path


def _givers(actor: Actor | None) -> list[str]:
    """Return the names of up to five persons who can give rights here."""
    if actor is None:
        return []
    roles = [role.code for role in roles_with("people.grant")]
    members = Membership.objects.filter(institution=actor.institution, role__in=roles, person__is_active=True)
    return list(members.order_by("person__name").values_list("person__name", flat=True).distinct()[:5])
