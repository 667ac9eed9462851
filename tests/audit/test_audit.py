"""The audit keeps what was decided and cannot be changed."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import InternalError, transaction
from django.db.utils import DatabaseError

from portal.audit.acts import one_act
from portal.audit.models import AuditEvent
from portal.audit.queries import history
from portal.audit.services import record, subject_of
from portal.people.actor import Actor
from tests.people.factories import make_actor, make_institution, make_person

pytestmark = pytest.mark.django_db


def test_it_keeps_who_did_what_to_which_and_why() -> None:
    actor = make_actor()
    person = make_person()
    event = record(actor, "room.verb", [person, "app.model:7"], label="做了什么", reason="为什么", rows=3)
    event.refresh_from_db()
    assert (event.person, event.institution, event.actor_name) == (actor.person, actor.institution, actor.name)
    assert event.subjects == [f"people.person:{person.pk}", "app.model:7"]
    assert (event.detail, event.reason, event.ip) == ({"rows": 3}, "为什么", "10.9.8.7")


def test_a_system_account_has_a_name_and_no_person() -> None:
    event = record(Actor.system(make_institution(), "定时"), "room.verb")
    assert (event.person, event.actor_name, event.ip) == (None, "定时", None)


@pytest.mark.parametrize("change", ["update", "delete", "save", "raw"])
def test_nothing_is_changed_or_deleted(change: str) -> None:
    event = record(make_actor(), "room.verb", label="原来")

    def try_it() -> None:
        with transaction.atomic():
            if change == "update":
                AuditEvent.objects.filter(pk=event.pk).update(label="改了")
            elif change == "delete":
                event.delete()
            elif change == "save":
                event.label = "改了"
                event.save()
            else:
                AuditEvent.objects.raw("UPDATE audit_auditevent SET label = 'x' RETURNING id")[0]

    with pytest.raises((InternalError, DatabaseError), match="append-only"):
        try_it()
    assert AuditEvent.objects.get().label == "原来"


def test_history_finds_a_record_and_only_that_one_newest_first() -> None:
    actor, person = make_actor(), make_person()
    record(actor, "room.first", [person])
    record(actor, "room.other", [f"{subject_of(person)}1"])
    record(actor, "room.second", ["x.y:1", person])
    assert [event.action for event in history(person)] == ["room.second", "room.first"]
    assert [event.action for event in history(subject_of(person))] == ["room.second", "room.first"]


def test_history_uses_its_index() -> None:
    assert "@>" in str(history("people.person:1").query)


def test_only_people_of_the_institution_see_it() -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    record(Actor.system(here), "room.here")
    record(Actor.system(there), "room.there")
    assert [e.action for e in AuditEvent.objects.visible_to(make_person(institution=here))] == ["room.here"]
    assert not AuditEvent.objects.visible_to(make_person(role=None)).exists()


def test_it_rolls_back_with_what_it_tells_of() -> None:
    with transaction.atomic():
        record(make_actor(), "room.verb")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_one_act_is_one_event_a_kind_with_all_subjects_and_nothing_of_what_was_refused() -> None:
    actor = make_actor()
    with one_act("停用") as act:
        for number in range(3):
            with act.attempt():
                record(actor, "room.end", [f"a.b:{number}", "a.c:1"], label=f"停用 {number}", reason="合并")
        with suppress(ValueError), act.attempt():
            record(actor, "room.end", ["a.b:9"], label="停用 9", reason="合并")
            raise ValueError
        record(actor, "room.other", ["a.d:1"], label="别的")
        assert not AuditEvent.objects.exists()
    told = list(AuditEvent.objects.order_by("pk").values_list("action", "label", "subjects"))
    assert told == [
        ("room.end", "停用 3 条", ["a.b:0", "a.c:1", "a.b:1", "a.b:2"]),
        ("room.other", "别的", ["a.d:1"]),
    ]
    record(actor, "room.after")
    assert AuditEvent.objects.count() == 3


def test_an_act_that_fails_leaves_nothing() -> None:
    with suppress(ValueError), one_act("停用"):
        record(make_actor(), "room.end")
        raise ValueError
    record(make_actor(), "room.after")
    assert [event.action for event in AuditEvent.objects.all()] == ["room.after"]
