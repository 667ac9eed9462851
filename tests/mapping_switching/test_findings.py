"""What catalogue versions, prices and the calendar do to relations: found, kept, gone, set aside."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from insurance.catalogue.models import AreaItem, AreaRelation, Ceiling, Item
from insurance.directory.models import InstitutionInfo
from insurance.mapping.choices import FindingKind, WorkState
from insurance.mapping.models import Finding, Mapping
from insurance.mapping.pricing import price_level
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.impact import find_impact
from insurance.mapping.switching.services.findings import ignore_findings
from portal.people.actor import NotAllowed
from portal.people.models import Institution
from tests.mapping_items.factories import make_code, make_load
from tests.mapping_switching.conftest import DAY, TODAY, Ward

pytestmark = pytest.mark.django_db


def pays(code: str, hilist: str, ceiling: str = "", level: str = "01", **changes: str) -> None:
    """Let the area list a code, with a class and, where given, a ceiling for hospitals of the third level."""
    load = make_load("1312")
    common = {
        "insu_admdvs": "441700",
        "hilist_code": hilist,
        "begndate": dt.date(2020, 1, 1),
        "vali_flag": "1",
        "load": load,
    }
    AreaRelation.objects.create(rid=f"r{code}", med_list_codg=code, list_type="101", **common)
    AreaItem.objects.create(rid=f"i{hilist}", chrgitm_lv=level, list_type="101", **common, **changes)
    if ceiling:
        Ceiling.objects.create(
            rid=f"c{hilist}", hilist_lmtpric_type="3", hilist_pric_uplmt_amt=Decimal(ceiling), **common
        )


def kinds_of(relation: Mapping) -> set[str]:
    return set(Finding.objects.filter(mapping=relation, state=WorkState.OPEN).values_list("kind", flat=True))


def test_each_way_of_losing_a_code(ward: Ward) -> None:
    """Gone, marked invalid, ended, ending soon, ending later than the relation, beginning after it."""
    gone = ward.relation("XGONE", known=False)
    invalid = ward.relation("XINV", row={"vali_flag": "0"})
    ended = ward.relation("XEND", row={"enddate": TODAY() - DAY})
    soon = ward.relation("XSOON", row={"enddate": TODAY() + 10 * DAY})
    later = ward.relation("XLATER", row={"enddate": TODAY() + 90 * DAY})
    early = ward.relation("XEARLY", row={"begndate": dt.date(2025, 1, 1)})
    fine = ward.relation("XFINE")
    counts = find_impact(ward.hospital)
    assert [kinds_of(one) for one in (gone, invalid, ended, later, early)] == [{FindingKind.BROKEN}] * 5
    assert kinds_of(soon) == {FindingKind.ENDING}
    assert kinds_of(fine) == set()
    assert Finding.objects.get(mapping=soon).due == TODAY() + 10 * DAY
    assert (counts[FindingKind.BROKEN], counts[FindingKind.ENDING]) == (5, 1)


def test_an_earlier_version_of_a_code_may_carry_an_older_relation(ward: Ward) -> None:
    relation = ward.relation("XV", row={"begndate": dt.date(2025, 1, 1)})
    make_code("101", "XV", begndate=dt.date(2019, 1, 1), current=False)
    find_impact(ward.hospital)
    assert kinds_of(relation) == set()


def test_a_changed_code_is_shown_old_and_new_until_a_person_accepts_it(ward: Ward) -> None:
    relation = ward.relation("XA", row={"name": "旧名片", "spec": "0.5g"})
    find_impact(ward.hospital)
    assert kinds_of(relation) == set()
    Item.objects.filter(code="XA").update(name="新名片", spec="0.25g")
    find_impact(ward.hospital)
    find_impact(ward.hospital)
    finding = Finding.objects.get(mapping=relation)
    assert finding.kind == FindingKind.RENAMED
    assert finding.load == Item.objects.get(code="XA").load  # not whatever catalogue was refreshed last
    assert finding.details["changes"] == [
        {"label": "名称", "old": "旧名片", "new": "新名片"},
        {"label": "规格", "old": "0.5g", "new": "0.25g"},
    ]
    ignore_findings(ward.office, findings=[finding], reason="只是改了写法")
    find_impact(ward.hospital)
    assert kinds_of(relation) == set()
    Item.objects.filter(code="XA").update(name="再改名片")
    find_impact(ward.hospital)
    again = Finding.objects.get(mapping=relation, state=WorkState.OPEN)
    assert again.details["changes"] == [{"label": "名称", "old": "新名片", "new": "再改名片"}]


def test_what_is_no_longer_true_goes_by_itself(ward: Ward) -> None:
    relation = ward.relation("XA", row={"name": "甲"})
    find_impact(ward.hospital)
    Item.objects.filter(code="XA").update(name="乙")
    find_impact(ward.hospital)
    Item.objects.filter(code="XA").update(name="甲")
    find_impact(ward.hospital)
    assert kinds_of(relation) == set()
    assert Finding.objects.get(mapping=relation).state == WorkState.GONE


def test_a_relation_that_was_replaced_is_handled(ward: Ward) -> None:
    relation = ward.relation("XA", row={"enddate": TODAY() + 10 * DAY})
    find_impact(ward.hospital)
    Mapping.objects.filter(pk=relation.pk).update(enddate=TODAY() + 9 * DAY)
    find_impact(ward.hospital)
    finding = Finding.objects.get(mapping=relation)
    assert (finding.state, finding.reason) == (WorkState.HANDLED, "对照已更换或终止")


def test_terms_of_the_area(ward: Ward, settings: object) -> None:
    """Not paid, another class, another ceiling, and a price above it, each by its own kind."""
    settings.HOSPITAL_PRICE_LEVEL = "3"  # type: ignore[attr-defined]
    unpaid = ward.relation("XU")
    dear = ward.relation("XD", pric=Decimal("12.50"))
    pays("XD", "H1", "20")
    find_impact(ward.hospital)
    assert kinds_of(unpaid) == {FindingKind.UNPAYABLE}
    assert kinds_of(dear) == set()
    AreaItem.objects.filter(hilist_code="H1").update(chrgitm_lv="02")
    Ceiling.objects.filter(hilist_code="H1").update(hilist_pric_uplmt_amt=Decimal("10"))
    find_impact(ward.hospital)
    assert kinds_of(dear) == {FindingKind.RECLASSED, FindingKind.REPRICED, FindingKind.OVER_CEILING}
    over = Finding.objects.get(mapping=dear, kind=FindingKind.OVER_CEILING)
    assert Decimal(over.details["over"]) == Decimal("2.5")
    assert over.details["text"] == "本院单价 12.50 元，限价 10.00 元，超出 2.50 元"
    priced = Finding.objects.get(mapping=dear, kind=FindingKind.REPRICED)
    assert priced.details["changes"] == [{"label": "限价", "old": "20.00", "new": "10.00"}]


def test_class_three_is_no_missing_link(ward: Ward) -> None:
    """丙类 is paid by the patient, which is no fault of the relation."""
    relation = ward.relation("XC")
    pays("XC", "H3", level="03")
    find_impact(ward.hospital)
    assert kinds_of(relation) == set()


def test_set_aside_stays_so_until_something_else_is_found(ward: Ward, settings: object) -> None:
    settings.HOSPITAL_PRICE_LEVEL = "3"  # type: ignore[attr-defined]
    relation = ward.relation("XA", pric=Decimal(30))
    pays("XA", "H1", "20")
    find_impact(ward.hospital)
    finding = Finding.objects.get(mapping=relation)
    with pytest.raises(NotAllowed):
        ignore_findings(ward.second, findings=[finding], reason="协议价")
    with pytest.raises(SwitchingError, match="须填写原因"):
        ignore_findings(ward.office, findings=[finding], reason="")
    ignore_findings(ward.office, findings=[finding], reason="协议价")
    find_impact(ward.hospital)
    assert kinds_of(relation) == set()
    relation.item.pric = Decimal(40)
    relation.item.save()
    find_impact(ward.hospital)
    assert kinds_of(relation) == {FindingKind.OVER_CEILING}


def test_items_no_longer_charged_and_kinds_without_a_catalogue_are_left_alone(ward: Ward) -> None:
    old = ward.relation("XA", known=False, enddate=TODAY() - DAY)
    ward.relation("XB")
    herbs = ward.relation("GRANULE", list_type="106", known=False)
    find_impact(ward.hospital)
    assert (kinds_of(old), kinds_of(herbs)) == (set(), set())


def test_forty_relations_cost_the_queries_of_four(ward: Ward) -> None:
    def cost(number: int) -> int:
        for _ in range(number):
            ward.relation(f"X{Mapping.objects.count():04}", row={"enddate": TODAY() + 3 * DAY})
        with CaptureQueriesContext(database) as seen:
            find_impact(ward.hospital)
        return len(seen)

    cost(4)
    assert cost(4) == cost(36)


def test_the_hospitals_level_says_which_ceiling(institution: Institution, settings: object) -> None:
    assert price_level(institution) == ""
    info = InstitutionInfo.objects.create(
        institution=institution, fixmedins_code="H1", fixmedins_name="演示", hosp_lv="2",
        fetched_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )  # fmt: skip
    assert price_level(institution) == "3"
    for level, ceiling in (("5", "2"), ("11", "1"), ("13", "2")):
        info.hosp_lv = level
        info.save()
        assert price_level(institution) == ceiling
    settings.HOSPITAL_PRICE_LEVEL = "3"  # type: ignore[attr-defined]
    assert price_level(institution) == "3"


def test_soon_is_a_setting() -> None:
    assert settings.CODE_ENDING_DAYS == 30
