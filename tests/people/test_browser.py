"""The login page with its codes, the lock over a half-filled form, 切换操作员 and 系统 · 人员 in a real browser."""

from __future__ import annotations

import time
from typing import Any

import pyotp
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from portal.people.models import Draft, LoginSession, Person, SecondFactor
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOCK = "#lock [data-unlock-form]"


def enter(page: Any, username: str, then: str = ".top-person") -> None:
    """Log in by the page and wait for what comes then."""
    page.goto("/login/")
    page.get_by_label("登录名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(then).first.wait_for()


def half_fill(page: Any, username: str, name: str) -> None:
    """Open 新建人员 and fill it in without sending it."""
    page.goto(reverse("system:person_new"))
    page.locator("#content [name=username]").fill(username)
    page.locator("#content [name=name]").fill(name)


def code_of(person: Person) -> str:
    return pyotp.TOTP(SecondFactor.objects.get(person=person).secret).at(timezone.now())


@pytest.fixture
def soon(settings: Any) -> None:
    """Screens lock after a minute, and the clock of the page can be moved."""
    settings.IDLE_LOCK_MINUTES = 1


def let_pass(page: Any, minutes: int) -> None:
    """Let the page believe that nobody touched it for so long, and wait until it has looked."""
    page.evaluate(
        """minutes => { const now = Date.now; const ahead = minutes * 60000; Date.now = () => now() + ahead; }""",
        minutes,
    )
    page.locator("#lock").wait_for(state="visible")


def test_first_day(page, person, institution, look) -> None:
    nurse = person("nurse", institution, "cashier")
    Person.objects.filter(pk=nurse.pk).update(must_change_password=True)
    page.goto("/tasks/")
    look("login")
    page.get_by_label("登录名").fill("nurse")
    page.get_by_label("密码").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("还可以试 4 次").wait_for()
    look("login-wrong")
    page.get_by_label("登录名").fill("nurse")
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("请先设置自己的密码").first.wait_for()
    page.locator("[name=old]").fill(PASSWORD)
    page.locator("[name=new]").fill("12345")
    page.locator("[name=again]").fill("12345")
    page.get_by_role("button", name="修改密码").click()
    page.get_by_text("密码至少 10 位").wait_for()
    look("first-password")
    page.locator("[name=old]").fill(PASSWORD)
    page.locator("[name=new]").fill("own-choice-2026")
    page.locator("[name=again]").fill("own-choice-2026")
    page.get_by_role("button", name="修改密码").click()
    page.get_by_text("密码已修改").wait_for()
    page.goto(reverse("system:people"))
    page.get_by_text("没有权限").first.wait_for()
    look("refused")


def test_setting_up_the_phone_and_logging_in_with_it(page, person, institution, look, settings) -> None:
    settings.FACTOR = "required"
    officer = person("officer", institution, "security_admin")
    enter(page, "officer", ".factor-picture")
    assert page.locator(".factor-picture").evaluate("image => image.complete && image.naturalWidth > 0")
    look("factor")
    page.locator("[name=code]").fill(code_of(officer))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="恢复码").wait_for()
    assert page.locator(".recovery code").count() == 10
    look("recovery")
    recovery = page.locator(".recovery code").first.inner_text()
    page.get_by_role("link", name="我已保管好").click()
    page.get_by_role("button", name="退出").click()
    enter(page, "officer", "text=密码正确")
    look("login-code")
    page.get_by_label("动态验证码").fill("000000")
    page.keyboard.press("Enter")
    page.get_by_text("还可以试 4 次").wait_for()
    page.get_by_label("动态验证码").fill(recovery)
    page.keyboard.press("Enter")
    page.locator(".top-person", has_text=officer.name).wait_for()


def test_managing_people(page, person, institution, log_in, look) -> None:
    person("safe", institution, "security_admin")
    person("cashier1", institution, "cashier", "reviewer")
    log_in(person("admin", institution, "system_admin"))
    page.goto(reverse("system:people"))
    look("people")
    page.get_by_role("link", name="新建人员").click()
    page.locator("#content [name=username]").fill("records1")
    page.locator("#content [name=name]").fill("病案甲")
    look("person-new")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("只显示这一次").first.wait_for()
    look("person-given")
    page.get_by_role("link", name="我已转告本人").click()
    page.get_by_text("还没有角色").first.wait_for()
    page.goto(reverse("system:logins"))
    page.get_by_role("cell", name="演示admin").wait_for()
    look("logins")
    log_in(Person.objects.get(username="safe"))
    page.goto(reverse("system:person", args=[Person.objects.get(username="records1").pk]))
    page.get_by_label("角色").select_option(label="病案采集")
    page.get_by_role("button", name="授予").click()
    page.get_by_text("已授予 病案甲「病案采集」").wait_for()
    look("person")


def test_my_account(page, person, institution, look) -> None:
    person("mine", institution, "cashier")
    enter(page, "mine")
    page.locator(".top-person").click()
    look("person-menu")
    page.get_by_role("link", name="我的账号").click()
    page.get_by_text("本次登录").wait_for()
    look("account")


def test_the_lock_hides_the_page_and_gives_the_half_filled_form_back(page, person, institution, look, soon) -> None:
    person("admin", institution, "system_admin")
    enter(page, "admin")
    half_fill(page, "half", "填了一半")
    let_pass(page, 2)
    look("locked")
    assert not page.locator("#content [name=name]").is_visible()
    assert page.evaluate("document.body.innerText").find("新建人员") < 0
    assert "已锁定" in page.title()
    assert LoginSession.objects.get().locked_at is not None
    page.locator(f"{LOCK} [name=password]").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("密码不正确").wait_for()
    page.locator(f"{LOCK} [name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#lock")).to_be_hidden()
    assert page.locator("#content [name=username]").input_value() == "half"
    assert page.locator("#content [name=name]").input_value() == "填了一半"
    assert "新建人员" in page.title()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("只显示这一次").first.wait_for()
    assert Person.objects.filter(username="half", name="填了一半").exists()


def test_the_lock_asks_for_a_code_where_one_is_wanted(page, person, institution, soon) -> None:
    officer = person("officer", institution, "security_admin")
    SecondFactor.objects.create(person=officer, secret=pyotp.random_base32(), confirmed_at=timezone.now())
    enter(page, "officer", "text=密码正确")
    page.get_by_label("动态验证码").fill(code_of(officer))
    page.keyboard.press("Enter")
    page.locator(".top-person").click()
    page.get_by_role("button", name="锁定屏幕").click()
    page.locator(f"{LOCK} [name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("请输入手机上的动态验证码").wait_for()
    SecondFactor.objects.update(last_step=0)
    page.locator(f"{LOCK} [name=code]").fill(code_of(officer))
    page.keyboard.press("Enter")
    expect(page.locator("#lock")).to_be_hidden()


def test_another_operator_in_three_seconds_and_the_other_tab_shows_nothing(page, person, institution, look) -> None:
    person("first", institution, "system_admin")
    person("second", institution, "cashier")
    enter(page, "first")
    half_fill(page, "never", "不该看见")
    other = page.context.new_page()
    other.goto("/")
    other.locator("[data-operator] summary").click()
    other.locator("[data-operator] [name=username]").wait_for()
    other.screenshot(path=str(look("operator")))
    begun = time.monotonic()
    other.keyboard.type("second")
    other.keyboard.press("Tab")
    other.keyboard.type(PASSWORD)
    other.keyboard.press("Enter")
    other.locator(".top-person", has_text="演示second").wait_for()
    assert time.monotonic() - begun < 3
    page.get_by_text("操作员已切换").wait_for()
    assert page.locator("[name=name]").count() == 0
    assert not Person.objects.filter(name="不该看见").exists()


def test_an_old_tab_of_another_person_cannot_send(page, person, institution, look) -> None:
    """Without script the page cannot cover itself: the server refuses the form, in words."""
    person("first", institution, "system_admin")
    person("second", institution, "system_admin")
    enter(page, "first")
    half_fill(page, "never", "从未")
    page.evaluate("window.localStorage.clear(); document.getElementById('lock').remove()")
    other = page.context.new_page()
    other.route("**/lock.js", lambda route: route.abort())
    other.goto("/operator/")
    other.get_by_label("登录名").fill("second")
    other.get_by_label("密码").fill(PASSWORD)
    other.keyboard.press("Enter")
    other.locator(".top-person", has_text="演示second").wait_for()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("这个页面是「演示first」打开的").wait_for()
    look("another-opener")
    assert not Person.objects.filter(username="never").exists()


def test_a_half_filled_form_waits_for_its_person(page, person, institution, look) -> None:
    person("first", institution, "system_admin")
    person("second", institution, "system_admin")
    enter(page, "first")
    half_fill(page, "half", "填了一半")
    page.locator(".top-person").click()
    page.get_by_role("button", name="锁定屏幕").click()
    page.locator("#lock").wait_for(state="visible")
    page.wait_for_timeout(500)
    assert Draft.objects.count() == 1
    page.get_by_text("切换操作员").last.click()
    page.locator(".lock-switch [name=username]").fill("second")
    page.locator(".lock-switch [name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".top-person", has_text="演示second").wait_for()
    page.goto(reverse("system:person_new"))
    page.wait_for_timeout(500)
    assert page.locator(".draft-bar").count() == 0
    page.get_by_role("button", name="退出").click()
    enter(page, "first")
    page.locator(".top-person", has_text="演示first").wait_for()
    page.goto(reverse("system:person_new"))
    page.get_by_role("button", name="恢复未保存的内容").wait_for()
    look("draft")
    page.get_by_role("button", name="恢复未保存的内容").click()
    assert page.locator("#content [name=name]").input_value() == "填了一半"
    page.locator("#content [name=name]").fill("填完了")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("只显示这一次").first.wait_for()
    assert Person.objects.filter(username="half", name="填完了").exists()


@pytest.mark.parametrize(("address", "field"), [("values:new", "note"), ("approvals:leave", "reason")])
def test_other_forms_are_kept_and_forgotten_when_not_wanted(page, member, address: str, field: str) -> None:
    enter(page, member.username)
    page.goto(reverse(address))
    page.locator(f"#content [name={field}]").fill("写了很久的话")
    page.goto(reverse("desk:home"))
    page.goto(reverse(address))
    page.get_by_role("button", name="恢复未保存的内容").click()
    assert page.locator(f"#content [name={field}]").input_value() == "写了很久的话"
    page.goto(reverse("desk:home"))
    page.goto(reverse(address))
    page.get_by_role("button", name="不要了").click()
    page.locator(".draft-bar").wait_for(state="detached")
    page.goto(reverse(address))
    page.wait_for_timeout(500)
    assert page.locator(".draft-bar").count() == 0
    assert not Draft.objects.exists()
