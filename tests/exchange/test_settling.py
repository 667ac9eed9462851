"""How what was given up ends: a late answer, a reaped message, a person's word, a withdrawal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from django.db import connections
from django.utils import timezone

from insurance.exchange import services
from insurance.exchange.delivery import drain, take_lease
from insurance.exchange.errors import AlreadyOpen, PlatformError
from insurance.exchange.handlers import Finding
from insurance.exchange.leases import reap
from insurance.exchange.models import Call, CallBody, Connection, Submission
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from tests.exchange.conftest import connect, states
from tests.exchange.processes import wait_until
from tests.exchange.raw_platform import RawPlatform, good
from tests.exchange.test_delivery import deliver, short_waits  # noqa: F401
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., list[Submission]]


def test_a_late_answer_settles_what_was_given_up(institution, queue: Queue, settings) -> None:  # type: ignore[no-untyped-def]
    """The lease runs out while the server drips: the answer is kept and decides, nothing is sent again."""
    gate = threading.Event()

    def slow(sock, headers, body) -> None:  # type: ignore[no-untyped-def]
        infno = json.loads(body)["infno"]
        if infno == "9001":
            sock.sendall(good({"signinoutb": {"sign_time": "2026-11-23 08:00:00", "sign_no": "S1"}}))
        elif infno == "3401":
            whole = good()
            sock.sendall(whole[:10])
            gate.wait(5)
            sock.sendall(whole[10:])
        else:
            sock.sendall(good({"feedetail": []}))

    platform = RawPlatform(slow)
    connection = connect(institution, platform.url)
    settings.LEASE_SECONDS = 60
    settings.DEADLINE_SUBMIT = 20
    queue("D1")
    thread = threading.Thread(target=lambda: (drain(connection.pk, "interactive"), connections.close_all()))
    thread.start()
    wait_until(lambda: Call.objects.filter(infno="3401", state="sent").exists(), "sent")
    Call.objects.filter(infno="3401").update(lease_until=timezone.now() - timezone.timedelta(seconds=1))
    assert reap() == (0, 1)
    assert states() == {"unknown": 1}
    gate.set()
    thread.join()
    deliver(connection)
    one = Submission.objects.get()
    assert one.state == "accepted"
    assert "迟到" in one.settled
    assert [path for path, _, _ in platform.requests if path.endswith("3401")] == ["/ebus/test/hsa/hgs/3401"]
    assert CallBody.objects.filter(part="late").count() == 1


def test_a_reaped_prepared_call_never_leaves(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    from insurance.exchange.lines import open_line
    from insurance.exchange.waves import prepare_wave

    queue("D1")
    lease = take_lease(connection, "interactive")
    with open_line(connection) as line:
        (prepared,) = prepare_wave(line, lease, 1).calls
        Call.objects.filter(pk=prepared.call_id).update(lease_until=timezone.now() - timezone.timedelta(seconds=1))
        assert reap() == (1, 0)
        assert line.send(prepared).state == "undelivered"
    assert sandbox.log("3401") == []
    assert states() == {"queued": 1}


def test_a_person_settles_what_nothing_can_tell(connection: Connection, sandbox: RunningSandbox, actor: Actor) -> None:
    sandbox.fault("cut_after", "3502", times=1)
    message = {
        "invinfo": {
            "med_list_codg": "X1", "inv_chg_type": "101", "fixmedins_hilist_id": "1", "fixmedins_hilist_name": "甲",
            "fixmedins_bchno": "B1", "pric": 1, "cnt": 1, "rx_flag": "0", "inv_chg_time": "2026-11-23 08:00:00",
        }
    }  # fmt: skip
    one = services.submit_message(actor, infno="3502", message=message)
    deliver(connection, lambda: Submission.objects.get(pk=one.pk).needs_person)
    with pytest.raises(AlreadyOpen):
        services.submit_message(actor, infno="3502", message=message)
    one.refresh_from_db()
    with pytest.raises(PlatformError, match="依据"):
        services.decide(actor, submission=one, finding=Finding.ADOPTED, reason=" ")
    services.decide(actor, submission=one, finding=Finding.ADOPTED, reason="局方网站已见")
    with pytest.raises(PlatformError):
        services.decide(actor, submission=one, finding=Finding.ABSENT, reason="再按一次")
    one.refresh_from_db()
    assert one.state == "accepted"
    assert len(sandbox.log("3502")) == 1
    assert AuditEvent.objects.filter(action="exchange.decide").count() == 1


def test_what_waits_can_be_withdrawn_and_what_left_cannot(connection: Connection, queue: Queue, actor: Actor) -> None:
    (one,) = queue("D1")
    services.withdraw(actor, submission=one, reason="填错")
    deliver(connection)
    assert states() == {"withdrawn": 1}
    with pytest.raises(PlatformError, match="不能撤销"):
        services.withdraw(actor, submission=one)
