"""What a person may do about an upload: asked first, done once, and refused with the reason when it is too late."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Connection, Submission
from portal.audit.models import AuditEvent
from portal.lists import batch, batch_work
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.exchange_pages.conftest import queue


def panel(client: Client, name: str, *rows: Submission, **fields: Any) -> dict[str, Any]:
    """Ask for the panel and return what its form would send."""
    answer = client.post(reverse(name), {"row": [row.pk for row in rows], **fields})
    assert answer.status_code == 200, answer.headers
    content = answer.content.decode()
    intent = re.search(r'name="intent" value="([^"]+)"', content)
    return {"row": [row.pk for row in rows], "intent": intent[1] if intent else "", "content": content}


def send(client: Client, name: str, form: dict[str, Any], **fields: Any) -> str:
    """Press the panel's button; returns the page that follows."""
    values = {"row": form["row"], "intent": form["intent"], **fields}
    return client.post(reverse(name), values, follow=True).content.decode()


def test_resent_twice_is_resent_once(refused: Submission, member: Person, enter: Callable[[Person], Client]) -> None:
    client = enter(member)
    form = panel(client, "exchange:resend", refused)
    assert "重新上传 1 条" in form["content"]
    assert "已重新上传 1 条。" in send(client, "exchange:resend", form, reason="已改正")
    assert "没有重复执行" in send(client, "exchange:resend", form, reason="已改正")
    refused.refresh_from_db()
    assert refused.superseded
    assert list(Submission.objects.exclude(pk=refused.pk).values_list("state", flat=True)) == ["queued"]
    assert AuditEvent.objects.filter(action="exchange.resend", reason="已改正").count() == 1


def test_two_windows_resend_once(refused: Submission, member: Person, enter: Callable[[Person], Client]) -> None:
    client = enter(member)
    one, two = panel(client, "exchange:resend", refused), panel(client, "exchange:resend", refused)
    send(client, "exchange:resend", one)
    assert "没有执行" in send(client, "exchange:resend", two)
    assert Submission.objects.filter(state=SubmissionState.QUEUED).count() == 1


def test_withdrawn_twice_is_withdrawn_once(actor: Actor, member: Person, enter: Callable[[Person], Client]) -> None:
    client, waiting = enter(member), queue(actor)
    form = panel(client, "exchange:withdraw", waiting)
    assert "已撤销 1 条。" in send(client, "exchange:withdraw", form, reason="录错")
    assert "没有重复执行" in send(client, "exchange:withdraw", form, reason="录错")
    waiting.refresh_from_db()
    assert waiting.state == SubmissionState.WITHDRAWN
    assert AuditEvent.objects.filter(action="exchange.withdraw").count() == 1


@pytest.mark.parametrize(
    ("finding", "state"), [("adopted", SubmissionState.ACCEPTED), ("absent", SubmissionState.WITHDRAWN)]
)
def test_decided_twice_is_decided_once(
    unknown: Submission, member: Person, enter: Callable[[Person], Client], finding: str, state: str, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.VERIFY_MIN_AGE = 0
    client = enter(member)
    form = panel(client, "exchange:decide", unknown)
    assert "先在平台" in form["content"]
    answer = {"finding": finding, "reason": "电话问过医保局"}
    assert "已人工核实 1 条。" in send(client, "exchange:decide", form, **answer)
    other = {"finding": "absent" if finding == "adopted" else "adopted", "reason": "再点一次"}
    assert "没有重复执行" in send(client, "exchange:decide", form, **other)
    unknown.refresh_from_db()
    assert unknown.state == state
    assert "电话问过医保局" in unknown.settled
    assert AuditEvent.objects.filter(action="exchange.decide").count() == 1


def test_absent_may_not_be_said_while_the_platform_may_still_work(
    unknown: Submission, member: Person, enter: Callable[[Person], Client], settings
) -> None:  # type: ignore[no-untyped-def]
    settings.VERIFY_MIN_AGE = 3600
    client = enter(member)
    form = panel(client, "exchange:decide", unknown)
    assert "秒后再核实" in send(client, "exchange:decide", form, finding="absent", reason="电话问过医保局")
    unknown.refresh_from_db()
    assert unknown.state == SubmissionState.UNKNOWN


def test_a_decision_needs_evidence(unknown: Submission, member: Person, enter: Callable[[Person], Client]) -> None:
    client = enter(member)
    form = panel(client, "exchange:decide", unknown)
    assert "请填写依据" in send(client, "exchange:decide", form, finding="absent", reason="  ")
    unknown.refresh_from_db()
    assert unknown.state == SubmissionState.UNKNOWN


def test_decisions_are_made_one_at_a_time(
    unknown: Submission, actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    other = queue(actor, state=SubmissionState.UNKNOWN)
    answer = enter(member).post(reverse("exchange:decide"), {"row": [unknown.pk, other.pk]}, follow=True)
    assert "人工核实须逐条进行，当前选了 2 条" in answer.content.decode()


def test_what_cannot_be_done_says_why(
    unknown: Submission, refused: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    client = enter(member)
    content = panel(client, "exchange:resend", unknown)["content"]
    assert "请勿重复上传" in content
    assert "所选记录都不能重新上传" in content
    mixed = panel(client, "exchange:resend", unknown, refused)
    assert "重新上传 1 条" in mixed["content"]
    send(client, "exchange:resend", mixed)
    unknown.refresh_from_db()
    assert unknown.state == SubmissionState.UNKNOWN
    assert unknown.superseded is False


def test_what_changed_after_the_panel_is_not_done(
    refused: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    client = enter(member)
    form = panel(client, "exchange:resend", refused)
    Submission.objects.filter(pk=refused.pk).update(superseded=True)
    assert "确认之后记录有变化" in send(client, "exchange:resend", form)
    assert Submission.objects.count() == 1


def test_a_batch_is_one_event_with_all_its_submissions(
    actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    rows = [queue(actor) for _ in range(3)]
    client = enter(member)
    form = panel(client, "exchange:withdraw", *rows)
    assert "已撤销 3 条" in send(client, "exchange:withdraw", form, reason="填错了")
    event = AuditEvent.objects.get(action="exchange.withdraw")
    assert sorted(event.subjects) == sorted(f"exchange.submission:{row.pk}" for row in rows)
    assert (event.reason, event.label) == ("填错了", "上传记录：撤销 3 条")


@pytest.mark.django_db(transaction=True)
def test_many_go_in_pieces_in_the_background(
    actor: Actor, member: Person, enter: Callable[[Person], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(batch_work, "PIECE", 2)
    rows = [queue(actor) for _ in range(3)]
    client = enter(member)
    assert "已开始在后台撤销 3 条" in send(client, "exchange:withdraw", panel(client, "exchange:withdraw", *rows))
    run_task(Task.objects.get(kind="lists.batch").pk)
    assert Submission.objects.filter(state=SubmissionState.WITHDRAWN).count() == 3
    told = AuditEvent.objects.filter(action="exchange.withdraw").order_by("pk")
    assert [len(event.subjects) for event in told] == [2, 1]
    assert len({event.origin for event in told}) == 1


@pytest.fixture
def it(person: Callable[..., Person], institution: Institution) -> Person:
    """Someone of the IT department, who manages the connection."""
    return person("it", institution, "it")


def intent_of(client: Client, address: str, action: str) -> str:
    """The one-time key of a form of a page."""
    content = client.get(address).content.decode()
    form = content[content.index(f'action="{action}"') :] if action else content
    found = re.search(r'name="intent" value="([^"]+)"', form)
    assert found
    return found[1]


def test_paused_twice_is_paused_once_and_resumed(
    connection: Connection, it: Person, enter: Callable[[Person], Client]
) -> None:
    client, page = enter(it), reverse("exchange:connection")
    values = {"intent": intent_of(client, page, reverse("exchange:pause")), "reason": "医保局通知停机"}
    assert "已暂停上传" in client.post(reverse("exchange:pause"), values, follow=True).content.decode()
    client.post(reverse("exchange:pause"), values)
    connection.refresh_from_db()
    assert connection.paused
    assert AuditEvent.objects.filter(action="exchange.pause").count() == 1
    assert "医保局通知停机" in client.get(page).content.decode()
    assert "医保局通知停机" in client.get(reverse("desk:home")).content.decode()
    resume = {"intent": intent_of(client, page, reverse("exchange:resume"))}
    assert "已恢复上传" in client.post(reverse("exchange:resume"), resume, follow=True).content.decode()
    connection.refresh_from_db()
    assert not connection.paused


def test_a_pause_needs_a_reason(connection: Connection, it: Person, enter: Callable[[Person], Client]) -> None:
    client = enter(it)
    key = intent_of(client, reverse("exchange:connection"), reverse("exchange:pause"))
    answer = client.post(reverse("exchange:pause"), {"intent": key, "reason": " "})
    assert "请填写原因" in answer.content.decode()
    connection.refresh_from_db()
    assert not connection.paused


def values_of(connection: Connection, **changes: str) -> dict[str, str]:
    """What the connection's form sends."""
    names = (
        "base_url", "account", "edition", "infver", "recer_sys_code", "resolve", "proxy", "opter", "opter_name",
        "sign_in", "mac", "ip", "file_bytes", "catalogue_code",
    )  # fmt: skip
    return {name: str(getattr(connection, name)) for name in names} | {"secret": "", "reason": "换前置机"} | changes


def test_the_connection_is_changed_and_the_secret_kept(
    connection: Connection, it: Person, enter: Callable[[Person], Client]
) -> None:
    client, address = enter(it), reverse("exchange:connection_change")
    assert "geheim" not in client.get(address).content.decode()
    values = values_of(connection, base_url="http://127.0.0.1:10/", intent=intent_of(client, address, ""))
    answer = client.post(address, values, follow=True).content.decode()
    assert "已保存：平台地址" in answer
    connection.refresh_from_db()
    assert connection.base_url == "http://127.0.0.1:10"
    assert connection.secret == "geheim-geheim"
    event = AuditEvent.objects.get(action="exchange.change")
    assert event.detail["changed"] == {"base_url": ["http://127.0.0.1:9", "http://127.0.0.1:10"]}
    assert event.reason == "换前置机"


def test_a_new_secret_is_stored_and_never_written_down(
    connection: Connection, it: Person, enter: Callable[[Person], Client]
) -> None:
    client, address = enter(it), reverse("exchange:connection_change")
    values = values_of(
        connection, secret="ganz-neu-geheim", proxy="http://user:pw-of-proxy@127.0.0.1:3128",
        intent=intent_of(client, address, ""),
    )  # fmt: skip
    answer = client.post(address, values, follow=True).content.decode()
    connection.refresh_from_db()
    assert connection.secret == "ganz-neu-geheim"
    written = answer + str(list(AuditEvent.objects.values()))
    assert "ganz-neu" not in written
    assert "geheim-geheim" not in written
    assert "pw-of-proxy" not in written


@pytest.mark.parametrize("url", ["", "ftp://platform", "platform"])
def test_a_wrong_address_is_refused(
    connection: Connection, it: Person, enter: Callable[[Person], Client], url: str
) -> None:
    client, address = enter(it), reverse("exchange:connection_change")
    answer = client.post(address, values_of(connection, base_url=url, intent=intent_of(client, address, "")))
    assert answer.status_code == 200
    assert "field-wrong" in answer.content.decode()
    connection.refresh_from_db()
    assert connection.base_url == "http://127.0.0.1:9"
