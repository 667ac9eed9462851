"""Power failures of every kind: real workers and dispatchers, SIGKILL at each commit, Redis emptied in between."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.db import connections, transaction
from redis import Redis

from insurance.directory.models import Department
from insurance.exchange import breaker, returning, services
from insurance.exchange.lines import open_line
from insurance.exchange.models import Call, Connection, Submission
from portal.people.actor import Actor
from tests.exchange.conftest import both_books_agree, states
from tests.exchange.processes import running, wait_until
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., list[Submission]]


def settled() -> bool:
    return not Submission.objects.filter(state__in=["queued", "sending", "unknown"]).exists()


def test_a_worker_killed_before_the_send_has_sent_nothing(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, redis_url: str
) -> None:
    """One message waits at the platform and holds the only place there; the next is prepared and has not left."""
    sandbox.fault("delay", "3401", times=1, seconds=4)
    queue("D1", "D2")
    with running("dispatcher"):
        with running("rqworker", "interactive", DELIVERY_THREADS="1") as worker:
            wait_until(lambda: Call.objects.filter(infno="3401", state="sent").exists(), "the first is sent")
            wait_until(lambda: Call.objects.filter(infno="3401", state="prepared").exists(), "the second is prepared")
            held = Call.objects.get(infno="3401", state="prepared")
            worker.kill()
        assert held.msgid not in {row["msgid"] for row in sandbox.log("3401")}
        Redis.from_url(redis_url).flushdb()
        with running("rqworker", "interactive"):
            wait_until(settled, "both are settled", 60)
    held.refresh_from_db()
    assert held.state == "undelivered"
    assert states() == {"accepted": 2}
    both_books_agree(sandbox)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_between_send_and_answer(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, redis_url: str, when: str
) -> None:
    """The platform works on it, before or after its own commit, when our side dies."""
    sandbox.fault("delay", "3401", times=1, seconds=2, when=when)
    queue("D1")
    with running("dispatcher"):
        with running("rqworker", "interactive") as worker:
            wait_until(lambda: Call.objects.filter(infno="3401", state="sent").exists(), "sent")
            sandbox.wait_for("3401")
            worker.kill()
        assert states() == {"sending": 1}
        Redis.from_url(redis_url).flushdb()
        with running("rqworker", "interactive"):
            wait_until(settled, "settled", 60)
    assert states() == {"accepted": 1}
    both_books_agree(sandbox)
    assert Call.objects.filter(infno="3401", state="unknown").count() == 1
    assert "平台有" in Submission.objects.get().settled


def test_a_worker_killed_between_answer_and_apply(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, redis_url: str
) -> None:
    """Applying waits for a row that somebody holds; the worker dies there; the dispatcher applies, nothing is sent."""
    (one,) = queue("D1")
    with running("rqworker", "interactive") as worker:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("SELECT 1 FROM exchange_submission WHERE id = %s FOR NO KEY UPDATE", [one.pk])
        sandbox.fault("delay", "3401", times=1, seconds=1.5)
        services.ring_for(connection.pk, "interactive")
        wait_until(lambda: Call.objects.filter(infno="3401", state="sent").exists(), "sent")
        with transaction.atomic():
            with database.cursor() as cursor:
                cursor.execute("SELECT 1 FROM exchange_submission WHERE id = %s FOR NO KEY UPDATE", [one.pk])
            wait_until(_answered_as_seen_elsewhere, "answered and not applied")
            worker.kill()
    call = Call.objects.get(infno="3401")
    assert (call.state, call.applied_at) == ("accepted", None)
    assert states() == {"sending": 1}
    Redis.from_url(redis_url).flushdb()
    with running("dispatcher"):
        wait_until(settled, "applied by the dispatcher", 30)
    assert states() == {"accepted": 1}
    assert Department.objects.get().state == "in_force"
    assert len(sandbox.log("3401")) == 1
    both_books_agree(sandbox)


def _answered_as_seen_elsewhere() -> bool:
    seen: list[bool] = []

    def look() -> None:
        seen.append(Call.objects.filter(infno="3401", state="accepted", applied_at=None).exists())
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return seen[0]


def test_two_dispatchers_two_workers_and_an_emptied_redis(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, redis_url: str
) -> None:
    sandbox.fault("cut_after", "3401", times=3, after=5)
    sandbox.fault("cut_before", "3401", times=3, after=12)
    codes = [f"D{number:03}" for number in range(60)]
    with (
        running("dispatcher"),
        running("dispatcher"),
        running("rqworker", "interactive"),
        running("rqworker", "interactive") as second,
    ):
        queue(*codes[:30])
        wait_until(lambda: Submission.objects.filter(state="accepted").count() > 5, "some arrived", 60)
        Redis.from_url(redis_url).flushdb()
        queue(*codes[30:])
        second.kill()
        wait_until(settled, "all settled", 120)
    assert states() == {"accepted": 60}
    both_books_agree(sandbox)


def test_a_lost_withdrawal_is_found_out(
    connection: Connection,
    sandbox: RunningSandbox,
    actor: Actor,
    department: Callable[..., Department],
    redis_url: str,
) -> None:
    one = department("D1")
    with running("dispatcher"), running("rqworker", "interactive"):
        services.submit(actor, purpose="department.add", subject=one)
        wait_until(settled, "added", 60)
        sandbox.fault("cut_after", "3403", times=1)
        services.submit(actor, purpose="department.withdraw", subject=one)
        wait_until(settled, "withdrawn", 60)
    assert states() == {"accepted": 2}
    assert len(sandbox.log("3403")) == 1


def test_a_lease_that_expires_while_the_server_drips(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, redis_url: str
) -> None:
    """The worker's lease is not renewed in time (it renews every hour here): others settle it, it is not sent again."""
    sandbox.fault("drip", "3401", times=1, bytes=60)
    queue("D1")
    slow = {"LEASE_SECONDS": "1", "LEASE_RENEW_SECONDS": "3600", "DEADLINE_SUBMIT": "20"}
    with running("dispatcher"), running("rqworker", "interactive", **slow), contextlib.ExitStack() as later:
        wait_until(lambda: Call.objects.filter(infno="3401", state="sent").exists(), "sent by the slow one")
        later.enter_context(running("rqworker", "interactive"))
        wait_until(lambda: Call.objects.filter(infno="3401", state="unknown").exists(), "given up", 30)
        wait_until(settled, "settled", 60)
        wait_until(
            lambda: Call.objects.get(infno="3401").events.filter(kind="late").exists(), "the late answer is kept", 30
        )
    assert states() == {"accepted": 1}
    assert len(sandbox.log("3401")) == 1
    both_books_agree(sandbox)


def test_workers_killed_while_the_gateway_lets_nothing_in(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, redis_url: str
) -> None:
    """The queue waits through it and through three deaths; afterwards it goes on, in each thread in its order, once."""
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
    sandbox.fault("http_403", "*", times=0)
    fallen = Connection.objects.filter(pk=connection.pk, broken_until__isnull=False)
    with running("dispatcher"):
        queue(*[f"S{number:02}" for number in range(30)])
        for _ in range(3):
            seen = len(sandbox.log("3401"))
            with running("rqworker", "interactive") as worker:
                wait_until(lambda seen=seen: len(sandbox.log("3401")) > seen and fallen.exists(), "turned away", 60)  # type: ignore[misc]
                worker.kill()
        assert states()["refused"] < breaker.SHUT_OUT_SAME
        sandbox.clear_faults()
        Redis.from_url(redis_url).flushdb()
        with running("rqworker", "interactive"):
            wait_until(settled, "all settled", 120)
    found = states()
    assert set(found) == {"accepted", "refused"}
    assert found["refused"] < breaker.SHUT_OUT_SAME
    assert sum(found.values()) == 30
    both_books_agree(sandbox)


def test_a_platform_that_complains_of_every_sign_in_is_not_asked_without_end(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    sandbox.fault("refuse", "3401", times=0, words="请先签到")
    queue("D1", "D2", "D3")
    with running("dispatcher"), running("rqworker", "interactive"):
        wait_until(settled, "each refused after a few attempts", 120)
    assert states() == {"refused": 3}
    assert len(sandbox.log("3401")) <= 3 * (returning.MOST_SIGN_INS + 1)
    assert len(sandbox.log("9001")) <= len(sandbox.log("3401")) + 1
