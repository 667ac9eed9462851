"""代办: who stands in for whom."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.approvals import delegating
from portal.approvals.errors import ApprovalRefused
from portal.lists.forms import DateInput
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs
from portal.people.models import Membership, Person
from portal.people.roles import ROLE_CHOICES
from portal.people.standing import Delegation

PURPOSE = "approvals.leave"
SHOWN = 100


def staff(actor: Actor) -> QuerySet[Person]:
    """Return who works in the institution at hand and can log in, by name."""
    here = Membership.objects.filter(institution=actor.institution).values("person")
    return Person.objects.filter(pk__in=here, is_active=True).order_by("name", "pk")


class LeaveForm(forms.Form):
    """Who is away, who stands in, from when to when, with which roles."""

    absent = forms.ModelChoiceField(label="请假人", queryset=Person.objects.none(), empty_label=None)
    deputy = forms.ModelChoiceField(label="代办人", queryset=Person.objects.none(), empty_label="请选择")
    starts_on = forms.DateField(label="开始日期", widget=DateInput(), initial=timezone.localdate)
    ends_on = forms.DateField(label="结束日期", widget=DateInput(), help_text="含当天；到期自动结束。")
    roles = forms.MultipleChoiceField(
        label="代办角色", required=False, widget=forms.CheckboxSelectMultiple, help_text="不勾选即全部角色。"
    )
    reason = forms.CharField(label="原因", max_length=200, help_text="如年休假、外出培训。")

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everybody = staff(actor)
        assert actor.person is not None
        own = everybody.filter(pk=actor.person.pk)
        self._choose("absent", everybody if actor.may("security.manage") else own)
        self._choose("deputy", everybody.exclude(pk=actor.person.pk))
        mine = delegating.roles_at(actor.person, actor.institution)
        choices = ROLE_CHOICES if actor.may("security.manage") else [c for c in ROLE_CHOICES if c[0] in mine]
        field = self.fields["roles"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
        self.initial.setdefault("absent", actor.person.pk)

    def _choose(self, name: str, rows: QuerySet[Person]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows


@require_http_methods(["GET", "POST"])
@needs("approvals.view")
def leave(request: ActorRequest) -> HttpResponseBase:
    """What concerns this person (all for the security officer), and a form for a new one."""
    form = LeaveForm(request.actor, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _save(request, form))
            messages.success(request, result.message)
            return redirect("approvals:leave")
        except (ApprovalRefused, UnknownIntent) as error:
            form.add_error(None, str(error))
    context = {"form": form, "rows": _rows(request), "every": request.actor.may("security.manage")}
    return render(request, "approvals/leave.html", context, status=422 if form.errors else 200)


@require_POST
@needs("approvals.view")
def end(request: ActorRequest, pk: int) -> HttpResponse:
    """End one early."""
    found: Delegation = get_object_or_404(_visible(request), pk=pk)
    try:
        delegating.end_delegation(request.actor, delegation=found, reason=request.POST.get("reason", ""))
        messages.success(request, f"{found.deputy} 代 {found.absent} 已结束，立即生效。")
    except ApprovalRefused as error:
        messages.error(request, str(error))
    return redirect("approvals:leave")


def _save(request: ActorRequest, form: LeaveForm) -> Result:
    made = delegating.delegate(request.actor, **form.cleaned_data)
    return Result(f"已登记：{made.deputy} 代 {made.absent}，{made.starts_on} 至 {made.ends_on}。")


def _visible(request: ActorRequest) -> QuerySet[Delegation]:
    rows: QuerySet[Delegation] = Delegation.objects.visible_to(request.user)
    rows = rows.filter(institution=request.actor.institution)
    if not request.actor.may("security.manage"):
        rows = rows.filter(Q(absent=request.user) | Q(deputy=request.user))
    return rows


def _rows(request: ActorRequest) -> list[Delegation]:
    rows = _visible(request).select_related("absent", "deputy", "made_by", "ended_by")
    return list(rows.order_by("-ends_on", "-pk")[:SHOWN])
