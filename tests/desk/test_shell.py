"""The frame around every page: menu, head, bands, policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from portal.desk import registry
from portal.desk.checks import check_menu
from portal.desk.registry import Banner, MenuEntry, Notice, add_banner, add_menu
from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return response.content.decode()


def menu_of(response: Any) -> list[str]:
    """Labels of the menu, in the order of the screen."""
    menu = text(response).split('id="menu"')[1].split("</nav>")[0]
    return re.findall(r'class="menu-(?:words|line[^"]*)"[^>]*>([^<]+)<', menu)


def current(page: str) -> list[str]:
    """The addresses that the menu marks as the page at hand."""
    return re.findall(r'is-current" href="([^"]+)"', page.split('id="menu"')[1].split("</nav>")[0])


def test_every_entry_of_the_rooms_leads_somewhere() -> None:
    assert check_menu() == []


def test_check_finds_entries_without_page_or_right(shelf: None) -> None:
    add_menu(MenuEntry("空", "nowhere:list", group="系统", action="nowhere.view"))
    assert {found.id for found in check_menu()} == {"desk.E001", "desk.E002"}


def test_unknown_group_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown menu group"):
        MenuEntry("空", "desk:home", group="没有这一组")


def test_menu_shows_only_what_the_role_may(
    client: Client, member: Person, person: Callable[..., Person], institution: Institution
) -> None:
    client.force_login(member)
    assert {"工作台", "科室", "任务中心"} <= set(menu_of(client.get("/")))
    assert "人员" not in menu_of(client.get("/"))
    client.force_login(person("system", institution, "system_admin"))
    assert "人员" in menu_of(client.get("/"))
    client.force_login(person("cashier", institution, "cashier"))
    assert "交易记录" not in menu_of(client.get("/"))


def test_menu_keeps_the_order_of_the_groups(office: Client, shelf: None) -> None:
    add_menu(MenuEntry("对账日历", "tasks:schedules", group="对账", action="desk.view"))
    labels = menu_of(office.get("/"))
    assert labels.index("科室与人员") < labels.index("对账") < labels.index("任务中心")
    assert labels.index("对账") + 1 == labels.index("对账日历")


def test_current_entry_is_marked_and_named_in_the_trail(office: Client) -> None:
    page = text(office.get("/tasks/"))
    assert current(page) == ["/tasks/"]
    assert re.search(r'class="trail".*?<span>任务中心</span>', page, re.S)
    assert current(text(office.get("/tasks/schedules/"))) == ["/tasks/schedules/"]


@pytest.mark.parametrize(
    ("environment", "tone"), [("沙箱", "sandbox"), ("测试", "test"), ("正式", "production"), ("预演", "test")]
)
def test_environment_is_unmistakable_on_each_page(office: Client, settings: Any, environment: str, tone: str) -> None:
    settings.ENVIRONMENT = environment
    for url in ("/", "/tasks/", "/nowhere/", "/login/"):
        page = text(office.get(url, follow=True))
        assert f">{environment}环境</span>" in page
        assert f"env-{tone}" in page
        assert f"{environment} · " in page.split("</title>")[0]


def test_head_names_person_and_hospital(office: Client, member: Person, institution: Institution) -> None:
    head = text(office.get("/")).split('class="top"')[1].split("</header>")[0]
    assert re.search(rf'class="top-person"[^>]*>{member.name}<', head)
    assert institution.fixmedins_name in head
    assert "切换机构" not in head


def test_switch_is_offered_to_those_with_several_institutions(
    office: Client, member: Person, other_institution: Institution
) -> None:
    Membership.objects.create(person=member, institution=other_institution, role="manager")
    page = text(office.get("/"))
    assert "切换机构" in page
    answer = office.post("/institution/", {"institution": other_institution.pk, "next": "/"}, follow=True)
    assert other_institution.fixmedins_name in text(answer).split("<title>")[1].split("</title>")[0]


def test_band_stands_on_every_page_and_knows_the_actor(office: Client, shelf: None, member: Person) -> None:
    def notice(actor: Actor) -> Notice | None:
        return Notice(f"{actor.name}连接的是沙箱平台", "info") if actor.person == member else None

    add_banner(Banner("test", notice))
    for url in ("/", "/tasks/", "/nowhere/"):
        assert f'class="band band-info" role="status">\n    {member.name}连接的是沙箱平台' in text(office.get(url))


def test_shell_costs_no_more_with_more_entries(office: Client, shelf: None) -> None:
    office.get("/tasks/")
    with CaptureQueriesContext(connection) as before:
        office.get("/tasks/")
    for number in range(20):
        add_menu(MenuEntry(f"第 {number}", "tasks:list", group="系统", order=number, action="tasks.view"))
        registry._menu[f"extra{number}"] = registry._menu["tasks:list"]
    with CaptureQueriesContext(connection) as after:
        office.get("/tasks/")
    assert len(after) == len(before)


def test_no_inline_script_or_style_and_a_strict_policy(office: Client) -> None:
    for url in ("/", "/tasks/", "/nowhere/", "/login/"):
        answer = office.get(url)
        page = text(answer)
        assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page) == []
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "unsafe" not in policy


def test_menu_folding_comes_from_the_cookie(office: Client) -> None:
    assert "is-narrow" not in text(office.get("/"))
    office.cookies["menu"] = "narrow"
    assert "is-narrow" in text(office.get("/"))


def test_our_css_keeps_to_what_old_browsers_know(settings: Any) -> None:
    css = (settings.BASE_DIR / "static/css/portal.css").read_text()
    rules = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    for new in (
        "oklch",
        "color-mix",
        ":has(",
        ":is(",
        ":where(",
        "@container",
        "@layer",
        "aspect-ratio",
        "inset:",
        "dvh",
    ):
        assert new not in rules


def test_only_one_shell_a_request(rf: RequestFactory) -> None:
    from portal.desk.context import shell

    request = rf.get("/")
    assert shell(request)["shell"] is shell(request)["shell"]
