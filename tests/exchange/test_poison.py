"""One submission that cannot be said, judged or applied: it is set aside with its reason, and the others go on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from insurance.directory.handlers import Add
from insurance.directory.models import Department
from insurance.exchange import services
from insurance.exchange.answers import classify
from insurance.exchange.bodies import body_of
from insurance.exchange.choices import SubmissionState
from insurance.exchange.delivery import drain
from insurance.exchange.errors import PlatformError
from insurance.exchange.ledger import _store_late
from insurance.exchange.lines import open_line
from insurance.exchange.models import Call, Connection, Submission
from insurance.exchange.recovery import MOST_LOOKS
from portal.people.actor import Actor
from tests.exchange.conftest import both_books_agree, connect, states
from tests.exchange.raw_platform import RawPlatform, good, http
from tests.exchange.test_delivery import deliver, short_waits  # noqa: F401
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., list[Submission]]


# What a fault of ours may quote, and no log may repeat.
DOCUMENT = "441700190001010000"


def labelled(code: str) -> Submission:
    """Return the submission of a department by its code."""
    return Submission.objects.get(label__startswith=code, superseded=False)


def only_left(*codes: str) -> Callable[[], bool]:
    """Says whether all but the submissions of these departments are accepted."""

    def all_others_arrived() -> bool:
        open_ones = Submission.objects.exclude(state="accepted").values_list("label", flat=True)
        return sorted(label.split()[0] for label in open_ones) == sorted(codes)

    return all_others_arrived


def broken_for(code: str, how: Callable[[], Any], whole: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler's method that breaks for one department."""

    def method(self: Add, submission: Submission, *rest: Any) -> Any:
        if submission.subject.hosp_dept_codg == code:
            how()
        return whole(self, submission, *rest)

    return method


def program_fault() -> None:
    raise KeyError(DOCUMENT)


def database_fault() -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


@pytest.mark.parametrize("how", [program_fault, database_fault])
def test_one_that_cannot_be_said_does_not_hold_the_queue(
    connection: Connection,
    sandbox: RunningSandbox,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    how: Callable[[], None],
) -> None:
    queue("D1", "D2", "D3")
    monkeypatch.setattr(Add, "message", broken_for("D1", how, Add.message))
    deliver(connection, only_left("D1"))
    one = labelled("D1")
    assert (one.state, one.attempts) == ("queued", 1)
    assert "组不成报文" in one.words
    assert one.not_before is not None
    assert one.not_before > timezone.now()
    assert DOCUMENT not in caplog.text + one.words
    monkeypatch.undo()
    Submission.objects.update(not_before=None)
    deliver(connection)
    both_books_agree(sandbox)


def test_an_edition_that_lost_a_purpose_holds_only_that_purpose(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor, tmp_path: Path, settings
) -> None:  # type: ignore[no-untyped-def]
    queue("D1", "D2")
    Submission.objects.filter(label__startswith="D1").update(purpose="department.forgotten")
    deliver(connection, only_left("D1"))
    one = labelled("D1")
    assert one.state == "queued"
    assert "department.forgotten" in one.words


def test_a_record_that_is_gone_goes_back(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    queue("D1", "D2")
    Department.objects.filter(hosp_dept_codg="D1").delete()
    deliver(connection)
    assert labelled("D1").state == "withdrawn"
    assert "记录已不存在" in labelled("D1").words
    assert labelled("D2").state == "accepted"


def test_a_record_that_went_while_it_was_on_its_way(
    connection: Connection, sandbox: RunningSandbox, queue: Queue
) -> None:
    sandbox.fault("cut_after", "3401", times=1)
    queue("D1")
    drain(connection.pk, "interactive")
    Department.objects.all().delete()
    deliver(connection)
    assert states() == {"accepted": 1}


def test_one_that_cannot_be_applied_after_a_look_does_not_stop_the_looks(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, monkeypatch: pytest.MonkeyPatch, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.BREAKER_FAILURES = 50
    settings.VERIFY_EVERY = 0.05
    sandbox.fault("cut_after", "3401", times=2)
    queue("D1", "D2")
    monkeypatch.setattr(Add, "apply", broken_for("D1", program_fault, Add.apply))
    deliver(connection, only_left("D1"))
    deliver(connection, lambda: labelled("D1").needs_person)
    assert labelled("D1").looks == MOST_LOOKS
    assert len(sandbox.log("3401")) == 2


def test_a_look_that_the_platform_always_refuses_ends_with_a_person(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.VERIFY_EVERY = 0.05
    sandbox.fault("cut_after", "3401", times=1)
    sandbox.fault("refuse", "5101", times=0, words="无权查询")
    queue("D1")
    deliver(connection, lambda: labelled("D1").needs_person)
    assert len(sandbox.log("5101")) == MOST_LOOKS


def test_a_refused_sign_in_is_asked_for_once_for_the_whole_queue(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.DELIVERY_THREADS = 1
    sandbox.fault("refuse", "9001", times=0, words="操作员未备案")
    queue(*[f"D{number:02}" for number in range(20)])
    drain(connection.pk, "interactive")
    assert len(sandbox.log("9001")) == 1
    assert set(Submission.objects.values_list("attempts", "state")) == {(1, "queued")}
    assert all("操作员未备案" in words for words in Submission.objects.values_list("words", flat=True))


def test_more_may_wait_behind_refused_ones_than_anybody_counts(
    connection: Connection, actor: Actor, queue: Queue, department: Callable[..., Department]
) -> None:
    adds = queue(*[f"D{number:03}" for number in range(205)])
    with transaction.atomic():
        for one in adds:
            services.submit(actor, purpose="department.withdraw", subject=one.subject)
    Submission.objects.filter(purpose="department.add").update(state=SubmissionState.REFUSED)
    Submission.objects.filter(pk=adds[-1].pk).update(state=SubmissionState.ACCEPTED)
    assert services.release_threads() == 1
    assert Submission.objects.get(ready=True, purpose="department.withdraw").subject_id == adds[-1].subject_id


def test_an_answer_with_letters_that_no_database_keeps(institution, queue: Queue) -> None:  # type: ignore[no-untyped-def]
    """NUL and half a surrogate pair are JSON, and text that PostgreSQL refuses."""
    words = "编码重复\\u0000\\ud800，联系电话 13900000000"

    def odd(sock, headers, body) -> None:  # type: ignore[no-untyped-def]
        if json.loads(body)["infno"] == "9001":
            sock.sendall(good({"signinoutb": {"sign_time": "2026-11-23 08:00:00", "sign_no": "S1"}}))
        else:
            raw = f'{{"infcode": "-1\\u0000", "inf_refmsgid": "4417\\u0000", "err_msg": "{words}", "output": null}}'
            sock.sendall(http(raw.encode()))

    platform = RawPlatform(odd)
    connection = connect(institution, platform.url)
    queue("D1")
    deliver(connection)
    one = labelled("D1")
    assert one.state == "refused"
    assert one.words == "编码重复?，联系电话 139****0000"
    assert b"\\ud800" in (body_of(Call.objects.get(infno="3401").pk, "answer") or b""), "the bytes rest as they came"


def test_a_download_that_breaks_off_leaves_no_file(
    connection: Connection, sandbox: RunningSandbox, actor: Actor, tmp_path: Path, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.FILES_DIR = tmp_path
    sandbox.fault("cut_midway", "9102", times=0)
    message = {"fsDownloadIn": {"file_qury_no": "none", "filename": "none.zip", "fixmedins_code": "plc"}}
    with open_line(connection) as line, pytest.raises(PlatformError):
        line.ask(actor, "9102", message)
    assert list(tmp_path.iterdir()) == []


def test_a_late_refusal_of_a_batch_falls_on_the_whole_batch(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor, batches: None
) -> None:
    sandbox.fault("cut_before", "3401A", times=1)
    queue("D1", "D2")
    drain_once(connection)
    call = Call.objects.get(infno="3401A")
    body = json.dumps({"infcode": -1, "err_msg": "编码重复", "output": None}).encode()
    _store_late(call.pk, classify(200, body), body)
    Submission.objects.update(not_before=None)
    deliver(connection)
    assert states() == {"refused": 2}
    assert all(one.whole for one in Submission.objects.all())
    again = services.resend(actor, submission=labelled("D1"))
    deliver(connection)
    again.refresh_from_db()
    assert again.state == "accepted", "the batch's late answer says nothing about the one that goes alone"


def test_one_row_at_fault_does_not_send_its_batch_back(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, department: Callable[..., Department], batches: None
) -> None:
    """Only the row that breaks the rule goes back."""
    queue("D1", "D3")
    with transaction.atomic():
        faulty = department("D2", caty="")
        services.submit(Actor.system(faulty.institution), purpose="department.add", subject=faulty)
    deliver(connection)
    assert {one.label.split()[0]: one.state for one in Submission.objects.all()} == {
        "D1": "accepted",
        "D2": "withdrawn",
        "D3": "accepted",
    }
    assert "科别" in labelled("D2").words


@pytest.fixture
def batches(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    """A site's edition by which departments go in batches."""
    (tmp_path / "routes.csv").write_text(
        "purpose,infno,form,node,answers,match,max_rows,max_chars,note\n"
        "department.add,3401A,batch,deptinfo,whole,hosp_dept_codg,10,40000,现场用批量\n",
        encoding="utf-8",
    )
    settings.PLATFORM_EDITION_DIR = str(tmp_path)


def drain_once(connection: Connection) -> None:
    """Send what is due and do not look for anything afterwards."""
    from insurance.exchange.delivery import conclude
    from insurance.exchange.waves import prepare_wave

    lease = connection.drains.get_or_create(delivery="interactive")[0]
    type(lease).objects.filter(pk=lease.pk).update(lease_until=timezone.now() + dt.timedelta(seconds=60), fence=1)
    lease.refresh_from_db()
    with open_line(connection) as line:
        for prepared in prepare_wave(line, lease, 8).calls:
            conclude(line, prepared, line.send(prepared))
    type(lease).objects.update(lease_until=None)
