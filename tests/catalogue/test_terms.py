"""What an area pays for a code: every link of 1316 → 1312 → 1318 → 1319, on a day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import connection as database

from insurance.catalogue.models import AreaItem, AreaRelation, AreaRow, Ceiling, Load, OwnShare
from insurance.catalogue.queries import terms_for, terms_of
from insurance.catalogue.searching import listed
from portal.people.models import Institution

DAY = dt.date(2026, 11, 23)
AREA = "441700"
CODE, HILIST = "XJ01CAA040B002010100001", "HL0001"
_numbers = count(1)


@pytest.fixture
def load(institution: Institution) -> Load:
    return Load.objects.create(infno="1316", institution=institution)


def add(model: type[AreaRow], load: Load, **changes: Any) -> Any:
    values = {
        "insu_admdvs": AREA, "rid": f"r{next(_numbers)}", "hilist_code": HILIST, "begndate": dt.date(2024, 1, 1),
        "enddate": None, "vali_flag": "1", "load": load, **changes,
    }  # fmt: skip
    return model._default_manager.create(**values)


def whole(load: Load) -> None:
    """A chain without a gap."""
    add(AreaRelation, load, med_list_codg=CODE, list_type="101")
    more = {"lmt_used_flag": "1", "matn_used_flag": "0"}
    add(AreaItem, load, hilist_name="示例片", list_type="101", chrgitm_lv="02", **more)
    for level, amount in (("1", "8"), ("2", "9"), ("3", "10")):
        price = {"overlmt_dspo_way": "1", "hilist_pric_uplmt_amt": Decimal(amount)}
        add(Ceiling, load, hilist_lmtpric_type=level, **price)
    for kind, share in (("310", "0.1"), ("390", "0.2")):
        add(OwnShare, load, selfpay_prop_psn_type=kind, selfpay_prop_type="10", selfpay_prop=Decimal(share))
    add(OwnShare, load, selfpay_prop_psn_type="310", selfpay_prop_type="20", selfpay_prop=Decimal("0.8"))


def asked(day: dt.date = DAY, level: str = "2", list_type: str = "101", area: str = AREA) -> Any:
    return terms_of(list_type, CODE, day, area, level)


def test_a_whole_chain(load: Load) -> None:
    whole(load)
    found = asked()
    assert found.payable
    assert found.why_not == ""
    assert (found.hilist_code, found.hilist_name) == (HILIST, "示例片")
    assert (found.chrgitm_lv, found.chrgitm_lv_word) == ("02", "乙类")
    assert (found.ceiling, found.ceiling_way) == (Decimal(9), "1")
    assert found.shares == {"310": Decimal("0.1"), "390": Decimal("0.2")}, "what is reimbursed (20) is no own share"
    assert found.share_words == {"城镇职工": Decimal("0.1"), "城乡居民": Decimal("0.2")}
    assert found.restricted
    assert not found.maternity
    assert asked(level="3").ceiling == 10


def test_class_c_is_paid_by_oneself(load: Load) -> None:
    whole(load)
    AreaItem.objects.update(chrgitm_lv="03")
    found = asked()
    assert not found.payable
    assert found.hilist_code == HILIST
    assert found.why_not == "医保目录中为丙类，全额自费。"


def test_no_list_of_the_area_at_all(load: Load) -> None:
    assert "还没有参保地 441700 的医疗目录与医保目录匹配（1316），请先更新目录" in asked().why_not


def test_no_link(load: Load) -> None:
    whole(load)
    found = terms_of("101", "XUNKNOWN", DAY, AREA, "2")
    assert not found.payable
    assert "没有此编码（1316 无匹配），按自费处理" in found.why_not
    assert "参保地 440100" in asked(area="440100").why_not
    assert "归在目录类别 101，不是 201" in asked(list_type="201").why_not
    assert asked(list_type="").payable


def test_links_out_of_force(load: Load) -> None:
    whole(load)
    AreaRelation.objects.update(begndate=dt.date(2026, 12, 1))
    assert "（1316）从 2026-12-01 起才有效" in asked().why_not
    assert asked(dt.date(2026, 12, 1)).payable
    AreaRelation.objects.update(begndate=dt.date(2024, 1, 1), enddate=dt.date(2026, 11, 22))
    assert "（1316）已于 2026-11-22 失效" in asked().why_not
    assert asked(dt.date(2026, 11, 22)).payable, "the last day is still a day of it"
    AreaRelation.objects.update(enddate=None, vali_flag="0")
    assert "（1316）已停用" in asked().why_not


def test_entries_of_the_list(load: Load) -> None:
    whole(load)
    AreaItem.objects.update(enddate=dt.date(2026, 10, 31))
    found = asked()
    assert not found.payable
    assert found.hilist_code == HILIST
    assert "HL0001（1312）已于 2026-10-31 失效" in found.why_not
    AreaItem.objects.all().delete()
    assert "HL0001 不在参保地 441700 的医保目录（1312）中" in asked().why_not


def test_of_several_the_one_that_began_last_holds(load: Load) -> None:
    whole(load)
    later = dt.date(2026, 11, 1)
    amount = {"overlmt_dspo_way": "2", "hilist_pric_uplmt_amt": Decimal(7)}
    add(Ceiling, load, hilist_lmtpric_type="2", begndate=later, **amount)
    add(AreaRelation, load, med_list_codg=CODE, list_type="101", hilist_code="HL0002", begndate=later)
    add(AreaItem, load, hilist_code="HL0002", hilist_name="示例片（新）", chrgitm_lv="01", begndate=later)
    assert asked().hilist_name == "示例片（新）"
    assert asked().ceiling is None
    before = asked(dt.date(2026, 10, 31))
    assert before.hilist_code == HILIST
    assert before.ceiling == 9
    AreaRelation.objects.filter(hilist_code="HL0002").delete()
    assert asked().ceiling == 7


def test_a_ceiling_of_another_level(load: Load) -> None:
    whole(load)
    Ceiling.objects.filter(hilist_lmtpric_type="2").delete()
    found = asked()
    assert found.payable
    assert found.ceiling is None
    assert "没有本院级别（二级）的一档" in found.why_not
    assert "不知道本院级别" in asked(level="").why_not
    Ceiling.objects.filter(hilist_lmtpric_type="3").update(hilist_lmtpric_type="")
    assert asked().ceiling == 10, "a ceiling without a level holds for all"


def test_hundreds_of_codes_in_few_queries(load: Load, django_assert_max_num_queries: Any) -> None:
    for number in range(200):
        add(AreaRelation, load, med_list_codg=f"X{number:04}", list_type="101", hilist_code=f"H{number:04}")
        if number % 2:
            add(AreaItem, load, hilist_code=f"H{number:04}", hilist_name=f"示例{number}", chrgitm_lv="01")
    codes = [f"X{number:04}" for number in range(300)]
    with django_assert_max_num_queries(7):
        found = terms_for("101", codes, DAY, AREA, "2")
    assert list(found)
    assert set(found) == set(codes)
    assert sum(terms.payable for terms in found.values()) == 100


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("示例", ["HLA1", "HLB2"]),
        ("例 颗粒", ["HLB2"]),
        ("b2", ["HLB2"]),
        ("hlb", ["HLB2"]),
        ("slp", ["HLA1"]),
        ("颗粒 片", []),
        ("(ｂ型)", ["HLB2"]),
    ],
)
def test_an_areas_entries_by_name_code_and_initials(load: Load, words: str, found: list[str]) -> None:
    add(AreaItem, load, hilist_code="HLA1", hilist_name="示例片", pinyin="SLP")
    add(AreaItem, load, hilist_code="HLB2", hilist_name="示例颗粒（B型）B2", pinyin="SLKL")
    add(AreaItem, load, hilist_code="HLC3", hilist_name="另一丸", pinyin="LYW")
    rows = AreaItem.objects.filter(listed(words)).order_by("hilist_code")
    assert list(rows.values_list("hilist_code", flat=True)) == found


@pytest.mark.parametrize("words", ["示例", "hla1"])
def test_an_areas_entries_are_found_by_an_index(load: Load, words: str) -> None:
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = AreaItem.objects.filter(listed(words)).explain()
    assert "area_item_looks" in plan
    assert "Seq Scan" not in plan


def test_of_two_rows_of_one_day_the_last_changed_holds(load: Load) -> None:
    add(AreaRelation, load, med_list_codg=CODE, list_type="101")
    add(AreaItem, load, hilist_name="后改的", updt_time=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    add(AreaItem, load, hilist_name="先改的", updt_time=dt.datetime(2025, 3, 1, tzinfo=dt.UTC))
    add(AreaItem, load, hilist_name="不知何时改的", updt_time=None)
    assert asked().hilist_name == "后改的"
