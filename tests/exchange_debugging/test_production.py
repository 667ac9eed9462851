"""Outside 沙箱 and 测试 only queries leave from here; anything else needs two persons and goes once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from insurance.exchange.debugging.approval import KIND, propose_write
from insurance.exchange.debugging.choices import SendState
from insurance.exchange.debugging.drafting import content_of
from insurance.exchange.debugging.rules import NotFromHere, gate_of
from insurance.exchange.debugging.sending import SendRefused, send
from insurance.exchange.delivery import drain
from insurance.exchange.models import Connection, DebugDraft, DebugSend, Submission
from insurance.exchange.pages.submissions import why_not_resend
from insurance.exchange.services import resend
from insurance.specification.books import Book, open_book
from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import Approval
from portal.approvals.services import approve, refuse, withdraw
from portal.audit.models import AuditEvent
from portal.lists.intent import issue
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Membership, Person
from portal.tasks.models import Task
from tests.exchange_debugging.conftest import department
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
Enter = Callable[[Person], Client]
Draft = Callable[..., DebugDraft]
WRITES = [
    i for i, row in open_book().index.items() if row.cells["effect"] != "query" and row.cells["direction"] != "inbound"
]


@pytest.fixture
def real(connection: Connection, settings: Any) -> Connection:
    """The hospital after going live (its platform is the sandbox, so that a mistake here harms nobody)."""
    settings.ENVIRONMENT = "正式"
    Connection.objects.update(environment="正式")
    connection.refresh_from_db()
    return connection


def nothing_left() -> bool:
    return not Submission.objects.exists() and not Task.objects.filter(kind="exchange.debug_ask").exists()


def test_every_write_is_closed_and_says_why(real: Connection, book: Book) -> None:
    for infno in WRITES:
        gate = gate_of(real, book.transaction(infno))
        assert not gate.open, infno
        assert "只发送查询" in gate.reason


def test_either_word_for_production_closes(connection: Connection, book: Book, settings: Any) -> None:
    write = book.transaction("3401")
    assert gate_of(connection, write).open
    settings.ENVIRONMENT = "正式"
    assert not gate_of(connection, write).open
    settings.ENVIRONMENT = "沙箱"
    connection.environment = "正式"
    assert not gate_of(connection, write).open


def test_the_service_refuses_a_write(real: Connection, actor: Actor, draft: Draft) -> None:
    made = draft("3401", department())
    with pytest.raises(NotFromHere, match="「科室」"):
        send(actor, infno="3401", content=content_of(made), draft=made)
    with pytest.raises(NotFromHere):
        send(actor, infno="3401", content=content_of(made), draft=made, again=True)
    assert nothing_left()


def test_a_query_still_goes(real: Connection, actor: Actor, draft: Draft) -> None:
    send(actor, infno="5101", content=content_of(draft("5101", {})))
    assert Task.objects.filter(kind="exchange.debug_ask").count() == 1


def test_no_forged_form_gets_a_write_out(
    real: Connection, member: Person, draft: Draft, enter: Enter, sandbox: RunningSandbox
) -> None:
    made = draft("3401", department())
    client = enter(member)
    form, panel = (reverse(f"exchange:debug_{name}", args=[made.pk]) for name in ("draft", "confirm"))
    page = client.get(panel)
    words = page.content.decode()
    assert reverse("directory:departments") in words
    assert 'value="send"' not in words
    key = page.context["intent"].key
    client.post(panel, {"intent": key, "act": "send", "again": "on"})
    client.post(panel, {"intent": key, "act": "", "again": "on"})
    client.post(form, {"act": "send", "version": str(made.version), "intent": issue(member, "exchange.debug_ask").key})
    # a form of a query whose transaction was exchanged
    client.post(reverse("exchange:debug_new", args=["3401"]), {"act": "send", "key": "z" * 20, "m:deptinfo.caty": "A"})
    assert nothing_left()
    assert not sandbox.log("3401")
    filled = client.post(form, {"act": "fill", "version": "9"}, follow=True)
    assert "示例只能在沙箱和测试" in filled.content.decode() or filled.status_code == 409


def test_2601_never_leaves_without_a_second_person(real: Connection, actor: Actor, draft: Draft, book: Book) -> None:
    message = {"data": {"psn_no": "P1", "omsgid": "M" * 30, "oinfno": "2207"}}
    made = draft("2601", message, "441700")
    with pytest.raises(NotFromHere):
        send(actor, infno="2601", content=content_of(made), draft=made)
    assert nothing_left()


def test_two_persons_send_exactly_the_message_once(
    real: Connection,
    actor: Actor,
    member: Person,
    reviewer: Person,
    draft: Draft,
    enter: Enter,
    sandbox: RunningSandbox,
) -> None:
    made = draft("3401", department("TWO"))
    client = enter(member)
    panel = reverse("exchange:debug_confirm", args=[made.pk])
    key = client.get(panel).context["intent"].key
    assert client.post(panel, {"intent": key, "act": "propose", "reason": ""}).url == panel
    answer = client.post(panel, {"intent": key, "act": "propose", "reason": "科室页面暂不支持此区划"})
    sent = DebugSend.objects.get()
    assert answer.url == reverse("exchange:debug_send", args=[sent.pk])
    assert "待审核" in client.get(answer.url).content.decode()
    assert nothing_left()
    approval = Approval.objects.get(kind=KIND)
    assert "欧阳" not in approval.label
    with pytest.raises(NotAllowed):
        approve(actor, approval=approval)
    second = Actor.of(reviewer, real.institution)
    page = enter(reviewer).get(answer.url).content.decode()
    assert "欧*" in page
    assert "欧阳某某" not in page
    approve(second, approval=approval, words="同意")
    approve(second, approval=approval)
    submission = Submission.objects.get()
    assert submission.requested_by == member
    assert submission.opter == "member"
    drain(real.pk, "interactive")
    assert [row["input"]["deptinfo"]["hosp_dept_codg"] for row in sandbox.log("3401")] == ["TWO"]
    assert "exchange.debug_send" in set(AuditEvent.objects.values_list("action", flat=True))


def test_who_may_propose_and_approve_cannot_do_both(
    real: Connection, actor: Actor, member: Person, draft: Draft
) -> None:
    made = draft("3401", department())
    propose_write(actor, infno="3401", content=content_of(made), reason="确需从这里发送", draft=made)
    Membership.objects.create(person=member, institution=real.institution, role="reviewer")
    with pytest.raises(NotAllowed):
        approve(Actor.of(Person.objects.get(pk=member.pk), real.institution), approval=Approval.objects.get())
    assert nothing_left()


@pytest.mark.parametrize("change", ["message", "digest", "infno"])
def test_a_message_changed_after_the_proposal_is_not_sent(
    change: str, real: Connection, actor: Actor, reviewer: Person, draft: Draft
) -> None:
    made = draft("3401", department("ONE"))
    sent = propose_write(actor, infno="3401", content=content_of(made), reason="确需从这里发送", draft=made)
    if change == "message":
        sent.message = sent.message.replace("ONE", "TWO")
    elif change == "infno":
        sent.infno = "3402"
    else:
        Approval.objects.update(digest="0" * 64)
    sent.save()
    with pytest.raises(ApprovalRefused):
        approve(Actor.of(reviewer, real.institution), approval=Approval.objects.get())
    assert nothing_left()
    assert Approval.objects.get().state == "waiting"


def test_a_draft_edited_later_changes_nothing(
    real: Connection, actor: Actor, reviewer: Person, draft: Draft, sandbox: RunningSandbox
) -> None:
    made = draft("3401", department("KEPT"))
    propose_write(actor, infno="3401", content=content_of(made), reason="确需从这里发送", draft=made)
    made.delete()
    approve(Actor.of(reviewer, real.institution), approval=Approval.objects.get())
    drain(real.pk, "interactive")
    assert [row["input"]["deptinfo"]["hosp_dept_codg"] for row in sandbox.log("3401")] == ["KEPT"]


@pytest.mark.parametrize("end", ["refuse", "withdraw"])
def test_a_proposal_sent_back_ends_the_send(
    end: str, real: Connection, actor: Actor, member: Person, reviewer: Person, draft: Draft, enter: Enter
) -> None:
    made = draft("3401", department())
    sent = propose_write(actor, infno="3401", content=content_of(made), reason="确需从这里发送", draft=made)
    approval = Approval.objects.get()
    if end == "refuse":
        refuse(Actor.of(reviewer, real.institution), approval=approval, reason="请在科室页面办理")
    else:
        withdraw(actor, approval=approval)
    page = enter(member).get(reverse("exchange:debug_send", args=[sent.pk])).content.decode()
    sent.refresh_from_db()
    assert sent.state == SendState.STOPPED
    assert "hx-get" not in page.split('id="send-live"')[1][:200]
    assert nothing_left()


def test_where_one_may_send_there_is_nothing_to_approve(connection: Connection, actor: Actor, draft: Draft) -> None:
    made = draft("3401", department())
    with pytest.raises(SendRefused, match="直接发送"):
        propose_write(actor, infno="3401", content=content_of(made), reason="试一试", draft=made)


def test_without_the_right_nothing_is_proposed(real: Connection, person: Callable[..., Person], draft: Draft) -> None:
    made = draft("3401", department())
    for role in ("reviewer", "cashier"):
        someone = Actor.of(person(role, real.institution, role), real.institution)
        with pytest.raises(NotAllowed):
            propose_write(someone, infno="3401", content=content_of(made), reason="确需从这里发送", draft=made)
    assert not Approval.objects.exists()


def test_what_was_refused_is_not_sent_again_by_one_person_alone(
    real: Connection, actor: Actor, reviewer: Person, draft: Draft
) -> None:
    made = draft("3401", department())
    propose_write(actor, infno="3401", content=content_of(made), reason="确需从这里发送", draft=made)
    approve(Actor.of(reviewer, real.institution), approval=Approval.objects.get())
    submission = Submission.objects.get()
    Submission.objects.update(state="refused")
    submission.refresh_from_db()
    assert "重复为新" in why_not_resend(submission)
    with pytest.raises(NotFromHere, match="重复为新"):
        resend(actor, submission=submission)
    assert Submission.objects.count() == 1


def test_the_same_content_proposed_twice_goes_once(
    real: Connection, actor: Actor, reviewer: Person, draft: Draft, sandbox: RunningSandbox
) -> None:
    """Both proposals were made before either went; the second yes comes after the first was accepted."""
    made = draft("3401", department("SAME"))
    for _ in range(2):
        propose_write(actor, infno="3401", content=content_of(made), reason="科室页面暂不支持此区划")
    first, second = Approval.objects.filter(kind=KIND).order_by("pk")
    yes = Actor.of(reviewer, real.institution)
    approve(yes, approval=first)
    drain(real.pk, "interactive")
    with pytest.raises(ApprovalRefused, match="没有再次发送"):
        approve(yes, approval=second)
    drain(real.pk, "interactive")
    assert len(sandbox.log("3401")) == 1
    assert Submission.objects.count() == 1
