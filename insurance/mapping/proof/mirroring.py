"""Keeping what the platform holds, and the differences that follow: each appears and disappears by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from insurance.exchange.choices import OPEN_STATES
from insurance.exchange.models import Submission
from insurance.mapping.choices import (
    UNDECIDED,
    DifferenceKind,
    EndingState,
    MappingState,
    WorkState,
)
from insurance.mapping.delivery.looking import Held
from insurance.mapping.delivery.outcomes import TOLD
from insurance.mapping.models import Difference, Ending, HospitalItem, Mapping, PlatformMapping
from insurance.mapping.proof.comparing import Found, Side, differences
from insurance.mapping.proof.pulling import Pulled
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution

Item = tuple[str, str]
MIRRORED = [
    "fixmedins_hilist_name", "enddate", "vali_flag", "chk_stas", "rid", "updt_time", "in_1317", "in_5163", "raw",
    "seen_at", "mapping",
]  # fmt: skip
BATCH = 1000


@transaction.atomic
def replace_mirror(actor: Actor, pulled: Pulled) -> int:
    """Put what was pulled in place of the mirror, in one transaction; returns how many relations it holds now.

    Items whose uploads moved since the platform was asked stay as they are: the answer may be older than the upload.
    """
    institution = actor.institution
    touched = items_on_their_way(institution, since=pulled.asked_at)
    rows = _merged(institution, pulled)
    kept = [row for row in rows if (row.list_type, row.fixmedins_hilist_id) not in touched]
    _link(institution, kept)
    PlatformMapping.objects.bulk_create(
        kept,
        update_conflicts=True,
        unique_fields=["institution", "list_type", "fixmedins_hilist_id", "med_list_codg", "begndate"],
        update_fields=MIRRORED,
        batch_size=BATCH,
    )
    gone = PlatformMapping.objects.filter(institution=institution, seen_at__lt=pulled.asked_at)
    stale = gone.values_list("pk", "list_type", "fixmedins_hilist_id")
    PlatformMapping.objects.filter(pk__in=[pk for pk, kind, item in stale if (kind, item) not in touched]).delete()
    return len(rows)


def _merged(institution: Institution, pulled: Pulled) -> list[PlatformMapping]:
    """Lay both lists over each other; what bears no begin or no code cannot be kept."""
    found: dict[tuple[Any, ...], PlatformMapping] = {}
    for name, rows in (("in_1317", pulled.in_force), ("in_5163", pulled.received or [])):
        for held in rows:
            if held.begndate is None or not held.code or not held.hilist_id:
                continue
            made = found.setdefault(held.key, _row(institution, held, held.begndate, pulled.asked_at))
            # 5163 shows only what stands; where 1317 calls the same relation invalid, that counts.
            setattr(made, name, held.valid or name == "in_1317")
            made.chk_stas = held.chk_stas or made.chk_stas
            made.raw = {**made.raw, **held.raw}
    return list(found.values())


def _row(institution: Institution, held: Held, begndate: dt.date, at: dt.datetime) -> PlatformMapping:
    return PlatformMapping(
        institution=institution,
        list_type=held.list_type[:3],
        fixmedins_hilist_id=held.hilist_id,
        fixmedins_hilist_name=held.name,
        med_list_codg=held.code,
        begndate=begndate,
        enddate=held.enddate,
        vali_flag="1" if held.valid else "0",
        rid=held.rid,
        updt_time=held.updt_time,
        seen_at=at,
    )


def _link(institution: Institution, rows: Iterable[PlatformMapping]) -> None:
    """Tell each row of the mirror which relation of ours it is."""
    ours = Mapping.objects.filter(institution=institution, state__in=[*TOLD, MappingState.APPROVED])
    known = {
        (kind, item, code, begin): pk
        for pk, kind, item, code, begin in ours.values_list(
            "pk", "list_type", "item__fixmedins_hilist_id", "med_list_codg", "begndate"
        )
    }
    for row in rows:
        row.mapping_id = known.get((row.list_type, row.fixmedins_hilist_id, row.med_list_codg, row.begndate))


def items_on_their_way(institution: Institution, since: dt.datetime | None = None) -> set[Item]:
    """Return items with an open upload, or one that moved at or after `since`: there the two sides cannot be equal."""
    mine = Submission.objects.filter(institution=institution)
    found: set[Item] = set()
    for model, path in ((Mapping, "item"), (Ending, "mapping__item")):
        own = mine.filter(subject_type=model._meta.label_lower)
        moving = own.filter(state__in=OPEN_STATES) | own.filter(state_at__gte=since or timezone.now())
        keys = [int(key) for key in moving.values_list("subject_id", flat=True)]
        names = (f"{path}__list_type", f"{path}__fixmedins_hilist_id")
        found |= set(model._default_manager.filter(pk__in=keys).values_list(*names))
    return found


@transaction.atomic
def refresh_differences(actor: Actor, *, sees_unaudited: bool, since: dt.datetime | None = None) -> dict[str, int]:
    """Compare ours with the mirror and keep what differs; returns kind → how many are open.

    What is gone is marked so, what somebody set aside comes back when it changed, what was seen to and is still there
    comes back unless a person's decision or an upload is still on its way.
    """
    institution, now = actor.institution, timezone.now()
    busy = items_on_their_way(institution, since)
    found = [one for one in _compared(institution, sees_unaudited) if one.side.item not in busy]
    known = {one.details.get("key", ""): one for one in _alive(institution).select_for_update()}
    pending = _pending(institution)
    items = {
        (kind, number): pk
        for pk, kind, number in HospitalItem.objects.filter(institution=institution).values_list(
            "pk", "list_type", "fixmedins_hilist_id"
        )
    }
    for one in found:
        kept = known.pop(one.key, None)
        _keep(institution, one, kept, items.get(one.side.item), now, one.side.item in pending)
    _let_go([one for one in known.values() if (one.list_type, one.fixmedins_hilist_id) not in busy], now)
    counts = {kind.value: 0 for kind in DifferenceKind}
    for kind in _alive(institution).filter(state=WorkState.OPEN).values_list("kind", flat=True):
        counts[kind] += 1
    record(actor, "mapping.compare", label="平台对照核对", counts=counts)
    return counts


def _alive(institution: Institution) -> Any:
    """Return differences that were there at the last comparison; older ones are history."""
    here = Difference.objects.filter(institution=institution)
    return here.exclude(state=WorkState.GONE).exclude(details__has_key="over")


def _compared(institution: Institution, sees_unaudited: bool) -> list[Found]:
    today = timezone.localdate()
    ours = Mapping.objects.filter(institution=institution, state__in=[*TOLD, MappingState.APPROVED])
    columns = ("pk", "list_type", "item__fixmedins_hilist_id", "med_list_codg", "begndate", "enddate", "verdict")
    own = []
    for *values, told in ours.values_list(*columns, "told_at").order_by("pk"):
        own.append(replace(Side(*values), told=told is not None))
    return differences(own, _theirs(institution), today, sees_unaudited=sees_unaudited)


def _theirs(institution: Institution) -> list[Side]:
    from insurance.mapping.delivery.looking import verdict_of

    rows = PlatformMapping.objects.filter(institution=institution).order_by("pk")
    columns = ("pk", "list_type", "fixmedins_hilist_id", "med_list_codg", "begndate", "enddate", "chk_stas", "in_1317")
    found = []
    for *values, chk_stas, passed, flag in rows.values_list(*columns, "vali_flag"):
        verdict = verdict_of(chk_stas) if chk_stas and not passed else ""
        found.append(replace(Side(*values), verdict=verdict, valid=flag in ("", "1")))
    return found


def _pending(institution: Institution) -> set[Item]:
    """Return items about which a proposal waits for its second person."""
    names = ("list_type", "item__fixmedins_hilist_id")
    found = set(Mapping.objects.filter(institution=institution, state__in=UNDECIDED).values_list(*names))
    waiting = Ending.objects.filter(
        institution=institution, state__in=[EndingState.PROPOSED, EndingState.RETURNED, EndingState.APPROVED]
    )
    return found | set(waiting.values_list("mapping__list_type", "mapping__item__fixmedins_hilist_id"))


def _keep(
    institution: Institution, one: Found, kept: Difference | None, item: int | None, now: dt.datetime, pending: bool
) -> None:
    details = {"key": one.key, "digest": one.digest, "ours": _told(one.ours), "theirs": _told(one.theirs)}
    row = kept or Difference(institution=institution, kind=one.kind, state=WorkState.OPEN)
    changed = kept is not None and kept.details.get("digest") != one.digest
    if kept is not None and (
        (kept.state == WorkState.IGNORED and changed) or (kept.state == WorkState.HANDLED and not pending)
    ):
        row.state, row.settled_by, row.settled_at = WorkState.OPEN, None, None
    row.list_type, row.fixmedins_hilist_id = one.side.item
    row.item_id, row.details, row.seen_at = item, details, now
    row.mapping_id = one.ours.pk if one.ours else None
    row.platform_id = one.theirs.pk if one.theirs else None
    row.save()


def _told(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {"code": side.code, "begndate": str(side.begndate), "enddate": str(side.enddate), "valid": side.valid}


def _let_go(rows: Sequence[Difference], now: dt.datetime) -> None:
    """End what is no longer there: gone by itself, or done by somebody and now over."""
    for row in rows:
        if row.state == WorkState.HANDLED:
            row.details = {**row.details, "over": True}
        else:
            row.state, row.settled_at = WorkState.GONE, now
        row.save(update_fields=["state", "details", "settled_at"])
