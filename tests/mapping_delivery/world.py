"""Items, codes and approved relations for tests that talk to the sandbox. All invented."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

from django.db import connections
from django.utils import timezone

from insurance.exchange.delivery import drain
from insurance.exchange.models import Connection, Submission
from insurance.mapping.choices import EndingKind, EndingState, MappingState
from insurance.mapping.models import Ending, HospitalItem, Mapping
from insurance.mapping.models.relations import OPEN_END
from portal.people.models import Institution, Person
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.mapping_items.factories import make_code, make_item

BEGIN = dt.date(2025, 3, 1)


def code_number(place: int) -> str:
    """The national code of the sandbox's drug at a place."""
    return f"XJ01CA{place + 1:017d}"


def connect(institution: Institution, url: str, **changes: Any) -> Connection:
    """Give an institution its connection."""
    values: dict[str, Any] = {
        "environment": "沙箱", "base_url": url, "account": "sandbox", "secret": "sandbox-secret", "infver": "1.0.0",
        "recer_sys_code": "HIS", "opter": "portal", "opter_name": "医保平台", "mac": "00-00-00-00-00-01",
        "ip": "127.0.0.1", **changes,
    }  # fmt: skip
    return Connection.objects.create(institution=institution, **values)


class World:
    """A hospital with two persons of the 医保办 and what they made."""

    def __init__(self, institution: Institution, first: Person, second: Person) -> None:
        self.institution, self.first, self.second = institution, first, second

    def item(self, number: str = "Y1", **changes: Any) -> HospitalItem:
        """An item of the hospital."""
        return make_item(self.institution, fixmedins_hilist_id=number, **changes)

    def code(self, place: int = 0, **changes: Any) -> str:
        """A national code that the sandbox knows, also in our catalogue."""
        code = code_number(place)
        make_code("101", code, **changes)
        return code

    def mapping(self, item: HospitalItem, code: str, state: str = MappingState.APPROVED, **changes: Any) -> Mapping:
        """A relation that one person proposed and another approved."""
        now = timezone.now()
        values: dict[str, Any] = {
            "institution": self.institution, "item": item, "list_type": item.list_type, "med_list_codg": code,
            "begndate": BEGIN, "enddate": OPEN_END, "state": state, "proposed_by": self.first, "proposed_at": now,
            "approved_by": self.second, "approved_at": now, **changes,
        }  # fmt: skip
        made: Mapping = Mapping.objects.create(**values)
        return made

    def ending(self, mapping: Mapping, kind: str = EndingKind.END, **changes: Any) -> Ending:
        """An ending that one person proposed and another approved; the relation's end is shortened at once."""
        values: dict[str, Any] = {
            "institution": self.institution, "mapping": mapping, "kind": kind, "state": EndingState.APPROVED,
            "proposed_by": self.first, "approved_by": self.second, "enddate_before": mapping.enddate, **changes,
        }  # fmt: skip
        made: Ending = Ending.objects.create(**values)
        if made.enddate is not None and kind == EndingKind.END:
            Mapping.objects.filter(pk=mapping.pk).update(enddate=made.enddate)
        return made


def deliver(seconds: float = 30, until: str = "") -> None:
    """Drain as often as the dispatcher would, until nothing moves any more."""
    end = time.monotonic() + seconds
    connection = Connection.objects.get()
    moving = Submission.objects.filter(state__in=["sending", "unknown"], needs_person=False)
    while moving.exists() or Submission.objects.filter(state="queued", ready=True, not_before=None).exists() or _due():
        assert time.monotonic() < end, list(Submission.objects.values("purpose", "state", "words", "settled"))
        drain(connection.pk, "interactive")
        time.sleep(0.05)


def _due() -> bool:
    soon = timezone.now() + dt.timedelta(seconds=60)
    return bool(Submission.objects.filter(state="queued", ready=True, not_before__lte=soon).exists())


def done(task: Task, expected: str = "done") -> Task:
    """Run a task as the worker would; it must end as expected."""
    thread = threading.Thread(target=lambda: (run_task(task.pk), connections.close_all()))
    thread.start()
    thread.join(60)
    task.refresh_from_db()
    assert task.state == expected, task.message
    return task


def states(model: type[Any] = Submission) -> dict[str, int]:
    """How many records are in which state."""
    found: dict[str, int] = {}
    for state in model.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def reread(record: Any) -> Any:
    """The record as it stands now."""
    return type(record).objects.get(pk=record.pk)
