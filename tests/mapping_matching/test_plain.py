"""Services, supplies and slices. All names are invented or of the kind that any price list has."""

from __future__ import annotations

import pytest

from insurance.mapping.matching.facts import CodeRow, ItemRow, Result
from insurance.mapping.matching.plain import SERVICE, SLICE, SUPPLY, PlainIndex, code_of, parse, suggest

SERVICES = [
    CodeRow("004801000010000", "示例部位显象"),
    CodeRow("004801000020000", "示例关节清理术(单侧)"),
    CodeRow("004801000030000", "示例关节清理术(双侧)"),
    CodeRow("004801000040000", "同名演示术"),
    CodeRow("004802000050000", "同名演示术"),
    CodeRow("004803000060000", "演示病房费"),
    CodeRow("004803000060100", "百级演示病房费"),
]
SUPPLIES = [
    CodeRow("C9900000000000000001", "示例支架（覆膜）", "", "合金/覆膜", "", "", "示例医疗器械有限公司", ""),
    CodeRow("C9900000000000000002", "示例支架（覆膜）", "", "合金/覆膜", "", "", "虚构医疗科技有限公司", ""),
    CodeRow("C9900000000000000003", "示例支架（非覆膜）", "", "合金/非覆膜", "", "", "示例医疗器械有限公司", ""),
]
SLICES = [CodeRow("T990000001", "示例草"), CodeRow("T990000002", "蜜示例草"), CodeRow("T990000003", "示例草炭")]


def service(name: str, code: str = "") -> Result:
    return suggest(PlainIndex(SERVICES, SERVICE), ItemRow(name, code=code))


def test_an_older_character_is_the_same_service() -> None:
    result = service("示例部位显像（次）")
    assert result.candidates[0].code == "004801000010000"
    assert service("示例部位显像").certainty == "certain"


def test_sides_tell_services_apart() -> None:
    result = service("示例关节清理术（双侧）")
    assert (result.certainty, result.candidates[0].code) == ("certain", "004801000030000")
    other = next(one for one in result.candidates if one.code == "004801000020000")
    assert {line.what: line.agrees for line in other.reasons}["数量、部位与限定"] is False
    assert service("示例关节清理术").certainty == "ambiguous"


def test_equal_names_are_ambiguous_until_the_price_list_number_decides() -> None:
    assert service("同名演示术").certainty == "ambiguous"
    result = service("同名演示术", "480200005")
    assert (result.certainty, result.candidates[0].code) == ("certain", "004802000050000")


def test_a_number_that_points_at_the_whole_and_a_name_that_points_at_a_part_is_not_certain() -> None:
    assert service("百级演示病房费", "480300006").certainty == "ambiguous"


def test_the_same_name_under_another_number_of_the_price_list_is_not_certain() -> None:
    index = PlainIndex([row for row in SERVICES if row.code != "004801000040000"], SERVICE)
    assert suggest(index, ItemRow("同名演示术", code="310100004")).certainty == "likely"
    assert suggest(index, ItemRow("同名演示术", code="900000004")).certainty == "certain"
    assert suggest(index, ItemRow("同名演示术")).certainty == "certain"


def test_the_number_of_a_price_list_stands_in_the_national_code() -> None:
    assert code_of("110200001") == "00110200001"
    assert code_of("500000001") == ""
    assert code_of("X00001") == ""


@pytest.mark.parametrize(("maker", "certainty"), [("示例医疗器械", "certain"), ("", "ambiguous")])
def test_supplies_need_their_maker(maker: str, certainty: str) -> None:
    result = suggest(PlainIndex(SUPPLIES, SUPPLY), ItemRow("示例支架(覆膜)", maker=maker))
    assert result.certainty == certainty
    assert result.candidates[0].code == "C9900000000000000001"
    assert ("生产企业" in result.deciding) == (certainty == "ambiguous")


def test_the_size_tells_supplies_of_one_maker_apart() -> None:
    rows = [
        CodeRow(
            f"C9900000000000000{number}", "演示留置针", "", spec, "", "", "示例医疗器械有限公司", "示例械注准99990001"
        )
        for number, spec in enumerate(("18G", "20G", "22G"))
    ]
    index = PlainIndex(rows, SUPPLY)
    result = suggest(index, ItemRow("演示留置针", spec="20G", maker="示例医疗器械", aprvno="示例械注准9"))
    assert (result.certainty, result.candidates[0].code) == ("certain", rows[1].code)
    result = suggest(index, ItemRow("演示留置针", maker="示例医疗器械"))
    assert (result.certainty, result.deciding) == ("ambiguous", ("规格",))


@pytest.mark.parametrize(
    ("name", "code"), [("炙示例草", "T990000002"), ("示例草(蜜炙)", "T990000002"), ("示例草", "T990000001")]
)
def test_slices_by_their_processing(name: str, code: str) -> None:
    assert suggest(PlainIndex(SLICES, SLICE), ItemRow(name)).candidates[0].code == code


def test_nothing_alike_is_no_suggestion() -> None:
    assert service("完全无关").certainty == "none"
    assert parse("", SERVICE).whole == ""
