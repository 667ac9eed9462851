"""One upload from the queue to the proof, in a real browser against a real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insurance.exchange.delivery import drain
from insurance.exchange.models import Connection, Submission
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange_pages.conftest import connect, department_message, queue
from tests.sandbox_fixture import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def line(institution: Institution, sandbox: RunningSandbox) -> Connection:
    """The hospital's connection to the running sandbox."""
    return connect(institution, base_url=sandbox.url, account=sandbox.account, secret=sandbox.secret)


def test_from_the_queue_to_the_proof(
    line: Connection, member: Person, institution: Institution, sandbox: RunningSandbox,
    log_in: Callable[[Person], Any], look: Callable[[str], Path],
) -> None:  # fmt: skip
    actor = Actor.of(member, institution)
    message = department_message("产科一区")
    queue(actor, message=message)
    page = log_in(member)
    page.goto("/exchange/submissions/?tab=queued")
    assert "自" in page.locator("tbody tr").first.inner_text()
    assert drain(line.pk, "interactive") == 1
    page.goto("/exchange/submissions/?tab=accepted")
    assert page.get_by_text("当前连接的是沙箱平台，数据不会到达医保局").is_visible()
    page.locator("tbody a[data-drawer]").first.click()
    drawer = page.locator("#drawer-body")
    drawer.get_by_text("上传内容（按实际发出的报文）").wait_for()
    words = drawer.inner_text()
    assert "产科一区" in words
    assert "欧*" in words
    assert "138****0000" in words
    assert drawer.get_by_role("button", name="重新上传：已上传成功，无需重新上传").is_disabled()
    look("submission")
    drawer.locator("table a[data-drawer]").first.click()
    drawer.get_by_text("往返").wait_for()
    drawer.get_by_text("原文").first.click()
    assert '"deptinfo"' in drawer.locator("pre").first.inner_text()
    assert "13800000000" not in page.content()
    look("call")


def test_a_double_click_resends_once(
    line: Connection, member: Person, institution: Institution, sandbox: RunningSandbox,
    log_in: Callable[[Person], Any], look: Callable[[str], Path],
) -> None:  # fmt: skip
    actor = Actor.of(member, institution)
    message = department_message("妇科")
    queue(actor, message=message)
    queue(actor, message={"deptinfo": message["deptinfo"] | {"hosp_dept_name": "妇科二区"}})
    assert drain(line.pk, "interactive") == 2
    refused = Submission.objects.get(state="refused")
    page = log_in(member)
    page.goto("/exchange/submissions/?tab=refused")
    page.locator("tbody a[data-drawer]").first.click()
    page.get_by_text("平台返回：").first.wait_for()
    look("refused")
    page.locator("#drawer-body").get_by_role("button", name="重新上传", exact=True).click()
    page.get_by_role("button", name="重新上传 1 条").dblclick()
    page.get_by_text("已重新上传 1 条。").first.wait_for()
    assert "tab=refused" in page.url
    assert Submission.objects.filter(state="queued").count() == 1
    drain(line.pk, "interactive")
    assert len(sandbox.log("3401")) == 3
    refused.refresh_from_db()
    assert refused.superseded


def test_a_lost_answer_is_found_out_and_said(
    line: Connection, member: Person, institution: Institution, sandbox: RunningSandbox,
    log_in: Callable[[Person], Any],
) -> None:  # fmt: skip
    sandbox.fault("cut_after", "3401", times=1)
    queue(Actor.of(member, institution), message=department_message("儿科"))
    drain(line.pk, "interactive")
    submission = Submission.objects.get()
    page = log_in(member)
    page.goto(f"/exchange/submissions/{submission.pk}/")
    words = page.locator("main").inner_text()
    assert submission.state == "accepted"
    assert "已核实：平台有 (采用平台结果)" in words
    assert "没有得到结果" in words
    assert len(sandbox.log("3401")) == 1
