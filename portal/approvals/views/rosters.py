"""值班表: a month of second persons for one right."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import DutyDay
from portal.approvals.registry import duties, kinds
from portal.approvals.rosters import candidates, may_plan, plan, spread
from portal.lists.forms import DateInput
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, needs
from portal.people.models import Person
from portal.people.roles import describe

WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")


@dataclass(frozen=True)
class Cell:
    """One day of the month's sheet; `inside` is False for the days of the neighbouring months."""

    day: date
    inside: bool
    today: bool
    person_id: int | None
    name: str


class SpreadForm(forms.Form):
    """The same person on chosen weekdays of a span."""

    person = forms.ModelChoiceField(label="第二人", queryset=Person.objects.none(), empty_label="请选择")
    start = forms.DateField(label="从", widget=DateInput())
    stop = forms.DateField(label="至", widget=DateInput())
    weekdays = forms.TypedMultipleChoiceField(
        label="星期",
        coerce=int,
        choices=list(enumerate(WEEKDAYS)),
        initial=[0, 1, 2, 3, 4],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, people: list[Person], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Person.objects.filter(pk__in=[one.pk for one in people]).order_by("name")


@require_GET
@needs("approvals.view")
def roster(request: ActorRequest) -> HttpResponseBase:
    """One month of one duty."""
    duty, month = _duty(request.GET.get("duty", "")), _month(request.GET.get("month", ""))
    people = candidates(request.actor.institution, duty) if duty else []
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    context = {
        "duty": duty,
        "duties": [(code, describe(code), _acts(code)) for code in duties()],
        "month": month,
        "before": (month - timedelta(days=1)).replace(day=1),
        "after": last + timedelta(days=1),
        "weeks": _weeks(request, duty, month),
        "weekdays": WEEKDAYS,
        "people": people,
        "may": bool(duty) and may_plan(request.actor, duty),
        "form": SpreadForm(people, initial={"start": max(month, timezone.localdate()), "stop": last}),
    }
    return render(request, "approvals/roster.html", context)


@require_POST
@needs("approvals.view")
def save(request: ActorRequest) -> HttpResponse:
    """Take the month as it stands on the sheet."""
    duty, month = _duty(request.POST.get("duty", "")), _month(request.POST.get("month", ""))
    people = {str(one.pk): one for one in candidates(request.actor.institution, duty)}
    days: dict[date, Person | None] = {}
    for week in calendar.Calendar().monthdatescalendar(month.year, month.month):
        for day in week:
            name = f"day-{day:%Y-%m-%d}"
            if day.month == month.month and name in request.POST:
                days[day] = people.get(request.POST[name])
    return _plan(request, duty, month, days)


@require_POST
@needs("approvals.view")
def fill(request: ActorRequest) -> HttpResponse:
    """The same person on chosen weekdays."""
    duty, month = _duty(request.POST.get("duty", "")), _month(request.POST.get("month", ""))
    form = SpreadForm(candidates(request.actor.institution, duty), request.POST)
    if not form.is_valid():
        messages.error(request, "没有保存：请选择第二人、起止日期和至少一个星期。")
        return redirect(_address(duty, month))
    given = form.cleaned_data
    try:
        days = dict.fromkeys(spread(given["start"], given["stop"], given["weekdays"]), given["person"])
    except ApprovalRefused as error:
        messages.error(request, str(error))
        return redirect(_address(duty, month))
    return _plan(request, duty, month, days)


def _plan(request: ActorRequest, duty: str, month: date, days: dict[date, Person | None]) -> HttpResponse:
    try:
        changed = plan(request.actor, duty=duty, days=days)
        messages.success(request, f"值班表已保存，改动 {changed} 天。" if changed else "值班表没有改动。")
    except (ApprovalRefused, NotAllowed) as error:
        messages.error(request, str(error))
    return redirect(_address(duty, month))


def _weeks(request: ActorRequest, duty: str, month: date) -> list[list[Cell]]:
    sheet = calendar.Calendar().monthdatescalendar(month.year, month.month)
    rows = DutyDay.objects.visible_to(request.user).filter(
        institution=request.actor.institution, duty=duty, day__range=(sheet[0][0], sheet[-1][-1])
    )
    known = {row.day: row.person for row in rows.select_related("person")}
    today = timezone.localdate()

    def cell(day: date) -> Cell:
        person = known.get(day)
        return Cell(day, day.month == month.month, day == today, person.pk if person else None, str(person or ""))

    return [[cell(day) for day in week] for week in sheet]


def _duty(wanted: str) -> str:
    known = duties()
    return wanted if wanted in known else next(iter(known), "")


def _month(text: str) -> date:
    """Return the first day of `YYYY-MM`, of this month when the text is none."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return timezone.localdate().replace(day=1)


def _acts(duty: str) -> str:
    return "、".join(kind.label for kind in kinds() if kind.approve == duty)


def _address(duty: str, month: date) -> str:
    return f"{reverse('approvals:roster')}?duty={duty}&month={month:%Y-%m}"
