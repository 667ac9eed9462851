"""Two persons, once, exactly what was approved, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from portal.approvals import services
from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import Approval
from portal.approvals.tasks import end_expired
from portal.audit.models import AuditEvent
from portal.audit.queries import history
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from tests.approvals import kinds

pytestmark = pytest.mark.django_db
Propose = Callable[..., Approval]


def named(institution: Institution) -> str:
    return Institution.objects.get(pk=institution.pk).fixmedins_name


def test_a_second_person_makes_it_happen(institution, reviewer, propose: Propose) -> None:
    approval = propose()
    assert named(institution) != "新名"
    done = services.approve(Actor.of(reviewer, institution), approval=approval, words="已核对")
    assert named(institution) == "新名"
    assert (done.state, done.decided_by, done.result) == ("approved", reviewer, "机构已更名为「新名」。")
    actions = [event.action for event in history(approval)]
    assert actions == ["approvals.approve", "approvals.propose"]
    assert next(event.action for event in history(institution)) == "approvals.approve"


def test_the_proposer_never_approves(institution, both, propose: Propose) -> None:
    approval = propose(by=both)
    with pytest.raises(NotAllowed, match="另一位"):
        services.approve(Actor.of(both, institution), approval=approval)
    with pytest.raises(NotAllowed):
        services.refuse(Actor.of(both, institution), approval=approval, reason="不行")
    assert not kinds.RUNS


def test_no_role_and_other_institution(institution, other_institution, proposer, person, propose: Propose) -> None:
    approval = propose()
    with pytest.raises(NotAllowed):
        services.approve(Actor.of(person("cash", institution, "cashier"), institution), approval=approval)
    elsewhere = person("elsewhere", other_institution, "reviewer")
    with pytest.raises(NotAllowed, match="不属于当前机构"):
        services.approve(Actor.of(elsewhere, other_institution), approval=approval)
    with pytest.raises(NotAllowed):
        services.approve(Actor.of(elsewhere, institution), approval=approval)
    with pytest.raises(NotAllowed):
        services.approve(Actor.system(institution), approval=approval)
    with pytest.raises(NotAllowed, match="系统账号"):
        services.propose(Actor.system(institution), kind="test.rename", label="x", payload={}, reason="自动")
    assert not kinds.RUNS


def test_who_may_not_propose(institution, person) -> None:
    with pytest.raises(NotAllowed):
        services.propose(
            Actor.of(person("cash", institution, "cashier"), institution),
            kind="test.rename", label="x", payload={"name": "x"}, reason="想改",
        )  # fmt: skip


def test_a_reason_is_asked_for(institution, proposer, reviewer, propose: Propose) -> None:
    with pytest.raises(ApprovalRefused, match="申请原因"):
        services.propose(Actor.of(proposer, institution), kind="test.rename", label="x", payload={}, reason=" ")
    with pytest.raises(ApprovalRefused, match="退回原因"):
        services.refuse(Actor.of(reviewer, institution), approval=propose(), reason="")


def test_twice_by_the_same_person_is_once(institution, reviewer, propose: Propose) -> None:
    approval = propose()
    for _ in range(2):
        services.approve(Actor.of(reviewer, institution), approval=approval)
    assert len(kinds.RUNS) == 1
    with pytest.raises(ApprovalRefused, match="已通过"):
        services.refuse(Actor.of(reviewer, institution), approval=approval, reason="改主意了")


@pytest.mark.parametrize(("name", "words"), [("坏", "名称不合规定"), ("崩", "系统执行时出错")])
def test_what_fails_leaves_nothing_but_the_reason(institution, reviewer, propose: Propose, name, words) -> None:
    before, approval = named(institution), propose(name)
    with pytest.raises(ApprovalRefused, match=words):
        services.approve(Actor.of(reviewer, institution), approval=approval)
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by, named(institution)) == ("waiting", None, before)
    assert words in approval.trouble
    assert "secret" not in approval.trouble
    assert words in approval.state_more
    assert not AuditEvent.objects.filter(action="approvals.approve").exists()


def test_what_was_altered_is_not_executed(institution, reviewer, propose: Propose) -> None:
    approval = propose()
    other = propose("偷换的名称")
    with connection.cursor() as cursor:  # as someone with the database's password might
        cursor.execute(
            "UPDATE approvals_approval SET content = (SELECT content FROM approvals_approval WHERE id = %s)"
            " WHERE id = %s",
            [other.pk, approval.pk],
        )
    with pytest.raises(ApprovalRefused, match="不一致"):
        services.approve(Actor.of(reviewer, institution), approval=approval)
    with pytest.raises(ApprovalRefused, match="不一致"):
        services.approve(Actor.of(reviewer, institution), approval=other, seen=approval.digest)
    assert not kinds.RUNS


def test_the_payload_rests_encrypted(propose: Propose) -> None:
    approval = propose("看不见的名称")
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM approvals_approval WHERE id = %s", [approval.pk])
        assert "看不见" not in cursor.fetchone()[0]
    assert approval.payload == {"name": "看不见的名称"}


def test_withdrawn_by_the_proposer_only(institution, proposer, reviewer, propose: Propose) -> None:
    approval = propose()
    with pytest.raises(NotAllowed, match="提出人"):
        services.withdraw(Actor.of(reviewer, institution), approval=approval)
    services.withdraw(Actor.of(proposer, institution), approval=approval, reason="填错了")
    assert approval.state == "withdrawn"
    with pytest.raises(ApprovalRefused, match="已撤销"):
        services.approve(Actor.of(reviewer, institution), approval=approval)


def test_what_expired_ends_once_and_is_not_approved(institution, reviewer, propose: Propose) -> None:
    approval, fresh = propose(), propose("还有效")
    Approval.objects.filter(pk=approval.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(ApprovalRefused, match="有效期"):
        services.approve(Actor.of(reviewer, institution), approval=approval)
    end_expired()
    end_expired()
    approval.refresh_from_db()
    fresh.refresh_from_db()
    assert (approval.state, fresh.state) == ("expired", "waiting")
    assert AuditEvent.objects.filter(action="approvals.expire").count() == 1
    with pytest.raises(ApprovalRefused, match="已过期"):
        services.approve(Actor.of(reviewer, institution), approval=approval)


@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_the_same_time(institution, person, propose: Propose, monkeypatch) -> None:
    """The second waits for the row, sees that it is done, and nothing happens twice."""
    approval = propose()
    people = [person(f"second{n}", institution, "reviewer") for n in range(4)]
    start, outcomes = threading.Barrier(len(people)), []

    def press(someone: Person) -> None:
        mine = Approval.objects.get(pk=approval.pk)
        start.wait(timeout=10)
        try:
            services.approve(Actor.of(someone, institution), approval=mine)
            outcomes.append("done")
        except ApprovalRefused as error:
            outcomes.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=(one,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert outcomes.count("done") == 1
    assert all("已通过" in words for words in outcomes if words != "done")
    assert len(outcomes) == len(people)
    assert len(kinds.RUNS) == 1
    assert AuditEvent.objects.filter(action="approvals.approve").count() == 1
