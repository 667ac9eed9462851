"""Spreadsheets of items: kinds by their words, codes with zeros, changes shown first, nothing stopped by itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insurance.mapping.items.judging import judge_items
from insurance.mapping.items.kinds import DRUGS as DRUG_GROUP
from insurance.mapping.items.queries import items_changed_since_mapping
from insurance.mapping.items.services import apply_due
from insurance.mapping.models import HospitalItem, ItemChange, Mapping
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.sheets.checking import Line, judge, read_rows
from portal.sheets.errors import SheetError
from portal.sheets.importer import Importer, find
from portal.sheets.reading import read
from tests.mapping_items.factories import make_item
from tests.mapping_items.spreadsheet import (
    DRUG_HEADERS,
    DRUGS,
    SERVICE_HEADERS,
    SERVICES,
    SUPPLIES,
    SUPPLY_HEADERS,
    workbook,
)

pytestmark = pytest.mark.django_db


def importer_of(code: str = "mapping.item_drugs") -> Importer:
    found = find(code)
    assert found is not None
    return found


def lines_of(actor: Actor, data: bytes, code: str = "mapping.item_drugs") -> list[Line]:
    """The lines of a file as the wizard judges them."""
    lines = read_rows(read(data, "项目.xlsx"), importer_of(code)).lines
    judge(importer_of(code), actor, lines)
    return lines


def take(actor: Actor, data: bytes, code: str = "mapping.item_drugs") -> Any:
    """Import the good lines of a file."""
    rows = [line.row for line in lines_of(actor, data, code) if line.kind in ("new", "changed")]
    return importer_of(code).apply(actor, rows)


def problems(line: Line) -> str:
    return " ".join(str(problem) for problem in line.row.problems)


def mapped(item: HospitalItem, proposer: Person, approver: Person, code: str = "XA01") -> Mapping:
    """A relation in force since January, made long ago."""
    made: Mapping = Mapping.objects.create(
        institution=item.institution, item=item, list_type=item.list_type, med_list_codg=code,
        begndate=dt.date(2026, 1, 1), state="in_force", proposed_by=proposer, approved_by=approver,
        proposed_at=timezone.now() - dt.timedelta(days=30), approved_at=timezone.now() - dt.timedelta(days=29),
    )  # fmt: skip
    return made


def test_a_pharmacy_export_with_its_own_words(pharmacy: Actor) -> None:
    data = workbook(DRUG_HEADERS, DRUGS, "药品字典一览表")
    lines = lines_of(pharmacy, data)
    assert [line.kind for line in lines] == ["new"] * 5, [problems(line) for line in lines]
    assert take(pharmacy, data) == {"新增": 5, "更新": 0, "无变化": 0}
    kinds = dict(HospitalItem.objects.values_list("fixmedins_hilist_id", "list_type"))
    assert kinds == {"0001001": "101", "0001002": "101", "0002001": "102", "0003001": "103", "0001003": "101"}
    first = HospitalItem.objects.get(fixmedins_hilist_id="0001001")
    assert (first.pric, first.revenue, first.stock, first.inpatients) == (
        Decimal("12.5"), Decimal("182000"), Decimal(320), 12,
    )  # fmt: skip
    assert first.begndate == timezone.localdate()
    assert first.pinyin.endswith("ysqmsjn")
    assert AuditEvent.objects.get(action="mapping.item_import").detail["counts"]["new"] == 5
    assert {line.kind for line in lines_of(pharmacy, data)} == {"same"}


def test_services_and_supplies_by_their_office(supply: Actor) -> None:
    assert take(supply, workbook(SERVICE_HEADERS, SERVICES), "mapping.item_services")["新增"] == 2
    assert take(supply, workbook(SUPPLY_HEADERS, SUPPLIES), "mapping.item_supplies")["新增"] == 2
    assert HospitalItem.objects.get(fixmedins_hilist_id="0250101001").list_type == "201"
    found = HospitalItem.objects.get(fixmedins_hilist_id="W00001")
    assert (found.list_type, found.aprvno, found.spec) == ("301", "国械注准00000000001", "5Fr*100cm")


def test_each_office_brings_in_its_own_kinds_only(pharmacy: Actor, supply: Actor, office: Actor) -> None:
    mixed = [[*DRUGS[0][:8], "卫生材料", *DRUGS[0][9:]], DRUGS[1]]
    first, second = lines_of(pharmacy, workbook(DRUG_HEADERS, mixed))
    assert (first.kind, second.kind) == ("error", "new")
    assert "您的角色不维护「医用耗材」" in problems(first)
    assert {line.kind for line in lines_of(supply, workbook(DRUG_HEADERS, DRUGS))} == {"error"}
    assert {line.kind for line in lines_of(office, workbook(DRUG_HEADERS, mixed))} == {"new"}


def test_the_wizard_offers_each_office_its_own_lists(
    pharmacist: Person, clerk: Person, institution: Institution
) -> None:
    from portal.sheets.importer import importers_for

    def offered(person: Person) -> set[str]:
        return {one.code for one in importers_for(person, institution) if one.code.startswith("mapping.")}

    assert {"mapping.item_drugs", "mapping.item_herbs", "mapping.usage"} <= offered(pharmacist)
    assert not {"mapping.item_services", "mapping.item_supplies"} & offered(pharmacist)
    assert {"mapping.item_services", "mapping.item_supplies", "mapping.usage"} <= offered(clerk)
    assert "mapping.item_drugs" not in offered(clerk)


def test_every_bad_cell_is_named(pharmacy: Actor) -> None:
    bad = [list(line) for line in DRUGS]
    bad[0][1] = "长" * 201
    bad[1][5] = "二十八元八"
    bad[2][0] = ""
    bad[3][7] = "国药准字" + "1" * 30
    bad[4][8] = "不知所云"
    bad.append([*DRUGS[0]])
    found = lines_of(pharmacy, workbook(DRUG_HEADERS, [*bad, [*DRUGS[1]]]))
    assert [line.kind for line in found] == ["error", "error", "error", "error", "waiting", "error", "error"]
    for line, words in zip(
        found, ("200 字以内", "应为数字", "必填", "30 字以内", "没有值对照", "重复", "重复"), strict=True
    ):  # fmt: skip
        assert words in problems(line), problems(line)
    assert not any(word in problems(line) for line in found for word in ("Error", "操作失败", "None"))


def test_a_file_without_kinds_means_the_kind_an_item_has(pharmacy: Actor, institution: Institution) -> None:
    make_item(institution, fixmedins_hilist_id="0003001", list_type="103", fixmedins_hilist_name="演示止咳合剂")
    data = workbook(("药品编码", "药品名称"), [["0003001", "演示止咳合剂"], ["0009", "演示新药"]])
    assert [line.kind for line in lines_of(pharmacy, data)] == ["same", "new"]
    take(pharmacy, data)
    assert HospitalItem.objects.get(fixmedins_hilist_id="0009").list_type == "101"
    herbs = workbook(("饮片编码", "饮片名称"), [["0010", "演示草"]])
    take(pharmacy, herbs, "mapping.item_herbs")
    assert HospitalItem.objects.get(fixmedins_hilist_id="0010").list_type == "102"


def test_changes_are_shown_before_they_are_taken(pharmacy: Actor, member: Person, pharmacist: Person) -> None:
    take(pharmacy, workbook(DRUG_HEADERS, DRUGS))
    item = HospitalItem.objects.get(fixmedins_hilist_id="0001001")
    mapped(item, pharmacist, member)
    again = [list(line) for line in DRUGS]
    again[0][5], again[0][6] = "12.80", "演示另一制药"
    again[1][5] = "58.8"
    first, second, *rest = lines_of(pharmacy, workbook(DRUG_HEADERS, again))
    assert first.changes["pric"] == ("12.5", "12.8（上调 2.4 %）")
    assert first.changes["prodentp_name"] == ("演示制药", "演示另一制药")
    assert "已对照 XA01" in problems(first)
    assert "请复核" not in problems(second)
    assert "变动较大" in problems(second)
    assert {line.kind for line in rest} == {"same"}
    item.refresh_from_db()
    assert item.pric == Decimal("12.5"), "nothing is taken before it is confirmed"

    assert take(pharmacy, workbook(DRUG_HEADERS, again)) == {"新增": 0, "更新": 2, "无变化": 0}
    item.refresh_from_db()
    assert (item.pric, item.prodentp_name) == (Decimal("12.8"), "演示另一制药")
    kept = ItemChange.objects.get(item=item)
    assert kept.changes == {"pric": ["12.5", "12.8"], "prodentp_name": ["演示制药", "演示另一制药"]}
    assert (kept.begndate, kept.person, kept.source) == (timezone.localdate(), pharmacist, "导入院内药品")
    assert [one.pk for one in items_changed_since_mapping(item.institution)] == [item.pk]


def test_a_price_alone_is_no_reason_to_look_at_the_relation_again(
    pharmacy: Actor, member: Person, pharmacist: Person
) -> None:
    take(pharmacy, workbook(DRUG_HEADERS, DRUGS))
    item = HospitalItem.objects.get(fixmedins_hilist_id="0001001")
    mapped(item, pharmacist, member)
    again = [[*DRUGS[0][:5], "13", *DRUGS[0][6:]]]
    take(pharmacy, workbook(DRUG_HEADERS, again))
    assert not items_changed_since_mapping(item.institution).exists()


def test_a_change_of_a_later_day_waits_for_it(pharmacy: Actor) -> None:
    take(pharmacy, workbook(DRUG_HEADERS, DRUGS))
    day = timezone.localdate() + dt.timedelta(days=5)
    data = workbook(("药品编码", "药品名称", "零售价", "调价日期"), [["0001001", DRUGS[0][1], "11", day.isoformat()]])
    (line,) = lines_of(pharmacy, data)
    assert line.changes["pric"] == ("12.5", f"11（下调 12.0 %）（{day} 起）")
    take(pharmacy, data)
    item = HospitalItem.objects.get(fixmedins_hilist_id="0001001")
    assert item.pric == Decimal("12.5")
    assert lines_of(pharmacy, data)[0].kind == "same", "it is already known"
    assert apply_due() == 0
    assert apply_due(day) == 1
    assert apply_due(day) == 0
    item.refresh_from_db()
    assert item.pric == Decimal(11)
    assert ItemChange.objects.get(item=item).applied_at is not None


def test_zeros_that_excel_ate_are_doubted(pharmacy: Actor) -> None:
    take(pharmacy, workbook(DRUG_HEADERS, DRUGS))
    (line,) = lines_of(pharmacy, workbook(DRUG_HEADERS, [["1001", *DRUGS[0][1:]]]))
    assert line.kind == "new"
    assert "本院已有项目 0001001" in problems(line)


def test_a_flag_stops_from_the_day_of_the_change(pharmacy: Actor) -> None:
    take(pharmacy, workbook(DRUG_HEADERS, DRUGS))
    HospitalItem.objects.update(begndate=dt.date(2020, 1, 1))
    headers = ("药品编码", "药品名称", "是否停用")
    rows = [["0001001", DRUGS[0][1], "停用"], ["0001002", DRUGS[1][1], "在用"]]
    take(pharmacy, workbook(headers, rows))
    stopped = HospitalItem.objects.get(fixmedins_hilist_id="0001001")
    assert stopped.enddate == timezone.localdate() - dt.timedelta(days=1)
    assert HospitalItem.objects.get(fixmedins_hilist_id="0001002").enddate is None
    assert {line.kind for line in lines_of(pharmacy, workbook(headers, rows))} == {"same"}
    take(pharmacy, workbook(headers, [["0001001", DRUGS[0][1], "否"]]))
    stopped.refresh_from_db()
    assert stopped.enddate is None


def test_an_end_before_the_begin_is_an_error(pharmacy: Actor) -> None:
    headers = ("药品编码", "药品名称", "启用日期", "停用日期")
    (line,) = lines_of(pharmacy, workbook(headers, [["1", "演示", "2026-05-01", "2026-04-30"]]))
    assert line.kind == "error"
    assert "早于启用日期" in problems(line)


def test_what_changed_in_between_is_refused(pharmacy: Actor, institution: Institution) -> None:
    lines = lines_of(pharmacy, workbook(("药品编码", "药品名称", "停用日期"), [["1", "演示", "2026-01-01"]]))
    make_item(institution, fixmedins_hilist_id="1", begndate=dt.date(2026, 6, 1))
    with pytest.raises(SheetError, match="重新校验"):
        importer_of().apply(pharmacy, [line.row for line in lines])


def test_usage_touches_figures_only(pharmacy: Actor, institution: Institution) -> None:
    item = make_item(institution, fixmedins_hilist_id="0077", usage_as_of=dt.date(2026, 9, 30))
    service = make_item(institution, fixmedins_hilist_id="0088", list_type="201")
    headers = ("项目编码", "收入", "库存", "在院人数", "截止日期")
    rows = [
        ["0077", "1,000.50", "12", "3", "2026-10-31"], ["0099", "1", "", "", "2026-10-31"],
        [service.fixmedins_hilist_id, "5", "", "", "2026-10-31"],
    ]  # fmt: skip
    lines = lines_of(pharmacy, workbook(headers, rows), "mapping.usage")
    assert [line.kind for line in lines] == ["changed", "error", "error"]
    assert "请先导入项目" in problems(lines[1])
    assert "不维护「医疗服务项目」" in problems(lines[2])
    take(pharmacy, workbook(headers, rows), "mapping.usage")
    item.refresh_from_db()
    assert (item.revenue, item.stock, item.inpatients) == (Decimal("1000.50"), Decimal(12), 3)
    assert item.usage_as_of == dt.date(2026, 10, 31)
    assert not ItemChange.objects.exists()
    (old,) = lines_of(pharmacy, workbook(headers, [["0077", "9", "1", "1", "2026-08-31"]]), "mapping.usage")
    assert "旧数据" in problems(old)


def test_a_thousand_rows_cost_no_more_queries_than_ten(pharmacy: Actor) -> None:
    def cost(number: int) -> int:
        rows = [{"fixmedins_hilist_id": f"N{n}", "fixmedins_hilist_name": f"演示{n}"} for n in range(number)]
        with CaptureQueriesContext(database) as queries:
            judge_items(pharmacy, DRUG_GROUP, rows)
        return len(queries)

    cost(1)  # rights are asked once
    assert cost(10) == cost(1000)


def test_another_hospital_has_its_own_items(pharmacy: Actor, other_institution: Institution) -> None:
    theirs = make_item(other_institution, fixmedins_hilist_id="0001001")
    take(pharmacy, workbook(DRUG_HEADERS, DRUGS))
    theirs.refresh_from_db()
    assert theirs.fixmedins_hilist_name.startswith("演示药品")
    assert HospitalItem.objects.filter(fixmedins_hilist_id="0001001").count() == 2
