"""值对照 by spreadsheet: judged, taken, repeated without harm, out and in again."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from portal.people.actor import Actor
from portal.people.models import Person
from portal.sheets.importer import Row, find
from portal.values import taking
from portal.values.choices import MappingState
from portal.values.errors import ValueRefused
from portal.values.models import ValueMapping
from portal.values.queries import translate
from portal.values.taking import Proposal
from portal.values.waiting import note_missing

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def kinds(actor: Actor, *proposals: Proposal) -> list[str]:
    return [item.kind for item in taking.judge(actor, proposals)]


def test_taken_again_nothing_changes(actor: Actor, second: Actor) -> None:
    rows = (Proposal("fruit", "苹果汁", "苹果"), Proposal("price", "BOX", "盒"))
    assert kinds(actor, *rows) == ["new", "new"]
    assert taking.take(actor, proposals=rows) == {"待审核": 1, "生效": 1}
    assert kinds(actor, *rows) == ["same", "same"]
    assert taking.take(actor, proposals=rows) == {"待审核": 0, "生效": 0}
    assert ValueMapping.objects.count() == 2
    assert translate(actor.institution, "price", ["BOX"]) == {"BOX": None}


def test_another_target_replaces(actor: Actor) -> None:
    taking.take(actor, proposals=[Proposal("fruit", "苹果汁", "A1", begins=TODAY - timedelta(days=9))])
    again = Proposal("fruit", "苹果汁", "B2")
    assert [(item.kind, item.before) for item in taking.judge(actor, [again])] == [("changed", "A1")]
    taking.take(actor, proposals=[again])
    assert translate(actor.institution, "fruit", ["苹果汁"]) == {"苹果汁": "B2"}
    taking.take(actor, proposals=[Proposal("price", "BOX", "盒")])
    taking.take(actor, proposals=[Proposal("price", "BOX", "支")])
    assert ValueMapping.objects.get(set_code="price").target == "支"


def test_what_does_not_fit_is_said_at_its_column(actor: Actor, second: Actor) -> None:
    rows = (
        Proposal("fruit", "x", "西瓜"),
        Proposal("nothing", "x", "A1"),
        Proposal("fruit", "x", "A1", begins=TODAY, until=TODAY),
    )
    found = taking.judge(actor, rows)
    assert [(item.kind, item.field) for item in found] == [
        ("error", "target"), ("error", "set_code"), ("error", "last_day"),
    ]  # fmt: skip
    assert "没有修改" in taking.judge(second, [Proposal("fruit", "x", "A1")])[0].fault
    with pytest.raises(ValueRefused):
        taking.take(actor, proposals=rows)
    assert not ValueMapping.objects.exists()


def test_the_list_of_missing_values_filled_in_comes_back_as_mappings(actor: Actor, clerk: Person) -> None:
    from portal.sheets.checking import read_rows
    from portal.sheets.reading import read

    note_missing(actor.institution, "fruit", "芒果")
    client = Client()
    client.force_login(clerk)
    answer = client.post(reverse("values:missing"), {"export": "1"})
    book = load_workbook(io.BytesIO(answer.content))
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    sheet.cell(2, header.index("平台值") + 1, "香蕉")
    file = io.BytesIO()
    book.save(file)
    importer = find("values.mapping")
    assert importer is not None
    rows = [line.row for line in read_rows(read(file.getvalue(), "待对照.xlsx"), importer).lines]
    assert [row.problems for row in rows] == [[]]
    assert [result.kind for result in importer.check(actor, rows)] == ["new"]
    assert importer.apply(actor, rows) == {"待审核": 0, "生效": 1}
    assert translate(actor.institution, "fruit", ["芒果"]) == {"芒果": "C3"}


def test_the_exported_mappings_come_back_unchanged(actor: Actor, clerk: Person) -> None:
    taking.take(
        actor, proposals=[Proposal("fruit", f"果{n}", "A1", until=TODAY + timedelta(days=n)) for n in range(1, 9)]
    )
    client = Client()
    client.force_login(clerk)
    answer = client.post(f"{reverse('values:mappings')}?tab=in_force", {"export": "1"})
    from portal.sheets.checking import read_rows
    from portal.sheets.reading import read

    importer = find("values.mapping")
    assert importer is not None
    rows: list[Row] = [line.row for line in read_rows(read(answer.content, "值对照.xlsx"), importer).lines]
    assert [result.kind for result in importer.check(actor, rows)] == ["same"] * 8


def test_seventy_thousand_would_be_quick(actor: Actor) -> None:
    """A portion of the wizard (2,000 rows) costs a few statements; the constraint is checked by the database."""
    rows = [Proposal("price", f"D{n:05}", "盒") for n in range(2_000)]
    taking.take(actor, proposals=rows)
    assert ValueMapping.objects.filter(state=MappingState.WAITING).count() == 2_000
    assert kinds(actor, *rows) == ["same"] * 2_000
