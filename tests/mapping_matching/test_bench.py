"""The files that `script/bench mapping` reads, and siblings of invented drugs: nothing certain is ever wrong."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from django.conf import settings

from insurance.mapping.matching import reading
from insurance.mapping.matching.facts import CodeRow

sys.path.append(str(Path(settings.BASE_DIR) / "script"))
from benchmarks import _grown, mapping

BASES = ("示例替林", "虚构洛尔", "演示霉素", "假想西林", "拟造地平", "空设他汀", "试写沙坦", "样本拉唑")
FORMS = (
    ("片", "片", "mg/片"), ("胶囊", "胶囊", "mg/粒"), ("注射液", "注射液", "mg:2ml/支"), ("颗粒", "颗粒", "g/袋"),
)  # fmt: skip
MAKERS = (
    "示例制药有限公司",
    "虚构（北京）药业股份有限公司",
    "演示集团海角医药有限公司",
    "Example Pharma AG(Example Works)",
)


def catalogue() -> list[CodeRow]:
    """Every base in every form by two makers."""
    rows = []
    for at, base in enumerate(BASES):
        for number, (form, sort, unit) in enumerate(FORMS):
            for maker in (at + number) % 4, (at + number + 1) % 4:
                code = f"XZ{at:02}ZZZ0{number:02}A00{number}0101{90000 + maker}"
                aprvno = f"国药准字H9{at:03}{number:02}{maker:02}"
                rows.append(
                    CodeRow(code, f"盐酸{base}{form}", sort, f"{(at + 1) * 5}{unit}", "", "盒", MAKERS[maker], aprvno)
                )
    return rows


@pytest.mark.parametrize("style", sorted(_grown.STYLES))
@pytest.mark.parametrize("seed", [1, 2])
def test_no_sibling_makes_a_certain_one_wrong(style: str, seed: int) -> None:
    rows = catalogue()
    rng = random.Random(seed)
    pairs = mapping.invented(rows, 64, seed)
    grown = list(_grown.grow(rows, 1500, seed, [style, "maker"]))
    find = reading.answerer(reading.DRUGS, grown)
    answers = [mapping.answered(find, pair) for pair in pairs]
    answers += [mapping.answered(find, (local, _grown.noisy(rng, item), code)) for local, item, code in pairs]
    assert not [one for one in answers if one.result.certainty == "certain" and one.place != 1]
    # rows that leave everything open leave nothing certain, rightly
    assert style == "gap" or sum(one.result.certainty == "certain" for one in answers) > 5
    assert sum(0 < one.place <= 5 for one in answers) > 64


def test_growing_keeps_every_row_and_gives_each_code_once() -> None:
    rows = catalogue()
    grown = list(_grown.grow(rows, 900, 3, list(_grown.STYLES)))
    assert grown[: len(rows)] == rows
    assert len(grown) == len({row.code for row in grown}) == 900


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_files_in_any_encoding_and_with_columns_missing(tmp_path: Path, encoding: str) -> None:
    codes, items = tmp_path / "codes.csv", tmp_path / "items.csv"
    codes.write_text("nat_code,reg_name,spec,approval_no\nXZ1,示例片,5mg,国药准字H90000001\n,无码,,\n", encoding)
    items.write_text(
        "local_code,local_name,spec,expected\n1,(甲)示例片,5mg*7片/盒,XZ1\n2,别的,,XZ2\n3,无,,\n", encoding
    )
    kind, rows = reading.read_catalogue(codes)
    assert (kind, rows) == (reading.DRUGS, [CodeRow("XZ1", "示例片", spec="5mg", aprvno="国药准字H90000001")])
    assert [(local, right) for local, _, right in reading.read_items(items, kind)] == [("1", "XZ1"), ("2", "XZ2")]


def test_the_last_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes, items = tmp_path / "codes.csv", tmp_path / "items.csv"
    codes.write_text(
        "nat_code,reg_name,dosage_form,spec,manufacturer,approval_no\n"
        "XZ1,示例片,片,5mg/片,示例制药有限公司,国药准字H90000001\n",
        "utf-8",
    )
    items.write_text(
        "local_code,local_name,spec,manufacturer,expected\n1,(甲)示例片,5mg*7片/盒,示例制药,XZ1\n2,别的,,,XZ2\n",
        "utf-8",
    )
    mapping.main(["--catalogue", str(codes), "--items", str(items), "--show", "wrong"])
    lines = capsys.readouterr().out.splitlines()
    assert "not in the catalogue, counted apart: 1 items" in lines
    assert lines[-1].startswith("mapping rows=1 top1=100.00 top5=100.00 certain=100.00 certain_wrong=0 p95_ms=")


def test_services_and_supplies_are_told_by_their_headers(tmp_path: Path) -> None:
    services, supplies = tmp_path / "services.csv", tmp_path / "supplies.csv"
    services.write_text("nat_code,name,other_names_seen\n001,示例费,\n", "utf-8")
    supplies.write_text(
        "nat_code,level3,generic_class,material,spec_feature,generic_name,manufacturer\n"
        "C1,01-示例,001-示例类,13-不锈钢,038-覆膜,示例支架,示例公司\n", "utf-8",
    )  # fmt: skip
    assert reading.read_catalogue(services)[0] == reading.SERVICES
    assert reading.read_catalogue(supplies) == (
        reading.SUPPLIES, [CodeRow("C1", "示例支架", "示例", "不锈钢/覆膜", "", "", "示例公司", "")],
    )  # fmt: skip
