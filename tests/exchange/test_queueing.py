"""Queuing many at once: what `submit` would do one after the other, in few statements."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from insurance.directory.models import Department
from insurance.directory.services import submit_departments
from insurance.exchange.choices import SubmissionState
from insurance.exchange.errors import AlreadyOpen, PlatformError
from insurance.exchange.models import Connection, Submission
from insurance.exchange.services import resend, submit, submit_many, withdraw
from portal.people.actor import Actor

COMPARED = (
    "purpose", "subject_type", "subject_id", "label", "thread", "delivery", "priority", "digest", "opter", "state",
    "ready", "superseded", "requested_by_id", "insuplc_admdvs",
)  # fmt: skip
Make = Callable[..., Department]


def seen() -> list[tuple[Any, ...]]:
    """What stands in the queue, without keys; the order of each thread instead of its positions."""
    rows = list(Submission.objects.order_by("thread", "position", "pk"))
    return [tuple(getattr(row, name) for name in COMPARED) for row in rows]


def refuse(*submissions: Submission) -> None:
    """Put them where a refusal would."""
    Submission.objects.filter(pk__in=[item.pk for item in submissions]).update(state=SubmissionState.REFUSED)


@pytest.mark.django_db
def test_many_at_once_stand_as_if_they_had_come_one_by_one(
    actor: Actor, connection: Connection, department: Make
) -> None:
    fresh = [department(f"N{n}") for n in range(3)]
    again = [department(f"R{n}") for n in range(2)]
    behind = [department(f"B{n}") for n in range(2)]

    def before() -> None:
        refuse(*[submit(actor, purpose="department.add", subject=one) for one in again])
        for one in behind:
            submit(actor, purpose="department.add", subject=one)
        # what waits behind a refused one must not be overtaken by what replaces it
        submit(actor, purpose="department.change", subject=again[0])

    results = []
    for many in (False, True):
        with transaction.atomic():
            before()
            if many:
                submit_many(actor, purpose="department.add", subjects=[*fresh, *again])
                submit_many(actor, purpose="department.change", subjects=behind)
            else:
                for one in [*fresh, *again]:
                    submit(actor, purpose="department.add", subject=one)
                for one in behind:
                    submit(actor, purpose="department.change", subject=one)
            results.append(seen())
            transaction.set_rollback(True)
    assert results[0] == results[1]
    assert len(results[0]) == 5 + 2 + 2 + 1 + 2
    assert [row for row in results[0] if not row[COMPARED.index("ready")]], "nothing waits: the test shows nothing"


@pytest.mark.django_db
def test_one_that_is_on_its_way_refuses_all_and_is_named(
    actor: Actor, connection: Connection, department: Make
) -> None:
    open_one, other = department("O"), department("P")
    submit(actor, purpose="department.add", subject=open_one)
    with pytest.raises(AlreadyOpen, match="妇科O"):
        submit_many(actor, purpose="department.add", subjects=[other, open_one])
    with pytest.raises(AlreadyOpen, match="妇科P"):
        submit_many(actor, purpose="department.add", subjects=[other, other])
    assert Submission.objects.count() == 1


@pytest.mark.django_db
def test_two_thousand_cost_a_few_statements(actor: Actor, connection: Connection, department: Make) -> None:
    first = department("0")
    values = {
        field.attname: getattr(first, field.attname) for field in Department._meta.concrete_fields if field.name != "id"
    }
    made = Department.objects.bulk_create(
        Department(**(values | {"hosp_dept_codg": f"M{n:05d}", "hosp_dept_name": f"科{n}"})) for n in range(2000)
    )
    started = time.monotonic()
    with CaptureQueriesContext(database) as counted:
        queued = submit_many(actor, purpose="department.add", subjects=made)
    assert time.monotonic() - started < 10
    assert len(queued) == Submission.objects.filter(ready=True, state="queued").count() == 2000
    assert len(counted) <= 40
    assert Submission.objects.filter(position=0).count() == 0
    with CaptureQueriesContext(database) as counted:
        done = submit_departments(actor, departments=made)
    assert (len(done.queued), len(done.hindered)) == (0, 2000)
    for item in queued[:50]:
        withdraw(actor, submission=item)
    with CaptureQueriesContext(database) as counted:
        done = submit_departments(actor, departments=made)
    assert (len(done.queued), len(done.hindered), len(done.faulty)) == (50, 1950, 0)
    assert len(counted) <= 30


@pytest.mark.django_db(transaction=True)
def test_two_who_queue_the_same_at_once_queue_it_once(actor: Actor, connection: Connection, department: Make) -> None:
    made = [department(f"T{n:03d}") for n in range(230)]  # more than are locked one by one
    results: list[str] = []
    gate = threading.Barrier(3)

    def work(function: Callable[[], object]) -> None:
        gate.wait()
        try:
            with transaction.atomic():
                function()
            results.append("done")
        except AlreadyOpen:
            results.append("open")
        finally:
            connections.close_all()

    backwards = list(reversed(made))
    acts: list[Callable[[], object]] = [
        lambda: submit_many(actor, purpose="department.add", subjects=made),
        lambda: submit_many(actor, purpose="department.add", subjects=backwards),
        lambda: [submit(actor, purpose="department.add", subject=one) for one in made[100:103]],
    ]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 3
    rows = Submission.objects.values_list("subject_id", flat=True)
    assert len(rows) == len(set(rows))
    assert "done" in results
    assert Submission.objects.filter(ready=False).count() == 0


@pytest.mark.django_db(transaction=True)
def test_few_and_then_many_in_one_transaction_do_not_block_each_other(
    actor: Actor, connection: Connection, department: Make
) -> None:
    """Two offices upload some as new and many as changed: a lock made stronger half-way would be a deadlock."""
    halves = [[department(f"{name}{n:03d}") for n in range(230)] for name in "TU"]
    gate, results = threading.Barrier(2), list[str]()

    def work(made: list[Department]) -> None:
        try:
            with transaction.atomic():
                submit_many(actor, purpose="department.add", subjects=made[:5])
                with suppress(threading.BrokenBarrierError):
                    gate.wait(0.5)
                submit_many(actor, purpose="department.change", subjects=made)
            results.append("done")
        finally:
            connections.close_all()

    together([lambda made=made: work(made) for made in halves])
    assert results == ["done", "done"]
    assert Submission.objects.count() == 470


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(6))
def test_uploading_and_resending_the_same_at_once_is_one_of_both(
    actor: Actor, connection: Connection, department: Make, turn: int
) -> None:
    """Whoever resends needs the refused row and the thread, whoever uploads the same two: always in one order."""
    made = [department(f"R{n:02d}") for n in range(8)]
    fallen = [submit(actor, purpose="department.add", subject=one) for one in made]
    refuse(*fallen)
    results: list[str] = []
    gate = threading.Barrier(2)

    def work(function: Callable[[], object]) -> None:
        gate.wait()
        try:
            function()
            results.append("done")
        except PlatformError:
            results.append("late")
        finally:
            connections.close_all()

    def again() -> None:
        for one in fallen:
            with suppress(PlatformError):
                resend(actor, submission=one)

    together([lambda: work(lambda: submit_departments(actor, departments=made)), lambda: work(again)])
    assert results == ["done", "done"]
    assert Submission.objects.filter(state="queued").count() == 8
    assert Submission.objects.filter(state="queued", ready=False).count() == 0


def together(acts: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
