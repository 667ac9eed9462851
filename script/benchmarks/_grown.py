"""A drug catalogue grown by near siblings of its rows, and items as a pharmacy might have typed them, for trying out.

Every style of sibling stands for a way in which two national codes differ by little. What is made is not real.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from insurance.mapping.matching.facts import CodeRow, ItemRow

PLACES = ("北京", "上海", "广东", "江苏", "浙江", "山东", "四川", "海南", "湖北", "天津", "苏州", "杭州", "中国")
SALTS = ("盐酸", "硫酸", "马来酸", "富马酸", "枸橼酸", "酒石酸", "甲磺酸", "磷酸")
FORMS = (
    ("缓释胶囊", "胶囊"), ("软胶囊", "胶囊"), ("胶囊", "软胶囊"), ("胶囊", "缓释胶囊"), ("胶囊", "片"),
    ("缓释片", "片"), ("片", "分散片"), ("片", "缓释片"), ("片", "胶囊"), ("注射液", "氯化钠注射液"),
    ("注射液", "葡萄糖注射液"), ("颗粒", "片"), ("口服溶液", "颗粒"), ("乳膏", "软膏"), ("软膏", "乳膏"),
    ("滴眼液", "眼膏"), ("丸", "片"), ("凝胶", "乳膏"),
)  # fmt: skip
PACKS = (1, 2, 5, 6, 7, 10, 12, 14, 20, 24, 28, 30, 36, 48, 60, 100)
AMOUNT = re.compile(
    r"(\d+(?:\.\d+)?)(?=\s*(?:mg|g|ug|ml|μg|万?单位|万?iu|u|克|毫克|毫升)\b|万?单位|克|毫)", re.IGNORECASE
)
Style = Callable[[random.Random, CodeRow, "Stock"], CodeRow | None]


class Stock:
    """What siblings are made of: the makers with the digits of their codes, and numbers not yet used."""

    def __init__(self, rows: Sequence[CodeRow]) -> None:
        self.makers = sorted({(row.maker, row.code[-5:]) for row in rows if row.maker})
        self.taken = {row.code for row in rows}
        self.serial = 10_000_000

    def number(self, rng: random.Random, like: str) -> str:
        """An approval number that nobody has."""
        letters = "".join(re.findall(r"[A-Z]+", like)) or rng.choice("HZS")
        self.serial += rng.randrange(1, 40)
        return f"国药准字{letters}{self.serial}"

    def code(self, rng: random.Random, row: CodeRow, *, maker: str = "", middle: bool = False) -> str:
        """A free code beside that of `row`: other digits of maker, or of specification and pack."""
        head, digits, tail = row.code[:-9], row.code[-9:-5], maker or row.code[-5:]
        for most in itertools.count(5):
            if middle or head + digits + tail in self.taken:
                digits = f"{rng.randrange(min(most, 100)):02}{rng.randrange(min(most, 100)):02}"
            code = head + digits + tail
            if code not in self.taken:
                self.taken.add(code)
                return code
        raise AssertionError("unreachable")


def by_maker(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow:
    """The same by another real maker, with another number."""
    maker, digits = rng.choice(stock.makers)
    return replace(row, code=stock.code(rng, row, maker=digits), maker=maker, aprvno=stock.number(rng, row.aprvno))


def by_strength(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow | None:
    """The same maker's other strength."""
    factor = rng.choice((2, 0.5, 5, 0.1, 4))
    spec = AMOUNT.sub(lambda found: f"{float(found.group(1)) * factor:g}", row.spec, count=1)
    if spec == row.spec:
        return None
    aprvno = stock.number(rng, row.aprvno) if rng.random() < 0.7 else row.aprvno
    return replace(row, code=stock.code(rng, row, middle=True), spec=spec, aprvno=aprvno)


def by_pack(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow:
    """The same number in another pack, said in its own columns or in the specification."""
    count, code = rng.choice(PACKS), stock.code(rng, row, middle=True)
    found = re.match(r"^(.*?)/(片|粒|支|瓶|袋|丸|贴|枚)$", row.spec)
    if found and rng.random() < 0.4:
        return replace(row, code=code, spec=f"{found.group(1)}*{count}{found.group(2)}/盒", unit="盒")
    return replace(row, code=code, pack=str(count), unit="盒")


def by_unit(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow:
    """The same sold by another unit."""
    unit = rng.choice([one for one in ("盒", "瓶", "支", "袋") if one != row.unit])
    return replace(row, code=stock.code(rng, row, middle=True), unit=unit)


def by_gap(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow:
    """A row that leaves things open: no number, or no maker either, or its name alone."""
    maker, digits = rng.choice(stock.makers) if rng.random() < 0.7 else (row.maker, row.code[-5:])
    open_, code = rng.randrange(3), stock.code(rng, row, maker=digits, middle=rng.random() < 0.3)
    if open_ == 0:
        return replace(row, code=code, maker=maker, aprvno="")
    if open_ == 1:
        return replace(row, code=code, maker="", aprvno=stock.number(rng, row.aprvno) if rng.random() < 0.5 else "")
    return CodeRow(code, row.name, row.form)


def by_group(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow | None:
    """A company of the same group: a place in brackets or behind, 集团 added."""
    bare = re.sub(r"[（(].*", "", row.maker)
    found = re.match(r"^(.+?)(制药|药业|医药)(.*)$", bare)
    if not found:
        return None
    place, (brand, trade, rest) = rng.choice(PLACES), found.groups()
    names = (
        f"{brand}（{place}）{trade}{rest}",
        f"{brand}{trade}（{place}）{rest or '有限公司'}",
        f"{brand}集团{place}{trade}有限公司",
        f"{place}{brand}{trade}有限公司",
    )
    maker = rng.choice(names)
    code = stock.code(rng, row, maker=f"{rng.randrange(90000, 99999)}")
    return replace(row, code=code, maker=maker, aprvno=stock.number(rng, row.aprvno))


def by_name(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow | None:
    """A near name: another salt, another form, 复方 before it; the same maker."""
    way = rng.randrange(3)
    salt = next((one for one in SALTS if row.name.startswith(one)), "")
    if way == 0 and salt:
        name = rng.choice([one for one in SALTS if one != salt]) + row.name[len(salt) :]
    elif way == 1 and not row.name.startswith(("复方", "注射用")):
        name = f"复方{row.name}"
    else:
        pairs = [pair for pair in FORMS if row.name.endswith(pair[0])]
        if not pairs:
            return None
        old, new = rng.choice(pairs)
        name = row.name[: -len(old)] + new
    form = row.form if way != 2 else next((new for _old, new in FORMS if name.endswith(new)), row.form)
    code = stock.code(rng, row, middle=True)
    return replace(row, code=code, name=name, form=form, aprvno=stock.number(rng, row.aprvno))


def by_behalf(rng: random.Random, row: CodeRow, stock: Stock) -> CodeRow | None:
    """Made on another's behalf, by the maker itself or for it."""
    if not row.maker:
        return None
    bare = re.sub(r"[（(].*", "", row.maker) or row.maker
    other, digits = rng.choice(stock.makers)
    holder = re.sub(r"[（(].*", "", other) or other
    maker = rng.choice(
        (f"{holder}（委托生产企业：{bare}）", f"{bare}（委托生产企业：{holder}）", f"{bare}(委托:{holder})")
    )
    digits = digits if maker.startswith(holder) else row.code[-5:]
    code = stock.code(rng, row, maker=digits, middle=True)
    return replace(row, code=code, maker=maker, aprvno=stock.number(rng, row.aprvno))


STYLES: dict[str, Style] = {
    "maker": by_maker, "strength": by_strength, "pack": by_pack, "unit": by_unit, "gap": by_gap, "group": by_group,
    "name": by_name, "behalf": by_behalf,
}  # fmt: skip
# The kinds that a catalogue is mostly made of; the rest of STYLES is asked for by name.
USUAL = ("maker", "maker", "strength", "pack")


def grow(rows: Sequence[CodeRow], size: int, seed: int, styles: Sequence[str] = USUAL) -> Iterator[CodeRow]:
    """Yield `rows` and siblings of them until there are `size`: of complete rows, sometimes of two styles at once."""
    rng, stock = random.Random(seed), Stock(rows)
    complete = [row for row in rows if row.aprvno and row.maker and row.spec]
    yield from rows
    made = len(rows)
    while made < size:
        row = rng.choice(complete if rng.random() < 0.7 else rows)
        sibling = STYLES[rng.choice(styles)](rng, row, stock)
        if sibling and rng.random() < 0.25:
            sibling = STYLES[rng.choice(styles)](rng, sibling, stock) or sibling
        if sibling:
            made += 1
            yield sibling


def noisy(rng: random.Random, item: ItemRow) -> ItemRow:
    """Return an item said in a worse way: one or two of the things that happen in a hospital's list."""
    for way in rng.sample(range(6), rng.choice((1, 1, 2))):
        item = _worse(rng, item, way)
    return item


def _worse(rng: random.Random, item: ItemRow, way: int) -> ItemRow:
    if way == 0:
        return replace(item, aprvno="")
    if way == 1:
        bare = re.sub(r"(股份|有限|责任)?有限公司|集团|[（(].*", "", item.maker)
        return replace(item, maker=bare if rng.random() < 0.6 else bare[: rng.randrange(4, 8)])
    if way == 2:
        return replace(item, spec=_other_unit(item.spec))
    if way == 3:
        return replace(item, name=_full_width(item.name), spec=_full_width(item.spec))
    if way == 4 and len(item.name) > 6:
        at = rng.randrange(1, len(item.name) - 2)
        return replace(item, name=item.name[:at] + item.name[at + 1 :])
    return replace(item, maker="") if rng.random() < 0.3 else replace(item, name=f"({rng.choice('甲乙')}){item.name}")


def _other_unit(spec: str) -> str:
    found = re.match(r"^(\d+(?:\.\d+)?)(mg|g)(?![a-z])(.*)$", spec, re.IGNORECASE)
    if not found:
        return spec
    value, unit = float(found.group(1)), found.group(2).lower()
    return f"{value / 1000:g}g{found.group(3)}" if unit == "mg" else f"{value * 1000:g}mg{found.group(3)}"


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def typed(rng: random.Random, row: CodeRow) -> ItemRow:
    """Return an item as a pharmacy might have typed the drug of `row`, its maker and number often missing."""
    name = rng.choice((f"(甲){row.name}", f"※▲(乙10%){row.name}[国基]", row.name, f"(自){row.name}"))
    name = name.replace("注射液", "针") if rng.random() < 0.15 else name
    found = re.match(r"^(.*?)/(片|粒|支|瓶|袋|丸|贴|枚)$", row.spec)
    spec = row.spec
    if found and rng.random() < 0.55:
        spec = f"{found.group(1)}*{rng.choice(PACKS)}{found.group(2)}/盒"
    elif found and rng.random() < 0.3:
        spec = found.group(1).upper()
    bare = re.sub(r"[（(][^）)]*[）)]", "", row.maker)
    short = re.sub(r"(股份|有限责任)?有限公司$|有限责任公司$", "", bare)
    maker = rng.choices((row.maker, short, ""), (35, 53, 12))[0]
    aprvno = rng.choices((row.aprvno, row.aprvno.replace("国药准字", ""), ""), (28, 10, 62))[0]
    spec = _other_unit(spec) if rng.random() < 0.2 else spec
    if rng.random() < 0.04 and len(row.name) > 4:
        at = rng.randrange(len(name) - 4, len(name) - 1)
        name = name[:at] + name[at + 1 :]
    return ItemRow(name, "", spec, "", row.unit, maker, aprvno)
