"""The whole portal by URL: nobody, a stranger, each role, and the same role in another institution.

A new page fails here until it stands behind `needs(...)` (or is listed with its reason), and a page of one object until
`OBJECTS` says what its number means and the other institution gets 404 for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.approvals.contents import canonical
from portal.desk.registry import menu
from portal.people.models import Person
from portal.people.roles import ROLES
from tests.ground.walking import Door, Maker, doors
from tests.people.factories import make_institution, make_person

pytestmark = pytest.mark.django_db

LIST = "insurance.directory.views.staff.PractitionerList"
REFUSED = {403, 405}
HIDDEN = {403, 404, 405}
OPEN = {"people:login", "people:code", "people:logout", "people:alive", "desk:healthz", "desk:readyz"}
# Everybody's own: the person, and nobody else, is what they are about.
OWN = {
    "people:lock", "people:unlock", "people:operator", "people:draft", "people:switch", "people:account",
    "people:end_login", "people:password", "people:factor", "people:recovery",
}  # fmt: skip
# Guards of their own: the right of the importer, or of the kind of record, that the address names.
NAMED = {
    "sheets:new": "directory.import", "sheets:template": "directory.import", "sheets:detail": "directory.import",
    "sheets:columns": "directory.import", "sheets:live": "directory.import", "sheets:errors": "directory.import",
    "sheets:confirm": "directory.import", "sheets:abandon": "directory.import", "audit:history": "directory.view",
}  # fmt: skip
LEADS_ON = {"mapping:mappings_import", "directory:departments_import", "directory:staff_import", "values:import"}
WORDS = {
    "exchange:dictionary": {"code": "sex"},
    "exchange:debug_rule": {"infno": "3401"},
    "exchange:debug_new": {"infno": "3401"},
    "exchange:debug_import": {"infno": "3401"},
    "exchange:retention_change": {"code": "query"},
    "sheets:new": {"code": "directory.department"},
    "sheets:template": {"code": "directory.department"},
    "system:person_act": {"code": "lock"},
    "uncover:one": {"label": "directory.department"},
    "audit:history": {"label": "directory.department"},
}
# National: catalogues belong to no institution, whoever had them fetched. Who may see them sees all of them.
NATIONAL = {"catalogue:item", "catalogue:term", "catalogue:load", "catalogue:changes"}
OBJECTS = {
    "catalogue:item": "catalogue.Item",
    "catalogue:term": "catalogue.AreaItem",
    "catalogue:load": "catalogue.Load",
    "catalogue:accept": "catalogue.Load",
    "catalogue:changes": "catalogue.Load",
    "exchange:submission": "exchange.Submission",
    "exchange:call": "exchange.Call",
    "exchange:call_uncover": "exchange.Call",
    "exchange:apply_now": "exchange.Call",
    "exchange:debug_send": "exchange.DebugSend",
    "exchange:debug_live": "exchange.DebugSend",
    "exchange:debug_file": "exchange.DebugSend",
    "exchange:debug_draft": "exchange.DebugDraft",
    "exchange:debug_copy": "exchange.DebugDraft",
    "exchange:debug_delete": "exchange.DebugDraft",
    "exchange:debug_confirm": "exchange.DebugDraft",
    "exchange:debug_repeat": "exchange.Call",
    "directory:department": "directory.Department",
    "directory:department_edit": "directory.Department",
    "directory:comparison": "directory.ComparisonRow",
    "directory:practitioner": "directory.Practitioner",
    "mapping:item": "mapping.HospitalItem",
    "mapping:item_edit": "mapping.HospitalItem",
    "mapping:take": "mapping.HospitalItem",
    "mapping:skip": "mapping.HospitalItem",
    "mapping:no_code": "mapping.HospitalItem",
    "mapping:note": "mapping.HospitalItem",
    "mapping:undo": "mapping.Mapping",
    "mapping:mapping": "mapping.Mapping",
    "mapping:round": "mapping.ApprovalRound",
    "mapping:round_approve": "mapping.ApprovalRound",
    "mapping:round_look": "mapping.ApprovalLook",
    "mapping:round_return": "mapping.ApprovalLook",
    "mapping:difference": "mapping.Difference",
    "mapping:switch": "mapping.CodeSwitch",
    "mapping:switch_edit": "mapping.CodeSwitch",
    "mapping:switch_upload": "mapping.CodeSwitch",
    "mapping:switch_rows": "mapping.CodeSwitch",
    "mapping:switch_drop": "mapping.CodeSwitch",
    "mapping:switch_assess": "mapping.CodeSwitch",
    "mapping:switch_prepare": "mapping.CodeSwitch",
    "mapping:switch_approve": "mapping.CodeSwitch",
    "mapping:switch_return": "mapping.CodeSwitch",
    "mapping:switch_undo": "mapping.CodeSwitch",
    "mapping:switch_cancel": "mapping.CodeSwitch",
    "mapping:switch_line": "mapping.SwitchLine",
    "mapping:switch_choose": "mapping.SwitchLine",
    "mapping:finding": "mapping.Finding",
    "mapping:night": "mapping.NightRun",
    "sheets:export": "sheets.SheetExport",
    "sheets:export_file": "sheets.SheetExport",
    "sheets:mapping": "sheets.ColumnMapping",
    "sheets:forget_mapping": "sheets.ColumnMapping",
    "sheets:columns": "sheets.SheetImport",
    "sheets:detail": "sheets.SheetImport",
    "sheets:live": "sheets.SheetImport",
    "sheets:errors": "sheets.SheetImport",
    "sheets:confirm": "sheets.SheetImport",
    "sheets:abandon": "sheets.SheetImport",
    "audit:event": "audit.AuditEvent",
    "audit:history": "directory.Department",
    "system:person": "people.Person",
    "system:person_name": "people.Person",
    "system:person_grant": "people.Person",
    "system:person_revoke": "people.Person",
    "system:person_operator": "people.Person",
    "system:person_reset": "people.Person",
    "system:person_act": "people.Person",
    "system:alarm": "system.AlarmEvent",
    "system:route": "system.AlarmRoute",
    "system:route_switch": "system.AlarmRoute",
    "system:route_test": "system.AlarmRoute",
    "system:login_end": "people.LoginSession",
    "values:missing_value": "values.MissingValue",
    "values:mapping": "values.ValueMapping",
    "values:edit": "values.ValueMapping",
    "uncover:one": "directory.Department",
    "approvals:detail": "approvals.Approval",
    "approvals:approve": "approvals.Approval",
    "approvals:refuse": "approvals.Approval",
    "approvals:withdraw": "approvals.Approval",
    "approvals:countersign": "approvals.Approval",
    "approvals:leave_end": "people.Delegation",
    "approvals:handover_seen": "approvals.Handover",
    "approvals:clearing_one": "audit.Uncovering",
    "approvals:clearing_end": "audit.Uncovering",
    "tasks:schedule": "tasks.Schedule",
    "tasks:run_now": "tasks.Schedule",
    "tasks:detail": "tasks.Task",
    "tasks:live": "tasks.Task",
    "tasks:progress": "tasks.Task",
    "tasks:cancel": "tasks.Task",
    "tasks:repeat": "tasks.Task",
    "people:end_login": "people.LoginSession",
}
# Answers that lead away say nothing of the object; the row itself must then still be there.
LED_AWAY = {"sheets:forget_mapping", "tasks:schedule", "tasks:run_now"}
MADE_BY = "insurance_office"


def given_for(label: str, world: World) -> dict[str, Any]:
    """Return what a bare row needs besides, so that its page can be drawn."""
    tomorrow = timezone.localdate() + timedelta(days=1)
    clear = {"scope": LIST, "query": "", "purpose": "inspection", "days": 1}
    given: dict[str, dict[str, Any]] = {
        "sheets.SheetImport": {"importer": "directory.department", "columns": []},
        "approvals.Approval": {"kind": "privacy.clear_list", "content": canonical(clear)},
        "audit.Uncovering": {"scope": LIST, "query": ""},
        "values.ValueMapping": {"state": "draft"},
        "people.Delegation": {
            "absent": world.owner,
            "deputy": world.people["reviewer"],
            "starts_on": tomorrow,  # a deputyship that runs would give rights
            "ends_on": tomorrow,
        },
        "approvals.Handover": {"giver": world.people["reviewer"], "taker": world.owner, "made_by": world.owner},
        "exchange.Submission": {"purpose": "department.add", "subject_type": "directory.department"},
        "exchange.Call": {"infno": "5101"},
        "sheets.ColumnMapping": {"importer": "directory.department"},
        "exchange.DebugSend": {"infno": "5101", "effect": "query"},
        "exchange.DebugDraft": {"infno": "5101"},
        "tasks.Task": {"requested_by": world.owner},
        "catalogue.Load": {"infno": "1301"},
        "catalogue.Item": {"infno": "1301", "cells": ["x"]},
        "mapping.Difference": {"kind": "missing", "state": "open", "list_type": "101", "details": {}},
    }
    return given.get(label, {})


class World:
    """Two hospitals: everything belongs to the first, and one person of each role works in each."""

    def __init__(self) -> None:
        self.here, self.there = make_institution(), make_institution("H99990000002", "另一院")
        self.ours: dict[str, Client] = {}
        self.theirs: dict[str, Client] = {}
        self.people = {role: make_person(role, self.here) for role in ROLES}
        self.owner = self.people[MADE_BY]
        self.maker = Maker(self.here, self.owner)
        for role in ROLES:
            self.ours[role] = entered(self.people[role])
            self.theirs[role] = entered(make_person(role, self.there))

    def finds(self, role: str, address: str) -> bool:
        """Say whether one of ours finds the object; what the answer does to it is undone."""
        with transaction.atomic():
            mark = transaction.savepoint()
            codes = {self.ours[role].get(address).status_code, self.ours[role].post(address).status_code}
            transaction.savepoint_rollback(mark)
        return not codes <= HIDDEN

    def address(self, door: Door) -> str:
        """Return the address of a page with an object of the first hospital."""
        given: dict[str, Any] = dict(WORDS.get(door.name, {}))
        if "pk" in door.numbers + door.words:
            label = OBJECTS[door.name]
            given["pk"] = self.maker.one(label, **given_for(label, self)).pk
        if "membership" in door.numbers:
            given["membership"] = self.owner.memberships.get().pk
        return reverse(door.name, kwargs=given)


def entered(person: Person) -> Client:
    """Return a browser in which the person is logged in."""
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def world(db: None) -> World:
    return World()


def right_of(door: Door) -> str:
    return door.needs or NAMED.get(door.name, "")


def test_every_page_stands_behind_a_guard() -> None:
    known = OPEN | OWN | LEADS_ON | set(NAMED)
    assert [door.name for door in doors() if not door.needs and door.name not in known] == []
    assert [door.name for door in doors() if door.needs and door.name in known] == []
    assert {door.name for door in doors() if door.numbers} <= set(OBJECTS), "say in OBJECTS what the number means"


def test_without_the_right_nothing_opens(world: World) -> None:
    """One role without the right (a stranger where every role has it), by GET and by POST."""
    stranger, opened = entered(make_person(None)), []
    for door in doors():
        if not (right := right_of(door)):
            continue
        lacking = [client for role, client in world.ours.items() if not ROLES[role].grants(right)]
        client, address = (lacking or [stranger])[0], world.address(door)
        for answer in (client.get(address), client.post(address, {"reason": "没有权限的人"})):
            if answer.status_code not in REFUSED:
                opened.append((door.name, answer.request["REQUEST_METHOD"], answer.status_code))
    assert opened == []


def test_another_institution_finds_nothing_of_ours(world: World) -> None:
    """Whoever has the right in the other institution is told that there is no such thing; our own find it."""
    seen, blind = [], []
    for door in doors():
        if door.name not in OBJECTS or door.name in NATIONAL:
            continue
        address, right = world.address(door), right_of(door)
        roles = [role for role in (MADE_BY, *ROLES) if not right or ROLES[role].grants(right)]
        answers = [world.theirs[roles[0]].get(address), world.theirs[roles[0]].post(address, {"reason": "另一家机构"})]
        if door.name not in LED_AWAY and any(answer.status_code not in HIDDEN for answer in answers):
            seen.append((door.name, [answer.status_code for answer in answers]))
        if not any(world.finds(role, address) for role in roles):
            blind.append(door.name)
    assert seen == []
    assert blind == [], "make an object in given_for that our own people find, or the 404 above proves nothing"
    assert world.maker.one("sheets.ColumnMapping").__class__.objects.exists()


def test_what_the_menu_hides_does_not_open_by_its_address(world: World) -> None:
    wrong = []
    for entry in menu():
        for role, client in world.ours.items():
            status = client.get(reverse(entry.url_name)).status_code
            if status != (200 if ROLES[role].grants(entry.action) else 403):
                wrong.append((entry.label, role, status))
    assert wrong == []
