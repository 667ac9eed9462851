"""What the demo hospital charges for, as its offices type it: markers, short makers, strengths written another way.

The names come from the catalogue as downloaded, so that they mean something; the rest is a hospital's hand.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from random import Random

from insurance.catalogue.queries import stream_codes
from portal.sheets.writing import OutColumn, export_rows

COLUMNS = ("code", "name", "spec", "dosform", "pacspec", "unit", "maker", "aprvno")
Code = tuple[str, ...]
Line = list[str]
# How many of each kind: (small, full).
AMOUNTS = {"101": (150, 2280), "102": (20, 300), "103": (6, 20), "201": (150, 4100), "301": (70, 1800)}
DRUG_HEADERS = (
    "药品编码", "药品名称", "规格", "剂型", "单位", "零售价", "生产厂家", "国药准字", "类别", "近12个月收入", "库存",
    "在院人数", "启用日期",
)  # fmt: skip
SERVICE_HEADERS = ("收费项目编码", "收费项目名称", "计价单位", "收费标准", "近12个月收入", "在院人数", "启用日期")
SUPPLY_HEADERS = (
    "物资编码", "物资名称", "规格型号", "单位", "单价", "生产厂家", "注册证号", "近12个月收入", "库存", "在院人数",
    "启用日期",
)  # fmt: skip
# Yuan of supplies by a word of their name; all others cost little.
PRICES = {"钉仓": (480, 1900), "节育器": (60, 380), "缝合线": (12, 90), "导尿管": (8, 60), "产包": (25, 120)}
CHEAP = (0.6, 38)
MARKS = ("(甲)", "(乙10%)", "※(乙)", "", "", "")
WORDS = {"101": "西药", "102": "草药", "103": "院内制剂"}
SINCE = "2024-03-01"
SEED = 20260101
# Which of the codes is the first that the hospital has.
FIRST = 1


def drugs_sheet(size: str) -> bytes:
    """Return the pharmacy's export: drugs, slices and preparations in one list, behind them two wrong lines."""
    lines = [line for kind in WORDS for line in _lines(kind, size, _drug)]
    lines.append([lines[0][0], *lines[1][1:]])  # the same code twice
    lines.append(["9999999", "待定新药", "", "", "盒", "面议", "", "", "西药", "", "", "", SINCE])
    return _written(DRUG_HEADERS, lines, "药品字典")


def services_sheet(size: str) -> bytes:
    """Return the price office's list."""
    return _written(SERVICE_HEADERS, list(_lines("201", size, _service)), "收费项目")


def supplies_sheet(size: str) -> bytes:
    """Return the supply department's list."""
    return _written(SUPPLY_HEADERS, list(_lines("301", size, _supply)), "物资字典")


def prices_sheet(rows: Sequence[tuple[str, str, str, str]]) -> bytes:
    """Return a later list of the pharmacy: code, name, price and maker of drugs of which some changed."""
    headers = ("药品编码", "药品名称", "零售价", "生产厂家")
    return _written(headers, [list(row) for row in rows], "调价单")


def _lines(kind: str, size: str, typed: Callable[[Random, int, Code], Line]) -> Iterator[Line]:
    codes = sorted(tuple(cell or "" for cell in row) for row in stream_codes(kind, COLUMNS))
    wanted = AMOUNTS[kind][size == "full"]
    step = max(1, len(codes) // wanted)
    for number, code in enumerate(codes[FIRST % step :: step][:wanted], start=1):
        line = typed(Random(f"{SEED}-{kind}-{number}"), number, code)
        if kind in WORDS:
            line[0], line[8] = f"{kind[-1]}{line[0]}", WORDS[kind]
        yield line


def _drug(random: Random, number: int, code: Code) -> Line:
    _, name, spec, dosform, pacspec, unit, maker, aprvno = code
    price = f"{random.uniform(0.8, 180):.2f}"
    typed, strength = f"{random.choice(MARKS)}{name}", _strength(random, spec, pacspec)
    return [
        f"{number:06d}", typed, strength, dosform if number % 3 else "",
        unit or "盒", price, _short(random, maker), aprvno if random.random() < 0.6 else "", "",
        f"{random.paretovariate(0.8) * 900:.2f}", str(random.randint(0, 900)), str(random.randint(0, 25)), SINCE,
    ]  # fmt: skip


def _service(random: Random, number: int, code: Code) -> Line:
    name = code[1].replace("（", "(").replace("）", ")") if number % 4 else code[1]
    revenue = f"{random.paretovariate(0.9) * 2500:.2f}"
    return [
        f"0{250000000 + number}", name, code[5] or "次", str(random.choice((5, 8, 12, 18, 30, 65, 120, 380, 900))),
        revenue, str(random.randint(0, 40)), SINCE,
    ]  # fmt: skip


def _supply(random: Random, number: int, code: Code) -> Line:
    _, name, spec, _, _, unit, maker, aprvno = code
    span = next((span for word, span in PRICES.items() if word in name), CHEAP)
    return [
        f"W{number:06d}", name, spec, unit or "个", f"{random.uniform(*span):.2f}", _short(random, maker),
        aprvno if random.random() < 0.7 else "", f"{random.paretovariate(0.8) * 600:.2f}",
        str(random.randint(0, 2000)), str(random.randint(0, 12)), SINCE,
    ]  # fmt: skip


def _strength(random: Random, spec: str, pacspec: str) -> str:
    """Write strength and pack as offices do: 0.25g → 250mg, and the pack behind it."""
    grams = spec.removesuffix("g")
    if spec.endswith("g") and not spec.endswith("mg") and grams.replace(".", "", 1).isdigit() and random.random() < 0.4:
        spec = f"{round(float(grams) * 1000)}mg"
    if not pacspec:
        return spec
    return f"{spec}*{pacspec}" if random.random() < 0.8 else spec


def _short(random: Random, maker: str) -> str:
    """Leave away what everybody leaves away of a maker's name."""
    return maker if random.random() < 0.5 else maker.replace("股份", "").replace("有限公司", "")


def _written(headers: Sequence[str], lines: Sequence[Line], title: str) -> bytes:
    file = io.BytesIO()
    export_rows([OutColumn(header, "code") for header in headers], lines, file, title)
    return file.getvalue()
