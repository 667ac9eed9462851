"""Everything that changes an item of the hospital."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.mapping.errors import MappingError
from insurance.mapping.items.errors import InvalidItem
from insurance.mapping.items.facts import USAGE, column_value, told
from insurance.mapping.items.judging import Judged
from insurance.mapping.items.laying import ahead_of, changes_to, dated, faults_in, kept, lay, today
from insurance.mapping.items.queries import relation_standing, undecided_of
from insurance.mapping.items.rights import must_keep
from insurance.mapping.models import HospitalItem, ItemChange
from portal.audit.services import record
from portal.people.actor import Actor

BY_HAND = "手工修改"


@transaction.atomic
def create_item(actor: Actor, *, values: Mapping[str, Any]) -> HospitalItem:
    """Keep a new item. Raises InvalidItem with everything wrong, MappingError where it is there, NotAllowed."""
    actor.must("mapping.edit")
    must_keep(actor, str(values.get("list_type", "")))
    item = new_item(actor, values)
    known = HospitalItem.objects.filter(
        institution=actor.institution, list_type=item.list_type, fixmedins_hilist_id=item.fixmedins_hilist_id
    ).first()
    if known is not None:
        raise MappingError(
            f"编码 {item.fixmedins_hilist_id} 已用于「{known.fixmedins_hilist_name}」，请换编码或改那一条。"
        )
    _require_valid(item)
    item.save()
    record(actor, "mapping.item_create", [item], label=f"新建院内项目 {item}")
    return item


@transaction.atomic
def change_item(
    actor: Actor, *, item: HospitalItem, values: Mapping[str, Any], since: dt.date | None = None
) -> list[str]:
    """Change an item from a day on (today) and return the columns that change. Raises InvalidItem, NotAllowed.

    A later day is remembered: the item changes when it has come.
    """
    actor.must("mapping.edit")
    must_keep(actor, item.list_type)
    locked, day = _locked(actor, item), since or today()
    pending = locked.changes.filter(applied_at=None)
    changes = changes_to(locked, values, ahead_of(pending, day), day)
    if not changes:
        return []
    tried = _copy(locked)
    lay(tried, changes)
    _require_valid(tried, day)
    _take_changes(actor, locked, changes, day, BY_HAND)
    record(actor, "mapping.item_change", [locked], label=f"修改院内项目 {locked}：{told(changes)}", since=str(day))
    return list(changes)


def new_item(actor: Actor, values: Mapping[str, Any]) -> HospitalItem:
    """Return an unsaved item of the actor's institution."""
    code = str(column_value("fixmedins_hilist_id", values.get("fixmedins_hilist_id")))
    item = HospitalItem(
        institution=actor.institution, list_type=values["list_type"], fixmedins_hilist_id=code, begndate=today()
    )
    lay(item, changes_to(item, values, {}, today()))
    return item


@transaction.atomic
def stop_item(actor: Actor, *, item: HospitalItem, enddate: dt.date, reason: str = "") -> None:
    """Say on which day an item is charged for the last time. Raises MappingError, NotAllowed."""
    actor.must("mapping.edit")
    must_keep(actor, item.list_type)
    locked = _locked(actor, item)
    if locked.enddate is not None and locked.enddate < today():
        raise MappingError(f"「{locked.fixmedins_hilist_name}」已于 {locked.enddate} 停用。")
    if enddate < locked.begndate:
        raise MappingError(f"「{locked.fixmedins_hilist_name}」{locked.begndate} 才启用，最后收费日期不能更早。")
    _take_changes(actor, locked, {"enddate": (locked.enddate, enddate)}, today(), "停用")
    words = f"停用院内项目 {locked}，最后收费日期 {enddate}"
    record(actor, "mapping.item_stop", [locked], label=words, reason=reason)


@transaction.atomic
def resume_item(actor: Actor, *, item: HospitalItem, reason: str = "") -> None:
    """Charge a stopped item again. Raises MappingError, NotAllowed."""
    actor.must("mapping.edit")
    must_keep(actor, item.list_type)
    locked = _locked(actor, item)
    if locked.enddate is None:
        raise MappingError(f"「{locked.fixmedins_hilist_name}」没有停用。")
    _take_changes(actor, locked, {"enddate": (locked.enddate, None)}, today(), "恢复使用")
    record(actor, "mapping.item_resume", [locked], label=f"恢复使用院内项目 {locked}", reason=reason)


@transaction.atomic
def need_no_code(actor: Actor, *, item: HospitalItem, reason: str) -> None:
    """Say that an item is never billed to the insurance and needs no code. Raises MappingError, NotAllowed."""
    actor.must("mapping.edit")
    must_keep(actor, item.list_type)
    if not reason.strip():
        raise MappingError("不需对照须填写原因。")
    locked = _locked(actor, item)
    _require_untied(locked)
    locked.no_code, locked.no_code_reason = True, reason.strip()[:200]
    locked.save(update_fields=["no_code", "no_code_reason", "changed_at"])
    record(actor, "mapping.item_no_code", [locked], label=f"标为不需对照 {locked}", reason=reason)


@transaction.atomic
def need_code(actor: Actor, *, item: HospitalItem, reason: str = "") -> None:
    """Take back that an item needs no code. Raises MappingError, NotAllowed."""
    actor.must("mapping.edit")
    must_keep(actor, item.list_type)
    locked = _locked(actor, item)
    if not locked.no_code:
        raise MappingError(f"「{locked.fixmedins_hilist_name}」没有标为不需对照。")
    locked.no_code, locked.no_code_reason = False, ""
    locked.save(update_fields=["no_code", "no_code_reason", "changed_at"])
    record(actor, "mapping.item_need_code", [locked], label=f"恢复为需要对照 {locked}", reason=reason)


@transaction.atomic
def confirm_relation(actor: Actor, *, item: HospitalItem, reason: str = "") -> None:
    """Say that the item's relation still fits although the item has changed. Raises MappingError, NotAllowed."""
    must_keep(actor, item.list_type)
    locked = _locked(actor, item)
    if relation_standing(locked) is None:
        raise MappingError(f"「{locked.fixmedins_hilist_name}」没有生效的对照，无需复核。")
    locked.checked_at, locked.checked_by = timezone.now(), actor.person
    locked.save(update_fields=["checked_at", "checked_by"])
    record(actor, "mapping.item_checked", [locked], label=f"复核对照无误 {locked}", reason=reason)


def take_judged(actor: Actor, judged: Sequence[Judged], *, source: str = "") -> dict[str, int]:
    """Take rows that were judged good just now and return new, changed, same. Raises MappingError when one is not.

    Call it in the transaction in which they were judged, with their items locked by `lock_items`.
    """
    actor.must("mapping.import")
    _require_good(judged)
    fresh = [one.item for one in judged if one.kind == "new" and one.item is not None]
    HospitalItem.objects.bulk_create(fresh, batch_size=500)
    changed = [one for one in judged if one.kind == "changed" and one.item is not None]
    _take_many(actor, changed, source)
    kinds = [one.kind for one in judged]
    counts = {kind: kinds.count(kind) for kind in ("new", "changed", "same")}
    touched = [*fresh, *(one.item for one in changed if one.item is not None)]
    if touched:
        record(actor, "mapping.item_import", touched, label=f"导入院内项目 {source}".strip(), counts=counts)
    return counts


def lock_items(actor: Actor, codes: Collection[str]) -> None:
    """Hold the items of some codes until the transaction ends, in one order for everybody."""
    items = HospitalItem.objects.filter(institution=actor.institution, fixmedins_hilist_id__in=codes)
    list(items.select_for_update().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def apply_due(day: dt.date | None = None, limit: int = 500) -> int:
    """Apply changes whose day has come, oldest first, and return how many; harmless to call twice at once."""
    due = ItemChange.objects.filter(applied_at=None, begndate__lte=day or today()).select_related("item__institution")
    found = list(due.select_for_update(skip_locked=True, of=("self", "item")).order_by("begndate", "pk")[:limit])
    for change in found:
        item = change.item
        lay(item, {name: (None, column_value(name, after)) for name, (_, after) in change.changes.items()})
        item.save()
        change.applied_at = timezone.now()
        change.save(update_fields=["applied_at"])
        actor = Actor.system(item.institution, "项目变更到期")
        record(
            actor, "mapping.item_change", [item], label=f"{change.begndate} 起的变更生效 {item}：{told(change.changes)}"
        )
    return len(found)


def _take_many(actor: Actor, judged: Iterable[Judged], source: str) -> None:
    now = timezone.now()
    saved, changes, columns = [], [], {"pinyin", "changed_at"}
    for one in judged:
        assert one.item is not None
        at_once = one.changes if one.since <= today() else {c: v for c, v in one.changes.items() if c in USAGE}
        lay(one.item, at_once)
        one.item.changed_at = now
        saved.append(one.item)
        columns |= at_once.keys()
        if lasting := dated(one.changes):
            changes.append(kept(actor, one.item, lasting, one.since, source))
    HospitalItem.objects.bulk_update(saved, sorted(columns), batch_size=500)
    ItemChange.objects.bulk_create(changes, batch_size=500)


def _take_changes(actor: Actor, item: HospitalItem, changes: Mapping[str, Any], since: dt.date, source: str) -> None:
    """Apply changes now, or remember them for their day; counted figures are always today's."""
    at_once = dict(changes) if since <= today() else {c: v for c, v in changes.items() if c in USAGE}
    lay(item, at_once)
    item.save()
    if lasting := dated(dict(changes)):
        kept(actor, item, lasting, since, source).save()


def _locked(actor: Actor, item: HospitalItem) -> HospitalItem:
    found: HospitalItem = HospitalItem.objects.select_for_update(of=("self",)).get(
        pk=item.pk, institution=actor.institution
    )
    return found


def _copy(item: HospitalItem) -> HospitalItem:
    return HospitalItem(**{field.attname: getattr(item, field.attname) for field in item._meta.concrete_fields})


def _require_valid(item: HospitalItem, since: dt.date | None = None) -> None:
    faults = faults_in(item, since)
    if faults:
        raise InvalidItem(faults)


def _require_untied(item: HospitalItem) -> None:
    name = item.fixmedins_hilist_name
    relation = relation_standing(item)
    if relation is not None:
        raise MappingError(f"「{name}」已对照 {relation.med_list_codg}，请先终止该对照再标为不需对照。")
    if undecided_of(item) is not None:
        raise MappingError(f"「{name}」有一条对照待审核，请先撤回或审核后再标为不需对照。")


def _require_good(judged: Iterable[Judged]) -> None:
    for one in judged:
        if one.kind == "error":
            raise MappingError(f"「{one.item or '有一行'}」：{'；'.join(str(fault) for fault in one.faults)}。")
