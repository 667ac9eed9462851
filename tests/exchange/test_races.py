"""What two of ours may do at the same moment: each case set up by hand, so that it happens every time."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import timezone

from insurance.directory.models import Department
from insurance.exchange import direct, ledger, services
from insurance.exchange.answers import Answer, classify
from insurance.exchange.choices import CallState
from insurance.exchange.delivery import conclude
from insurance.exchange.errors import AlreadyOpen
from insurance.exchange.handlers import Finding
from insurance.exchange.leases import Keeper, pick_up, reap
from insurance.exchange.ledger import Prepared
from insurance.exchange.lines import Line, open_line
from insurance.exchange.models import Call, CallEvent, Connection, Session, Submission
from insurance.exchange.recovery import look, queue_again
from insurance.exchange.waves import prepare_wave
from portal.people.actor import Actor
from portal.people.models import Institution
from tests.exchange.conftest import both_books_agree, connect, states
from tests.exchange.raw_platform import RawPlatform, good, http
from tests.exchange.test_delivery import deliver, short_waits  # noqa: F401
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., list[Submission]]


def expire(call_id: int) -> None:
    """Let the lease of a call run out."""
    Call.objects.filter(pk=call_id).update(lease_until=timezone.now() - dt.timedelta(seconds=1))


def test_a_call_given_up_does_not_touch_the_call_that_follows_it(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    """The first sender slept past its lease; when it wakes, the second call is at the platform."""
    (one,) = queue("D1")
    with open_line(connection) as line:
        (first,) = prepare_wave(line, None, 1, one.pk).calls
        expire(first.call_id)
        assert reap() == (1, 0)
        (second,) = prepare_wave(line, None, 1, one.pk).calls
        conclude(line, first, line.send(first))
        one.refresh_from_db()
        assert (one.state, one.last_call_id) == ("sending", second.call_id)
        conclude(line, first, Answer(CallState.UNKNOWN, "没有收到完整答复", call_id=first.call_id))
        assert states() == {"sending": 1}
        conclude(line, second, line.send(second))
    assert states() == {"accepted": 1}
    both_books_agree(sandbox)


def test_a_look_that_took_too_long_decides_nothing(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor, settings
) -> None:  # type: ignore[no-untyped-def]
    """While recovery asked, a person settled it and it went again: what was found is about the earlier message."""
    settings.VERIFY_MIN_AGE = 0
    sandbox.fault("cut_before", "3401", times=2)
    (one,) = queue("D1")
    with open_line(connection) as line:
        (first,) = prepare_wave(line, None, 1, one.pk).calls
        conclude(line, first, line.send(first))
        slept = Submission.objects.select_related("last_call").get(pk=one.pk)
        slept.looks = settings.VERIFY_LOOKS
        services.decide(actor, submission=one, finding=Finding.ABSENT, reason="局方网站没有")
        (second,) = prepare_wave(line, None, 1, one.pk).calls
        conclude(line, second, line.send(second))
        one.refresh_from_db()
        assert (one.state, one.last_call_id) == ("unknown", second.call_id)
        look(line, [slept])
    one.refresh_from_db()
    assert (one.state, one.step, one.looks) == ("unknown", 0, 0)


def late(line: Line, prepared: Prepared, **said: object) -> None:
    """Let the answer of a call come now, as its sender would take it."""
    body = json.dumps({"infcode": 0, "inf_refmsgid": "4417", "err_msg": "", "output": None} | said).encode()
    answer = replace(classify(200, body), transaction=prepared.transaction, call_id=prepared.call_id)
    assert ledger.store_answer(prepared, answer, body) is False, "it had been given up"
    conclude(line, prepared, answer)


def give_up(prepared: Prepared) -> None:
    """Let a sent call's lease run out, and find at the platform that it did not arrive."""
    ledger.mark_sent(prepared.call_id)
    expire(prepared.call_id)
    assert reap() == (0, 1)
    assert queue_again(Submission.objects.get(last_call=prepared.call_id), "已核实：平台无")


def test_a_late_yes_keeps_the_message_from_going_again(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    (one,) = queue("D1")
    with open_line(connection) as line:
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls
        give_up(prepared)
        assert states() == {"queued": 1}
        late(line, prepared)
        assert prepare_wave(line, None, 1, one.pk).calls == []
    one.refresh_from_db()
    assert one.state == "accepted"
    assert "迟到" in one.settled
    assert Department.objects.get().platform is not None


@pytest.mark.parametrize(("infcode", "words"), [(0, "是否重复"), (-1, "")])
def test_a_late_answer_that_contradicts_what_was_settled_is_shown(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, infcode: int, words: str
) -> None:
    """It went again and was accepted; then the first call's answer comes: a second yes may mean twice, a no fits."""
    (one,) = queue("D1")
    with open_line(connection) as line:
        (first,) = prepare_wave(line, None, 1, one.pk).calls
        give_up(first)
        (second,) = prepare_wave(line, None, 1, one.pk).calls
        conclude(line, second, line.send(second))
        late(line, first, infcode=infcode)
    one.refresh_from_db()
    assert (one.state, one.last_call_id) == ("accepted", second.call_id)
    assert words in one.settled
    assert CallEvent.objects.filter(call=first.call_id, kind="contradiction").exists() is bool(words)


def test_two_hospitals_may_say_the_same(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, other_institution: Institution
) -> None:
    connect(other_institution, sandbox.url)
    ours = services.submit_message(actor, infno="3403", message=WITHDRAWAL)
    theirs = services.submit_message(Actor.system(other_institution), infno="3403", message=WITHDRAWAL)
    assert ours.subject_id != theirs.subject_id
    assert ours.digest == theirs.digest
    with pytest.raises(AlreadyOpen):
        services.submit_message(actor, infno="3403", message=WITHDRAWAL)


@pytest.mark.parametrize(("end", "state"), [("undelivered", "queued"), ("unknown", "unknown")])
def test_a_sender_that_died_between_its_call_and_its_submissions(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, end: str, state: str
) -> None:
    (one,) = queue("D1")
    with open_line(connection) as line:
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls
    if end == "undelivered":
        ledger.mark_undelivered(prepared.call_id, "连不上平台")
    else:
        ledger.mark_sent(prepared.call_id)
        ledger.mark_unknown(prepared.call_id, "没有收到完整答复")
    assert pick_up() == 0, "its sender may be about to do it"
    Call.objects.update(answered_at=timezone.now() - dt.timedelta(seconds=30))
    assert pick_up() == 1
    assert states() == {state: 1}
    deliver(connection)
    assert states() == {"accepted": 1}
    both_books_agree(sandbox)


def test_a_keeper_outlives_a_lost_database(monkeypatch: pytest.MonkeyPatch, settings) -> None:  # type: ignore[no-untyped-def]
    settings.LEASE_RENEW_SECONDS = 0.05
    renewed = threading.Event()
    failures = [OperationalError("the server closed the connection")]

    def once(held: list[int]) -> None:
        if failures:
            raise failures.pop()
        renewed.set()

    monkeypatch.setattr("insurance.exchange.leases.renew", once)
    keeper = Keeper()
    try:
        with keeper.holding(1):
            assert renewed.wait(5), "one failure must not end the renewing"
    finally:
        keeper.close()


def test_a_sign_in_that_ended_while_many_were_on_their_way(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, settings
) -> None:  # type: ignore[no-untyped-def]
    """The platform refuses every message of the old sign-in; each goes again, none counts as refused."""
    sandbox.fault("refuse", "3401", times=6, words="操作员未签到")
    queue(*[f"D{number}" for number in range(6)])
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        calls = [prepare_wave(line, None, 1, pk).calls[0] for pk in Submission.objects.values_list("pk", flat=True)]
        answers = [line.send(prepared) for prepared in calls]
        for prepared, answer in zip(calls, answers, strict=True):
            conclude(line, prepared, answer)
    assert states() == {"queued": 6}
    deliver(connection)
    assert states() == {"accepted": 6}
    assert len(sandbox.log("9001")) == 2
    both_books_agree(sandbox)


def test_a_sign_in_ended_elsewhere_is_noticed(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    """The nightly sign-out ran in another process; this one still believes its number."""
    (one,) = queue("D1")
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        assert line.known_sign_no("portal")
        Session.objects.update(ended_at=timezone.now())
        sandbox.fault("refuse", "3401", times=1, words="签到已失效")
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls
        conclude(line, prepared, line.send(prepared))
        assert states() == {"queued": 1}
    deliver(connection)
    assert states() == {"accepted": 1}


def test_a_complaint_about_sign_ins_without_end_becomes_a_refusal(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    sandbox.fault("refuse", "3401", times=0, words="科室负责人未签到备案")
    (one,) = queue("D1")

    def settled() -> bool:
        Submission.objects.update(not_before=None)
        return not Submission.objects.filter(state="queued").exists()

    deliver(connection, settled)
    one.refresh_from_db()
    assert one.state == "refused"
    assert len(sandbox.log("3401")) <= 6


def test_yesterdays_sign_in_is_not_todays(
    connection: Connection, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        assert line.known_sign_no("portal")
        tomorrow = timezone.localdate() + dt.timedelta(days=1)
        monkeypatch.setattr(timezone, "localdate", lambda *given: tomorrow)
        assert line.known_sign_no("portal") is None
        assert line.known_sign_no("portal") is None, "asked a second time, it is still yesterday's"


def test_a_command_does_not_give_up_what_another_is_sending(
    connection: Connection, sandbox: RunningSandbox, actor: Actor
) -> None:
    """Another process has claimed the message and not committed yet: the row is locked and still looks queued."""
    one = services.submit_message(actor, infno="3403", message=WITHDRAWAL, held=True)
    claimed, sending, end = threading.Event(), threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            Submission.objects.select_for_update(of=("self",)).get(pk=one.pk)
            claimed.set()
            sending.wait(10)
            Submission.objects.filter(pk=one.pk).update(state="sending")
        end.wait(10)
        Submission.objects.filter(pk=one.pk).update(state="accepted")
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    claimed.wait(10)
    threading.Timer(0.5, sending.set).start()
    threading.Timer(1.5, end.set).start()
    with open_line(connection) as line:
        direct.drive(line, one.pk, time.monotonic() + 10)
    assert end.is_set(), "it waited for what the other's message came to"
    thread.join()
    assert states() == {"accepted": 1}


WITHDRAWAL = {"data": {"hosp_dept_codg": "D1", "hosp_dept_name": "甲", "begntime": "2026-01-01"}}


@pytest.mark.parametrize("arrived", [True, False])
def test_a_resend_refused_after_all_is_looked_for_once_more(institution, queue, settings, arrived: bool) -> None:  # type: ignore[no-untyped-def]
    """The first 3401 is lost and found absent twice; the second is refused. Had the first come late, it is adopted."""
    settings.VERIFY_MIN_AGE = settings.VERIFY_EVERY = 0.1
    sent: list[dict[str, object]] = []

    def platform(sock, headers, body) -> None:  # type: ignore[no-untyped-def]
        said = json.loads(body)
        if said["infno"] == "9001":
            sock.sendall(good({"signinoutb": {"sign_time": "2026-11-23 08:00:00", "sign_no": "S1"}}))
        elif said["infno"] == "5101":
            known = sent[:1] if arrived and len(sent) > 1 else []
            sock.sendall(good({"feedetail": known}))
        else:
            sent.append(said["input"]["deptinfo"])
            if len(sent) == 1:
                sock.close()
            else:
                sock.sendall(http(json.dumps({"infcode": -1, "err_msg": "科室已存在"}).encode()))

    raw = RawPlatform(platform)
    connection = connect(institution, raw.url)
    queue("D1")
    deliver(connection)
    one = Submission.objects.get()
    assert len(sent) == 2
    assert one.state == ("accepted" if arrived else "refused")
    assert one.words == ("" if arrived else "科室已存在")
