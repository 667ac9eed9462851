"""Lines of the bureau's table: judged, taken, taken out again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from insurance.catalogue.models import Item
from insurance.mapping.choices import SwitchRelation
from insurance.mapping.models import CodeSwitch, CodeSwitchRow
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.kinds import list_types_of
from insurance.mapping.switching.services.switches import CHANGEABLE, hold
from insurance.mapping.switching.tabling import new_codes, relations_of, stated_relation
from portal.audit.services import record
from portal.people.actor import Actor

CODE_LENGTH = 30
NAME_LENGTH = 200


@dataclass
class Judged:
    """What taking one line of the table would do: new, changed or same; what is wrong, what is only doubtful."""

    kind: str
    faults: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)


def judge_rows(switch: CodeSwitch | None, rows: Sequence[dict[str, Any]]) -> list[Judged]:
    """Judge lines of the bureau's table (old_code, new_code, list_type, stated, names) against what is kept.

    An old code's line is new when the switch has none of it, changed when its successors or names differ.
    """
    kept = _kept(switch, [code_of(row.get("old_code")) for row in rows])
    wanted = _successors(rows)
    pairs = [(old, new) for old, codes in wanted.items() for new in (codes or [""])]
    pairs += [(row.old_code, row.new_code) for old, found in kept.items() if old not in wanted for row in found]
    relations = relations_of(pairs)
    codes = [new for _, new in pairs if new]
    known = set(Item.objects.filter(code__in=codes, current=True).values_list("code", flat=True))
    table = _Table(switch, kept, wanted, relations, known, list_types_of(wanted))
    return [_judge(row, table) for row in rows]


@dataclass(frozen=True)
class _Table:
    """What a line is judged by: what is kept, what the lines say together, which codes are known, of which kind."""

    switch: CodeSwitch | None
    kept: dict[str, list[CodeSwitchRow]]
    wanted: dict[str, list[str]]
    relations: dict[tuple[str, str], SwitchRelation]
    known: set[str]
    types: dict[str, str]


def _judge(row: dict[str, Any], table: _Table) -> Judged:
    judged = Judged("new")
    switch, old, news = table.switch, code_of(row.get("old_code")), new_codes(row.get("new_code"))
    if switch is None:
        judged.faults.append(("switch_name", "没有说明属于哪一次目录切换。请从「目录切换」中该次切换的页面导入"))
    elif switch.state not in CHANGEABLE:
        judged.faults.append(
            ("switch_name", f"目录切换「{switch.name}」已是「{switch.get_state_display()}」，不能再改对照表")
        )
    if not _list_type(row, table.types):
        judged.faults.append(("list_type", f"看不出编码 {old} 属于哪一类目录，请填写目录类别"))
    if old in news:
        judged.faults.append(("new_code", "新编码与旧编码相同"))
    judged.faults += [("new_code", f"编码 {new} 超过 {CODE_LENGTH} 位") for new in news if len(new) > CODE_LENGTH]
    unknown = [new for new in news if new not in table.known]
    if unknown:
        judged.doubts.append(("new_code", f"医保目录中还没有编码 {'、'.join(unknown)}，随切换日的版本到来后再核对"))
    _compare_stated(row, [table.relations[old, new] for new in news or [""] if (old, new) in table.relations], judged)
    _compare_kept(row, table.kept.get(old, []), table.wanted.get(old, []), judged)
    return judged


def _compare_stated(row: dict[str, Any], counted: list[SwitchRelation], judged: Judged) -> None:
    stated = stated_relation(row.get("stated"))
    if stated is not None and counted and stated not in counted:
        words = f"局方写「{row['stated']}」，按全表计算是「{counted[0].label}」，请向局方核实"
        judged.doubts.append(("stated", words))


def _compare_kept(row: dict[str, Any], kept: list[CodeSwitchRow], wanted: list[str], judged: Judged) -> None:
    """Say what a corrected table changes for an old code that was imported before."""
    if not kept:
        return
    before = sorted(one.new_code for one in kept if one.new_code)
    judged.kind = "same"
    if before != sorted(wanted):
        judged.kind = "changed"
        judged.changes["new_code"] = ("、".join(before) or "（停用）", "、".join(sorted(wanted)) or "（停用）")
    mine = [one for one in kept if one.new_code in (new_codes(row.get("new_code")) or [""])]
    for one in mine:
        for name in ("old_name", "new_name", "memo", "stated"):
            given = _text(row.get(name))
            if given and given != getattr(one, name):
                judged.kind = "changed"
                judged.changes[name] = (getattr(one, name), given)


@transaction.atomic
def take_rows(
    actor: Actor, *, switch: CodeSwitch, rows: Sequence[dict[str, Any]], whole: dict[str, list[str]] | None = None
) -> dict[str, int]:
    """Take lines that were judged new or changed. Raises NotAllowed, SwitchingError.

    An old code's successors afterwards are those of the lines (of `whole`, where the lines are a portion of it);
    other old codes stay as they are.
    """
    actor.must("mapping.import")
    locked = hold(actor, switch)
    if locked.state not in CHANGEABLE:
        raise SwitchingError(f"目录切换「{locked.name}」已是「{locked.get_state_display()}」，不能再改对照表。")
    wanted = {old: [*news, *(whole or {}).get(old, [])] for old, news in _successors(rows).items()}
    standing = set(locked.rows.filter(old_code__in=wanted).values_list("old_code", flat=True))
    gone = [
        row.pk for row in locked.rows.filter(old_code__in=wanted) if row.new_code not in (wanted[row.old_code] or [""])
    ]
    CodeSwitchRow.objects.filter(pk__in=gone).delete()
    types = list_types_of(wanted)
    made = {(one.old_code, one.new_code): one for row in rows for one in _made(locked, row, types)}
    CodeSwitchRow.objects.bulk_create(
        made.values(),
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["switch", "list_type", "old_code", "new_code"],
        update_fields=["old_name", "new_name", "memo", "stated"],
    )
    recount(locked)
    record(actor, "mapping.switch_rows", [locked], label=f"导入对照表 {len(made)} 行：{locked.name}", removed=len(gone))
    return {"new": len(wanted.keys() - standing), "changed": len(wanted.keys() & standing)}


@transaction.atomic
def drop_rows(actor: Actor, *, switch: CodeSwitch, old_codes: Iterable[str]) -> int:
    """Take old codes out of the table (a corrected file no longer has them) and return how many lines went."""
    actor.must("mapping.import")
    locked = hold(actor, switch)
    if locked.state not in CHANGEABLE:
        raise SwitchingError(f"目录切换「{locked.name}」已是「{locked.get_state_display()}」，不能再改对照表。")
    codes = list(old_codes)
    count, _ = locked.rows.filter(old_code__in=codes).delete()
    if count:
        recount(locked)
        record(actor, "mapping.switch_rows", [locked], label=f"从对照表删除 {count} 行：{locked.name}")
    return int(count)


def recount(switch: CodeSwitch) -> None:
    """Write at each line of the table how its codes meet, counted over the whole table."""
    rows = list(switch.rows.all())
    relations = relations_of((row.old_code, row.new_code) for row in rows)
    changed = []
    for row in rows:
        relation = relations[row.old_code, row.new_code]
        if row.relation != relation:
            row.relation = relation
            changed.append(row)
    CodeSwitchRow.objects.bulk_update(changed, ["relation"], batch_size=1000)


def _made(switch: CodeSwitch, row: dict[str, Any], types: dict[str, str]) -> list[CodeSwitchRow]:
    news = new_codes(row.get("new_code"))
    given = {name: _text(row.get(name))[:NAME_LENGTH] for name in ("old_name", "memo", "stated")}
    name = _text(row.get("new_name"))[:NAME_LENGTH] if len(news) < 2 else ""
    old, list_type = code_of(row["old_code"]), _list_type(row, types)
    return [
        CodeSwitchRow(switch=switch, list_type=list_type, old_code=old, new_code=new, new_name=name, **given)
        for new in (news or [""])
    ]


def _successors(rows: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return old code → all new codes that the lines name for it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        mine = found.setdefault(code_of(row.get("old_code")), [])
        mine += [new for new in new_codes(row.get("new_code")) if new not in mine]
    return found


def _kept(switch: CodeSwitch | None, codes: Iterable[str]) -> dict[str, list[CodeSwitchRow]]:
    found: dict[str, list[CodeSwitchRow]] = {}
    if switch is not None:
        for row in switch.rows.filter(old_code__in=set(codes)):
            found.setdefault(row.old_code, []).append(row)
    return found


def _list_type(row: dict[str, Any], types: dict[str, str]) -> str:
    return str(row.get("list_type") or "") or types.get(code_of(row.get("old_code")), "")


def code_of(value: object) -> str:
    """Return a code as it is compared: without blanks around it, in capitals."""
    return str(value or "").strip().upper()


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
