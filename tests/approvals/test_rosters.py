"""值班表: who writes it, whom it may name, and where today's second person shows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import DutyDay
from portal.approvals.queries import on_duty
from portal.approvals.rosters import plan, spread
from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed

pytestmark = pytest.mark.django_db
DUTY = "exchange.approve"


def entered(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_planned_changed_and_cleared(institution, reviewer, both) -> None:
    actor, day = Actor.of(reviewer, institution), date(2026, 12, 1)
    assert plan(actor, duty=DUTY, days={day: reviewer, day + timedelta(days=1): both}) == 2
    assert plan(actor, duty=DUTY, days={day: reviewer, day + timedelta(days=1): None}) == 1
    assert on_duty(institution, DUTY, day) == reviewer
    assert on_duty(institution, DUTY, day + timedelta(days=1)) is None
    assert plan(actor, duty=DUTY, days={day: reviewer}) == 0
    assert AuditEvent.objects.filter(action="approvals.roster").count() == 2


def test_who_may_write_it_and_whom_it_may_name(institution, other_institution, reviewer, proposer, person) -> None:
    day = date(2026, 12, 1)
    with pytest.raises(NotAllowed):
        plan(Actor.of(proposer, institution), duty=DUTY, days={day: reviewer})
    officer = Actor.of(person("officer", institution, "security_admin"), institution)
    with pytest.raises(ApprovalRefused, match="没有"):
        plan(officer, duty=DUTY, days={day: proposer})
    with pytest.raises(ApprovalRefused, match="没有这种值班"):
        plan(officer, duty="made.up", days={day: reviewer})
    elsewhere = person("elsewhere", other_institution, "reviewer")
    with pytest.raises(ApprovalRefused):
        plan(officer, duty=DUTY, days={day: elsewhere})
    assert plan(officer, duty=DUTY, days={day: reviewer}) == 1
    assert on_duty(other_institution, DUTY, day) is None


def test_the_same_weekdays() -> None:
    days = spread(date(2026, 12, 1), date(2026, 12, 14), {0, 4})
    assert days == [date(2026, 12, 4), date(2026, 12, 7), date(2026, 12, 11), date(2026, 12, 14)]
    for start, stop, weekdays in (
        (date(2026, 12, 2), date(2026, 12, 1), {0}),
        (date(2026, 12, 1), date(2026, 12, 1), {0}),
        (date(2026, 1, 1), date(2028, 1, 1), {0}),
    ):
        with pytest.raises(ApprovalRefused):
            spread(start, stop, weekdays)


def test_the_month_through_the_page(institution, reviewer, member) -> None:
    client, day = entered(reviewer), date(2026, 12, 3)
    given = {"duty": DUTY, "month": "2026-12", f"day-{day}": str(reviewer.pk), "day-2027-01-01": str(reviewer.pk)}
    page = client.post(reverse("approvals:roster_save"), given, follow=True)
    assert "改动 1 天" in page.content.decode()
    assert list(DutyDay.objects.values_list("day", flat=True)) == [day]
    fill = {"duty": DUTY, "month": "2026-12", "person": reviewer.pk, "start": "2026-12-07", "stop": "2026-12-11"}
    client.post(reverse("approvals:roster_fill"), fill | {"weekdays": ["0", "2"]})
    assert DutyDay.objects.count() == 3
    refused = entered(member).post(reverse("approvals:roster_save"), given | {f"day-{day}": ""}, follow=True)
    assert DutyDay.objects.count() == 3
    assert refused.status_code == 200
    for wrong in ({"month": "x"}, {"duty": "nothing"}, {"month": "2026-99"}):
        assert client.get(reverse("approvals:roster"), wrong).status_code == 200


def test_todays_second_person_shows_where_one_waits(institution, reviewer, both, proposer, propose) -> None:
    plan(Actor.of(reviewer, institution), duty=DUTY, days={timezone.localdate(): reviewer})
    approval = propose()
    assert "今日第二人：<b>演示reviewer</b>" in entered(proposer).get(approval.get_absolute_url()).content.decode()
