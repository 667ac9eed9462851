"""Both sides of one relation, field by field, as the second person reads them."""

from __future__ import annotations

from dataclasses import dataclass

from insurance.mapping.models import HospitalItem, Mapping
from insurance.mapping.review.showing import MARKS, marks_of

# Label, the item's column, the code's fact, the word under which a reason speaks of it.
FIELDS = (
    ("名称", "fixmedins_hilist_name", "name"), ("通用名", "", "generic"), ("规格", "spec", "spec"),
    ("剂型", "dosform", "dosform"), ("包装", "pacspec", "pacspec"), ("单位", "prcunt", "unit"),
    ("生产企业", "prodentp_name", "maker"), ("批准文号", "aprvno", "aprvno"), ("项目内涵", "item_cont", ""),
    ("除外内容", "exct_cont", ""), ("限制使用范围", "", "limits"),
)  # fmt: skip

# The engine's words for a field that stands here under another.
SAME = {"药品名称": "名称", "项目名称": "名称", "饮片名称": "名称", "耗材名称": "名称", "包装单位": "单位"}


@dataclass(frozen=True)
class Pair:
    """One field of both sides with its mark ("" where nothing was compared)."""

    label: str
    ours: str
    theirs: str
    how: str = ""

    @property
    def sign(self) -> str:
        """✓, ✗ or ?."""
        return MARKS[self.how][0] if self.how else ""

    @property
    def word(self) -> str:
        """相符, 不同, 无法判断."""
        return MARKS[self.how][1] if self.how else ""


def pairs_of(mapping: Mapping) -> list[Pair]:
    """Return the fields that either side says, with the marks by which the code was taken; other reasons follow."""
    marks = {SAME.get(mark.what, mark.what): mark for mark in marks_of(mapping.reasons)}
    found = []
    for label, column, fact in FIELDS:
        ours, theirs = _ours(mapping.item, column), str(mapping.code_facts.get(fact, "")) if fact else ""
        mark = marks.pop(label, None)
        if ours or theirs:
            found.append(Pair(label, ours, theirs, mark.how if mark else ""))
    return found + [Pair(mark.what, mark.ours, mark.theirs, mark.how) for mark in marks.values()]


def _ours(item: HospitalItem, column: str) -> str:
    return str(getattr(item, column) or "") if column else ""
