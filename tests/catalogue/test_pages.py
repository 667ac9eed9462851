"""The pages of the catalogues: who sees them, what is found, what stands there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from insurance.catalogue import registry
from insurance.catalogue.choices import LoadState
from insurance.catalogue.models import Item, Load
from insurance.catalogue.queries import search_codes
from insurance.catalogue.registry import Use, register_uses
from insurance.catalogue.shell import look_at_catalogues
from insurance.catalogue.tasks import REFRESH
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks.models import Task
from tests.catalogue.shelf import entry, load_of, paid, replaced, row, shelf

pytestmark = pytest.mark.django_db
PAGES = ("items", "terms", "dictionaries", "loads", "history")


@pytest.fixture
def codes(institution: Institution) -> dict[str, Item]:
    return shelf(institution)


def found(words: str, **more: str) -> set[str]:
    return set(search_codes(words, **more).values_list("code", flat=True))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("阿莫", "a b"),
        ("阿莫西林", "a b"),
        ("阿莫 0.25g", "a"),
        ("阿莫 北方", "a"),
        ("北方 制药", "a c"),
        ("amxljn", "a b"),
        ("AMXLJN", "a b"),
        ("H99990003", "c"),
        ("h99990003", "c"),
        ("国药准字H99990003", "c"),
        ("XJ01CAA040E002", "b"),
        ("xj01caa040", "a b c"),
        ("骨折", "diagnosis operation"),
        ("S72.000", "diagnosis"),
        ("79.35", "operation"),
        ("诊查费", "service"),
        ("覆膜 器械", "thing"),
        ("维生素C", "wide"),
        ("维生素Ｃ片(糖衣)", "wide"),
        ("糖", "wide"),
        ("林莫阿", ""),
        ("阿莫 北方 0.5g", ""),
    ],
)
def test_words_find_what_holds_them_all(codes: dict[str, Item], words: str, names: str) -> None:
    assert found(words) == {codes[name].code for name in names.split()}


def test_search_within_a_kind_and_only_current_rows(codes: dict[str, Item], institution: Institution) -> None:
    later = load_of(institution, version="20261201")
    replaced(codes["a"], later, name="阿莫西林分散片", generic="阿莫西林分散片")
    assert found("阿莫西林胶囊") == {codes["b"].code}
    assert found("骨折", infno="1308") == {codes["operation"].code}
    assert found("诊查", list_type="201") == {codes["service"].code}
    assert found("诊查", list_type="101") == set()
    assert found("诊查", list_type="999") == set()


@pytest.mark.parametrize("name", PAGES)
def test_three_people(
    name: str, client: Client, member: Person, outsider: Person, stranger: Person, codes: dict[str, Item]
) -> None:
    """Catalogues are national: another institution with the right sees them too, somebody without a role nothing."""
    for someone, status in ((member, 200), (outsider, 200), (stranger, 403)):
        client.force_login(someone)
        assert client.get(reverse(f"catalogue:{name}")).status_code == status


def test_one_box_over_all_kinds_with_counts(client: Client, member: Person, codes: dict[str, Item]) -> None:
    client.force_login(member)
    page = client.get(reverse("catalogue:items"), {"words": "骨折"})
    tabs = {tab.label: tab.count for tab in page.context["tabs"]}
    assert (tabs["全部"], tabs["诊断"], tabs["手术"], tabs["药品"]) == ("2", "1", "1", "0")
    page = client.get(reverse("catalogue:items"), {"words": "骨折", "tab": "1308"})
    assert [item.code for item in page.context["page"].records] == [codes["operation"].code]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"standing": "ending"}, "soon"),
        ({"standing": "ended"}, "gone"),
        ({"standing": "in_force", "words": "演示东方"}, "soon"),
        ({"limited": "1"}, "c"),
        ({"maker": "南方"}, "b"),
        ({"maker": "南方", "words": "头孢"}, ""),
        ({"dosform": "胶囊", "words": "0.5g"}, "b"),
        ({"ver": "1308_20261101_1.0.0"}, "operation"),
    ],
)
def test_filters(client: Client, member: Person, codes: dict[str, Item], query: dict[str, str], names: str) -> None:
    client.force_login(member)
    page = client.get(reverse("catalogue:items"), query)
    assert {item.code for item in page.context["page"].records} == {codes[name].code for name in names.split()}


def test_what_fits_best_stands_first(client: Client, member: Person, institution: Institution) -> None:
    load = load_of(institution)
    for code, name in (("X1", "复方氯化钠注射液"), ("X2", "氯化钠注射液"), ("X3", "氯化钠")):
        row(load, code, name)
    client.force_login(member)
    page = client.get(reverse("catalogue:items"), {"words": "氯化钠"})
    assert [item.code for item in page.context["page"].records] == ["X3", "X2", "X1"]


def test_forty_codes_cost_the_queries_of_one(client: Client, member: Person, institution: Institution) -> None:
    client.force_login(member)
    load = load_of(institution)

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(database) as seen:
            answer = client.get(reverse("catalogue:items"), {"words": "演示", "per_page": 50})
        return len(seen), len(answer.context["page"].records)

    row(load, "X0", "演示药品")
    cost()
    one, few = cost()
    for number in range(1, 40):
        row(load, f"X{number}", "演示药品")
    forty, many = cost()
    assert (many - few, forty) == (39, one)


@pytest.mark.parametrize("name", ["terms", "dictionaries", "history"])
def test_forty_rows_cost_the_queries_of_one(
    name: str, client: Client, member: Person, institution: Institution
) -> None:
    client.force_login(member)

    def make(number: int) -> None:
        if name == "terms":
            paid(institution, f"X{number:03}")
        elif name == "dictionaries":
            entry(institution, "gend", f"x{number}", "样例")
        else:
            load_of(institution, requested_by=member)

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(database) as seen:
            answer = client.get(reverse(f"catalogue:{name}"), {"tab": "all", "per_page": 50})
        return len(seen), len(answer.context["page"].records)

    make(0)
    cost()
    one, few = cost()
    for number in range(1, 40):
        make(number)
    forty, many = cost()
    assert (many - few, forty) == (39, one)


def test_changes_cost_the_same_for_many_rows(client: Client, member: Person, institution: Institution) -> None:
    client.force_login(member)
    first, later = load_of(institution), load_of(institution, version="20261201", rows_changed=30)
    url = reverse("catalogue:changes", args=[later.pk])

    def cost() -> int:
        with CaptureQueriesContext(database) as seen:
            client.get(url)
        return len(seen)

    replaced(row(first, "X0", "演示药品"), later, spec="1g")
    cost()
    one = cost()
    for number in range(1, 20):
        replaced(row(first, f"X{number}", "演示药品"), later, spec="1g")
    assert cost() == one


def test_an_export_holds_what_the_query_finds(
    client: Client, member: Person, codes: dict[str, Item], institution: Institution
) -> None:
    client.force_login(member)
    answer = client.post(reverse("catalogue:items") + "?words=阿莫", {"export": "csv"})
    assert answer.status_code in (200, 302)
    assert AuditEvent.objects.filter(action__contains="export").exists()


def test_a_code_by_label_with_terms_uses_and_similar(
    client: Client, member: Person, codes: dict[str, Item], institution: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(institution, codes["a"].code)
    monkeypatch.setattr(registry, "_uses", [])

    def uses(actor: Actor, item: Item) -> list[Use]:
        return (
            [Use("000123 阿莫西林胶囊（演示）", "/mapping/items/1/", "对照中")] if item.code == codes["a"].code else []
        )

    register_uses(uses)
    client.force_login(member)
    page = client.get(reverse("catalogue:item", args=[codes["a"].pk])).content.decode()
    for words in (
        "注册名称", "批准文号", "国药准字H99990001", "列为空", "乙类", "15.50", "三级", "城镇职工", "10%", "12.5%",
        "000123 阿莫西林胶囊（演示）", codes["b"].code, "本系统最早见到的版本",
    ):  # fmt: skip
        assert words in page, words
    assert "支付" in page
    unpaid = client.get(reverse("catalogue:item", args=[codes["c"].pk])).content.decode()
    assert "不支付" in unpaid
    assert "限儿童" in unpaid
    assert "还没有项目对照到这个编码" in unpaid


def test_versions_are_compared_column_by_column(
    client: Client, member: Person, codes: dict[str, Item], institution: Institution
) -> None:
    later = load_of(institution, version="20261201", rows_changed=1)
    now = replaced(codes["a"], later, spec="0.5g", limits="限二级以上医院")
    client.force_login(member)
    page = client.get(reverse("catalogue:item", args=[now.pk]))
    changes = {one.label: (one.before, one.after) for one in page.context["versions"][0]["changes"] if not one.minor}
    assert changes == {"药品规格": ("0.25g", "0.5g"), "限制使用范围": ("", "限二级以上医院")}
    old = client.get(reverse("catalogue:item", args=[codes["a"].pk])).content.decode()
    assert "旧版本" in old
    assert reverse("catalogue:item", args=[now.pk]) in old


def test_what_a_version_changed(
    client: Client, member: Person, codes: dict[str, Item], institution: Institution
) -> None:
    later = load_of(institution, version="20261201", rows_changed=1, rows_new=1, rows_ended=1)
    replaced(codes["a"], later, spec="0.5g")
    replaced(codes["b"], later, vali_flag="0")
    row(later, "XJ01CAA040E009", "阿莫西林颗粒")
    client.force_login(member)
    url = reverse("catalogue:changes", args=[later.pk])
    tabs = {}
    for key in ("changed", "ended", "new", "all"):
        page = client.get(url, {"tab": key})
        tabs[key] = [(one.code, one.changed_words) for one in page.context["page"].records]
    assert tabs["changed"] == [(codes["a"].code, "药品规格：0.25g → 0.5g")]
    assert tabs["ended"] == [(codes["b"].code, "有效标志：1 → 0")]
    assert tabs["new"] == [("XJ01CAA040E009", "新编码")]
    assert len(tabs["all"]) == 3
    narrowed = client.get(url, {"tab": "all", "words": "颗粒"})
    assert narrowed.context["page"].counts == {"changed": 0, "ended": 0, "new": 1, "all": 1}


def test_terms_with_ceilings_and_shares(
    client: Client, member: Person, codes: dict[str, Item], institution: Institution
) -> None:
    one = paid(institution, codes["a"].code)
    client.force_login(member)
    page = client.get(reverse("catalogue:terms"), {"words": "阿莫西林", "tab": "b"})
    (listed,) = page.context["page"].records
    assert listed.ceilings == "一级及以下 10.00，二级 12.00，三级 15.50"
    assert listed.shares == "城镇职工 10%，城乡居民 12.5%"
    detail = client.get(reverse("catalogue:term", args=[one.pk])).content.decode()
    assert codes["a"].code in detail
    assert codes["a"].maker in detail


def test_dictionary_entries(client: Client, member: Person, institution: Institution) -> None:
    entry(institution, "GEND", "9", "未说明的性别（演示）")
    entry(institution, "NO_SUCH_ONE", "1", "甲")
    client.force_login(member)
    page = client.get(reverse("catalogue:dictionaries"), {"words": "性别"})
    assert [(one.type, one.value, one.dictionary) for one in page.context["page"].records] == [("GEND", "9", "gend")]


def test_each_catalogue_in_one_line_and_what_is_wrong(client: Client, member: Person, institution: Institution) -> None:
    now = timezone.now()
    load_of(institution, "1301", rows_new=3)
    old = load_of(institution, "1302", ended_at=now - timezone.timedelta(days=40))
    load_of(institution, "1303")
    load_of(institution, "1303", state=LoadState.FAILED, words="平台拒绝：演示")
    client.force_login(member)
    page = client.get(reverse("catalogue:loads"))
    said = {line.kind.infno: line.trouble for line in page.context["lines"]}
    assert said["1301"] == ""
    assert said["1302"] == "40 天没有更新"
    assert said["1303"] == "最近一次更新未完成，仍是原来的版本"
    assert said["1304"] == "从未下载"
    assert "平台拒绝：演示" in page.content.decode()
    assert old.ver_to in page.content.decode()


def test_refresh_starts_one_task_and_says_so(client: Client, member: Person, stranger: Person) -> None:
    client.force_login(member)
    for _ in range(2):
        answer = client.post(reverse("catalogue:refresh"), {"infno": "1301"}, follow=True)
    assert "没有重复开始" in answer.content.decode()
    task = Task.objects.get(kind=REFRESH)
    assert (task.params, task.label) == ({"infno": "1301"}, "更新1301 西药中成药目录")
    client.post(reverse("catalogue:refresh"), {"infno": "9999"})
    client.force_login(stranger)
    assert client.post(reverse("catalogue:refresh"), {"infno": "all"}).status_code == 403
    assert Task.objects.filter(kind=REFRESH).count() == 1
    assert AuditEvent.objects.filter(action="tasks.start").count() == 1


def test_a_reviewer_sees_the_button_with_its_reason(
    client: Client, person: Callable[..., Person], institution: Institution
) -> None:
    client.force_login(person("checker", institution, "reviewer"))
    page = client.get(reverse("catalogue:loads")).content.decode()
    assert "更新全部：没有权限" in page
    assert client.post(reverse("catalogue:refresh"), {"infno": "all"}).status_code == 403


def _turned_down(institution: Institution, level: str) -> Load:
    remark = {
        "level": level, "column": "vali_flag", "words": "停用的行异常多", "todo": "请与医保局核实。", "count": 900,
        "places": [{"line": 7, "found": "0"}], "said": "停用的行异常多",
    }  # fmt: skip
    return load_of(institution, state=LoadState.FAILED, words="没有更新", remarks=[remark])


def test_what_was_turned_down_is_named_and_taken_by_a_person(
    client: Client, member: Person, outsider: Person, institution: Institution
) -> None:
    load = _turned_down(institution, "ask")
    client.force_login(member)
    page = client.get(reverse("catalogue:load", args=[load.pk])).content.decode()
    for words in ("停用的行异常多", "待人确认", "900", "采用这次下载", "请与医保局核实"):
        assert words in page
    client.force_login(outsider)
    assert client.post(reverse("catalogue:accept", args=[load.pk])).status_code == 404
    client.force_login(member)
    client.post(reverse("catalogue:accept", args=[load.pk]))
    task = Task.objects.get(kind=REFRESH)
    assert task.params == {"infno": "1301", "insu_admdvs": "", "accept": load.pk}


def test_what_is_broken_cannot_be_taken(client: Client, member: Person, institution: Institution) -> None:
    load = _turned_down(institution, "error")
    client.force_login(member)
    assert "采用这次下载" not in client.get(reverse("catalogue:load", args=[load.pk])).content.decode()
    client.post(reverse("catalogue:accept", args=[load.pk]))
    assert not Task.objects.filter(kind=REFRESH).exists()


def test_history_names_people_of_the_own_house_only(
    client: Client, member: Person, outsider: Person, institution: Institution
) -> None:
    load_of(institution, requested_by=member)
    client.force_login(member)
    assert str(member) in client.get(reverse("catalogue:history")).content.decode()
    client.force_login(outsider)
    page = client.get(reverse("catalogue:history")).content.decode()
    assert "其他机构" in page
    assert member.name not in page


def test_desk_says_what_to_see_to(client: Client, member: Person, institution: Institution) -> None:
    client.force_login(member)
    desk = client.get("/").content.decode()
    assert "医保目录从未下载" in desk
    assert look_at_catalogues(institution) is None
    load_of(institution, "1301", state=LoadState.DONE)
    load_of(institution, "1301", state=LoadState.FAILED)
    said = look_at_catalogues(institution)
    assert said is not None
    assert "医保目录没有更新" in said[0]
