"""What an accepted message changes in our records, and what the bureau's word changes; never both at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from insurance.mapping.choices import EndingKind, EndingState, MappingState, Source, Verdict
from insurance.mapping.models import Ending, Mapping, PlatformMapping

# States of relations that the platform took.
TOLD = (MappingState.IN_FORCE, MappingState.ENDED)


def is_carrier(mapping: Mapping) -> bool:
    """Say whether a relation is no relation of ours, but stands for one of the platform's that shall go (平台多出)."""
    return mapping.state == MappingState.REMOVED and mapping.source == Source.ADOPTED and mapping.ended_at is None


def note_in_force(mapping: Mapping, *, verdict: str = "", words: str = "", quiet: bool = False) -> None:
    """Note that the platform took a relation. Received is not approved: without a `verdict` it waits for the bureau.

    `quiet`: nothing was sent, because it is the platform's own; then what its mirror says of the verdict counts.
    """
    now = timezone.now()
    if quiet:
        held = held_row(mapping)
        verdict = _verdict_of(held) if held is not None else Verdict.PASSED
    changes: dict[str, Any] = {"told_at": now, "verdict": verdict or Verdict.WAITING, "verdict_words": words[:500]}
    changes["verdict_at"] = now if verdict and verdict != Verdict.WAITING else None
    changes["state"] = MappingState.IN_FORCE
    _change(mapping, changes)


def held_row(mapping: Mapping) -> PlatformMapping | None:
    """Return the mirror's row of a relation, or None."""
    found: PlatformMapping | None = PlatformMapping.objects.filter(
        institution=mapping.institution_id,
        list_type=mapping.list_type,
        fixmedins_hilist_id=mapping.item.fixmedins_hilist_id,
        med_list_codg=mapping.med_list_codg,
        begndate=mapping.begndate,
    ).first()
    return found


def _verdict_of(held: PlatformMapping) -> str:
    from insurance.mapping.delivery.looking import verdict_of

    return Verdict.PASSED if held.in_1317 else verdict_of(held.chk_stas)


def note_ended(ending: Ending, *, told: bool = True) -> None:
    """Note that an ending took effect: the relation ends on its day, or counts as never made (撤销).

    `told` False: the platform need not know. A relation that it never took and that is replaced was never in force.
    """
    mapping = ending.mapping
    never = not told and not ending.quiet and mapping.told_at is None
    removed = ending.kind == EndingKind.REMOVE or never or mapping.state == MappingState.REMOVED
    changes: dict[str, Any] = {"ended_at": timezone.now()}
    if removed:
        changes["state"] = MappingState.REMOVED
    elif ending.enddate is not None:
        changes["enddate"] = ending.enddate
        # Where the platform's end came too early, the same message puts it off again.
        if ending.enddate_before is None or ending.enddate < ending.enddate_before:
            changes["state"] = MappingState.ENDED
    _change(mapping, changes)
    Ending.objects.filter(pk=ending.pk).update(state=EndingState.DONE)
    ending.state = EndingState.DONE
    if told and removed:
        _forget(mapping)


def _forget(mapping: Mapping) -> None:
    """Note in the mirror that the platform holds a relation no more; the next comparison says so itself."""
    held = held_row(mapping)
    if held is not None:
        PlatformMapping.objects.filter(pk=held.pk).update(vali_flag="0", mapping=None)


def note_verdicts(mappings: Iterable[Mapping], verdict: str, words: str) -> None:
    """Keep the bureau's word on relations, in one statement."""
    now = timezone.now()
    Mapping.objects.filter(pk__in=[one.pk for one in mappings]).update(
        verdict=verdict,
        verdict_words=words[:500],
        verdict_at=None if verdict == Verdict.WAITING else now,
        changed_at=now,
    )


def _change(mapping: Mapping, changes: dict[str, Any]) -> None:
    Mapping.objects.filter(pk=mapping.pk).update(changed_at=timezone.now(), **changes)
    for name, value in changes.items():
        setattr(mapping, name, value)
