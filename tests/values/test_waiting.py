"""Values nobody has mapped: noted once, waited for, and what waits goes by itself, each thing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.values import services
from portal.values.models import MissingValue, ValueMapping, Waiting
from portal.values.registry import register_waiter
from portal.values.tasks import go_on
from portal.values.waiting import note_many, note_missing, ready, withdraw

pytestmark = pytest.mark.django_db(transaction=True)


class Rows:
    """A waiter that counts how often each of its things was let go."""

    def __init__(self) -> None:
        self.went: Counter[str] = Counter()
        self.broken = ""

    def release(self, institution: Institution, references: Sequence[str]) -> dict[str, str]:
        """Count; break at the broken one."""
        if self.broken in references:
            raise RuntimeError("broken")
        self.went.update(references)
        return dict.fromkeys(references, "已导入")


@pytest.fixture
def rows() -> Rows:
    made = Rows()
    register_waiter("tests.row", made.release, label="测试行")
    return made


def in_force(actor: Actor, source: str, **more: object) -> ValueMapping:
    made = services.propose(actor, set_code="fruit", source=source, target="A1", **more)  # type: ignore[arg-type]
    services.submit(actor, mappings=[made])
    return made


def run_releases() -> None:
    for task in Task.objects.filter(kind="values.release", ended_at=None):
        run_task(task.pk)


def test_a_value_is_noted_once_however_often_it_comes(actor: Actor) -> None:
    for _ in range(3):
        note_missing(actor.institution, "fruit", "芒果", waiting=("tests.row", "1"))
        note_missing(actor.institution, "fruit", " 芒果 ", waiting=("tests.row", "2"), label="大芒果")
    found = MissingValue.objects.get()
    assert (found.source, found.count, found.source_label) == ("芒果", 6, "大芒果")
    assert Waiting.objects.count() == 2


def test_what_waits_goes_once_when_its_value_is_mapped(actor: Actor, rows: Rows) -> None:
    note_many(actor.institution, "fruit", {"芒果": ["1", "2"], "西瓜": ["2", "3"]}, waiter="tests.row")
    in_force(actor, "芒果")
    run_releases()
    assert rows.went == {"1": 1}
    in_force(actor, "西瓜")
    run_releases()
    go_on()
    run_releases()
    assert rows.went == {"1": 1, "2": 1, "3": 1}
    assert set(Waiting.objects.values_list("words", flat=True)) == {"已导入"}
    assert Task.objects.filter(kind="values.release").latest("pk").result == {"已导入": 2}


def test_other_institutions_wait_on(actor: Actor, elsewhere: Institution, rows: Rows) -> None:
    note_missing(elsewhere, "fruit", "芒果", waiting=("tests.row", "theirs"))
    in_force(actor, "芒果")
    go_on()
    run_releases()
    assert rows.went == {}


def test_a_mapping_from_tomorrow_releases_nothing_today(actor: Actor, rows: Rows) -> None:
    note_missing(actor.institution, "fruit", "芒果", waiting=("tests.row", "1"))
    in_force(actor, "芒果", begins=timezone.localdate() + timedelta(days=1))
    assert not Task.objects.filter(kind="values.release").exists()
    ValueMapping.objects.update(begins=timezone.localdate())
    go_on()
    run_releases()
    assert rows.went == {"1": 1}


def test_one_that_breaks_does_not_hold_the_others(actor: Actor, rows: Rows) -> None:
    note_many(actor.institution, "fruit", {"芒果": ["1", "2", "3"]}, waiter="tests.row")
    rows.broken = "2"
    in_force(actor, "芒果")
    run_releases()
    assert rows.went == {"1": 1, "3": 1}
    assert "手工处理" in Waiting.objects.get(reference="2").words


def test_what_a_waiter_finds_missing_again_stays_noted(actor: Actor) -> None:
    def again(institution: Institution, references: Sequence[str]) -> dict[str, str]:
        note_many(institution, "fruit", {"西瓜": list(references)}, waiter="tests.row")
        return {}

    register_waiter("tests.row", again)
    note_missing(actor.institution, "fruit", "芒果", waiting=("tests.row", "1"))
    in_force(actor, "芒果")
    run_releases()
    assert list(Waiting.objects.filter(released_at=None).values_list("missing__source", flat=True)) == ["西瓜"]
    assert not ready(actor.institution).exists()


def test_a_value_that_lost_its_mapping_is_missing_again(actor: Actor, rows: Rows) -> None:
    note_missing(actor.institution, "fruit", "芒果", waiting=("tests.row", "1"))
    made = in_force(actor, "芒果", begins=timezone.localdate() - timedelta(days=3))
    run_releases()
    yesterday = timezone.localdate() - timedelta(days=1)
    services.end(actor, mappings=[made], last_day=yesterday, reason="停用")
    note_missing(actor.institution, "fruit", "芒果", waiting=("tests.row", "9"))
    assert MissingValue.objects.get().settled_at is None
    in_force(actor, "芒果")
    run_releases()
    assert rows.went == {"1": 1, "9": 1}


def test_what_was_given_up_waits_no_longer(actor: Actor, rows: Rows) -> None:
    note_many(actor.institution, "fruit", {"芒果": ["1", "2"]}, waiter="tests.row")
    assert withdraw(actor.institution, "tests.row", ["1"]) == 1
    in_force(actor, "芒果")
    run_releases()
    assert rows.went == {"2": 1}


def test_thousands_are_noted_in_a_few_statements(actor: Actor) -> None:
    values = {f"D{number}": [f"r{number}"] for number in range(3_000)}
    with CaptureQueriesContext(connection) as queries:
        note_many(actor.institution, "price", values, waiter="tests.row")
    assert len(queries) < 6
    assert Waiting.objects.count() == 3_000
