"""What is wrong or new with one standing relation, seen from its code: pure judgement, no database."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from insurance.catalogue.queries import validity
from insurance.mapping.choices import FindingKind
from insurance.mapping.models import Mapping as Relation
from insurance.mapping.switching.facts import CLASSED, NAMED, PRICED, Known, money


@dataclass(frozen=True)
class Found:
    """One thing found: its kind, one sentence, what changed, until when, by how many yuan the price is above."""

    kind: FindingKind
    text: str
    changes: tuple[tuple[str, str, str], ...] = ()
    due: dt.date | None = None
    over: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def details(self) -> dict[str, Any]:
        """Return what a Finding keeps of it."""
        changes = [{"label": label, "old": old, "new": new} for label, old, new in self.changes]
        return {"text": self.text, "changes": changes, "over": self.over, **self.facts}

    @property
    def signature(self) -> str:
        """Return what stands for exactly this."""
        said = json.dumps([self.kind.value, self.details, str(self.due)], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class Sight:
    """What is looked at: a day, how many days count as soon, whether the area's terms are known at all.

    `begins`: for codes whose row begins late, the first day of any of their versions.
    """

    day: dt.date
    soon: int
    area: bool
    begins: Mapping[str, dt.date] = field(default_factory=dict)


def judge(relation: Relation, known: Known, accepted: Mapping[str, str], sight: Sight) -> Iterator[Found]:
    """Yield everything about one relation. `accepted` are the facts that a person last accepted, {} for none yet."""
    lost = _lost(relation, known, sight)
    if lost is not None:
        yield lost
    if known.row is None or (lost is not None and lost.kind == FindingKind.BROKEN and lost.due is None):
        return
    now = known.facts()
    for kind, names in (
        (FindingKind.RENAMED, NAMED),
        (FindingKind.RECLASSED, CLASSED),
        (FindingKind.REPRICED, PRICED),
    ):
        changes = _changes(accepted, now, names)
        if changes:
            words = "；".join(f"{label}由「{old or '空'}」改为「{new or '空'}」" for label, old, new in changes)
            yield Found(kind, words, changes)
    if sight.area:
        yield from _terms(relation, known)


def _changes(
    old: Mapping[str, str], new: Mapping[str, str], names: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    both = [name for name in names if name in old and name in new]
    return tuple((names[name], old[name], new[name]) for name in both if old[name] != new[name])


def _lost(relation: Relation, known: Known, sight: Sight) -> Found | None:
    """Return how the code leaves the relation alone: gone, invalid, ended, about to end, or narrower than it."""
    code, row = relation.med_list_codg, known.row
    if row is None:
        return Found(FindingKind.BROKEN, f"医保目录中没有编码 {code}，用它的费用会被拒")
    begin, end, valid = validity(row)
    if not valid:
        return Found(FindingKind.BROKEN, f"编码 {code} 已被标为无效（vali_flag {row.vali_flag or '空'}）")
    if end is not None and end < sight.day:
        return Found(FindingKind.BROKEN, f"编码 {code} 已于 {end} 停用")
    if end is not None and relation.enddate > end:
        words = f"编码 {code} 到 {end} 为止，对照却到 {relation.enddate}"
        soon = end <= sight.day + dt.timedelta(days=sight.soon)
        return Found(FindingKind.ENDING if soon else FindingKind.BROKEN, words, due=end)
    begin = min(begin, sight.begins.get(code, begin)) if begin else None
    if begin is not None and relation.begndate < begin:
        return Found(FindingKind.BROKEN, f"编码 {code} 自 {begin} 起有效，对照却自 {relation.begndate} 起", due=begin)
    return None


def _terms(relation: Relation, known: Known) -> Iterator[Found]:
    """Yield that the area does not pay, or that the hospital's price is above what it pays at most."""
    terms = known.terms
    if terms is None or not known.listed:
        why = (terms.why_not if terms else "").rstrip("。") or "参保地医保目录中没有对应项目"
        yield Found(FindingKind.UNPAYABLE, f"编码 {relation.med_list_codg} 本地不支付：{why}")
        return
    price = relation.item.pric
    if price is not None and terms.ceiling is not None and price > terms.ceiling:
        over = price - terms.ceiling
        words = f"本院单价 {money(price)} 元，限价 {money(terms.ceiling)} 元，超出 {money(over)} 元"
        yield Found(FindingKind.OVER_CEILING, words, over=str(over))
