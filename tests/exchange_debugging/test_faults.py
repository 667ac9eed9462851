"""接口调试 against a platform that spells oddly, loses answers and cuts connections: each page says what is true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from insurance.exchange.debugging.choices import SendState
from insurance.exchange.debugging.drafting import content_of
from insurance.exchange.debugging.sending import send
from insurance.exchange.models import Call, Connection, DebugDraft, DebugSend
from portal.people.actor import Actor
from portal.people.models import Person
from portal.tasks.runner import run_task
from tests.exchange.test_delivery import deliver, short_waits  # noqa: F401
from tests.exchange_debugging.conftest import department
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
Draft = Callable[..., DebugDraft]
FILE = {"fsDownloadIn": {"file_qury_no": "000000", "filename": "x.zip", "fixmedins_code": "plc"}}


@pytest.fixture
def shown(client: Client, member: Person) -> Callable[[DebugSend], str]:
    """The page of a send as the person sees it."""
    client.force_login(member)
    return lambda made: client.get(reverse("exchange:debug_send", args=[made.pk])).content.decode()


@pytest.mark.parametrize("fault", ["cut_after", "cut_midway", "not_json", "empty", "http_502_html"])
def test_a_write_whose_answer_is_lost_is_looked_for_and_stands_once(
    connection: Connection,
    actor: Actor,
    draft: Draft,
    sandbox: RunningSandbox,
    shown: Callable[[DebugSend], str],
    fault: str,
) -> None:
    sandbox.fault(fault, "3401", times=1)
    made = send(actor, infno="3401", content=content_of(draft("3401", department("F1"))))
    deliver(connection)
    assert "上传成功" in shown(made)
    assert [row["hosp_dept_codg"] for row in sandbox.books("departments")] == ["F1"]
    assert len([row for row in sandbox.log("3401") if row["committed"] and str(row["infcode"]) == "0"]) == 1
    assert Call.objects.filter(infno="3401", state="unknown").count() == 1
    assert Call.objects.filter(infno="5101").exists(), "it was looked for"


@pytest.mark.parametrize("fault", ["wrapper", "odd_spelling"])
def test_odd_spellings_are_a_yes(
    connection: Connection,
    actor: Actor,
    draft: Draft,
    sandbox: RunningSandbox,
    shown: Callable[[DebugSend], str],
    fault: str,
) -> None:
    sandbox.fault(fault, "*", times=0)
    made = send(actor, infno="3401", content=content_of(draft("3401", department("F2"))))
    deliver(connection)
    assert "上传成功" in shown(made)
    assert asked(actor, draft("5101", {})).state == SendState.ACCEPTED


def asked(actor: Actor, what: DebugDraft) -> DebugSend:
    """Send a question and let its worker run."""
    made = send(actor, infno=what.infno, content=content_of(what))
    assert made.task is not None
    run_task(made.task.pk)
    made.refresh_from_db()
    return made


@pytest.mark.parametrize(
    ("fault", "state", "calls"),
    [
        ("cut_after", SendState.UNKNOWN, 3),
        ("not_json", SendState.UNKNOWN, 3),
        ("http_500", SendState.UNKNOWN, 3),
        ("http_403", SendState.REFUSED, 1),
        ("refuse", SendState.REFUSED, 1),
    ],
)
def test_a_question_without_an_answer_says_so(
    connection: Connection,
    actor: Actor,
    draft: Draft,
    sandbox: RunningSandbox,
    shown: Callable[[DebugSend], str],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    state: SendState,
    calls: int,
) -> None:
    monkeypatch.setattr("insurance.exchange.lines.RETRY_PAUSES", (0.01, 0.01))
    sandbox.fault(fault, "5101", times=0)
    made = asked(actor, draft("5101", {}))
    assert made.state == state
    assert len(sandbox.log("5101")) <= calls
    page = shown(made)
    assert str(state.label) in page
    assert str(SendState.ACCEPTED.label) not in page.split("发送记录")[0]


@pytest.mark.parametrize("fault", ["bad_zip", "zip_bomb", "two_members", "path_member", "json_instead_of_zip"])
def test_a_spoilt_file_is_not_kept(
    connection: Connection,
    actor: Actor,
    draft: Draft,
    sandbox: RunningSandbox,
    shown: Callable[[DebugSend], str],
    settings: Any,
    tmp_path: Path,
    fault: str,
) -> None:
    settings.FILES_DIR = tmp_path
    sandbox.fault(fault, "9102", times=0)
    made = asked(actor, draft("9102", FILE))
    assert made.state in (SendState.UNKNOWN, SendState.REFUSED)
    assert made.file == ""
    assert not list(tmp_path.rglob("download-*"))
    assert "下载文件" not in shown(made)
