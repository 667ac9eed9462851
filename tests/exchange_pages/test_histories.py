"""A record's history: people's decisions merged with the steps of delivery."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from insurance.directory.models import Department
from insurance.exchange import services
from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Call, Connection, Submission
from portal.audit.histories import entries_of, history_url
from portal.audit.words import words_of
from portal.people.actor import Actor
from portal.people.models import Person
from tests.exchange.conftest import department  # noqa: F401
from tests.exchange_pages.conftest import say


def test_a_departments_history_holds_its_uploads_and_their_steps(
    actor: Actor, connection: Connection, department: Callable[..., Department], member: Person, outsider: Person,  # noqa: F811
    other_connection: Connection, client: Client,
) -> None:  # fmt: skip
    one = department("H1")
    submission = services.submit(actor, purpose="department.add", subject=one)
    say(submission, CallState.REFUSED, b"{}", request={"deptinfo": {}}, infno="3401")
    Submission.objects.filter(pk=submission.pk).update(state=SubmissionState.REFUSED)
    services.withdraw(actor, submission=submission, reason="填错了")
    told = [entry.what for entry in entries_of("directory.department", one)]
    assert any("开始发出" in words for words in told)
    assert any("撤销" in words for words in told)
    client.force_login(member)
    content = client.get(reverse("audit:history", args=["directory.department", one.pk])).content.decode()
    assert "开始发出（从这时起平台可能已收到）" in content
    assert "填错了" in content
    client.force_login(outsider)
    assert client.get(reverse("audit:history", args=["directory.department", one.pk])).status_code in (403, 404)


def test_submissions_and_calls_have_histories_too(refused: Submission, member: Person, client: Client) -> None:
    call = Call.objects.get()
    assert next(entry.what for entry in entries_of("exchange.call", call)).startswith("3401 报文已写好")
    assert len(entries_of("exchange.submission", refused)) == 2
    client.force_login(member)
    for thing in (refused, call):
        assert client.get(history_url(f"{thing._meta.label_lower}:{thing.pk}")).status_code == 200


def test_no_act_of_the_exchange_shows_its_code() -> None:
    for action in ("exchange.submit", "exchange.acknowledge", "exchange.apply", "exchange.retention", "exchange.prune"):
        assert "exchange" not in words_of(action)
        assert "其他" not in words_of(action)
