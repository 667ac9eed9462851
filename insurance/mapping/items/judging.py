"""What taking rows of a spreadsheet would do to our items: judged before anything changes, and again right before."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from insurance.directory.errors import Fault
from insurance.directory.values import as_text
from insurance.mapping.choices import STANDING, ListType
from insurance.mapping.items.facts import TELLING, USAGE, as_words, label_of, moved_far, price_words, told
from insurance.mapping.items.kinds import Group
from insurance.mapping.items.laying import Changes, ahead_of, changes_to, faults_in, lay, today
from insurance.mapping.items.rights import kept_by
from insurance.mapping.models import HospitalItem, ItemChange
from insurance.mapping.models import Mapping as Relation
from portal.people.actor import Actor

# A price that moves further than this is more often a slip than a new price.
FAR = Decimal("0.3")
Row = Mapping[str, Any]


@dataclass
class Judged:
    """What taking one row would do: `kind` is new, changed, same or error; `changes` is column → (old, new).

    `since` is the day from which the changes hold. `doubts` are to be looked at by a person and hinder nothing.
    """

    kind: str
    item: HospitalItem | None = None
    since: dt.date = dt.date.min
    faults: list[Fault] = field(default_factory=list)
    changes: Changes = field(default_factory=dict)
    doubts: list[Fault] = field(default_factory=list)

    @property
    def later(self) -> bool:
        """Say whether the changes hold from a later day on."""
        return self.kind == "changed" and self.since > today()


class Known:
    """What is known of the items that some rows may mean: asked in few queries for all of them."""

    def __init__(self, actor: Actor, group: Group | None, rows: Sequence[Row]) -> None:
        self.actor, self.group = actor, group
        self.may = set(kept_by(actor))
        codes = {as_text(row.get("fixmedins_hilist_id")) for row in rows}
        found = HospitalItem.objects.filter(institution=actor.institution, fixmedins_hilist_id__in=codes)
        self.items: dict[str, dict[str, HospitalItem]] = defaultdict(dict)
        for item in found:
            self.items[item.fixmedins_hilist_id][item.list_type] = item
        keys = [item.pk for here in self.items.values() for item in here.values()]
        self.pending: dict[int, list[ItemChange]] = defaultdict(list)
        for change in ItemChange.objects.filter(item__in=keys, applied_at=None):
            self.pending[change.item_id].append(change)
        day = today()
        standing = Relation.objects.filter(item__in=keys, state__in=STANDING, enddate__gte=day)
        self.codes: dict[int, str] = dict(standing.order_by("-begndate").values_list("item_id", "med_list_codg"))

    def list_type(self, row: Row) -> str:
        """Return the kind a row means: its own word, else that of the one item of this code, else the file's usual."""
        said = as_text(row.get("list_type"))
        if said:
            return said
        group = self.group.list_types if self.group else tuple(ListType.values)
        here = [kind for kind in self.items[as_text(row.get("fixmedins_hilist_id"))] if kind in group]
        if self.group is None:
            return here[0] if len(here) == 1 else ""
        return here[0] if len(here) == 1 else self.group.default


def judge_items(actor: Actor, group: Group, rows: Sequence[Row]) -> list[Judged]:
    """Judge rows (column → value; a column left out is left as it is) against our items; change nothing."""
    known = Known(actor, group, rows)
    judged = [_judge(known, row) for row in rows]
    _doubt_eaten_zeros(actor, judged)
    return judged


def _judge(known: Known, row: Row) -> Judged:
    kind, code = known.list_type(row), as_text(row.get("fixmedins_hilist_id"))
    refused = _not_theirs(known, kind)
    if refused:
        return Judged("error", faults=[refused])
    since = row.get("since") or today()
    item = known.items[code].get(kind)
    return _judge_new(known, row, kind, since) if item is None else _judge_known(known, row, item, since)


def _not_theirs(known: Known, kind: str) -> Fault | None:
    if kind in known.may:
        return None
    word = ListType(kind).label if kind in ListType.values else kind
    return Fault("list_type", "目录类别", f"您的角色不维护「{word}」，请由负责的科室导入，或请安全管理员授权")


def _judge_new(known: Known, row: Row, kind: str, since: dt.date) -> Judged:
    item = HospitalItem(
        institution=known.actor.institution, list_type=kind, begndate=since,
        fixmedins_hilist_id=as_text(row.get("fixmedins_hilist_id")),
    )  # fmt: skip
    lay(item, changes_to(item, row, {}, since))
    known.items[item.fixmedins_hilist_id][kind] = item  # a later row of the same file is judged against it too
    faults = faults_in(item, since)
    return Judged("error" if faults else "new", item, since, faults)


def _judge_known(known: Known, row: Row, item: HospitalItem, since: dt.date) -> Judged:
    ahead = ahead_of(known.pending[item.pk], since) if item.pk else {}
    changes = changes_to(item, row, ahead, since)
    if not changes:
        return Judged("same", item, since)
    tried = HospitalItem(**{f.attname: getattr(item, f.attname) for f in item._meta.concrete_fields})
    lay(tried, changes)
    faults = faults_in(tried, since)
    doubts = _doubts(item, changes, known.codes.get(item.pk, ""))
    return Judged("error" if faults else "changed", item, since, faults, changes, doubts)


def _doubts(item: HospitalItem, changes: Changes, code: str) -> list[Fault]:
    doubts = []
    touching = [column for column in TELLING if column in changes]
    if code and touching:
        words = f"已对照 {code}，{told(touching)}变更后该对照可能不再相符，导入后请复核"
        doubts.append(Fault(touching[0], label_of(touching[0]), words))
    if "pric" in changes and moved_far(*changes["pric"], FAR):
        old, new = changes["pric"]
        doubts.append(Fault("pric", "单价", f"由 {as_words(old)} 改为 {price_words(old, new)}，变动较大"))
    return doubts


def _doubt_eaten_zeros(actor: Actor, judged: Iterable[Judged]) -> None:
    """Mark new codes that are one of ours but for leading zeros: Excel makes 101 of 0101."""
    fresh = [one for one in judged if one.kind == "new" and one.item is not None]
    if not fresh:
        return
    ours = HospitalItem.objects.filter(institution=actor.institution, fixmedins_hilist_id__startswith="0")
    stripped = {code.lstrip("0"): code for code in ours.values_list("fixmedins_hilist_id", flat=True)}
    for one in fresh:
        code = stripped.get(one.item.fixmedins_hilist_id) if one.item else None
        if code:
            words = f"本院已有项目 {code}，前面的 0 可能被 Excel 去掉"
            one.doubts.append(Fault("fixmedins_hilist_id", label_of("fixmedins_hilist_id"), words))


def judge_usage(actor: Actor, rows: Sequence[Row]) -> list[Judged]:
    """Judge rows of 项目用量: only items that are there, only the counted figures; change nothing."""
    known = Known(actor, None, rows)
    return [_judge_figures(known, row) for row in rows]


def _judge_figures(known: Known, row: Row) -> Judged:
    code, kind = as_text(row.get("fixmedins_hilist_id")), known.list_type(row)
    here = known.items[code]
    if not kind or kind not in here:
        several = len(here) > 1 and not kind
        words = "本院有几个类别使用这个编码，请填目录类别" if several else f"本院没有编码为 {code} 的项目，请先导入项目"
        return Judged("error", faults=[Fault("fixmedins_hilist_id", label_of("fixmedins_hilist_id"), words)])
    refused = _not_theirs(known, kind)
    if refused:
        return Judged("error", here[kind], faults=[refused])
    item, figures = here[kind], {column: row[column] for column in USAGE if column in row}
    if _older(item, figures):
        words = f"本院已有截至 {item.usage_as_of} 的用量，这一行是 {as_words(figures['usage_as_of'])} 的旧数据"
        return Judged("error", item, faults=[Fault("usage_as_of", label_of("usage_as_of"), words)])
    changes = changes_to(item, figures, {}, today())
    return Judged("changed" if changes else "same", item, today(), changes=changes)


def _older(item: HospitalItem, figures: Mapping[str, Any]) -> bool:
    said = figures.get("usage_as_of")
    return bool(said and item.usage_as_of and said < item.usage_as_of)
