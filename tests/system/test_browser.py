"""The pages of audit and 系统 in a real browser, looked at in both sizes; 安全保护 on A4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from portal.audit import seals
from portal.audit.services import record
from portal.audit.verifying import keep, verify
from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person
from portal.system.alarms import raise_alarm
from portal.system.models import AlarmDelivery, AlarmRoute
from tests.audit.tampering import event_on

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def officer(person: Callable[..., Person], institution: Institution, member: Person) -> Person:
    """Somebody who reads the audit, with something to read."""
    made = person("auditor", institution, "audit_admin")
    person("secure", institution, "security_admin")
    person("sysadm", institution, "system_admin")
    for n in range(1, 4):
        event_on(seals.yesterday(), institution, n)
    seals.close_all()
    keep(verify(), "演示审计")
    actor = Actor.of(member, institution, "10.20.30.40")
    for n in range(30):
        record(
            actor,
            "directory.change",
            [member],
            label=f"修改科室 {n:03d} 产科二病区",
            reason="名称更正" if n % 3 else "",
        )
    record(actor, "people.grant", [made, member], label="授予 auditor「审计管理员」", reason="任命", role="audit_admin")
    return made


@pytest.fixture
def admin(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody who runs the system, with alarms."""
    made = person("sysadmin", institution, "system_admin")
    way = AlarmRoute.objects.create(
        institution=institution,
        name="信息科值班群",
        kind="wecom",
        address="https://qyapi.example/send?key=k",
        duties=["exchange"],
    )
    event = raise_alarm(institution, "exchange.contradicted", "2 条上传的迟到答复与此前认定不符", "danger")
    raise_alarm(None, "disk", "运行目录所在磁盘只剩 8 GB", "warning")
    AlarmDelivery.objects.filter(route=way).update(state="sent", attempts=1, outcome="对方已接受（HTTP 200）")
    assert event.deliveries.count() == 1
    return made


def wide(page: Any, url: str, name: str, look: Callable[[str], Path]) -> None:
    page.goto(url)
    look(name)
    page.set_viewport_size({"width": 1920, "height": 1080})
    look(f"{name}-wide")
    page.set_viewport_size({"width": 1366, "height": 768})


def test_the_auditor_reads_opens_and_verifies(
    officer: Person, log_in: Callable[[Person], Any], look: Callable[[str], Path]
) -> None:
    page = log_in(officer)
    wide(page, "/audit/", "audit", look)
    assert page.get_by_text("people.grant").count() == 0
    page.get_by_role("link", name="授予 auditor").or_(page.locator("tbody tr a").first).first.click()
    page.locator("#drawer").get_by_text("请求编号").wait_for()
    look("audit-drawer")
    page.goto("/audit/?words=授予")
    page.locator("tbody tr a").first.click()
    page.locator("#drawer").get_by_text("审计管理员").first.wait_for()
    page.locator("#drawer").get_by_role("link", name="经过").first.click()
    page.get_by_role("heading", name="的经过").wait_for()
    look("audit-history")
    wide(page, "/audit/seals/", "seals", look)
    page.get_by_role("button", name="核验", exact=True).click()
    page.get_by_text("正在核验").wait_for()
    look("seals-running")


def test_alarms_and_routes(admin: Person, log_in: Callable[[Person], Any], look: Callable[[str], Path]) -> None:
    page = log_in(admin)
    wide(page, "/system/alarms/", "alarms", look)
    page.locator("tbody tr a").first.click()
    page.locator("#drawer").get_by_text("关闭告警").wait_for()
    look("alarm-drawer")
    wide(page, "/system/alarms/routes/", "routes", look)
    page.get_by_role("link", name="新建去向").click()
    page.locator("#id_name").fill("短信网关")
    page.locator("#id_kind").select_option("json")
    page.locator("#id_address").fill("ftp://x")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("地址应为 http").wait_for()
    look("route-new")
    page.locator("#id_address").fill("https://sms.example/send?key=sesame")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已新建").wait_for()
    look("route")
    assert page.get_by_text("sesame").count() == 0


def test_health(admin: Person, log_in: Callable[[Person], Any], look: Callable[[str], Path], redis_url: str) -> None:
    wide(log_in(admin), "/system/health/", "health", look)


def test_protection_on_screen_and_on_paper(
    officer: Person, log_in: Callable[[Person], Any], look: Callable[[str], Path]
) -> None:
    page = log_in(officer)
    wide(page, "/system/protection/", "protection", look)
    Membership.objects.filter(person=officer).exclude(role="audit_admin").delete()
    target = Path(settings.RUN_DIR) / "looks" / "protection.pdf"
    page.pdf(path=str(target), format="A4", print_background=True)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    look("protection-paper")
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
