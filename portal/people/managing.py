"""系统 · 人员: who works here, with which roles; passwords and locks."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.audit.queries import history
from portal.people import queries, services, throttle
from portal.people.actor import NotAllowed
from portal.people.forms import GrantForm, PersonForm
from portal.people.guard import ActorRequest, needs
from portal.people.models import Person

PER_PAGE = 50


@require_GET
@needs("people.manage")
def index(request: ActorRequest) -> HttpResponseBase:
    """Everybody who works in the institution at hand."""
    words = request.GET.get("words", "").replace("\0", "").strip()
    page = Paginator(queries.staff_of(request.actor, words), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/list.html", {"page": page, "words": words})


@never_cache
@require_http_methods(["GET", "POST"])
@needs("people.manage")
def new(request: ActorRequest) -> HttpResponseBase:
    """A new person with a first role; the initial password is shown once and kept nowhere."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password, given = services.make_password(), form.cleaned_data
        try:
            with transaction.atomic():
                person = services.create_person(
                    request.actor, username=given["username"], name=given["name"], password=password
                )
                services.grant(request.actor, person=person, role=given["role"], opter=given["opter"])
            return render(request, "people/given.html", {"person": person, "password": password})
        except ValidationError as error:
            form.add_error(None, error.messages)
    return render(request, "people/new.html", {"form": form})


@require_GET
@needs("people.manage")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One person: roles here, locks, what was done to the account."""
    person = _person(request, pk)
    context = {
        "person": person,
        "roles": person.memberships_at(request.actor.institution),
        "form": GrantForm(),
        "locked_until": throttle.locked_until(person.username),
        "events": history(person)[:50],
    }
    return render(request, "people/detail.html", context)


@require_POST
@needs("people.manage")
def grant(request: ActorRequest, pk: int) -> HttpResponse:
    """One more role, or another operator number for a role."""
    person, form = _person(request, pk), GrantForm(request.POST)
    if not form.is_valid():
        messages.error(request, "没有授权：请选择一个角色。")
    else:
        member = services.grant(request.actor, person=person, **form.cleaned_data)
        messages.success(request, f"已授予 {person}「{member.get_role_display()}」。")
    return redirect("people:detail", pk)


@require_POST
@needs("people.manage")
def revoke(request: ActorRequest, pk: int, membership: int) -> HttpResponse:
    """Take a role away."""
    person = _person(request, pk)
    member = next((m for m in person.memberships_at(request.actor.institution) if m.pk == membership), None)
    if member is not None:
        _try(
            request,
            lambda: services.revoke(request.actor, membership=member),
            f"已收回「{member.get_role_display()}」。",
        )
    still_here = Person.objects.filter(pk=pk, memberships__institution=request.actor.institution).exists()
    return redirect("people:detail", pk) if still_here else redirect("people:list")


@never_cache
@require_POST
@needs("people.manage")
def reset(request: ActorRequest, pk: int) -> HttpResponse:
    """A new initial password, shown once."""
    person, password = _person(request, pk), services.make_password()
    services.set_password(request.actor, person=person, password=password)
    return render(request, "people/given.html", {"person": person, "password": password})


@require_POST
@needs("people.manage")
def lock(request: ActorRequest, pk: int) -> HttpResponse:
    """Stop a person from logging in."""
    person = _person(request, pk)
    _try(request, lambda: services.lock_person(request.actor, person=person), f"已停用 {person} 的账号。")
    return redirect("people:detail", pk)


@require_POST
@needs("people.manage")
def unlock(request: ActorRequest, pk: int) -> HttpResponse:
    """Let a person log in again."""
    person = _person(request, pk)
    services.unlock_person(request.actor, person=person)
    messages.success(request, f"已启用 {person} 的账号。")
    return redirect("people:detail", pk)


def _person(request: ActorRequest, pk: int) -> Person:
    return get_object_or_404(queries.staff_of(request.actor), pk=pk)


def _try(request: ActorRequest, act: Callable[[], None], words: str) -> None:
    """Call a service and say what came of it; a refusal with a reason of its own stays on the page."""
    try:
        act()
        messages.success(request, words)
    except NotAllowed as error:
        messages.error(request, str(error))
