"""Verifying seals: reads a day's rows beside the digests kept with its seal and names what is at fault.

Both are streamed in the order of their keys, so that a day of a million rows needs no more memory than one of ten.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

from django.utils import timezone

from portal.audit.days import bounds, yesterday
from portal.audit.leaves import Leaf, NoKey, Root, Sealer, sealer_of, unpack, unpack_keys
from portal.audit.models import Pruned, Seal, SealCheck, SealLeaves
from portal.audit.seals import SealedSource, head_of, mac_of_pruned, sources, unsealed_days

FAULTS_A_DAY = 5
MOST_FAULTS = 100
GRACE = timedelta(hours=6)
Note = Callable[[int, int, str], None]

CHANGED = "changed"
MISSING = "missing"
ADDED = "added"
SEAL = "seal"
UNSEALED = "unsealed"
WORDS = {
    CHANGED: "第 {key} 号记录的内容与封存时不同（被改动）",
    MISSING: "缺少第 {key} 号记录（被删除，且没有清理记录）",
    ADDED: "多出第 {key} 号记录（封存之后才写入或改了日期）",
}


@dataclass(frozen=True)
class Fault:
    """One thing at fault: `kind`, where (source, day, key; key None when it is the seal itself), and Chinese words."""

    kind: str
    source: str
    day: str
    key: int | None
    words: str


@dataclass
class Report:
    """What a verification looked at and found, the first fault first."""

    first: date | None = None
    last: date | None = None
    days: int = 0
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)


def verify(first: date | None = None, last: date | None = None, note: Note = lambda done, total, words: None) -> Report:
    """Verify every source from day to day, both included (default: all). `note(done, total, words)` hears of each day.

    Stops after MOST_FAULTS faults: what is broken is broken.
    """
    report = Report(first, last)
    found = Seal.objects.filter(**_range(first, last))
    total, done = found.count(), 0
    for source in sources():
        for seal in found.filter(source=source.code).order_by("day").iterator():
            note(done, total, f"{source.label} {seal.day:%Y-%m-%d}")
            done += 1
            _verify_day(source, seal, report)
            if len(report.faults) >= MOST_FAULTS:
                return report
        report.faults += _unsealed(source, first, last)
    return report


def keep(report: Report, by: str) -> SealCheck:
    """Write down what a verification found."""
    return SealCheck.objects.create(
        by=by,
        first_day=report.first,
        last_day=report.last,
        days=report.days,
        rows=report.rows,
        faults=[asdict(fault) for fault in report.faults],
    )


def last_check() -> SealCheck | None:
    """Return the newest verification, None before the first."""
    return SealCheck.objects.order_by("-id").first()


def overdue() -> list[Fault]:
    """Return for each source the first day that is over since hours and has no seal."""
    return [fault for source in sources() for fault in _unsealed(source, None, None)]


def _range(first: date | None, last: date | None) -> dict[str, date]:
    return {name: day for name, day in (("day__gte", first), ("day__lte", last)) if day is not None}


def _verify_day(source: SealedSource, seal: Seal, report: Report) -> None:
    report.days += 1
    report.faults += _chain(source, seal)
    try:
        sealer = sealer_of(seal.algorithm, seal.key_id)
    except NoKey as error:
        report.faults.append(_fault(SEAL, source, seal.day, str(error)))
        return
    root = Root(sealer, *head_of(seal.source, seal.day, seal.previous, sealer))
    leaves = _counted(root, _leaves(seal))
    pruned = _Pruned(source, seal, sealer)
    rows = ((key, sealer.leaf(key, content)) for key, content in source.rows(seal.day))
    faults = [_row_fault(source, seal.day, kind, key) for kind, key in _first(compare(rows, leaves, pruned))]
    for _ in leaves:  # the root covers every leaf, also behind the last fault
        continue
    if root.hex() != seal.root or root.count != seal.count:
        report.faults.append(_fault(SEAL, source, seal.day, "封存记录本身被改动（封存值或明细与密钥不符）"))
    report.rows += seal.count
    report.faults += faults


def compare(rows: Iterable[Leaf], leaves: Iterable[Leaf], pruned: Callable[[int], bool]) -> Iterator[tuple[str, int]]:
    """Walk along both, ascending; return kind and key of each difference. What was lawfully pruned may be missing."""
    have, kept = iter(rows), iter(leaves)
    row, leaf = next(have, None), next(kept, None)
    while row is not None or leaf is not None:
        if leaf is None or (row is not None and row[0] < leaf[0]):
            assert row is not None
            yield ADDED, row[0]
            row = next(have, None)
        elif row is None or leaf[0] < row[0]:
            if not pruned(leaf[0]):
                yield MISSING, leaf[0]
            leaf = next(kept, None)
        else:
            if row[1] != leaf[1]:
                yield CHANGED, row[0]
            row, leaf = next(have, None), next(kept, None)


class _Pruned:
    """Says whether a key was lawfully pruned; asked with ascending keys, so that it streams as well."""

    def __init__(self, source: SealedSource, seal: Seal, sealer: Sealer) -> None:
        span = SealLeaves.objects.filter(source=seal.source, day=seal.day)
        self._source = source.code
        keys = [*span.values_list("first_key", flat=True), *span.values_list("last_key", flat=True)]
        self._keys = _pruned_keys(source.code, min(keys), max(keys)) if keys else iter(())
        self._at = next(self._keys, None)

    def __call__(self, key: int) -> bool:
        while self._at is not None and self._at < key:
            self._at = next(self._keys, None)
        # What was pruned after we had looked is asked for once more: nights prune and verify at the same time.
        return self._at == key or key in _pruned_keys(self._source, key, key)


def _pruned_keys(source: str, low: int, high: int) -> Iterator[int]:
    """Return the keys that genuine Pruned records hold, ascending; one that is not ours excuses nothing."""
    records = Pruned.objects.filter(source=source, first_key__lte=high, last_key__gte=low).order_by("id")
    return heapq.merge(*(unpack_keys(bytes(record.keys)) for record in records if _genuine(record)))


def _genuine(record: Pruned) -> bool:
    try:
        sealer = sealer_of(record.algorithm, record.key_id)
    except NoKey:
        return False
    return record.mac == mac_of_pruned(sealer, record.source, bytes(record.keys), record.reason, record.approval_id)


def _leaves(seal: Seal) -> Iterator[Leaf]:
    parts = SealLeaves.objects.filter(source=seal.source, day=seal.day).order_by("part")
    for packed in parts.values_list("leaves", flat=True).iterator(chunk_size=1):
        yield from unpack(bytes(packed))


def _counted(root: Root, leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    for leaf in leaves:
        root.add(leaf)
        yield leaf


def _first(found: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    for place, one in enumerate(found):
        if place >= FAULTS_A_DAY:
            return
        yield one


def _chain(source: SealedSource, seal: Seal) -> Iterator[Fault]:
    """Look back: the seal before is of the day before, and its root is the one named."""
    before = Seal.objects.filter(source=seal.source, day__lt=seal.day).order_by("-day").first()
    if before is None:
        if seal.previous:
            yield _fault(SEAL, source, seal.day - timedelta(days=1), "缺少此日的封存记录（被删除）")
    elif before.day != seal.day - timedelta(days=1):
        yield _fault(SEAL, source, before.day + timedelta(days=1), "缺少此日的封存记录（被删除）")
    elif before.root != seal.previous:
        yield _fault(SEAL, source, before.day, "封存链断开：此日的封存值与后一日所记的不同")


def _unsealed(source: SealedSource, first: date | None, last: date | None) -> list[Fault]:
    """Name the first day that is over since hours and has no seal."""
    if source.first is not None and source.first() is None:
        return []
    late = (day for day in unsealed_days(source, last or yesterday()) if bounds(day)[1] + GRACE < timezone.now())
    found = next((day for day in late if first is None or day >= first), None)
    return [_fault(UNSEALED, source, found, "此日及以后还没有封存。请运行 manage.py seal close")] if found else []


def _row_fault(source: SealedSource, day: date, kind: str, key: int) -> Fault:
    return Fault(
        kind, source.code, day.isoformat(), key, f"{source.label} {day:%Y-%m-%d}：{WORDS[kind].format(key=key)}"
    )


def _fault(kind: str, source: SealedSource, day: date, words: str) -> Fault:
    return Fault(kind, source.code, day.isoformat(), None, f"{source.label} {day:%Y-%m-%d}：{words}")
