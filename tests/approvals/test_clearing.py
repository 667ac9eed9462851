"""Clear lists: asked for, allowed by another person, used, ended."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from portal.approvals import clearing, services
from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import Approval
from portal.audit.uncovering import clear_grant, note_use
from portal.lists.intent import issue
from portal.people.actor import Actor, NotAllowed

pytestmark = pytest.mark.django_db
LIST = "insurance.directory.views.staff.PractitionerList"
ASKED = {"scope": LIST, "query": "prac_psn_type=1", "purpose": "inspection", "days": 2, "reason": "检查通知"}


def entered(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_asked_allowed_used_and_ended(institution, proposer, reviewer, person) -> None:
    asker = Actor.of(proposer, institution)
    approval = clearing.ask(asker, **ASKED)
    shown = dict(clearing.show(approval))
    assert (shown["用途"], shown["列表"], shown["使用人"]) == ("检查取证", "医保医师护士药师", proposer.name)
    assert clear_grant(asker, f"{LIST}?prac_psn_type=1") is None
    with pytest.raises(NotAllowed):
        services.approve(asker, approval=approval)
    services.approve(Actor.of(reviewer, institution), approval=approval)
    grant = clear_grant(asker, f"{LIST}?prac_psn_type=1")
    assert grant is not None
    assert (grant.person, grant.granted_by, grant.approval) == (proposer, reviewer, approval.pk)
    note_use(asker, grant, what="导出名册", rows=7)
    page = entered(proposer).get(reverse("approvals:clearing_one", args=[grant.pk])).content.decode()
    assert "导出名册" in page
    clerk = person("clerk", institution, "cashier")
    assert entered(clerk).get(reverse("approvals:clearing_one", args=[grant.pk])).status_code == 404
    assert entered(clerk).post(reverse("approvals:clearing_end", args=[grant.pk])).status_code == 404
    entered(reviewer).post(reverse("approvals:clearing_end", args=[grant.pk]))
    assert clear_grant(asker, f"{LIST}?prac_psn_type=1") is None


def test_the_second_person_reads_which_rows_are_meant(institution, proposer, reviewer) -> None:
    """The list's own button hands its query on; words and number stand on the page, not the address."""
    client, url = entered(proposer), reverse("directory:practitioners")
    page = client.get(url, {"tab": "left", "words": "演某"}).content.decode()
    link = html.unescape(re.search(r'href="(/approvals/clearing/new/[^"]+)"', page).group(1))
    assert "姓名、代码：演某" in client.get(link).content.decode()
    assert "申请明文导出" not in entered(reviewer).get(url).content.decode()
    approval = clearing.ask(Actor.of(proposer, institution), **ASKED | {"query": "tab=left&words=演某&page=2"})
    shown = dict(clearing.show(approval))
    assert (shown["查询条件"], shown["目前行数"]) == ("已离职；姓名、代码：演某", "0 行")
    assert "演某" not in approval.label
    whole = clearing.show(clearing.ask(Actor.of(proposer, institution), **ASKED | {"query": ""}))
    assert dict(whole)["查询条件"] == "不限（整个列表）"


def test_who_may_ask_and_for_what(institution, proposer, reviewer) -> None:
    with pytest.raises(NotAllowed):
        clearing.ask(Actor.of(reviewer, institution), **ASKED)
    for wrong in ({"scope": "os.path"}, {"purpose": "curiosity"}, {"days": 8}, {"days": 0}, {"reason": ""}):
        with pytest.raises(ApprovalRefused):
            clearing.ask(Actor.of(proposer, institution), **ASKED | wrong)


def test_the_pages_for_three_persons(institution, proposer, reviewer, outsider, stranger) -> None:
    url = reverse("approvals:clearing_new")
    assert entered(reviewer).get(url).status_code == 403
    assert entered(stranger).get(url).status_code == 403
    client = entered(proposer)
    nothing = client.get(reverse("approvals:clearing")).content.decode()
    assert f'href="{url}"' in nothing[nothing.index('class="empty"') :]
    filled = client.get(url, {"scope": LIST, "query": "words=x"}).content.decode()
    assert 'value="words=x"' in filled
    given = ASKED | {"intent": issue(proposer, "approvals.clear_list").key}
    for _ in range(2):
        answer = client.post(url, given)
    approval = Approval.objects.get()
    assert answer["Location"] == approval.get_absolute_url()
    services.approve(Actor.of(reviewer, institution), approval=approval)
    assert entered(reviewer).get(reverse("approvals:clearing")).context["total"] == 1
    assert entered(proposer).get(reverse("approvals:clearing")).context["total"] == 1
    assert entered(outsider).get(reverse("approvals:clearing")).context["total"] == 0
    assert client.post(url, {"scope": "x"}).status_code == 422
