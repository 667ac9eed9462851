"""When a suggestion is certain, when it is ambiguous and what would decide. All drugs and makers are invented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from insurance.mapping.matching.engine import compare, suggest
from insurance.mapping.matching.facts import CodeRow, ItemRow, Result
from insurance.mapping.matching.index import Index

RIGHT = CodeRow(
    "XZ99ZZZ001A001010190001", "盐酸示例替林片", "片", "25mg/片", "", "盒", "示例制药有限公司", "国药准字H90000001"
)
ITEM = ItemRow("(甲)盐酸示例替林片剂[国基]", "", "0.025g*24片/盒", "", "盒", "示例制药", "")


def asked(*others: CodeRow, item: ItemRow = ITEM) -> Result:
    result = suggest(Index([RIGHT, *others]), item)
    assert result.certainty != "none"
    return result


def other(**changes: str) -> CodeRow:
    return replace(RIGHT, code="XZ99ZZZ001A001020190001", **changes)


def test_alone_it_is_certain() -> None:
    result = asked()
    assert (result.certainty, result.candidates[0].code, result.fitting) == ("certain", RIGHT.code, 1)
    told = {reason.what: reason.agrees for reason in result.candidates[0].reasons}
    assert told == {
        "批准文号": None, "药品名称": True, "剂型": True, "规格": True, "包装": None, "包装单位": True,
        "生产企业": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "excluded",
    [
        other(maker="虚构药业有限公司", aprvno="国药准字H90000002"),
        other(spec="50mg/片", aprvno="国药准字H90000003"),
        other(name="盐酸示例替林缓释片", form="缓释片"),
        other(name="马来酸示例替林片"),
        other(name="复方盐酸示例替林片"),
        other(pack="12"),
        other(unit="瓶"),
    ],
)
def test_what_the_item_excludes_leaves_it_certain(excluded: CodeRow) -> None:
    result = asked(excluded)
    assert (result.certainty, result.candidates[0].code) == ("certain", RIGHT.code)
    assert any(reason.agrees is False for reason in result.candidates[1].reasons)


@pytest.mark.parametrize(
    ("sibling", "item", "deciding"),
    [
        (other(maker="示例（北京）制药有限公司", aprvno="国药准字H90000002"), ITEM, "生产企业"),
        (other(maker="虚构药业有限公司", aprvno="国药准字H90000002"), replace(ITEM, maker=""), "生产企业"),
        (other(aprvno="国药准字H90000002"), ITEM, "批准文号"),
        (other(spec="50mg/片"), replace(ITEM, spec=""), "规格"),
        (other(pack="24"), ITEM, "包装"),
        (other(pack="12"), replace(ITEM, spec="25mg/片"), "包装"),
        (other(name="马来酸示例替林片"), replace(ITEM, name="示例替林片"), "药品名称"),
        (other(spec="", maker="", aprvno=""), ITEM, ""),
    ],
)
def test_what_the_item_leaves_open_is_ambiguous_and_named(sibling: CodeRow, item: ItemRow, deciding: str) -> None:
    result = asked(sibling, item=item)
    assert (result.certainty, result.fitting) == ("ambiguous", 2)
    assert {one.code for one in result.candidates[:2]} == {RIGHT.code, sibling.code}
    assert not deciding or deciding in result.deciding


def test_the_approval_number_decides_between_equals() -> None:
    item = replace(ITEM, aprvno="H90000002", maker="")
    result = asked(other(aprvno="国药准字H90000002"), item=item)
    assert (result.certainty, result.candidates[0].code) == ("certain", "XZ99ZZZ001A001020190001")


def test_a_contradiction_is_never_certain() -> None:
    assert asked(item=replace(ITEM, maker="虚构药业有限公司")).certainty == "likely"
    assert asked(item=replace(ITEM, aprvno="H90000009")).certainty == "likely"
    assert asked(item=replace(ITEM, spec="50mg*24片/盒")).certainty == "likely"


def test_neither_maker_nor_number_is_never_certain() -> None:
    assert asked(item=replace(ITEM, maker="")).certainty == "likely"


def test_the_digits_of_the_code_name_a_maker_that_the_row_does_not() -> None:
    elsewhere = CodeRow("XZ99ZZZ009A001010190002", "另一种药片", "片", "1g/片", "", "盒", "虚构药业有限公司", "")
    blank = CodeRow("XZ99ZZZ001A001010290002", "盐酸示例替林片", "片")
    assert asked(blank).certainty == "ambiguous"
    assert asked(blank, elsewhere).certainty == "certain"


def test_a_lost_character_is_found_and_a_longer_list_changes_nothing() -> None:
    item = replace(ITEM, name="盐酸示例替片")
    many = [CodeRow(f"XZ98ZZZ{n:03}A001010190003", f"无关药物{n}号胶囊", "胶囊", f"{n}mg/粒") for n in range(300)]
    assert asked(*many, item=item).candidates[0].code == RIGHT.code


def test_another_drug_by_the_same_maker_is_not_suggested() -> None:
    result = suggest(Index([RIGHT]), ItemRow("葡萄示意酸钙口服液", "", "10ml/支", "", "盒", "示例制药", ""))
    assert result.certainty == "none"


def test_facts_of_any_code_against_an_item() -> None:
    told = {one.what: one for one in compare(ITEM, other(spec="50mg/片", maker="虚构药业有限公司"))}
    assert told["规格"].agrees is False
    assert told["规格"].ours == "0.025g*24片/盒（25mg）"
    assert told["生产企业"].agrees is False
    assert told["药品名称"].agrees is True


def test_a_name_equal_to_the_letter_needs_no_form() -> None:
    liquid = replace(RIGHT, name="示例康新液", form="其他", spec="10ml/支")
    item = replace(ITEM, name="(甲)示例康新液[市基]", spec="10ml*30支/盒")
    assert suggest(Index([liquid]), item).certainty == "certain"
    bottled = replace(liquid, code="XZ99ZZZ001A001020190001", name="示例康新液胶囊", form="胶囊")
    assert suggest(Index([liquid, bottled]), item).certainty == "ambiguous"
    assert suggest(Index([bottled]), item).certainty == "likely"


def test_of_equals_the_maker_written_alike_stands_first() -> None:
    item = replace(ITEM, maker="Example Pharma AG(Example Works)")
    one, two = (other(maker=f"Example Pharma AG(Example {place})") for place in ("Other Works", "Works"))
    result = suggest(Index([one, replace(two, code="XZ99ZZZ001A001030190001")]), item)
    assert result.certainty == "ambiguous"
    assert result.candidates[0].code == "XZ99ZZZ001A001030190001"
