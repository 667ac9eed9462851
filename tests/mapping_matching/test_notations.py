"""How names, strengths, makers and numbers are read and compared. All drugs, makers and numbers are invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insurance.mapping.matching import makers, names, numbers, strengths
from insurance.mapping.matching.facts import Verdict
from insurance.mapping.matching.text import distance, plain, within

DIFFERS, ALIKE, UNKNOWN, NEAR, AGREES, EXACT = sorted(Verdict)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ("0.5g*12片/盒", "500mg/片", EXACT),
        ("0.5克/片/片", "500mg/片", EXACT),
        ("５００ＭＧ", "0.5g/片", EXACT),
        ("24ug*7粒/盒", "24μg/粒", EXACT),
        ("1.25万单位/支", "12500IU/支", EXACT),
        ("10ml：0.1g", "100mg:10ml/支", EXACT),
        ("1,000mg/瓶", "1g/瓶", EXACT),
        ("0.4ml*12支/盒", "0.4ml/支", EXACT),
        ("8mg*7片/盒", "4mg/片", DIFFERS),
        ("100ml/袋", "250ml/袋", DIFFERS),
        ("0.1g:10ml/支", "0.1g:5ml/支", DIFFERS),
        ("60吸/支", "120吸/支", DIFFERS),
        ("40mg/瓶", "40mg:4ml/瓶", AGREES),
        ("1%10ml/支", "0.1g/支", AGREES),
        ("1%10ml/支", "0.2g/支", DIFFERS),
        ("40mg/瓶", "4ml/瓶", UNKNOWN),
        ("", "4ml/瓶", UNKNOWN),
        ("1片/片", "1片/片", AGREES),
        ("1片/片", "10mg/片", UNKNOWN),
        ("1片/片", "2片/片", DIFFERS),
        ("1单位/片", "0.5单位/片", DIFFERS),
        ("1单位/瓶", "100单位/瓶", UNKNOWN),
        ("每粒装0.4g", "0.4g/粒", EXACT),
        ("0.6g(相当于原药材4.8g)", "4.8g/袋", ALIKE),
    ],
)
def test_strengths_in_any_notation(ours: str, theirs: str, verdict: Verdict) -> None:
    assert strengths.compare(strengths.parse(ours), strengths.parse(theirs)) == verdict


@pytest.mark.parametrize(
    ("text", "pack", "container"),
    [
        ("8mg*7片/盒", 7, "片"),
        ("0.25g×12粒", 12, "粒"),
        ("0.25g*12片*2板/盒", 24, "片"),
        ("10ml/支", 0, "支"),
        ("500ml/玻瓶", 0, "瓶"),
        ("5 MG", 0, ""),
    ],
)
def test_pack_and_container(text: str, pack: float, container: str) -> None:
    read = strengths.parse(text)
    assert (read.pack, read.container) == (pack, container)


@pytest.mark.parametrize(
    ("cell", "count"), [("12", 12), ("12片/盒", 12), ("2板*12片", 24), ("0.25g*24片", 24), ("盒", 0), ("", 0)]
)
def test_pieces_of_a_pack_cell(cell: str, count: float) -> None:
    assert strengths.pieces(cell) == count


@given(
    st.decimals(min_value="0.001", max_value="900", places=3),
    st.sampled_from(["片", "粒", "支"]),
    st.integers(min_value=1, max_value=200),
)
def test_a_strength_equals_itself_in_the_other_unit(grams: object, piece: str, pack: int) -> None:
    milligrams = f"{float(str(grams)) * 1000:g}mg/{piece}"
    in_grams = f"{grams}g*{pack}{piece}/盒"
    assert strengths.compare(strengths.parse(in_grams), strengths.parse(milligrams)) == EXACT


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_typed_breaks_the_reading(one: str, other: str) -> None:
    strengths.compare(strengths.parse(one), strengths.parse(other))
    names.compare_substances(names.parse(one), names.parse(other))
    makers.compare(makers.parse(one), makers.parse(other))
    numbers.compare(numbers.parse(one), numbers.parse(other))


@pytest.mark.parametrize(
    ("text", "full", "form"),
    [
        ("(甲)盐酸示例片[国基]", "盐酸示例", "片"),
        ("※▲(乙10%)示例软胶囊剂", "示例", "软胶囊"),
        ("(乙10%示例素针", "示例素", "针"),
        ("(粉针)示例钠", "示例钠", "注射用"),
        ("注用示例霉素B", "示例霉素b", "注射用"),
        ("示例射液", "示例", "注射液"),
        ("示例咀嚼片剂", "示例", "咀嚼片"),
        ("示例肠溶胶囊剂国基]", "示例", "肠溶胶囊"),
        ("()示例口服悬液", "示例", "口服混悬液"),
        ("未确示例片", "示例", "片"),
        ("[抗菌]示例片", "示例", "片"),
        ("抗菌示例胶囊", "抗菌示例", "胶囊"),
    ],
)
def test_marks_and_forms_come_off_a_name(text: str, full: str, form: str) -> None:
    read = names.parse(text)
    assert (read.full, read.form) == (full, form)


def test_what_tells_kinds_apart_stays_with_the_name() -> None:
    assert names.parse("示例混合注射液（30Ｒ）").models == {"30r"}
    assert names.parse("示例片( Ⅱ)").models == {"ii"}
    assert names.parse("10%示例糖注射液（塑瓶）").percent == 10.0
    assert names.parse("10%示例糖注射液（塑瓶）").container == "塑"


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ("盐酸示例替林片", "盐酸示例替林片", EXACT),
        ("示例替林片", "盐酸示例替林片", NEAR),
        ("马来酸示例替林片", "盐酸示例替林片", DIFFERS),
        ("示例替片", "示例替林片", ALIKE),
        ("复方示例替林片", "示例替林片", DIFFERS),
        ("5%示例糖注射液", "10%示例糖注射液", DIFFERS),
        ("示例头孢钠", "另一种药", DIFFERS),
    ],
)
def test_substances(ours: str, theirs: str, verdict: Verdict) -> None:
    assert names.compare_substances(names.parse(ours), names.parse(theirs))[0] == verdict


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ("示例胶囊", "示例胶囊", EXACT),
        ("示例胶囊", "示例缓释胶囊", DIFFERS),
        ("示例胶囊", "示例软胶囊", DIFFERS),
        ("示例口服液", "示例口服溶液", NEAR),
        ("示例针", "示例注射液", AGREES),
        ("示例针", "注射用示例", NEAR),
        ("示例注射液", "注射用示例", DIFFERS),
    ],
)
def test_forms(ours: str, theirs: str, verdict: Verdict) -> None:
    assert names.compare_forms(names.parse(ours), names.parse(theirs)) == verdict


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ("示例制药有限公司", "示例制药有限公司", EXACT),
        ("示例制药有限公司", "示例制药有限公司（委托生产企业：虚构药业有限公司）", EXACT),
        ("示例制药", "示例制药有限公司", AGREES),
        ("示例制药", "示例（北京）制药有限公司", AGREES),
        ("示例制药有限公司", "示例（北京）制药有限公司", ALIKE),
        ("示例制药有限公司有限公司)", "示例制药(海南)有限公司", AGREES),
        ("甲乙欧某", "甲乙集团欧某药业有限公司", AGREES),
        ("虚构药业", "示例制药有限公司（委托生产企业：虚构药业有限公司）", NEAR),
        ("示例制药", "虚构药业有限公司", DIFFERS),
        ("Example Pharma AG", "Example Pharma AG(Example Works GmbH)(进口分包装：示例有限公司)", EXACT),
        ("", "示例制药有限公司", UNKNOWN),
    ],
)
def test_makers(ours: str, theirs: str, verdict: Verdict) -> None:
    assert makers.compare(makers.parse(ours), makers.parse(theirs)) == verdict


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ("H00000001", "国药准字H00000001", EXACT),
        ("H00000001", "国药准字HJ00000001", EXACT),
        ("国药准字H00000001", "国药准字Z00000001", DIFFERS),
        ("国药准字H00000001", "国药准字H00000002", DIFFERS),
        ("国药准字", "国药准字H00000002", UNKNOWN),
        ("H00000001、H00000002", "国药准字H00000002", EXACT),
    ],
)
def test_approval_numbers(ours: str, theirs: str, verdict: Verdict) -> None:
    assert numbers.compare(numbers.parse(ours), numbers.parse(theirs)) == verdict


@given(st.text(alphabet="示例药片甲乙丙", max_size=9), st.text(alphabet="示例药片甲乙丙", max_size=9))
def test_distance_is_symmetric_and_zero_only_for_equals(one: str, other: str) -> None:
    assert distance(one, other, 20) == distance(other, one, 20)
    assert (distance(one, other, 20) == 0) == (one == other)


def test_pieces_of_a_name_in_order() -> None:
    assert within("甲乙欧某", "甲乙集团欧某药业")
    assert not within("欧某甲乙", "甲乙集团欧某药业")
    assert plain("Ｈ１２ ３") == "h123"
