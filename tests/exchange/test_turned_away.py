"""A gateway that lets nothing in, and refusals that a dead sender left unjudged: the queue waits, it is not refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from insurance.exchange import breaker, direct
from insurance.exchange.answers import Answer, classify
from insurance.exchange.applying import apply_due
from insurance.exchange.choices import CallState
from insurance.exchange.delivery import conclude, drain
from insurance.exchange.lines import open_line
from insurance.exchange.models import Call, CallEvent, Connection, Session, Submission
from insurance.exchange.pages.links import stopped_words
from insurance.exchange.recovery import look
from insurance.exchange.services import resume, submit_message
from insurance.exchange.waves import prepare_wave
from insurance.specification.books import open_book
from portal.people.actor import Actor
from tests.exchange.conftest import both_books_agree, states
from tests.exchange.test_delivery import deliver, short_waits  # noqa: F401
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

WITHDRAWAL = {"data": {"hosp_dept_codg": "X", "hosp_dept_name": "x", "begntime": "2026-01-01"}}
Queue = Callable[..., list[Submission]]


def long_ago() -> None:
    """Nobody is about to apply these answers any more."""
    Call.objects.update(answered_at=timezone.now() - timezone.timedelta(seconds=10))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "body", "out"),
    [
        (403, b"<html>forbidden</html>", True),
        (401, b'{"code":401,"type":"error","message":"x","data":null}', True),
        (200, b'{"code":403,"message":"x"}', True),
        (403, b'{"infcode":-1,"err_msg":"x"}', False),
        (404, b"", False),
        (200, b'{"infcode":-1,"err_msg":"x"}', False),
        (500, b"", False),
    ],
)
def test_only_a_gateways_no_without_the_platforms_word_turns_away(status: int, body: bytes, out: bool) -> None:
    assert classify(status, body).shut_out is out


def test_several_transactions_turned_away_in_a_row_hold_the_queue(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, queue: Queue, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.DELIVERY_THREADS = 1
    settings.BREAKER_SECONDS = 60
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
    sandbox.fault("http_403", "*", times=0)
    queue("D1")
    submit_message(
        actor,
        infno="3403",
        message=WITHDRAWAL,
    )
    queue(*[f"E{n}" for n in range(10)])
    drain(connection.pk, "interactive")
    connection.refresh_from_db()
    assert breaker.is_open(connection)
    assert breaker.is_shut_out(connection)
    assert "拒绝本院的请求" in stopped_words(connection)
    assert states().get("refused", 0) <= breaker.SHUT_OUT_CALLS - 1
    assert states()["queued"] >= 10
    assert CallEvent.objects.filter(kind="returned").exists()
    sandbox.clear_faults()
    resume(actor, connection=connection)
    Submission.objects.update(not_before=None)
    deliver(connection)
    assert set(states()) == {"accepted", "refused"}
    connection.refresh_from_db()
    assert (connection.shut_out, connection.shut_out_infnos, connection.failures) == (0, [], 0)
    both_books_agree(sandbox)


def test_one_transaction_that_is_not_allowed_is_refused_and_others_go_on(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor
) -> None:
    sandbox.fault("http_403", "3403", times=0)
    submit_message(
        actor,
        infno="3403",
        message=WITHDRAWAL,
    )
    queue("D1", "D2")
    deliver(connection)
    assert states() == {"accepted": 2, "refused": 1}


def test_a_barred_transaction_in_front_does_not_keep_the_others_waiting(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor, settings
) -> None:  # type: ignore[no-untyped-def]
    """So many of one are turned away that it looks like the hospital; another gets through and shows that it is not."""
    settings.DELIVERY_THREADS = 1
    sandbox.fault("http_403", "3403", times=0)
    for number in range(14):
        message = {"data": WITHDRAWAL["data"] | {"hosp_dept_codg": f"X{number}"}}
        Submission.objects.filter(pk=submit_message(actor, infno="3403", message=message).pk).update(priority=1)
    queue("D1", "D2", "D3")
    deliver(connection)
    assert states() == {"accepted": 3, "refused": 14}
    assert CallEvent.objects.filter(kind="returned").exists(), "for a while it did look like the hospital"
    both_books_agree(sandbox)


def test_a_barred_transaction_alone_in_the_queue_waits_and_says_so(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.BREAKER_SECONDS = 60
    sandbox.fault("http_403", "3403", times=0)
    for number in range(8):
        submit_message(actor, infno="3403", message={"data": WITHDRAWAL["data"] | {"hosp_dept_codg": f"X{number}"}})
    drain(connection.pk, "interactive")
    connection.refresh_from_db()
    assert breaker.is_open(connection)
    assert states()["refused"] < breaker.SHUT_OUT_SAME
    assert "拒绝本院的请求" in stopped_words(connection)


def test_a_command_does_not_hammer_a_gateway_that_lets_nothing_in(
    connection: Connection, sandbox: RunningSandbox, actor: Actor
) -> None:
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        sandbox.fault("http_403", "*", times=0)
        for infno in ("1101", "5101", "1101"):
            breaker.note(
                connection,
                Answer(CallState.REFUSED, "x", http_status=403, transaction=line.book.transaction(infno)),
            )
        line.connection.refresh_from_db()
        said = direct.send(line, actor, "3403", line.written(line.book.transaction("3403"), WITHDRAWAL), patience=5)
    assert said.state is CallState.UNDELIVERED
    assert "禁止访问" in said.words
    assert states() == {"withdrawn": 1}
    assert len(sandbox.log("3403")) <= 1


def test_a_look_that_is_turned_away_with_everything_decides_nothing(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    sandbox.fault("cut_before", "3401", times=1)
    (one,) = queue("D1")
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls
        conclude(line, prepared, line.send(prepared))
        sandbox.clear_faults()
        sandbox.fault("http_403", "*", times=0)
        for infno in ("3401", "3402", "3401"):
            breaker.note(
                line.connection,
                Answer(CallState.REFUSED, "x", http_status=403, transaction=line.book.transaction(infno)),
            )
        for _ in range(8):
            look(line, [Submission.objects.select_related("last_call").get(pk=one.pk)])
    one.refresh_from_db()
    assert (one.state, one.looks, one.needs_person) == ("unknown", 0, False)
    sandbox.clear_faults()
    Submission.objects.update(not_before=None)
    deliver(connection)
    assert states() == {"accepted": 1}
    both_books_agree(sandbox)


def test_what_the_platform_says_itself_begins_the_count_anew(connection: Connection) -> None:
    book = open_book()
    away = Answer(CallState.REFUSED, "网关拒绝（HTTP 403）", http_status=403, transaction=book.transaction("3401"))
    for infno in ("3401", "3402"):
        breaker.note(connection, Answer(CallState.REFUSED, "x", http_status=403, transaction=book.transaction(infno)))
    assert not breaker.is_shut_out(connection)
    breaker.note(connection, Answer(CallState.REFUSED, "科室已存在", "-1", raw={"infcode": -1}, http_status=200))
    for _ in range(breaker.SHUT_OUT_SAME - 1):
        breaker.note(connection, away)
    assert not breaker.is_shut_out(connection)
    breaker.note(connection, away)
    assert breaker.is_shut_out(connection)


def test_a_complaint_of_the_sign_in_left_by_a_dead_sender_is_sent_again(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    """The sender died after it had stored the refusal; without its judgement the record would be 上传失败."""
    (one,) = queue("D1")
    sandbox.fault("refuse", "3401", times=1, words="签到已失效")
    with open_line(connection) as line:
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls if line.sign_no("portal", "医保平台") else ()
        line.send(prepared)
    long_ago()
    assert apply_due() == 0
    one.refresh_from_db()
    assert one.state == "queued"
    assert Session.objects.get().ended_at is not None
    assert apply_due() == 0, "twice does no harm"
    Submission.objects.update(not_before=None)
    deliver(connection)
    assert states() == {"accepted": 1}
    assert len(sandbox.log("9001")) == 2
    both_books_agree(sandbox)


def test_a_real_refusal_left_by_a_dead_sender_stays_a_refusal(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    (one,) = queue("D1")
    sandbox.fault("refuse", "3401", times=1, words="科室负责人无效")
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls
        answer = line.send(prepared)
        long_ago()
        assert apply_due() == 1
        conclude(line, prepared, answer)
    assert states() == {"refused": 1}


def test_the_sender_and_the_sweep_take_a_message_back_once(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    (one,) = queue("D1")
    sandbox.fault("refuse", "3401", times=1, words="请先签到")
    with open_line(connection) as line:
        line.sign_no("portal", "医保平台")
        (prepared,) = prepare_wave(line, None, 1, one.pk).calls
        answer = line.send(prepared)
        long_ago()
        apply_due()
        conclude(line, prepared, answer)
    one.refresh_from_db()
    assert (one.state, one.attempts) == ("queued", 1)
    assert CallEvent.objects.filter(kind="returned").count() == 1
