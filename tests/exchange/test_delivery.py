"""The whole path in one process: what each answer and each fault does to submissions, calls and both books."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from django.db import connections, transaction
from django.utils import timezone

from insurance.directory.models import Department
from insurance.exchange import services
from insurance.exchange.bodies import body_of
from insurance.exchange.delivery import drain, take_lease
from insurance.exchange.errors import AlreadyOpen, PlatformError
from insurance.exchange.models import Call, CallBody, CallEvent, Connection, Session, Submission
from insurance.exchange.queries import predecessor
from portal.people.actor import Actor
from tests.exchange.conftest import both_books_agree, states
from tests.exchange.processes import wait_until
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., list[Submission]]


@pytest.fixture(autouse=True)
def short_waits(settings) -> None:  # type: ignore[no-untyped-def]
    settings.VERIFY_MIN_AGE = 0.3
    settings.VERIFY_EVERY = 0.2
    settings.BREAKER_SECONDS = 0.3
    settings.DEADLINE_SUBMIT = 3
    settings.DEADLINE_QUERY = 3
    settings.CONNECT_SECONDS = 1


def deliver(connection: Connection, until: Callable[[], bool] | None = None) -> None:
    """Drain again and again, as the dispatcher's rings would, until nothing is open (or `until`)."""

    def done() -> bool:
        drain(connection.pk, "interactive")
        if until is not None:
            return until()
        return not Submission.objects.filter(state__in=["queued", "sending", "unknown"]).exists()

    wait_until(done, "delivered")


def test_what_is_queued_arrives_and_is_applied(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    queue(*[f"D{number}" for number in range(20)])
    deliver(connection)
    assert states() == {"accepted": 20}
    both_books_agree(sandbox)
    call = Call.objects.filter(infno="3401").first()
    assert call is not None
    assert call.inf_refmsgid
    assert call.applied_at is not None
    assert [event.kind for event in call.events.order_by("id")] == ["prepared", "sent", "accepted", "applied"]
    assert len(sandbox.log("9001")) == 1, "one sign-in serves an operator's day"
    sent = json.loads(body_of(call.pk, "request") or b"")
    assert sent["msgid"] == call.msgid
    assert sent["sign_no"] == Session.objects.get().sign_no
    assert Department.objects.filter(state="in_force").count() == 20


def test_bodies_rest_encrypted_and_nothing_rewrites_them(connection: Connection, queue: Queue) -> None:
    queue("D1")
    deliver(connection)
    body = CallBody.objects.filter(part="request", call__infno="3401").get()
    assert "妇科".encode() not in bytes(body.sealed)
    for statement in (CallBody.objects.filter(pk=body.pk).update, CallEvent.objects.update):
        with pytest.raises(Exception, match="append-only"), transaction.atomic():
            statement(**({"part": "x"} if statement != CallEvent.objects.update else {"kind": "x"}))


def test_a_refusal_keeps_the_platforms_words(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    sandbox.fault("refuse", "3401", times=1, words="统筹区编号不在本机构范围")
    (one,) = queue("D1")
    deliver(connection)
    one.refresh_from_db()
    assert one.state == "refused"
    assert "统筹区编号" in one.words
    assert [row["endtime"] for row in sandbox.books("departments") if not row.get("withdrawn")] == []


def test_sent_again_after_a_refusal(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor
) -> None:
    sandbox.fault("refuse", "3401", times=1)
    (one,) = queue("D1")
    deliver(connection)
    one.refresh_from_db()
    again = services.resend(actor, submission=one)
    with pytest.raises(PlatformError):
        services.resend(actor, submission=one)
    deliver(connection)
    again.refresh_from_db()
    one.refresh_from_db()
    assert (again.state, one.superseded) == ("accepted", True)
    both_books_agree(sandbox)


@pytest.mark.parametrize(
    ("fault", "committed"),
    [
        ("cut_before", False),
        ("cut_after", True),
        ("cut_midway", True),
        ("not_json", True),
        ("empty", True),
        ("http_500", False),
        ("http_502_html", False),
    ],
)
def test_a_lost_answer_is_looked_for_before_anything_is_sent_again(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, fault: str, committed: bool
) -> None:
    sandbox.fault(fault, "3401", times=1)
    (one,) = queue("D1")
    deliver(connection)
    one.refresh_from_db()
    assert one.state == "accepted"
    assert ("平台有" if committed else "平台无") in one.settled
    both_books_agree(sandbox)
    assert len(sandbox.log("3401")) == (1 if committed else 2)
    assert len({row["msgid"] for row in sandbox.log("3401")}) == len(sandbox.log("3401"))
    assert sandbox.log("5101"), "the platform was asked"
    assert Call.objects.filter(infno="3401", state="unknown").count() == 1


def test_a_commit_after_five_hundred_is_found(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    sandbox.fault("http_500", "3401", times=1, commit=True)
    queue("D1")
    deliver(connection)
    assert states() == {"accepted": 1}
    both_books_agree(sandbox)
    assert len(sandbox.log("3401")) == 1


def test_a_gateways_clear_no_is_a_refusal(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    sandbox.fault("http_403", "3401", times=1)
    queue("D1")
    deliver(connection)
    assert states() == {"refused": 1}


def test_a_closed_platform_pauses_the_queue_and_loses_nothing(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.BREAKER_SECONDS = 60
    sandbox.stop()
    queue(*[f"D{number}" for number in range(30)])
    deliver(connection, lambda: Connection.objects.get().broken_until is not None)
    connection.refresh_from_db()
    assert connection.broken_words
    assert states() == {"queued": 30}
    burnt = sum(Submission.objects.values_list("attempts", flat=True))
    assert burnt <= settings.DELIVERY_THREADS * 2, "a closed platform must not burn attempts"
    assert drain(connection.pk, "interactive") == 0, "an open breaker sends nothing"
    sandbox.start()
    services.resume(actor, connection=connection)
    Submission.objects.update(not_before=None)
    deliver(connection)
    assert states() == {"accepted": 30}
    both_books_agree(sandbox)
    connection.refresh_from_db()
    assert (connection.failures, connection.broken_until) == (0, None)


def test_two_drains_send_nothing_twice(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    queue(*[f"D{number}" for number in range(40)])
    counts: list[int] = []

    def run() -> None:
        counts.append(drain(connection.pk, "interactive"))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver(connection)
    assert min(counts) == 0, "only one may hold the lease"
    assert len(sandbox.log("3401")) == 40
    both_books_agree(sandbox)


def test_a_fenced_drain_takes_nothing(connection: Connection, queue: Queue) -> None:
    from insurance.exchange.lines import open_line
    from insurance.exchange.waves import prepare_wave

    queue("D1")
    lease = take_lease(connection, "interactive")
    assert lease is not None
    assert take_lease(connection, "interactive") is None
    type(lease).objects.filter(pk=lease.pk).update(lease_until=timezone.now() - timezone.timedelta(seconds=1))
    newer = take_lease(connection, "interactive")
    assert newer is not None
    assert newer.fence > lease.fence
    with open_line(connection) as line:
        assert prepare_wave(line, lease, 8).calls == []
    assert states() == {"queued": 1}


def test_pressed_twice_is_one_call(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, department: Callable[..., Department]
) -> None:
    one = department("D1")
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def press() -> None:
        barrier.wait()
        try:
            with transaction.atomic():
                services.submit(actor, purpose="department.add", subject=one)
            outcomes.append("queued")
        except AlreadyOpen:
            outcomes.append("open")
        connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver(connection)
    assert sorted(outcomes) == ["open", "open", "open", "queued"]
    assert len(sandbox.log("3401")) == 1


def test_order_within_a_thread_holds(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, department: Callable[..., Department]
) -> None:
    one = department("D1")
    with transaction.atomic():
        services.submit(actor, purpose="department.add", subject=one)
        later = services.submit(actor, purpose="department.withdraw", subject=one)
    assert later.ready is False
    first = predecessor(later)
    assert first is not None
    assert first.purpose == "department.add"
    deliver(connection)
    assert states() == {"accepted": 2}
    assert [row["infno"] for row in sandbox.log() if row["infno"] in ("3401", "3403")] == ["3401", "3403"]
    assert [row["endtime"] for row in sandbox.books("departments") if not row.get("withdrawn")] == []


def test_a_refused_predecessor_holds_what_follows(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, department: Callable[..., Department]
) -> None:
    one = department("D1")
    sandbox.fault("refuse", "3401", times=1)
    with transaction.atomic():
        add = services.submit(actor, purpose="department.add", subject=one)
        later = services.submit(actor, purpose="department.withdraw", subject=one)
    deliver(connection, lambda: Submission.objects.get(pk=add.pk).state == "refused")
    services.release_threads()
    drain(connection.pk, "interactive")
    assert sandbox.log("3403") == []
    add.refresh_from_db()
    again = services.resend(actor, submission=add)
    deliver(connection)
    later.refresh_from_db()
    again.refresh_from_db()
    assert (again.state, later.state) == ("accepted", "accepted")
    assert [row["infno"] for row in sandbox.log() if row["committed"] and row["infno"] in ("3401", "3403")][-2:] == [
        "3401",
        "3403",
    ]


def test_what_changed_after_it_was_queued_goes_back(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    (one,) = queue("D1")
    Department.objects.update(hosp_dept_name="换了名字")
    deliver(connection)
    one.refresh_from_db()
    assert one.state == "withdrawn"
    assert "改动" in one.words
    assert sandbox.log("3401") == []


def test_an_expired_sign_in_is_renewed_and_the_message_goes_again(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    sandbox.fault("refuse", "3401", times=1, words="请先签到")
    queue("D1")
    deliver(connection)
    assert states() == {"accepted": 1}
    assert len(sandbox.log("9001")) == 2
    both_books_agree(sandbox)


def test_a_failed_sign_in_sends_no_change(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    sandbox.fault("refuse", "9001", times=0, words="操作员未备案")
    queue("D1")
    drain(connection.pk, "interactive")
    one = Submission.objects.get()
    assert one.state == "queued"
    assert "操作员未备案" in one.words
    assert sandbox.log("3401") == []


def test_apply_that_fails_is_tried_again_and_nothing_is_sent_again(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from insurance.directory.handlers import Add
    from insurance.exchange.applying import apply_due

    whole = Add.apply
    failures = [RuntimeError("disk full")]

    def once(self: Add, submission: Submission, outcome: object) -> None:
        if failures:
            raise failures.pop()
        whole(self, submission, outcome)  # type: ignore[arg-type]

    monkeypatch.setattr(Add, "apply", once)
    queue("D1")
    drain(connection.pk, "interactive")
    call = Call.objects.get(infno="3401")
    assert (call.state, call.applied_at, call.apply_error) == ("accepted", None, "RuntimeError")
    assert states() == {"sending": 1}
    Call.objects.update(apply_not_before=None, answered_at=timezone.now() - timezone.timedelta(seconds=5))
    assert apply_due() == 1
    assert apply_due() == 0
    assert states() == {"accepted": 1}
    assert len(sandbox.log("3401")) == 1
