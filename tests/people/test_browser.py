"""The login page, the first password and 系统 · 人员 in a real browser."""

from __future__ import annotations

import pytest
from django.urls import reverse

from portal.people.models import Person
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
    page.goto(reverse("people:list"))
    page.get_by_text("没有权限").first.wait_for()
    look("refused")


def test_managing_people(page, person, institution, log_in, look) -> None:
    log_in(person("admin", institution, "it"))
    person("cashier1", institution, "cashier", "reviewer")
    page.goto(reverse("people:list"))
    look("people")
    page.get_by_role("link", name="新建人员").click()
    page.get_by_label("登录名").fill("records1")
    page.get_by_label("姓名").fill("病案甲")
    page.get_by_label("角色").select_option(label="病案采集")
    look("person-new")
    page.get_by_role("button", name="保存").click()
    page.get_by_text("初始密码").first.wait_for()
    look("person-given")
    page.get_by_role("link", name="我已转告本人").click()
    page.get_by_text("操作记录").wait_for()
    look("person")
