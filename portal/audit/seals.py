"""The daily seal: what was written on a closed day cannot be changed, taken away or added to unnoticed.

Each source (the audit, the ledger's steps) has a chain of its own, one link per Shanghai day. A link's root is keyed
(HMAC) over the source, the day, the root before it and every row's digest, so that whoever can write to the database
but does not have FIELD_KEYS cannot make a valid one. The rows' digests stay beside it, so that verifying
(`portal.audit.verifying`) names the first row at fault. Lawful pruning is told by `note_pruned`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from django.db import connection, transaction

from portal.audit.days import days, yesterday
from portal.audit.leaves import LEAVES_A_PART, Leaf, Root, Sealer, current_sealer, pack, pack_keys
from portal.audit.models import Pruned, Seal, SealLeaves

ADVISORY_LOCK = 7_304_001
PRUNED_A_RECORD = 50_000
Progress = Callable[[str], None]


@dataclass(frozen=True)
class SealedSource:
    """One append-only table. `rows(day)` gives (key ≥ 0, canonical bytes) of a closed Shanghai day, keys ascending.

    It must stream (`.iterator()`): a day may have a million rows. `first` is the day of the oldest row, None when there
    is none; without it the chain begins with the day before the first closing.
    """

    code: str
    label: str
    rows: Callable[[date], Iterator[tuple[int, bytes]]]
    first: Callable[[], date | None] | None = None


_sources: dict[str, SealedSource] = {}


def register_source(source: SealedSource) -> None:
    """Let a source be sealed from now on; the same code again replaces it."""
    _sources[source.code] = source


def sources() -> list[SealedSource]:
    """Return all sources by code."""
    return [_sources[code] for code in sorted(_sources)]


def source_of(code: str) -> SealedSource | None:
    """Return a source, None for one that no installed room has."""
    return _sources.get(code)


def unsealed_days(source: SealedSource, until: date | None = None) -> Iterator[date]:
    """Return the closed days that have no seal yet, oldest first, until `until` (default: yesterday)."""
    last = min(until or yesterday(), yesterday())
    newest = Seal.objects.filter(source=source.code).order_by("-day").values_list("day", flat=True).first()
    if newest is not None:
        return days(newest + timedelta(days=1), last)
    oldest = source.first() if source.first else None
    return days(oldest or last, last)


def close_all(until: date | None = None, note: Progress = lambda words: None) -> list[Seal]:
    """Seal every closed day of every source, also what a power failure left out. Two at once do no harm."""
    made: list[Seal] = []
    for source in sources():
        for day in unsealed_days(source, until):
            seal = close_day(source, day)
            if seal is not None:
                note(f"{source.label} {day:%Y-%m-%d}：封存 {seal.count:,} 条")
                made.append(seal)
    return made


def close_day(source: SealedSource, day: date) -> Seal | None:
    """Seal one day, the one after the newest seal. None when another process did it meanwhile.

    Raises ValueError when the day is not over.
    """
    if day > yesterday():
        raise ValueError(f"{day} is not over")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        newest = Seal.objects.filter(source=source.code).order_by("-day").first()
        if newest is not None and newest.day >= day:
            return None
        return _seal(source, day, newest.root if newest else "")


def head_of(source: str, day: date, previous: str, sealer: Sealer) -> tuple[str, ...]:
    """Return what a root covers besides the rows."""
    return (source, day.isoformat(), previous, sealer.algorithm, sealer.key_id)


def _seal(source: SealedSource, day: date, previous: str) -> Seal:
    sealer = current_sealer()
    root = Root(sealer, *head_of(source.code, day, previous, sealer))
    leaves = _taken(root, ((key, sealer.leaf(key, content)) for key, content in source.rows(day)))
    part = 0
    while chunk := list(islice(leaves, LEAVES_A_PART)):
        SealLeaves.objects.create(
            source=source.code, day=day, part=part, first_key=chunk[0][0], last_key=chunk[-1][0], leaves=pack(chunk)
        )
        part += 1
    return Seal.objects.create(
        source=source.code,
        day=day,
        count=root.count,
        root=root.hex(),
        previous=previous,
        algorithm=sealer.algorithm,
        key_id=sealer.key_id,
    )


def _taken(root: Root, leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    for leaf in leaves:
        root.add(leaf)
        yield leaf


@transaction.atomic
def note_pruned(source: str, keys: Iterable[int], reason: str, approval_id: int | None = None) -> int:
    """Write down that rows of a sealed source were lawfully taken away, so that verifying does not miss them.

    Call it in the transaction of the deletion, with the keys as given to the seal. Each record is keyed like a seal:
    who deletes by hand cannot make one. Returns how many keys were noted; raises ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("pruning needs a reason")
    todo, noted = iter(keys), 0
    while chunk := sorted(set(islice(todo, PRUNED_A_RECORD))):
        _note(source, chunk, reason.strip()[:500], approval_id)
        noted += len(chunk)
    return noted


def _note(source: str, keys: list[int], reason: str, approval_id: int | None) -> None:
    sealer, packed = current_sealer(), pack_keys(keys)
    Pruned.objects.create(
        source=source,
        first_key=keys[0],
        last_key=keys[-1],
        count=len(keys),
        keys=packed,
        reason=reason,
        approval_id=approval_id,
        mac=mac_of_pruned(sealer, source, packed, reason, approval_id),
        algorithm=sealer.algorithm,
        key_id=sealer.key_id,
    )


def mac_of_pruned(sealer: Sealer, source: str, packed: bytes, reason: str, approval_id: int | None) -> str:
    """Return what proves that a Pruned record is ours."""
    return sealer.mac(source.encode(), bytes(packed), reason.encode(), str(approval_id or "").encode())
