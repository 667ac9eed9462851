"""Suggestions in the database: made once, made anew when something changed, for one item and for all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from insurance.catalogue.models import Item
from insurance.mapping.choices import Certainty, MappingState
from insurance.mapping.matching import services
from insurance.mapping.matching.services import compare_facts, suggest_all, suggest_item, suggest_later
from insurance.mapping.models import HospitalItem, Mapping, Suggestion
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.run import Run
from tests.mapping_items.factories import make_code, make_item, make_load
from tests.mapping_matching.conftest import OTHER_FORM, OTHER_MAKER, RIGHT

pytestmark = pytest.mark.django_db


def drug(institution: Institution, **changes: Any) -> HospitalItem:
    values = {
        "fixmedins_hilist_name": "(甲)盐酸示例替林片[国基]", "spec": "0.025g*24片/盒", "dosform": "",
        "prodentp_name": "示例制药", **changes,
    }  # fmt: skip
    return make_item(institution, **values)


def run_of(institution: Institution) -> Run:
    return Run(Task.objects.create(institution=institution, kind=services.KIND, state="running", attempt=1))


def test_one_item_gets_its_code_with_reasons(institution: Institution, drugs: list[Item]) -> None:
    found = suggest_item(drug(institution))
    assert found.certainty == Certainty.CERTAIN
    assert found.candidates[0]["code"] == RIGHT
    assert {one["what"]: one["agrees"] for one in found.candidates[0]["reasons"]}["规格"] is True
    assert {one["code"] for one in found.candidates} >= {OTHER_MAKER, OTHER_FORM}
    assert Decimal("0.8") < found.score <= 1


def test_an_item_without_maker_is_ambiguous_and_says_what_decides(institution: Institution, drugs: list[Item]) -> None:
    found = suggest_item(drug(institution, prodentp_name=""))
    assert (found.certainty, found.deciding[0]) == (Certainty.AMBIGUOUS, "生产企业")


@pytest.mark.parametrize("aprvno", ["H90000002", "国药准字HJ90000002"])
def test_the_number_finds_a_mistyped_drug(institution: Institution, drugs: list[Item], aprvno: str) -> None:
    found = suggest_item(drug(institution, fixmedins_hilist_name="盐酸示例替片", prodentp_name="", aprvno=aprvno))
    assert found.candidates[0]["code"] == OTHER_MAKER


def test_a_mistyped_name_alone_is_found_too(institution: Institution, drugs: list[Item]) -> None:
    found = suggest_item(drug(institution, fixmedins_hilist_name="盐酸示例臻林片"))
    assert found.candidates[0]["code"] == RIGHT


def test_without_a_catalogue_nothing_is_suggested(institution: Institution) -> None:
    found = suggest_item(drug(institution))
    assert (found.certainty, found.candidates) == (Certainty.NONE, [])


@pytest.mark.parametrize("ended", [{"vali_flag": "0"}, {"enddate": "2024-12-31"}, {"current": False}])
def test_codes_out_of_force_are_not_suggested(
    institution: Institution, drugs: list[Item], ended: dict[str, Any]
) -> None:
    Item.objects.filter(code=RIGHT).update(**ended)
    assert RIGHT not in {one["code"] for one in suggest_item(drug(institution)).candidates}


def test_it_is_made_anew_only_when_something_changed(institution: Institution, drugs: list[Item]) -> None:
    item = drug(institution)
    first = suggest_item(item)
    assert suggest_item(item).made_at == first.made_at
    item.prodentp_name = "虚构药业"
    item.save()
    second = suggest_item(item)
    assert second.candidates[0]["code"] == OTHER_MAKER
    make_load("1301", institution)
    assert suggest_item(item).made_at > second.made_at


def test_too_many_rows_are_never_certain(
    institution: Institution, drugs: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("insurance.mapping.matching.narrowing.MOST", 1)
    assert suggest_item(drug(institution)).certainty != Certainty.CERTAIN


def test_one_item_costs_few_queries(institution: Institution, drugs: list[Item]) -> None:
    item = drug(institution, aprvno="H90000001")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        suggest_item(item)
    assert len(queries) <= 14


@pytest.mark.parametrize("few", [0, 20])
def test_all_unmapped_items_at_once(
    institution: Institution,
    other_institution: Institution,
    drugs: list[Item],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
) -> None:
    monkeypatch.setattr(services, "FEW", few)
    items = [drug(institution) for _ in range(3)]
    mapped, unneeded = drug(institution), drug(institution, no_code=True)
    Mapping.objects.create(
        institution=institution, item=mapped, list_type="101", med_list_codg=RIGHT, begndate="2026-01-01",
        enddate="2099-12-31", state=MappingState.PROPOSED,
    )  # fmt: skip
    elsewhere = drug(other_institution)
    counts = suggest_all(run_of(institution))
    assert counts == {"确定": 3}
    assert set(Suggestion.objects.values_list("item", flat=True)) == {item.pk for item in items}
    assert not Suggestion.objects.filter(item__in=[mapped, unneeded, elsewhere]).exists()
    assert suggest_all(run_of(institution)) == {"未变": 3}


def test_one_and_all_say_the_same(institution: Institution, drugs: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    item = drug(institution, prodentp_name="")
    one = suggest_item(item)
    Suggestion.objects.all().delete()
    monkeypatch.setattr(services, "FEW", 0)
    suggest_all(run_of(institution))
    again = Suggestion.objects.get(item=item)
    assert (one.certainty, one.candidates, one.deciding) == (again.certainty, again.candidates, again.deciding)


def test_putting_aside_survives_a_new_suggestion(institution: Institution, drugs: list[Item], member: Any) -> None:
    item = drug(institution)
    Suggestion.objects.create(item=item, item_digest="", skipped_by=member)
    assert suggest_item(item).skipped_by == member


def test_the_task_can_be_started_once(institution: Institution, drugs: list[Item]) -> None:
    first = suggest_later(institution)
    assert suggest_later(institution) == first


def test_services_and_supplies_by_their_own_rules(institution: Institution) -> None:
    make_code("201", "009901000010000", name="示例部位显象")
    service = make_item(institution, list_type="201", fixmedins_hilist_name="示例部位显像", spec="", prodentp_name="")
    assert suggest_item(service).certainty == Certainty.CERTAIN
    make_code("201", "009901000020000", name="演示B型超声引导")
    other = make_item(institution, list_type="201", fixmedins_hilist_name="演示B超引导", spec="", prodentp_name="")
    assert suggest_item(other).candidates[0]["code"] == "009901000020000"
    make_code("301", "C9900000000000000001", name="示例支架", maker="示例医疗器械有限公司")
    supply = make_item(institution, list_type="301", fixmedins_hilist_name="示例支架", prodentp_name="", spec="")
    assert suggest_item(supply).certainty != Certainty.CERTAIN


def test_facts_of_a_code_found_by_hand(institution: Institution, drugs: list[Item]) -> None:
    told = {one["what"]: one["agrees"] for one in compare_facts(drug(institution), drugs[1])}
    assert told["生产企业"] is False
    assert told["药品名称"] is True
