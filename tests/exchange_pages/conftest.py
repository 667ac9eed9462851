"""A connection with uploads in every state, made by the exchange's own models and services. All invented."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from insurance.exchange.bodies import forget_keys, seal_body
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Call, CallBody, CallEvent, CallRow, Connection, Submission
from insurance.exchange.services import submit_message
from portal.people.actor import Actor
from portal.people.models import Institution, Person

COUNT = itertools.count(1)


@pytest.fixture(autouse=True)
def fresh_keys(db: None) -> None:
    """The month's key of an earlier test is gone with its database."""
    forget_keys()


def connect(institution: Institution, **changes: Any) -> Connection:
    """A connection to nowhere, unless told otherwise."""
    return Connection.objects.create(
        **{
            "institution": institution, "environment": "沙箱", "base_url": "http://127.0.0.1:9", "account": "sandbox",
            "secret": "geheim-geheim", "infver": "1.0.0", "recer_sys_code": "HIS", "opter": "portal",
            "opter_name": "医保平台", **changes,
        }
    )  # fmt: skip


@pytest.fixture
def connection(institution: Institution) -> Connection:
    """The connection of the hospital at hand."""
    return connect(institution)


@pytest.fixture
def other_connection(other_institution: Institution) -> Connection:
    """The connection of the other hospital."""
    return connect(other_institution, account="other")


def department_message(name: str = "产科", **changes: Any) -> dict[str, Any]:
    """A valid input of 3401, as it travels."""
    row = {
        "hosp_dept_codg": f"D{next(COUNT):05d}", "hosp_dept_name": name, "caty": "A05", "itro": "产科门诊",
        "begntime": "2020-01-01 00:00:00", "dept_resper_name": "欧阳某某", "dept_resper_tel": "13800000000",
        "dept_estbdat": "2001-05-01", "aprv_bed_cnt": 40, "poolarea_no": "441700", "dr_psncnt": 3, "phar_psncnt": 0,
        "nurs_psncnt": 6, "tecn_psncnt": 0,
    }  # fmt: skip
    return {"deptinfo": row | changes}


def queue(actor: Actor, infno: str = "3401", message: dict[str, Any] | None = None, **changes: Any) -> Submission:
    """Queue a message by the service, then put it where `changes` says (a state of delivery)."""
    submission = submit_message(actor, infno=infno, message=message or department_message(), held=True)
    if changes:
        Submission.objects.filter(pk=submission.pk).update(**changes)
        submission.refresh_from_db()
    return submission


def say(
    submission: Submission,
    state: CallState,
    answer: bytes | None = None,
    request: dict[str, Any] | None = None,
    **changes: Any,
) -> Call:
    """Write a call that carried a submission, with its bodies and events, as delivery would have left it."""
    connection = submission.connection
    infno = submission.purpose.removeprefix("direct.")
    content = request if request is not None else json.loads(submission.payload)
    now = timezone.now()
    call = Call.objects.create(
        **{
            "institution": connection.institution, "connection": connection, "infno": infno,
            "purpose": submission.purpose, "effect": "submit", "state": state,
            "msgid": f"H4417020000120260101000000{next(COUNT):04d}", "opter": "portal", "opter_name": "医保平台",
            "digest": submission.digest, "row_count": 1, "sent_at": now, "answered_at": now, "http_status": 200,
            **changes,
        }
    )  # fmt: skip
    envelope = {"infno": infno, "msgid": call.msgid, "opter_name": "医保平台", "input": content}
    keep(call, "request", json.dumps(envelope, ensure_ascii=False).encode())
    if answer is not None:
        keep(call, "answer", answer)
    CallEvent.objects.create(call=call, kind="prepared")
    CallEvent.objects.create(call=call, kind="sent")
    CallRow.objects.create(call=call, submission=submission)
    Submission.objects.filter(pk=submission.pk).update(last_call=call)
    submission.refresh_from_db()
    return call


def keep(call: Call, part: str, body: bytes) -> None:
    """Store a body as the ledger does: encrypted."""
    sealed = seal_body(body)
    CallBody.objects.create(
        call=call, part=part, month=sealed.month, sealed=sealed.sealed, digest=sealed.digest, size=sealed.size
    )


@pytest.fixture
def actor(member: Person, institution: Institution, connection: Connection) -> Actor:
    """The member at the hospital, which has a connection."""
    return Actor.of(member, institution)


@pytest.fixture
def refused(actor: Actor) -> Submission:
    """An upload that the platform refused."""
    submission = queue(actor, state=SubmissionState.REFUSED, words="科室编码已存在")
    answer = {"infcode": -1, "inf_refmsgid": "441700202601010000000001", "err_msg": "科室编码已存在", "output": None}
    say(submission, CallState.REFUSED, json.dumps(answer).encode(), words="科室编码已存在", infcode="-1")
    return submission


@pytest.fixture
def unknown(actor: Actor) -> Submission:
    """An upload whose answer was lost."""
    submission = queue(actor, state=SubmissionState.UNKNOWN, words="没有收到完整答复：超时")
    say(submission, CallState.UNKNOWN, words="没有收到完整答复：超时")
    return submission


@pytest.fixture
def enter(client: Client) -> Callable[[Person], Client]:
    """Logs somebody in: `enter(member)`."""

    def log_in(someone: Person) -> Client:
        client.force_login(someone)
        return client

    return log_in
