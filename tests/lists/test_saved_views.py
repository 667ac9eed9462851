"""Saved views, columns, density, page size: kept, shared, laid over the list at once, harmless when out of date."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client

from portal.audit.models import AuditEvent
from portal.lists import services
from portal.lists.layouts import arrange
from portal.lists.models import ListLook, SavedView
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Membership, Person
from portal.tasks.models import Task
from tests.lists.room import RecordList, RecordTable
from tests.lists.test_list_page import codes, queries_of, text

pytestmark = pytest.mark.django_db
URL = "/room/"
ROLE = "insurance_office"


def heads(response: Any) -> list[str]:
    """The headings of the table's columns."""
    head = text(response).split("<thead>")[1].split("</thead>")[0]
    return [re.sub(r"<[^>]+>|▲|▼", "", part).strip() for part in re.findall(r"<th[^>]*>(.*?)</th>", head, re.DOTALL)]


def save(office: Client, query: str, **fields: str) -> Any:
    return office.post(f"{URL}?{query}", {"view_save": "1", "name": "本月失败", **fields})


def content(query: str = "tab=all", columns: tuple[str, ...] = ()) -> services.Content:
    return services.Content(query, columns, 20, "small")


@pytest.fixture
def colleague(person: Callable[..., Person], institution: Institution) -> Client:
    """Another browser, of somebody with the same role."""
    browser = Client()
    browser.force_login(person("colleague", institution, ROLE))
    return browser


@pytest.fixture
def actor(member: Person, institution: Institution) -> Actor:
    return Actor.of(member, institution)


def test_a_view_keeps_everything_and_lays_it_over_at_once(office: Client, records: Callable[..., list[Task]]) -> None:
    records(60)
    office.post(f"{URL}?tab=all", {"columns": "keep", "shown": ["total", "kind"], "at_total": "1", "at_kind": "2"})
    office.post(f"{URL}?tab=all", {"size": "50"})
    office.post(f"{URL}?tab=all", {"density": "medium"})
    save(office, "tab=done&words=K00&sort=-kind&page=1")
    office.post(f"{URL}?tab=all", {"columns": "reset"})
    office.post(f"{URL}?tab=all", {"size": "20"})
    office.post(f"{URL}?tab=all", {"density": "small"})
    plain = office.get(f"{URL}?tab=all")
    assert "名称" in heads(plain)
    view = SavedView.objects.get()
    shown = office.get(f"{URL}?view={view.pk}", follow=True)
    where = dict(parse_qsl(urlsplit(shown.redirect_chain[-1][0]).query))
    assert where == {"tab": "done", "words": "K00", "sort": "-kind", "view": str(view.pk)}
    assert heads(shown)[1:-1] == ["金额", "编码"]
    assert len(codes(shown)) == 30
    assert codes(shown)[0] == "K0059"
    assert 'class="grid-wrap is-medium"' in text(shown)


def test_changed_columns_leave_the_view_but_keep_the_query(office: Client, records: Callable[..., list[Task]]) -> None:
    records(3)
    save(office, "tab=all&words=K")
    view = SavedView.objects.get()
    answer = office.post(f"{URL}?tab=all&words=K&view={view.pk}", {"columns": "keep", "shown": ["kind"]})
    assert answer.url == "/room/?tab=all&words=K"
    assert heads(office.get(answer.url)) == [heads(office.get(answer.url))[0], "编码", "操作"]


def test_default_opens_with_the_page_and_can_be_left(office: Client, records: Callable[..., list[Task]]) -> None:
    records(4)
    save(office, "tab=done&words=K", default="on")
    view = SavedView.objects.get()
    opened = office.get(URL)
    assert opened.url == f"/room/?tab=done&words=K&view={view.pk}"
    # an emptied query form, with and without script, means all rows
    assert office.get(f"{URL}?words=&state=").url == "/room/?tab=waiting"
    partial = office.get(f"{URL}?words=", headers={"HX-Request": "true", "HX-Target": "list-card"})
    assert partial["HX-Push-Url"] == "/room/?tab=waiting"
    assert "不用视图" in text(office.get(opened.url))


def test_only_one_default_a_person(actor: Actor) -> None:
    first = services.save_view(actor, page=RecordList, name="一", content=content(), default=True)
    second = services.save_view(actor, page=RecordList, name="二", content=content(), default=True)
    first.refresh_from_db()
    assert (first.default, second.default) == (False, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["", ROLE])
def test_two_new_defaults_at_once_leave_one(actor: Actor, role: str) -> None:
    refused: list[str] = []
    both = threading.Barrier(2)

    def keep(name: str) -> None:
        both.wait()
        try:
            services.save_view(actor, page=RecordList, name=name, content=content(), role=role, default=True)
        except services.ViewRefused as error:
            refused.append(str(error))
        connection.close()

    for turn in range(5):
        threads = [threading.Thread(target=keep, args=(f"{name}{turn}",)) for name in ("一", "二")]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert refused == []
    assert (SavedView.objects.count(), SavedView.objects.filter(default=True).count()) == (10, 1)


def test_own_default_goes_before_the_roles(actor: Actor, office: Client) -> None:
    services.save_view(actor, page=RecordList, name="角色", content=content("tab=done"), role=ROLE, default=True)
    assert office.get(URL).url.startswith("/room/?tab=done")
    services.save_view(actor, page=RecordList, name="我的", content=content("tab=all"), default=True)
    assert office.get(URL).url.startswith("/room/?tab=all")


def test_sharing_reaches_the_role_here_and_nobody_else(
    actor: Actor, colleague: Client, person: Callable[..., Person], institution: Institution, outsider: Person
) -> None:
    services.save_view(actor, page=RecordList, name="共享的", content=content(), role=ROLE)
    services.save_view(actor, page=RecordList, name="自己的", content=content())
    seen = text(colleague.get(f"{URL}?tab=all"))
    assert "共享的" in seen
    assert "自己的" not in seen
    for someone in (person("reviewer", institution, "reviewer"), outsider):
        browser = Client()
        browser.force_login(someone)
        assert "共享的" not in text(browser.get(f"{URL}?tab=all"))


def test_sharing_is_audited_and_keeping_for_oneself_is_not(actor: Actor) -> None:
    view = services.save_view(actor, page=RecordList, name="核对", content=content())
    assert AuditEvent.objects.count() == 0
    services.change_view(actor, page=RecordList, view=view, name="核对", role=ROLE)
    services.refill_view(actor, page=RecordList, view=view, content=content("tab=done"))
    services.delete_view(actor, page=RecordList, view=view)
    assert list(AuditEvent.objects.order_by("pk").values_list("label", flat=True)) == [
        "修改共享视图：记录 · 核对（我的 → 医保办）",
        "更新共享视图：记录 · 核对（医保办）",
        "删除共享视图：记录 · 核对（医保办）",
    ]


def test_only_who_made_it_changes_it_until_they_are_gone(
    actor: Actor, colleague: Client, office: Client, member: Person
) -> None:
    view = services.save_view(actor, page=RecordList, name="共享的", content=content(), role=ROLE)
    assert "只有建立人可以修改或删除" in text(colleague.get(f"{URL}?tab=all&panel=views"))
    assert colleague.post(f"{URL}?tab=all", {"view_delete": view.pk}).status_code == 403
    Membership.objects.filter(person=member).delete()
    assert colleague.post(f"{URL}?tab=all", {"view_delete": view.pk}).status_code == 302
    assert not SavedView.objects.exists()


def test_nobody_shares_with_a_role_that_is_not_theirs(actor: Actor) -> None:
    with pytest.raises(NotAllowed):
        services.save_view(actor, page=RecordList, name="x", content=content(), role="manager")


def test_same_name_is_refused_with_words(office: Client, actor: Actor) -> None:
    services.save_view(actor, page=RecordList, name="本月失败", content=content())
    assert "已有同名视图「本月失败」" in text(save(office, "tab=all"))
    assert SavedView.objects.count() == 1


def test_rename_default_and_delete_by_the_panel(office: Client, actor: Actor) -> None:
    view = services.save_view(actor, page=RecordList, name="旧名", content=content())
    key = f"v{view.pk}"
    office.post(URL, {"view_change": view.pk, f"{key}-name": "新名", f"{key}-role": ROLE, f"{key}-default": "on"})
    view.refresh_from_db()
    assert (view.name, view.role, view.scope, view.default) == ("新名", ROLE, "role", True)
    office.post(f"{URL}?tab=done&words=K", {"view_refill": view.pk})
    view.refresh_from_db()
    assert view.query == "tab=done&words=K"
    assert office.post(f"{URL}?view={view.pk}", {"view_delete": view.pk}).url == URL
    assert "这个视图已被删除" in text(office.post(URL, {"view_delete": view.pk}, follow=True))


def test_columns_that_no_longer_exist_are_passed_over(office: Client, actor: Actor) -> None:
    services.save_view(actor, page=RecordList, name="旧", content=content("tab=all", ("gone", "total", "-kind")))
    view = SavedView.objects.get()
    Task.objects.create(institution=actor.institution, kind="K", label="x")
    assert heads(office.get(f"{URL}?view={view.pk}", follow=True))[1] == "金额"
    SavedView.objects.update(columns=["gone", "away"], size=7, density="huge")
    assert "编码" in heads(office.get(f"{URL}?view={view.pk}&tab=all"))
    SavedView.objects.update(columns={"broken": 1})
    assert "编码" in heads(office.get(f"{URL}?view={view.pk}&tab=all"))


def test_a_query_of_a_view_is_not_readable_in_the_database(actor: Actor) -> None:
    services.save_view(actor, page=RecordList, name="x", content=content("words=441702"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT query FROM lists_savedview")
        assert "441702" not in cursor.fetchone()[0]


def test_foreign_and_foolish_views_change_nothing(office: Client, records: Callable[..., list[Task]]) -> None:
    records(2)
    for key in ("99999999", "x", "-1", "9" * 40):
        assert len(codes(office.get(f"{URL}?tab=all&view={key}"))) == 2


def test_new_columns_stand_where_the_table_has_them() -> None:
    places = arrange(RecordTable, ["total", "-state"])
    assert [place.name for place in places][:2] == ["kind", "label"]
    assert {place.name: place.shown for place in places} == {
        "kind": True, "label": True, "name": True, "state": False, "total": True, "created_at": True,
    }  # fmt: skip


def test_no_column_at_all_is_refused(office: Client) -> None:
    answer = office.post(f"{URL}?tab=all", {"columns": "keep"}, follow=True)
    assert "至少要显示一列" in text(answer)
    assert not ListLook.objects.exists()


def test_hidden_column_costs_no_query_where_the_room_says_so(
    office: Client, records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    records(3)

    def decorate(self: RecordList, found: list[Any]) -> None:
        if self.shows("total"):
            list(Institution.objects.all())

    monkeypatch.setattr(RecordList, "decorate", decorate)

    def asked() -> int:
        return sum('FROM "people_institution"' in sql for sql in queries_of(office, f"{URL}?tab=all"))

    assert asked() == 1
    office.post(f"{URL}?tab=all", {"columns": "keep", "shown": ["kind"]})
    assert asked() == 0


def test_looks_are_each_persons_own(office: Client, colleague: Client, records: Callable[..., list[Task]]) -> None:
    records(30)
    office.post(f"{URL}?tab=all", {"size": "50"})
    assert (len(codes(office.get(f"{URL}?tab=all"))), len(codes(colleague.get(f"{URL}?tab=all")))) == (30, 20)
    assert len(codes(office.get(f"{URL}?tab=all&per_page=20"))) == 20


@pytest.mark.parametrize("panel", ["columns", "save", "views"])
def test_panels_are_pages_and_drawers_and_guarded(
    office: Client, client: Client, stranger: Person, actor: Actor, panel: str
) -> None:
    services.save_view(actor, page=RecordList, name="一个", content=content())
    assert "<html" in text(office.get(f"{URL}?tab=all&panel={panel}"))
    drawer = office.get(f"{URL}?panel={panel}", headers={"HX-Request": "true", "HX-Target": "drawer-body"})
    assert "drawer-head" in text(drawer)
    client.force_login(stranger)
    assert client.get(f"{URL}?panel={panel}").status_code == 403
    assert client.post(URL, {"size": "50"}).status_code == 403


@pytest.mark.parametrize(
    "form",
    [
        {"size": "9" * 30}, {"size": "x"}, {"density": "\0"}, {"view_change": "\0"}, {"view_delete": "9" * 40},
        {"columns": "keep", "shown": "x", "at_kind": "²"}, {"view_save": "1"}, {"view_save": "1", "name": "\0"}, {},
    ],
)  # fmt: skip
def test_no_posted_value_breaks_the_list(office: Client, form: dict[str, str]) -> None:
    assert office.post(f"{URL}?tab=all", form).status_code in (200, 302)


def test_paper_holds_the_whole_finding_without_buttons(
    office: Client, records: Callable[..., list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    records(45)
    paper = text(office.get(f"{URL}?tab=all&words=K&print=1"))
    assert len(re.findall(r"<tr[ >]", paper.split("<tbody>")[1])) == 45
    for words in ("编码、名称：K", "共 45 条", "制表：", "审核：", "负责人：", "打印人：演示member", "（演示）"):
        assert words in paper
    assert "操作" not in paper
    assert "paper-portrait.css" in paper
    assert "paper-landscape.css" in text(office.get(f"{URL}?tab=all&print=landscape"))
    monkeypatch.setattr("portal.lists.printing.MOST_PRINTED", 30)
    cut = text(office.get(f"{URL}?tab=all&print=1"))
    assert "共 45 条，这里只有前 30 条" in cut
    assert len(re.findall(r"<tr[ >]", cut.split("<tbody>")[1])) == 30


def test_paper_of_a_wrong_query_is_empty_not_everything(office: Client, records: Callable[..., list[Task]]) -> None:
    records(2)
    paper = text(office.get(f"{URL}?tab=all&created_at_from=2026-11-23&created_at_to=2026-11-01&print=1"))
    assert "<tbody>" not in paper or "K0000" not in paper
