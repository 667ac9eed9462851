"""One decision over many records: what single-record services write becomes one event with all its subjects.

    with one_act("停用科室") as act:
        for department in chosen:
            with act.attempt():
                end_department(actor, department=department, endtime=endtime)

Events alike in actor, action, reason and detail are merged when the block ends, in its transaction. A batch that runs
in pieces (portal.lists.batch_work) writes one event a piece, committed with the piece: an event for the whole would
claim what a cancelled run never did. The pieces' events share the task as their origin.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db import transaction

from portal.audit.models import AuditEvent


@dataclass
class Act:
    """What was decided within one act so far; `label` names it where it concerned more than one record."""

    label: str
    gathered: list[AuditEvent] = field(default_factory=list)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One record's share, in a savepoint: what is refused is neither done nor told."""
        before = len(self.gathered)
        try:
            with transaction.atomic():
                yield
        except BaseException:
            del self.gathered[before:]
            raise

    def write(self) -> None:
        """Write what was gathered, one event for each kind of decision."""
        alike: dict[tuple[object, ...], list[AuditEvent]] = {}
        for event in self.gathered:
            alike.setdefault(_kind(event), []).append(event)
        for events in alike.values():
            _merged(events, self.label).save()


_act: ContextVar[Act | None] = ContextVar("act", default=None)


@contextmanager
def one_act(label: str) -> Iterator[Act]:
    """Gather all decisions of this block into one act; the block is a transaction."""
    act = Act(label)
    token = _act.set(act)
    try:
        with transaction.atomic():
            yield act
            act.write()
    finally:
        _act.reset(token)


def gather(event: AuditEvent) -> bool:
    """Keep an event for the end of the act at hand; False outside of one."""
    act = _act.get()
    if act is not None:
        act.gathered.append(event)
    return act is not None


def _kind(event: AuditEvent) -> tuple[object, ...]:
    detail = json.dumps(event.detail, sort_keys=True, default=str)
    return event.institution_id, event.person_id, event.actor_name, event.action, event.reason, detail


def _merged(events: list[AuditEvent], label: str) -> AuditEvent:
    merged = events[0]
    if len(events) > 1:
        merged.label = f"{label} {len(events):,} 条"[:200]
        merged.subjects = list(dict.fromkeys(subject for event in events for subject in event.subjects))
    return merged
