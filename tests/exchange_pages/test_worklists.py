"""待处理, 结果待查 and what may be done next with a call: shown with its reason, done once, never in clear unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from insurance.exchange import services
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.errors import PlatformError
from insurance.exchange.models import Call, Connection, Submission
from insurance.exchange.pages.today import lines_to_see_to
from insurance.exchange.pages.trouble import trouble_words
from insurance.exchange.recovery import settle_late
from insurance.exchange.shell import contradiction_alarm
from insurance.exchange.watching import look_contradicted, look_stopped
from insurance.specification.books import open_book
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange_pages.conftest import keep, queue, say
from tests.exchange_pages.test_reading import DOCUMENT, IN_CLEAR, NAME, PERSON, envelope, person_call

Enter = Callable[[Person], Client]


@pytest.fixture
def contradicted(actor: Actor) -> Submission:
    """Found absent, sent again and accepted; then the first message's late answer says yes too."""
    submission = queue(actor)
    first = say(submission, CallState.UNKNOWN)
    keep(first, "late", json.dumps({"infcode": 0, "inf_refmsgid": "L1", "output": None}).encode())
    say(submission, CallState.ACCEPTED, b"{}")
    Submission.objects.filter(pk=submission.pk).update(state=SubmissionState.ACCEPTED)
    settle_late(first, open_book())
    submission.refresh_from_db()
    return submission


@pytest.mark.parametrize("name", ["exchange:todo", "exchange:unknown"])
def test_who_may_see_the_work_lists(
    name: str, refused: Submission, unknown: Submission, member: Person, outsider: Person, stranger: Person,
    other_connection: Connection, client: Client,
) -> None:  # fmt: skip
    Submission.objects.filter(pk=unknown.pk).update(needs_person=True)
    shown = refused if "todo" in name else unknown
    client.force_login(member)
    assert shown.label in client.get(reverse(name)).content.decode()
    client.force_login(outsider)
    assert shown.label not in client.get(reverse(name)).content.decode()
    client.force_login(stranger)
    assert client.get(reverse(name)).status_code == 403


def test_the_work_list_holds_each_kind_once_with_age_and_next_step(
    actor: Actor, refused: Submission, unknown: Submission, contradicted: Submission, member: Person, enter: Enter
) -> None:
    Submission.objects.filter(pk=refused.pk).update(state_at=timezone.now() - timedelta(days=3))
    Submission.objects.filter(pk=unknown.pk).update(needs_person=True)
    held = queue(actor, thread=refused.thread, ready=False)
    fine = queue(actor)
    stuck = queue(actor, state=SubmissionState.SENDING)
    say(stuck, CallState.ACCEPTED, b"{}", apply_attempts=2)
    client = enter(member)
    for tab, wanted in {
        "all": {refused, unknown, contradicted, held, stuck},
        "person": {unknown}, "refused": {refused}, "contradicted": {contradicted}, "held": {held}, "unapplied": {stuck},
    }.items():  # fmt: skip
        answer = client.get(reverse("exchange:todo"), {"tab": tab})
        assert {row.pk for row in answer.context["page"].records} == {one.pk for one in wanted}, tab
        assert answer.context["total"] == len(wanted)
    content = client.get(reverse("exchange:todo"), {"tab": "all"}).content.decode()
    for words in ("3 天", "改正后「重新上传」", "先办好挡在前面的那条", "在平台核对，再点「已核对」", "系统自动再试"):
        assert words in content, words
    assert reverse("exchange:submission", args=[fine.pk]) not in content


def test_the_unknown_list_says_until_when(actor: Actor, unknown: Submission, member: Person, enter: Enter) -> None:
    person = queue(actor, state=SubmissionState.UNKNOWN, needs_person=True)
    answer = enter(member).get(reverse("exchange:unknown"))
    assert [row.pk for row in answer.context["page"].records] == [person.pk, unknown.pk]
    content = answer.content.decode()
    assert "转人工" in content
    assert "等系统核实，请勿重复上传" in content


def test_a_contradiction_is_work_and_an_alarm_until_somebody_compared_it(
    actor: Actor, contradicted: Submission, institution: Institution, member: Person, enter: Enter
) -> None:
    assert contradicted.contradicted
    notice = contradiction_alarm(actor)
    assert notice is not None
    assert "1 条" in notice.text
    assert look_contradicted(institution) == ("1 条上传的迟到答复与此前认定不符，可能重复或缺少", "danger")
    assert {line.label: line.number for line in lines_to_see_to(actor)}["答复前后不符"] == 1
    with pytest.raises(PlatformError, match="核对的结果"):
        services.acknowledge(actor, submission=contradicted, reason=" ")
    client, address = enter(member), reverse("exchange:acknowledge")
    panel = client.post(address, {"only": contradicted.pk})
    data = {"only": contradicted.pk, "intent": panel.context["intent"].key, "reason": "平台只有一条，无重复"}
    for _ in range(2):
        client.post(address, data)
    assert AuditEvent.objects.filter(action="exchange.acknowledge").count() == 1
    contradicted.refresh_from_db()
    assert not contradicted.contradicted
    assert contradiction_alarm(actor) is None
    assert look_contradicted(institution) is None
    with pytest.raises(PlatformError, match="已有人核对"):
        services.acknowledge(actor, submission=contradicted, reason="再来一次")


def test_a_stopped_platform_is_an_alarm(actor: Actor, institution: Institution, connection: Connection) -> None:
    assert look_stopped(institution) is None
    Connection.objects.update(paused=True, paused_reason="局方维护")
    assert look_stopped(institution) == ("已暂停上传：局方维护", "warning")


def test_each_act_of_a_call_is_a_button_or_says_why_not(
    refused: Submission, actor: Actor, member: Person, person: Callable[..., Person], institution: Institution,
    enter: Enter,
) -> None:  # fmt: skip
    call = Call.objects.get()
    client = enter(member)
    content = client.get(reverse("exchange:call", args=[call.pk])).content.decode()
    assert f'formaction="{reverse("exchange:resend")}"' in content
    assert "人工核实：只有「结果待查」的需要核实" in content
    assert "立即写入" in content
    Call.objects.filter(pk=call.pk).update(applied_at=timezone.now())
    content = client.get(reverse("exchange:call", args=[call.pk])).content.decode()
    assert "立即写入：答复已写入，或没有要写入的答复" in content
    asked = person_call(actor, json.dumps(envelope({})).encode())
    content = client.get(reverse("exchange:call", args=[asked.pk])).content.decode()
    assert "重新上传：这是查询、下载或签到，不属于任何一条上传" in content
    manager = person("manager", institution, "manager")
    content = enter(manager).get(reverse("exchange:call", args=[call.pk])).content.decode()
    assert "重新上传：您没有" in content
    assert enter(manager).post(reverse("exchange:apply_now", args=[call.pk])).status_code == 403
    assert enter(manager).get(reverse("exchange:call_uncover", args=[call.pk])).status_code == 403


def test_the_other_calls_of_the_same_content_stand_beside_it(
    refused: Submission, actor: Actor, member: Person, enter: Enter
) -> None:
    first = Call.objects.get()
    second = say(refused, CallState.ACCEPTED, b"{}")
    other = say(queue(actor), CallState.ACCEPTED, b"{}")
    answer = enter(member).get(reverse("exchange:call", args=[first.pk]))
    assert [call.pk for call in answer.context["attempts"]] == [second.pk]
    assert other.pk not in [call.pk for call in answer.context["attempts"]]
    assert "之后已有新的一次交易" in answer.content.decode()


def test_a_stored_answer_is_written_now(actor: Actor, member: Person, enter: Enter) -> None:
    waiting = queue(actor, state=SubmissionState.SENDING)
    call = say(waiting, CallState.ACCEPTED, b'{"infcode":0,"output":null}', apply_attempts=3)
    client = enter(member)
    client.post(reverse("exchange:apply_now", args=[call.pk]))
    waiting.refresh_from_db()
    assert waiting.state == SubmissionState.ACCEPTED
    answer = client.post(reverse("exchange:apply_now", args=[call.pk]), follow=True)
    assert "没有等待写入的答复" in answer.content.decode()


def test_fault_words_name_the_message_and_nobody(actor: Actor) -> None:
    call = person_call(
        actor, b"{}", infcode="-1", inf_refmsgid="4417REF", words=f"人员{DOCUMENT}未参保", mdtrt_id="V1", psn_no="P1"
    )
    words = trouble_words(call, open_book())
    for part in ("1101", call.msgid, "4417REF", "infcode -1", "V1", "4417**********0018", "发送方报文ID msgid"):
        assert part in words, part
    for part in (DOCUMENT, "P1", NAME):
        assert part not in words


def test_a_message_is_shown_in_clear_once_with_a_reason(
    actor: Actor, member: Person, outsider: Person, other_connection: Connection, enter: Enter
) -> None:
    call = person_call(actor, json.dumps(envelope({"baseinfo": PERSON}), ensure_ascii=False).encode())
    address = reverse("exchange:call_uncover", args=[call.pk])
    client = enter(member)
    assert "请写明原因" in client.get(address).content.decode()
    assert client.post(address, {"parts": "answer", "reason": ""}).status_code == 422
    assert not AuditEvent.objects.filter(action="privacy.uncover").exists()
    answer = client.post(address, {"parts": "answer", "reason": "核对窗口病人身份"})
    content = answer.content.decode()
    for word in IN_CLEAR[:3]:
        assert word in content, word
    assert "本页显示了明文" in content
    assert "no-store" in answer["Cache-Control"]
    event = AuditEvent.objects.get(action="privacy.uncover")
    assert event.detail["fields"] == ["answer"]
    assert NAME not in json.dumps([event.label, event.reason, event.detail], ensure_ascii=False)
    again = client.get(reverse("exchange:call", args=[call.pk])).content.decode()
    for word in IN_CLEAR:
        assert word not in again, word
    request = client.post(address, {"parts": "request", "reason": "核对窗口病人身份"}).content.decode()
    assert NAME not in request, "only the part that was asked for"
    assert enter(outsider).post(address, {"parts": "answer", "reason": "看一看别院的"}).status_code == 404


def test_retention_is_seen_by_some_and_changed_by_fewer(
    person: Callable[..., Person], institution: Institution, stranger: Person, connection: Connection, client: Client
) -> None:
    address, change = reverse("exchange:retention"), reverse("exchange:retention_change", args=["query"])
    client.force_login(stranger)
    assert client.get(address).status_code == 403
    client.force_login(person("it", institution, "it"))
    assert "查询与签到" in client.get(address).content.decode()
    assert client.get(change).status_code == 403
    client.force_login(person("admin", institution, "system_admin"))
    form = client.get(change)
    key = str(form.content.decode().split('name="intent" value="')[1].split('"')[0])
    data: dict[str, Any] = {"intent": key, "body_days": 20, "head_days": 400, "reason": "磁盘"}
    assert "至少保存 30 天" in client.post(change, data).content.decode()
    client.post(change, data | {"body_days": 45})
    assert "45 天" in client.get(address).content.decode()
    protected = client.get(reverse("exchange:retention_change", args=["settlement"])).content.decode()
    assert "提交审核" in protected
