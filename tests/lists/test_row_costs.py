"""Forty rows take the queries of one, on each list of the portal's own rooms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from insurance.exchange.models import Connection, Submission
from insurance.mapping.models import CodeSwitch, Difference, Ending, Finding, Mapping, NightRun
from portal.approvals.models import Approval
from portal.audit.grants import Purpose, Uncovering, UncoveringUse
from portal.audit.models import Seal
from portal.people.kept import LoginSession
from portal.people.models import Institution, Membership, Person
from portal.sheets.exports import SheetExport
from portal.sheets.models import ColumnMapping, SheetImport
from portal.system.choices import AlarmLevel, RouteKind
from portal.system.models import AlarmEvent, AlarmRoute
from portal.tasks.models import Task
from portal.values.models import MissingValue, ValueMapping
from tests.directory.conftest import connect
from tests.mapping_items.factories import make_item

pytestmark = pytest.mark.django_db
Make = Callable[[Institution, int], object]


def someone(hospital: Institution, number: int) -> Person:
    made, new = Person.objects.get_or_create(
        username=f"row{number}", defaults={"name": f"样例{number}", "current_institution": hospital}
    )
    if new:
        Membership.objects.create(person=made, institution=hospital, role="cashier", opter=f"r{number}")
    return made


def task(hospital: Institution, number: int) -> Task:
    return Task.objects.create(
        institution=hospital, kind="sheets.export", label="样例", requested_by=someone(hospital, number)
    )


def alarm(hospital: Institution, number: int) -> object:
    now = timezone.now()
    return AlarmEvent.objects.create(
        institution=hospital, code=f"test.{number}", level=AlarmLevel.WARNING, words="样例", raised_at=now, last_at=now,
        window_at=now,
    )  # fmt: skip


def route(hospital: Institution, number: int) -> object:
    return AlarmRoute.objects.create(
        institution=hospital, name=f"去向{number}", kind=RouteKind.values[0], address="https://alarms.invalid/",
        made_by=someone(hospital, number),
    )  # fmt: skip


def seal(hospital: Institution, number: int) -> object:
    return Seal.objects.create(
        source="audit", day=date(2026, 1, 1) + timedelta(number), count=1, root="0", algorithm="sm3", key_id="dev"
    )


def grant(hospital: Institution, number: int) -> object:
    made = Uncovering.objects.create(
        institution=hospital, person=someone(hospital, number), granted_by=someone(hospital, number + 1),
        approval=number + 1, purpose=Purpose.values[0], scope="insurance.exchange.views.calls.CallList", reason="样例",
        until=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return UncoveringUse.objects.create(uncovering=made, what="样例", rows=1)


def approval(hospital: Institution, number: int) -> object:
    asker = someone(hospital, number)
    return Approval.objects.create(
        institution=hospital, kind="privacy.clear_list", label=f"样例{number}", digest="0", reason="样例",
        proposed_by=asker, proposed_as=asker.name, proposed_for=someone(hospital, number + 1), held_by=asker,
        decided_by=someone(hospital, number + 2), expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


def login(hospital: Institution, number: int) -> object:
    return LoginSession.objects.create(person=someone(hospital, number), institution=hospital, seen=timezone.now())


def export(hospital: Institution, number: int) -> object:
    return SheetExport.objects.create(
        institution=hospital, requested_by=Person.objects.get(username="looker"), task=task(hospital, number),
        page="insurance.exchange.views.calls.CallList", fingerprint="0", title="样例",
    )  # fmt: skip


def upload(hospital: Institution, number: int) -> object:
    return SheetImport.objects.create(
        institution=hospital, importer="values.mapping", label="样例", file_name=f"样例{number}.xlsx", sha256="0",
        size=1, stored_as="0", requested_by=someone(hospital, number), task=task(hospital, number),
        same_as=SheetImport.objects.order_by("pk").first(),
    )  # fmt: skip


def columns(hospital: Institution, number: int) -> object:
    return ColumnMapping.objects.create(
        institution=hospital, importer="values.mapping", label="样例", fingerprint=str(number), headers=["列"],
        owner=someone(hospital, number),
    )  # fmt: skip


def mapping(hospital: Institution, number: int) -> object:
    return ValueMapping.objects.create(
        institution=hospital, set_code="caty", source=f"科{number}", key=f"科{number}", target="A02",
        begins=timezone.now(), owner=someone(hospital, number), proposed_by=someone(hospital, number + 1),
    )  # fmt: skip


def missing(hospital: Institution, number: int) -> object:
    return MissingValue.objects.create(
        institution=hospital, set_code="caty", source=f"科{number}", key=f"科{number}", last_seen=timezone.now()
    )


def relation(hospital: Institution, number: int) -> object:
    """A relation whose upload waits behind a refused one of its item."""
    made = Mapping.objects.create(
        institution=hospital, item=make_item(hospital), list_type="101", med_list_codg=f"XJ01CA{number:017}",
        begndate=date(2026, 1, 1), state="approved", proposed_by=someone(hospital, 1), approved_by=someone(hospital, 2),
    )  # fmt: skip
    connection = Connection.objects.filter(institution=hospital).first() or connect(hospital)
    values = {"institution": hospital, "connection": connection, "purpose": "mapping.add", "thread": f"101:{number}"}
    Submission.objects.create(
        **values, subject_type="mapping.mapping", subject_id=f"9{number}", label="前一条", state="refused", position=1
    )
    Submission.objects.create(
        **values, subject_type="mapping.mapping", subject_id=str(made.pk), label="样例", ready=False, position=2
    )
    return made


def proposal(hospital: Institution, number: int) -> object:
    """A proposal."""
    return Mapping.objects.create(
        institution=hospital, item=make_item(hospital), list_type="101", med_list_codg=f"XJ01CA{number:017}",
        begndate=date(2026, 1, 1), proposed_by=someone(hospital, 1), proposed_at=timezone.now(),
        reasons=[{"what": "规格", "ours": "1", "theirs": "2", "agrees": False}], code_facts={"name": "样例"},
    )  # fmt: skip


def ending(hospital: Institution, number: int) -> object:
    tied = relation(hospital, number)
    return Ending.objects.create(
        institution=hospital, mapping=tied, kind="end", enddate=date(2026, 12, 31), reason="样例",
        proposed_by=someone(hospital, 1),
    )  # fmt: skip


def difference(hospital: Institution, number: int) -> object:
    return Difference.objects.create(
        institution=hospital, kind="missing", list_type="101", fixmedins_hilist_id=f"{number:06}",
        item=make_item(hospital), details={"key": str(number), "ours": {"code": "X"}}, seen_at=timezone.now(),
        settled_by=someone(hospital, number), settled_at=timezone.now(),
    )  # fmt: skip


def code_switch(hospital: Institution, number: int) -> object:
    return CodeSwitch.objects.create(
        institution=hospital, name=f"切换{number}", day=date(2099, 1, 1), made_by=someone(hospital, number)
    )


def finding(hospital: Institution, number: int) -> object:
    item = make_item(hospital, fixmedins_hilist_id=f"F{number}")
    tied = Mapping.objects.create(
        institution=hospital, item=item, list_type="101", med_list_codg=f"XF{number}", begndate=date(2026, 1, 1)
    )
    return Finding.objects.create(
        institution=hospital, mapping=tied, kind="broken", details={"text": "样例"}, seen_at=timezone.now(),
        settled_by=someone(hospital, number),
    )  # fmt: skip


def night(hospital: Institution, number: int) -> object:
    return NightRun.objects.create(institution=hospital, day=date(2026, 1, 1) + timedelta(number))


LISTS: dict[str, Make] = {
    "mapping:switches": code_switch,
    "mapping:findings": finding,
    "mapping:nights": night,
    "mapping:deliveries": relation,
    "mapping:mappings": relation,
    "mapping:approvals": proposal,
    "mapping:ending_approvals": ending,
    "mapping:proof": difference,
    "system:alarms": alarm,
    "system:routes": route,
    "audit:seals": seal,
    "approvals:clearing": grant,
    "approvals:list": approval,
    "system:people": someone,
    "system:logins": login,
    "sheets:exports": export,
    "sheets:list": upload,
    "sheets:mappings": columns,
    "values:mappings": mapping,
    "values:missing": missing,
}


@pytest.mark.parametrize("name", LISTS)
def test_forty_rows_cost_the_queries_of_one(
    name: str, client: Client, institution: Institution, person: Callable[..., Person]
) -> None:
    roles = ("system_admin", "security_admin", "audit_admin", "insurance_office", "reviewer")
    client.force_login(person("looker", institution, *roles))

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(database) as seen:
            answer = client.get(reverse(name), {"tab": "all", "per_page": 50})
        assert answer.status_code == 200
        return len(seen), len(answer.context["table"].rows)

    LISTS[name](institution, 0)
    cost()  # what is read once and kept
    one, few = cost()
    for number in range(1, 40):
        LISTS[name](institution, number)
    forty, many = cost()
    assert (many - few, forty) == (39, one)
