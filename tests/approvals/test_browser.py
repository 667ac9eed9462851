"""In a real browser: the second person signs at the proposer's seat; a masked value is uncovered in its place."""

from __future__ import annotations

import pyotp
import pytest
from django.utils import timezone

from insurance.directory.models import Practitioner
from portal.approvals import clearing, services
from portal.approvals.handing import hand_over
from portal.approvals.rosters import plan
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.factor import begin
from portal.people.models import SecondFactor
from portal.people.standing import Delegation
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NUMBER = "441700200001010000"


@pytest.fixture
def code(reviewer):
    """The second person's phone: `code()` is what it shows now."""
    secret = begin(reviewer).secret
    SecondFactor.objects.update(confirmed_at=timezone.now())
    return lambda: pyotp.TOTP(secret).now()


def test_signed_at_one_seat(log_in, look, propose, proposer, reviewer, institution, code) -> None:
    from playwright.sync_api import expect

    plan(Actor.of(reviewer, institution), duty="exchange.approve", days={timezone.localdate(): reviewer})
    approval = propose("阳江市妇幼保健院（演示，更名）")
    page = log_in(proposer)
    page.goto(approval.get_absolute_url())
    expect(page.get_by_text("今日第二人：演示reviewer")).to_be_visible()
    look("approvals-countersign")
    page.get_by_label("第二人登录名").fill("reviewer")
    page.get_by_label("第二人密码").fill("wrong")
    page.locator("#sign-code").fill("000000")
    page.get_by_role("button", name="双签通过并执行").click()
    expect(page.locator("#messages")).to_contain_text("不正确")
    page.get_by_label("第二人登录名").fill("reviewer")
    page.get_by_label("第二人密码").fill(PASSWORD)
    page.locator("#sign-code").fill(code())
    page.get_by_role("button", name="双签通过并执行").click()
    expect(page.locator("#messages")).to_contain_text("演示reviewer 已就地双签")
    expect(page.locator(".top-person")).to_contain_text("演示proposer")
    look("approvals-signed")
    institution.refresh_from_db()
    assert institution.fixmedins_name == "阳江市妇幼保健院（演示，更名）"


def test_a_and_r_in_the_drawer(log_in, look, propose, reviewer) -> None:
    from playwright.sync_api import expect

    propose("甲")
    propose("乙")
    page = log_in(reviewer)
    page.goto("/approvals/")
    page.set_viewport_size({"width": 1366, "height": 768})
    look("approvals-list")
    page.get_by_role("link", name="更名为「甲」").click()
    expect(page.locator("#drawer")).to_contain_text("通过后将执行")
    look("approvals-drawer")
    page.keyboard.press("r")
    expect(page.get_by_label("退回原因")).to_be_focused()
    page.keyboard.type("ar")  # letters in a field are letters
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#messages")).to_contain_text("已通过：更名为「甲」")
    expect(page.locator("#list-card tbody tr")).to_have_count(1)


def test_one_value_is_uncovered_in_its_place(log_in, look, proposer, institution) -> None:
    from playwright.sync_api import expect

    now = timezone.now()
    doctor = Practitioner.objects.create(
        institution=institution, key="D1", prac_psn_code="D441700000001", prac_psn_type="1", prac_psn_name="演某某",
        certno=NUMBER, first_seen=now, last_seen=now,
    )  # fmt: skip
    page = log_in(proposer)
    page.goto("/directory/practitioners/?tab=all")
    page.locator("#list-card tbody tr").first.click()
    place = page.locator("#drawer")
    expect(place).to_contain_text("4417**********0000")
    place.get_by_label("查看证件号码").click()
    reason = place.get_by_label("查看证件号码的原因")
    expect(reason).to_be_focused()
    look("uncover-reason")
    reason.fill("看")
    page.keyboard.press("Enter")
    expect(place).to_contain_text("至少 4 个字")
    reason.fill("电话核对排班")
    page.keyboard.press("Enter")
    expect(place).to_contain_text(NUMBER)
    look("uncover-shown")
    assert AuditEvent.objects.get(action="privacy.uncover").subjects == [f"directory.practitioner:{doctor.pk}"]
    page.goto(f"/directory/practitioners/{doctor.pk}/")
    expect(page.locator("#content")).to_contain_text("4417**********0000")
    expect(page.locator("#content")).not_to_contain_text(NUMBER)
    look("uncover-masked-again")


def test_the_other_pages_stand(log_in, look, page, propose, proposer, reviewer, both, person, institution) -> None:
    """Leave, roster, handover and clear lists, looked at on both screens."""
    from playwright.sync_api import expect

    today = timezone.localdate()
    officer = person("officer", institution, "security_admin", "manager")
    Delegation.objects.create(
        institution=institution, absent=both, deputy=reviewer, reason="年休假", starts_on=today, ends_on=today,
        made_by=both,
    )  # fmt: skip
    plan(Actor.of(reviewer, institution), duty="exchange.approve", days={today: reviewer})
    approval = propose("交给别人的")
    propose("留着的")
    hand_over(
        Actor.of(proposer, institution), giver=proposer, taker=officer,
        chosen={"approvals.open": {approval.pk}}, note="调岗，请关注到期时间",
    )  # fmt: skip
    asked = clearing.ask(
        Actor.of(proposer, institution), scope="insurance.directory.views.staff.PractitionerList", query="",
        purpose="inspection", days=3, reason="飞行检查通知要求核对名单",
    )  # fmt: skip
    services.approve(Actor.of(reviewer, institution), approval=asked)
    log_in(reviewer)
    page.goto("/approvals/leave/")
    expect(page.locator(".top-deputy")).to_have_text("代 演示both")
    look("approvals-leave")
    page.goto("/approvals/roster/?duty=exchange.approve")
    look("approvals-roster")
    page.goto("/")
    look("approvals-desk")
    log_in(officer)
    page.goto(f"/approvals/handover/?giver={proposer.pk}")
    look("approvals-handover")
    page.goto("/approvals/clearing/")
    look("approvals-clearing")
    page.locator("#list-card tbody tr").first.click()
    expect(page.locator("#drawer")).to_contain_text("飞行检查通知")
    look("approvals-clearing-one")
    log_in(proposer)
    page.goto("/approvals/clearing/new/")
    look("approvals-clearing-new")
    page.set_viewport_size({"width": 1920, "height": 1080})
    for name in ("", "leave/", "roster/", "handover/"):
        page.goto(f"/approvals/{name}")
        look(f"wide-approvals-{name.strip('/') or 'list'}")
