"""Sending against the real sandbox: queries by a worker's task, writes by the drain; once; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from insurance.exchange.debugging import sending
from insurance.exchange.debugging.choices import SendState
from insurance.exchange.debugging.drafting import Content, content_of
from insurance.exchange.debugging.sending import Faulty, SendRefused, SentBefore, ready, send
from insurance.exchange.debugging.standing import standing_of
from insurance.exchange.delivery import drain
from insurance.exchange.models import Call, Connection, DebugDraft, DebugSend, Submission
from insurance.specification.books import Book
from portal.audit.models import AuditEvent
from portal.lists.intent import issue
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Person
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.exchange_debugging.conftest import department
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
Enter = Callable[[Person], Client]


def press(client: Client, draft: DebugDraft, **fields: str) -> Any:
    """Confirm the panel of a draft: the page is fetched and its key sent back."""
    url = reverse("exchange:debug_confirm", args=[draft.pk])
    key = client.get(url).context["intent"].key
    return client.post(url, {"intent": key, "act": "send", **fields})


def test_a_write_is_queued_carried_and_answered(
    connection: Connection, member: Person, draft: Callable[..., DebugDraft], enter: Enter, sandbox: RunningSandbox
) -> None:
    client = enter(member)
    answer = press(client, draft("3401", department("D1")))
    made = DebugSend.objects.get()
    assert answer.url == reverse("exchange:debug_send", args=[made.pk])
    assert not sandbox.log("3401"), "the web process spoke to the platform"
    live = reverse("exchange:debug_live", args=[made.pk])
    waiting = client.get(live)
    assert waiting.status_code == 200
    assert "every 1s" in waiting.content.decode()
    assert drain(connection.pk, "interactive") == 1
    done = client.get(live)
    assert done.status_code == 286
    words = done.content.decode()
    assert "上传成功" in words
    call = Call.objects.get(infno="3401")
    assert call.msgid in words
    assert call.inf_refmsgid in words
    assert [row["hosp_dept_codg"] for row in sandbox.books("departments")] == ["D1"]
    page = client.get(answer.url).content.decode()
    assert "欧*" in page
    assert "欧阳某某" not in page


def test_a_query_is_asked_by_a_worker(
    connection: Connection, member: Person, draft: Callable[..., DebugDraft], enter: Enter, sandbox: RunningSandbox
) -> None:
    sandbox.put("departments", department("Q1")["deptinfo"])
    client = enter(member)
    made = draft("5101", {})
    url = reverse("exchange:debug_draft", args=[made.pk])
    key = issue(member, "exchange.debug_ask").key
    posted = {"act": "send", "intent": key, "version": str(made.version)}
    answer = client.post(url, posted)
    again = client.post(url, posted | {"version": str(made.version + 1)})
    assert again.url == answer.url, "the second press of one form asked again"
    task = Task.objects.get(kind="exchange.debug_ask")
    assert task.params == {"send": DebugSend.objects.get().pk}
    assert not sandbox.log("5101")
    run_task(task.pk)
    words = client.get(answer.url).content.decode()
    assert ">成功<" in words
    assert Call.objects.get(infno="5101").msgid in words
    assert len(sandbox.log("5101")) == 1


def test_one_panel_sends_once_and_the_same_content_needs_a_word(
    connection: Connection, member: Person, draft: Callable[..., DebugDraft], enter: Enter, sandbox: RunningSandbox
) -> None:
    client = enter(member)
    made = draft("3401", department("D2"))
    url = reverse("exchange:debug_confirm", args=[made.pk])
    key = client.get(url).context["intent"].key
    other = client.get(url).context["intent"].key
    first = client.post(url, {"intent": key, "act": "send"})
    assert client.post(url, {"intent": key, "act": "send"}).url == first.url
    # a second window while the first is on its way: the same message, the same outcome
    client.post(url, {"intent": other, "act": "send"})
    assert Submission.objects.count() == 1
    drain(connection.pk, "interactive")
    assert len(sandbox.log("3401")) == 1
    late = client.get(url)
    assert "完全相同的内容已于" in late.content.decode()
    refused = client.post(url, {"intent": late.context["intent"].key, "act": "send"})
    assert refused.url == url
    assert Submission.objects.count() == 1
    client.post(url, {"intent": late.context["intent"].key, "act": "send", "again": "on"})
    assert Submission.objects.count() == 2


def test_what_was_confirmed_is_what_is_sent(
    connection: Connection, actor: Actor, draft: Callable[..., DebugDraft], book: Book
) -> None:
    made = draft("3401", department("D3"))
    said = ready(actor, "3401", content_of(made))
    changed = Content({"deptinfo": content_of(made).state["deptinfo"] | {"hosp_dept_name": "儿科"}})  # type: ignore[index]
    with pytest.raises(SendRefused, match="改动"):
        send(actor, infno="3401", content=changed, draft=made, digest=said.digest)
    assert not DebugSend.objects.exists()


def test_an_unknown_outcome_says_what_is_asked(
    connection: Connection, member: Person, draft: Callable[..., DebugDraft], enter: Enter, sandbox: RunningSandbox,
    settings: Any, book: Book,
) -> None:  # fmt: skip
    settings.VERIFY_MIN_AGE = 60
    sandbox.fault("cut_after", "3401", times=1)
    client = enter(member)
    answer = press(client, draft("3401", department("D4")))
    from insurance.exchange.direct import _send_once
    from insurance.exchange.lines import open_line

    with open_line(connection) as line:
        _send_once(line, Submission.objects.get())
    standing = standing_of(DebugSend.objects.get(), book)
    assert standing.state == SendState.UNKNOWN
    assert standing.moving
    words = client.get(answer.url).content.decode()
    assert "结果待查" in words
    assert "请勿重复上传" in words
    assert "5101" in words
    # pressing again finds the one that is being looked for
    press(client, DebugDraft.objects.get())
    assert Submission.objects.count() == 1


def test_a_refusal_shows_the_platforms_words(
    connection: Connection, member: Person, draft: Callable[..., DebugDraft], enter: Enter, sandbox: RunningSandbox
) -> None:
    sandbox.fault("refuse", "5101", times=9)
    client = enter(member)
    made = draft("5101", {})
    key = issue(member, "exchange.debug_ask").key
    url = reverse("exchange:debug_draft", args=[made.pk])
    answer = client.post(url, {"act": "send", "intent": key, "version": "1"})
    run_task(Task.objects.get(kind="exchange.debug_ask").pk)
    made_send = DebugSend.objects.get()
    assert made_send.state == SendState.REFUSED
    assert made_send.words in client.get(answer.url).content.decode()


def test_a_faulty_message_is_not_sent(connection: Connection, actor: Actor) -> None:
    with pytest.raises(Faulty) as faulty:
        send(actor, infno="3401", content=Content({"deptinfo": {"aprv_bed_cnt": "many"}}))
    places = {finding.place for finding in faulty.value.findings}
    assert {"deptinfo.aprv_bed_cnt", "deptinfo.hosp_dept_codg"} <= places
    assert not Submission.objects.exists()


def test_a_file_is_sent_and_one_on_the_server_is_not(
    connection: Connection, actor: Actor, member: Person, enter: Enter, sandbox: RunningSandbox
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = enter(member)
    fields = {
        "act": "check", "m:fsUploadIn.filename": "a.zip", "m:fsUploadIn.fixmedins_code": "H44170200001",
        "key": "k" * 30, "m:fsUploadIn.in": "", "f:fsUploadIn.in": SimpleUploadedFile("a.zip", b"\x00\xffPK" * 30),
    }  # fmt: skip
    client.post(reverse("exchange:debug_new", args=["9101"]), fields)
    made = DebugDraft.objects.get()
    assert "\x00" not in made.content
    press(client, made)
    run_task(Task.objects.get(kind="exchange.debug_ask").pk)
    assert DebugSend.objects.get().state == SendState.ACCEPTED
    sent = sandbox.log("9101")[0]["input"]["fsUploadIn"]["in"]
    assert bytes(byte & 0xFF for byte in sent) == b"\x00\xffPK" * 30
    stolen = Content({"fsUploadIn": {"in": "@/etc/hostname", "filename": "a", "fixmedins_code": "H"}})
    with pytest.raises(Faulty, match="1 处错误"):
        send(actor, infno="9101", content=stolen)


def test_a_stranger_to_the_right_sends_nothing(
    connection: Connection, person: Callable[..., Person], draft: Callable[..., DebugDraft]
) -> None:
    made = draft("5101", {})
    clerk = Actor.of(person("cashier", connection.institution, "cashier"), connection.institution)
    with pytest.raises(NotAllowed):
        send(clerk, infno="5101", content=content_of(made), draft=made)


def test_what_was_sent_rests_encrypted_and_is_audited(
    connection: Connection, actor: Actor, draft: Callable[..., DebugDraft]
) -> None:
    from django.db import connection as database

    made = draft("3401", department("D9"))
    send(actor, infno="3401", content=content_of(made), draft=made)
    with database.cursor() as cursor:
        cursor.execute("SELECT content FROM exchange_debugdraft UNION ALL SELECT message FROM exchange_debugsend")
        stored = " ".join(row[0] for row in cursor.fetchall())
    assert "欧阳" not in stored
    assert "hosp_dept_codg" not in stored
    acts = list(AuditEvent.objects.values_list("action", flat=True))
    assert "exchange.debug_send" in acts
    assert not any("欧阳" in str(event.label) + str(event.detail) for event in AuditEvent.objects.all())


def test_the_same_write_accepted_before_is_told(
    connection: Connection, actor: Actor, draft: Callable[..., DebugDraft]
) -> None:
    made = draft("3401", department("D10"))
    send(actor, infno="3401", content=content_of(made))
    drain(connection.pk, "interactive")
    with pytest.raises(SentBefore, match="上传成功"):
        send(actor, infno="3401", content=content_of(made))


def test_what_is_accepted_while_it_is_being_queued_does_not_go_again(
    connection: Connection,
    actor: Actor,
    draft: Callable[..., DebugDraft],
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another window's message was under way when this one looked, and accepted when this one queued."""
    made = draft("3401", department("D11"))
    looks: list[int] = []
    look = sending.must_be_new

    def late(said: sending.Ready) -> None:
        if looks:
            look(said)
        looks.append(1)

    send(actor, infno="3401", content=content_of(made))
    drain(connection.pk, "interactive")
    monkeypatch.setattr(sending, "must_be_new", late)
    with pytest.raises(SentBefore):
        send(actor, infno="3401", content=content_of(made))
    drain(connection.pk, "interactive")
    assert (len(sandbox.log("3401")), Submission.objects.count(), DebugSend.objects.count()) == (1, 1, 1)
