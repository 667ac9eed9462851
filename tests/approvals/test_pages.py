"""Who sees which proposal, what the buttons do, and what an address alone does not open."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.approvals import services
from portal.approvals.models import Approval
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Person

pytestmark = pytest.mark.django_db
BUTTONS = ("approve", "refuse", "withdraw", "countersign")


def entered(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def test_three_persons_before_a_proposal(propose, reviewer, stranger, person, other_institution) -> None:
    """The second person sees it, another institution finds nothing, a stranger is refused; so with every button."""
    approval = propose()
    page = reverse("approvals:detail", args=[approval.pk])
    assert "更名为「新名」" in text(entered(reviewer).get(page))
    elsewhere = person("elsewhere", other_institution, "reviewer")
    assert entered(elsewhere).get(page).status_code == 404
    assert "更名为" not in text(entered(elsewhere).get(reverse("approvals:list") + "?tab=all"))
    assert entered(stranger).get(page).status_code == 403
    for button in BUTTONS:
        url = reverse(f"approvals:{button}", args=[approval.pk])
        assert entered(elsewhere).post(url, {"reason": "试试"}).status_code == 404
        assert entered(stranger).post(url, {"reason": "试试"}).status_code == 403
        assert Client().post(url).status_code == 302
    approval.refresh_from_db()
    assert approval.state == "waiting"


def test_a_colleague_without_either_right_does_not_see_it(propose, person, institution) -> None:
    approval, clerk = propose(), person("clerk", institution, "cashier")
    assert entered(clerk).get(reverse("approvals:detail", args=[approval.pk])).status_code == 404


def test_the_proposer_gets_no_button_and_the_address_does_not_help(propose, both, institution) -> None:
    approval = propose(by=both)
    client = entered(both)
    page = text(client.get(approval.get_absolute_url()))
    assert "就地双签" in page
    assert "通过并执行" not in page.replace("双签通过并执行", "")
    answer = client.post(reverse("approvals:approve", args=[approval.pk]), follow=True)
    assert "须由另一位" in text(answer)
    approval.refresh_from_db()
    assert approval.state == "waiting"


def test_approving_through_the_page_once(propose, reviewer, institution) -> None:
    approval, client = propose(), entered(reviewer)
    url = reverse("approvals:approve", args=[approval.pk])
    given = {"digest": approval.digest, "next": reverse("approvals:list") + "?tab=waiting"}
    for _ in range(2):
        answer = client.post(url, given)
        assert answer["Location"] == given["next"]
    institution.refresh_from_db()
    assert institution.fixmedins_name == "新名"
    assert AuditEvent.objects.filter(action="approvals.approve").count() == 1
    assert client.post(url, {**given, "next": "https://example.org/"})["Location"] == approval.get_absolute_url()


def test_what_was_shown_is_what_is_approved(propose, reviewer, institution) -> None:
    approval = propose()
    answer = entered(reviewer).post(reverse("approvals:approve", args=[approval.pk]), {"digest": "0" * 64}, follow=True)
    assert "不一致" in text(answer)
    approval.refresh_from_db()
    assert approval.state == "waiting"


def test_returned_with_a_reason(propose, reviewer, proposer) -> None:
    approval, client = propose(), entered(reviewer)
    url = reverse("approvals:refuse", args=[approval.pk])
    assert "请填写退回原因" in text(client.post(url, {"reason": ""}, follow=True))
    client.post(url, {"reason": "缺少批文"})
    assert "缺少批文" in text(entered(proposer).get(approval.get_absolute_url()))


def test_tabs_count_what_waits_for_whom(propose, proposer, reviewer, both, django_assert_max_num_queries) -> None:
    for number in range(3):
        propose(f"名{number}")
    propose("自己的", by=both)
    url = reverse("approvals:list")
    counts = {
        someone.username: [tab.count for tab in entered(someone).get(url).context["tabs"]]
        for someone in (proposer, reviewer, both)
    }
    assert counts == {
        "proposer": ["0", "3", "4", "4"],
        "reviewer": ["4", "0", "4", "4"],
        "both": ["3", "1", "4", "4"],
    }


def test_the_list_takes_no_query_per_row(propose, reviewer, django_assert_max_num_queries) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, url = entered(reviewer), reverse("approvals:list") + "?tab=all"
    propose()
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for number in range(12):
        propose(f"再一个{number}")
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) <= len(one) + 1  # the pager's own


def test_waiting_on_the_desk_with_a_link_to_those_rows(propose, reviewer, proposer, institution) -> None:
    from portal.desk.panels import approvals_to_decide

    propose()
    line = approvals_to_decide(Actor.of(reviewer, institution))[0]
    assert line.number == 1
    assert entered(reviewer).get(line.url).context["total"] == 1
    assert approvals_to_decide(Actor.of(proposer, institution))[0].number == 0


def test_countersigned_at_the_proposers_seat(propose, proposer, reviewer, both, institution, monkeypatch) -> None:
    """The second person's own password and code; the session stays the proposer's."""
    from portal.people import login

    def check(username: str, password: str, code: str, ip: str) -> Person:
        if password != "right":
            raise login.LoginRefused("登录名、密码或动态口令不正确。")
        return Person.objects.get(username=username)

    monkeypatch.setattr(login, "authenticate_second", check)
    approval, client = propose(by=both), entered(both)
    url = reverse("approvals:countersign", args=[approval.pk])
    given = {"username": "reviewer", "password": "right", "code": "123456", "digest": approval.digest}
    assert "不正确" in text(client.post(url, given | {"password": "wrong"}, follow=True))
    assert "须由另一位" in text(client.post(url, given | {"username": "both"}, follow=True))
    assert "没有审核这项申请的权限" in text(client.post(url, given | {"username": "proposer"}, follow=True))
    assert entered(proposer).post(url, given, follow=True).status_code == 200  # not on the page of somebody else
    approval.refresh_from_db()
    assert approval.state == "waiting"
    page = text(client.post(url, given, follow=True))
    assert "演示reviewer 已就地双签" in page
    approval.refresh_from_db()
    assert (approval.state, approval.on_site, approval.decided_by) == ("approved", True, reviewer)
    assert client.session["_auth_user_id"] == str(both.pk)


def test_expired_and_unknown_kinds_have_a_page(propose, reviewer, both, institution) -> None:
    approval = propose(by=both)
    Approval.objects.filter(pk=approval.pk).update(kind="gone.kind")
    page = text(entered(both).get(approval.get_absolute_url()))
    assert "gone.kind" in page
    services.withdraw(Actor.of(both, institution), approval=approval)
    assert "已撤销" in text(entered(both).get(approval.get_absolute_url()))


@pytest.mark.parametrize("name", ["list", "leave", "roster", "handover", "clearing"])
def test_pages_for_three_persons(name, member, outsider, stranger) -> None:
    for someone, status in ((member, 200), (outsider, 200), (stranger, 403)):
        assert entered(someone).get(reverse(f"approvals:{name}")).status_code == status
