"""Makers' names: full, short, with a place in brackets, with who makes it on whose behalf."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from insurance.mapping.matching.facts import Verdict
from insurance.mapping.matching.text import bigrams, dice, distance, plain, table, within

_LATIN = re.compile(r"^[a-zà-ÿ0-9 .,&'+/-]{5,}", re.IGNORECASE)
_SIGNS = re.compile(r"[^0-9a-zà-ÿ一-鿿]")


@dataclass(frozen=True, slots=True)
class Maker:
    """One maker: `full` everything it says, `main` the holder with its place, `keys` short forms of the holder.

    `others` are those who make or pack it for the holder; `whole` is whether the text bears a company's ending, so
    that it is not a short name; `reach` are the telling pieces that two names of one company share.
    """

    full: str = ""
    main: str = ""
    key: str = ""
    keys: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    whole: bool = False
    pairs: frozenset[str] = frozenset()
    reach: frozenset[str] = frozenset()


@cache
def _words(kind: str) -> tuple[str, ...]:
    return tuple(sorted((row["word"] for row in table("companies") if row["kind"] == kind), key=len, reverse=True))


@cache
def _ending() -> re.Pattern[str]:
    return re.compile(f"({'|'.join(_words('suffix'))})")


@cache
def _made_by() -> re.Pattern[str]:
    return re.compile("|".join(_words("made_by")))


@lru_cache(maxsize=32768)
def parse(text: str) -> Maker:
    """Read one maker's cell."""
    raw = plain(text)
    if not raw:
        return Maker()
    head, inside = _split(raw)
    head = _clean(_without_tail(head))
    places = [part for part in inside if not _is_company(part)]
    flat, bare = _clean(_merge(raw, head, places)), _clean(re.sub(r"\(.*", "", head) or head)
    whole = bool(_ending().search(bare)) or _foreign(bare)
    keys = {_short(flat), _short(bare)}
    keys = (keys | {one.removesuffix("集团") for one in keys if len(one) > 5}) - {""}
    others = tuple(sorted({_short(_clean(one)) for part in inside if _is_company(part) for one in _companies(part)}))
    reach = frozenset().union(*(_pieces(one) for one in (*keys, *others)))
    return Maker(
        _clean(raw),
        flat,
        _short(bare),
        tuple(sorted(keys)),
        others,
        whole and not _damaged(raw),
        frozenset(bigrams(_short(flat))),
        reach,
    )


def _damaged(raw: str) -> bool:
    """Whether brackets were cut off carelessly, so that what is left is a short name however it ends."""
    return raw.count("(") != raw.count(")") or bool(re.search(r"公司(?:股份|有限|责任|公司)", raw))


def _pieces(name: str) -> frozenset[str]:
    size = 3 if _foreign(name) else 2
    return frozenset(name[at : at + size] for at in range(len(name) - size + 1)) - _generic()


@cache
def _generic() -> frozenset[str]:
    return frozenset(_words("generic"))


def _split(raw: str) -> tuple[str, list[str]]:
    """The text outside brackets and what stands in them (nested ones opened too)."""
    outside: list[str] = []
    inside: list[str] = []
    part: list[str] = []
    depth = 0
    for sign in raw:
        if sign in "([":
            depth += 1
            if depth == 1:
                part = []
                continue
        if sign in ")]" and depth:
            depth -= 1
            if depth == 0:
                inside.append("".join(part))
                continue
        (part if depth else outside).append(sign)
    if depth and part:
        inside.append("".join(part))
    return "".join(outside), inside


def _without_tail(head: str) -> str:
    """Cut what truncation left behind: a second company ending, Chinese endings behind a foreign name."""
    head = head.strip(")],;")
    foreign = _LATIN.match(head)
    if foreign and re.search(r"[一-鿿]", head[foreign.end() :]):
        return foreign.group(0)
    found = _ending().search(head)
    return head[: found.end()] if found and not head[found.end() :].endswith(("分公司", "厂")) else head


def _merge(raw: str, head: str, places: list[str]) -> str:
    """The holder with the places in its brackets where they stand: 示例(杭州)制药 → 示例杭州制药."""
    if not places or raw.startswith("("):
        return head
    merged = raw
    for place in places:
        merged = merged.replace(f"({place})", place, 1)
    return _without_tail(_split(merged)[0])


def _is_company(part: str) -> bool:
    return bool(_ending().search(part) or _made_by().search(part) or len(part) > 6 or part.endswith("厂"))


def _companies(part: str) -> list[str]:
    opened = _made_by().sub("", part).replace("(", "").replace(")", "")
    return [one.strip(": ") for one in re.split(r"[,;:/]", opened) if len(one.strip(": ")) > 3]


def _clean(text: str) -> str:
    return _SIGNS.sub("", text)


def _foreign(text: str) -> bool:
    return bool(text) and not re.search(r"[一-鿿]", text)


def _short(text: str) -> str:
    cut = text
    while True:
        found = next((word for word in _words("suffix") if cut.endswith(word) and len(cut) > len(word) + 1), "")
        if not found:
            return cut
        cut = cut[: -len(found)]


def compare(ours: Maker, theirs: Maker) -> Verdict:
    """Compare two makers.

    EXACT the same full name, AGREES the same but for endings, places in brackets or a shortened name, NEAR made on
    behalf of each other, ALIKE possibly a renamed or a mistyped one, DIFFERS another.
    """
    if not ours.full or not theirs.full:
        return Verdict.UNKNOWN
    if ours.reach.isdisjoint(theirs.reach):
        return Verdict.DIFFERS
    if ours.full == theirs.full or (ours.whole and ours.main == theirs.main):
        return Verdict.EXACT
    if ours.main == theirs.main or ours.key in theirs.keys or theirs.key in ours.keys:
        return Verdict.ALIKE if ours.whole and theirs.whole and not _foreign(ours.key) else Verdict.AGREES
    if not ours.whole and len(ours.key) >= 3 and any(within(ours.key, key) for key in theirs.keys):
        return Verdict.AGREES
    if ours.key in theirs.others or theirs.key in ours.others or set(ours.others) & set(theirs.others):
        return Verdict.NEAR
    if _foreign(ours.key) and (ours.key.startswith(theirs.key[:8]) or theirs.key.startswith(ours.key[:8])):
        return Verdict.ALIKE
    if dice(set(ours.pairs), set(theirs.pairs)) >= 0.66 or distance(ours.key, theirs.key, 2) <= 1:
        return Verdict.ALIKE
    return Verdict.DIFFERS
