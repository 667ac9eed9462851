"""交接: whose items, to whom, by whom, and what the taker sees."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.approvals import services
from portal.approvals.errors import ApprovalRefused
from portal.approvals.handing import acknowledge, hand_over
from portal.approvals.models import Handover
from portal.approvals.queries import handed_to
from portal.lists.intent import issue
from portal.people.actor import Actor, NotAllowed
from portal.tasks.models import Task
from portal.tasks.services import hand_over as hand_over_tasks

pytestmark = pytest.mark.django_db


def entered(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def task(institution, proposer) -> Task:
    return Task.objects.create(institution=institution, kind="x.y", label="导出科室", requested_by=proposer)


def test_the_taker_may_withdraw_but_not_approve(institution, proposer, both, reviewer, propose, task) -> None:
    approval, other = propose(), propose("另一项")
    chosen = {"approvals.open": {approval.pk}, "tasks.open": {task.pk}}
    made = hand_over(Actor.of(proposer, institution), giver=proposer, taker=both, chosen=chosen, note="调岗")
    assert (made.count, len(made.items)) == (2, 2)
    for thing in (approval, other, task):
        thing.refresh_from_db()
    assert (approval.held_by, approval.proposed_by, other.held_by, task.requested_by) == (
        both,
        proposer,
        proposer,
        both,
    )
    with pytest.raises(NotAllowed, match="经办"):
        services.approve(Actor.of(both, institution), approval=approval)
    services.withdraw(Actor.of(both, institution), approval=approval)
    assert handed_to(Actor.of(both, institution)).get() == made
    with pytest.raises(NotAllowed):
        acknowledge(Actor.of(reviewer, institution), handover=made)
    acknowledge(Actor.of(both, institution), handover=made)
    assert not handed_to(Actor.of(both, institution)).exists()


@pytest.mark.parametrize("kind", ["sheets.apply", "sheets.waiting", "lists.batch"])
def test_what_is_done_under_ones_name_stays_ones_own(institution, proposer, both, task, kind: str) -> None:
    """Else one's own proposals would stand under a colleague's name, and one could approve them."""
    Task.objects.filter(pk=task.pk).update(kind=kind)
    given = {"giver": proposer, "taker": both, "chosen": {"tasks.open": {task.pk}}, "note": "调岗"}
    with pytest.raises(ApprovalRefused, match="没有交接"):
        hand_over(Actor.of(proposer, institution), **given)
    assert hand_over_tasks(Actor.of(proposer, institution), giver=proposer, taker=both, keys={task.pk}) == 0
    task.refresh_from_db()
    assert task.requested_by == proposer


def test_only_ones_own_or_with_the_right(institution, other_institution, proposer, reviewer, person, propose) -> None:
    chosen = {"approvals.open": {propose().pk}}
    given = {"giver": proposer, "taker": reviewer, "chosen": chosen, "note": "离职"}
    clerk = person("clerk", institution, "cashier")
    with pytest.raises(NotAllowed):
        hand_over(Actor.of(clerk, institution), **given)
    far = person("far", other_institution, "security_admin")
    with pytest.raises(NotAllowed):
        hand_over(Actor.of(far, other_institution), **given | {"taker": far})
    head = Actor.of(person("head", institution, "manager"), institution)
    for wrong in ({"note": ""}, {"taker": proposer}, {"taker": far}, {"chosen": {}}, {"chosen": {"tasks.open": {1}}}):
        with pytest.raises(ApprovalRefused):
            hand_over(head, **given | wrong)
    assert hand_over(head, **given).made_by == head.person


def test_an_import_goes_only_to_whom_may_import(institution, proposer, reviewer, both) -> None:
    from portal.sheets.choices import ImportState
    from portal.sheets.models import SheetImport

    ready = SheetImport.objects.create(
        institution=institution, importer="directory.department", label="科室", file_name="科室.xlsx", sha256="0" * 64,
        size=1, stored_as="x", requested_by=proposer, state=ImportState.READY,
    )  # fmt: skip
    given = {"giver": proposer, "chosen": {"sheets.ready": {ready.pk}}, "note": "休假"}
    with pytest.raises(ApprovalRefused, match="没有「科室」的导入权限"):
        hand_over(Actor.of(proposer, institution), taker=reviewer, **given)
    hand_over(Actor.of(proposer, institution), taker=both, **given)
    ready.refresh_from_db()
    assert ready.requested_by == both


def test_through_the_page_once(institution, proposer, reviewer, outsider, propose) -> None:
    approval, client, url = propose(), entered(proposer), reverse("approvals:handover")
    assert approval.label in client.get(url).content.decode()
    given = {
        "intent": issue(proposer, "approvals.handover").key, "giver": proposer.pk, "taker": reviewer.pk,
        "item": [f"approvals.open/{approval.pk}"], "note": "调岗",
    }  # fmt: skip
    for _ in range(2):
        assert client.post(url, given).status_code == 302
    made = Handover.objects.get()
    assert "确认接手" in entered(reviewer).get(url).content.decode()
    seen = reverse("approvals:handover_seen", args=[made.pk])
    assert entered(outsider).post(seen).status_code == 404
    entered(reviewer).post(seen)
    made.refresh_from_db()
    assert made.seen_at is not None


def test_the_address_does_not_show_anothers_items(institution, proposer, reviewer, propose) -> None:
    approval = propose()
    page = entered(reviewer).get(reverse("approvals:handover"), {"giver": proposer.pk}).content.decode()
    assert approval.label not in page
