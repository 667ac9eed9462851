"""The bureau's 新旧编码对照表: what a line of it says, and how old and new codes meet over the whole table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from insurance.mapping.choices import SwitchRelation

# Several new codes in one cell, as bureaus write them.
SEPARATORS = re.compile(r"[\s、,，;；/|]+")
# Words that stand where a new code would: the old one ends.
NONE_WORDS = frozenset({"无", "停用", "取消", "删除", "作废", "-", "--", "—", "——", "/", "无对应", "不再使用"})
# What bureaus write for the relation, without blanks and in small letters.
STATED = {
    SwitchRelation.ONE: ("1:1", "1：1", "1对1", "一对一", "1-1"),
    SwitchRelation.MERGED: ("n:1", "n：1", "m:1", "多对一", "n对1", "合并", "归并"),
    SwitchRelation.SPLIT: ("1:n", "1：n", "1:m", "一对多", "1对n", "拆分", "分拆"),
    SwitchRelation.DROPPED: ("1:0", "1：0", "停用", "取消", "删除", "作废", "一对零", "无对应"),
}  # fmt: skip
Pair = tuple[str, str]


def new_codes(text: object) -> list[str]:
    """Return the new codes that a cell names, in order and once each; none where it says that the old one ends."""
    parts = [part for part in SEPARATORS.split(str(text or "").strip()) if part and part not in NONE_WORDS]
    return list(dict.fromkeys(part.upper() for part in parts))


def stated_relation(text: object) -> SwitchRelation | None:
    """Return the relation that the bureau's word means, None for an empty or unknown one."""
    word = str(text or "").replace(" ", "").lower()
    return next((relation for relation, words in STATED.items() if word in words), None)


def relations_of(pairs: Iterable[Pair]) -> dict[Pair, SwitchRelation]:
    """Return how each (old, new) pair meets, counted over all of them; an empty new code is an end.

    Where an old code has several successors a person must choose, so that comes before n:1.
    """
    every = list(pairs)
    successors: dict[str, set[str]] = defaultdict(set)
    ancestors: dict[str, set[str]] = defaultdict(set)
    for old, new in every:
        if new:
            successors[old].add(new)
            ancestors[new].add(old)
    return {pair: _relation(pair, successors, ancestors) for pair in every}


def _relation(pair: Pair, successors: Mapping[str, set[str]], ancestors: Mapping[str, set[str]]) -> SwitchRelation:
    old, new = pair
    if not new:
        return SwitchRelation.DROPPED
    if len(successors[old]) > 1:
        return SwitchRelation.SPLIT
    return SwitchRelation.MERGED if len(ancestors[new]) > 1 else SwitchRelation.ONE
