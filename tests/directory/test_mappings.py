"""A 科别 in the hospital's own words waits for 值对照, is mapped, and its row goes by itself afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from insurance.directory.models import Department
from portal.people.actor import Actor
from portal.sheets import services as wizard
from portal.sheets.choices import ImportState, Mode
from portal.sheets.importer import find
from portal.sheets.models import SheetImport
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.values import services
from portal.values.models import MissingValue, Waiting
from portal.values.queries import missing_of
from portal.values.registry import find_set
from tests.directory.spreadsheet import rows, workbook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path / "files"


def run_all() -> None:
    """Run what is queued, as workers would, until nothing is left."""
    while (task := Task.objects.filter(ended_at=None).order_by("pk").first()) is not None:
        run_task(task.pk)
        task.refresh_from_db()
        assert task.ended, task.message


def uploaded(actor: Actor, lines: list[list[Any]]) -> SheetImport:
    importer = find("directory.department")
    assert importer is not None
    made = wizard.upload(actor, importer=importer, file_name="科室.xlsx", data=workbook(lines))
    run_all()
    made.refresh_from_db()
    return made


def in_own_words(*places: int) -> list[list[Any]]:
    found = rows()
    for place in places:
        found[place][2] = "本院妇产病区"
    return found


def map_it(actor: Actor) -> None:
    made = services.propose(actor, set_code="caty", source="本院妇产病区", target="A05.02")
    assert services.submit(actor, mappings=[made]) == {"待审核": 0, "生效": 1}


def test_a_row_goes_by_itself_when_its_words_are_mapped(clerk: Actor) -> None:
    made = uploaded(clerk, in_own_words(3, 5))
    assert (made.state, made.new_rows, made.waiting_rows, made.error_rows) == (ImportState.READY, 30, 2, 0)
    missing = missing_of(clerk).get()
    assert (missing.set_code, missing.source, missing.rows) == ("caty", "本院妇产病区", 2)
    wizard.confirm(clerk, sheet_import=made, mode=Mode.GOOD)
    run_all()
    assert Department.objects.count() == 30
    map_it(clerk)
    run_all()
    assert Department.objects.count() == 32
    assert set(Department.objects.filter(hosp_dept_codg__in=["0004", "0006"]).values_list("caty", flat=True)) == {
        "A05.02"
    }
    made.refresh_from_db()
    assert made.waiting_rows == 0
    assert not Waiting.objects.filter(released_at=None).exists()
    assert MissingValue.objects.get().settled_at is not None


def test_before_it_is_confirmed_the_file_is_judged_anew(clerk: Actor) -> None:
    made = uploaded(clerk, in_own_words(3))
    map_it(clerk)
    run_all()
    made.refresh_from_db()
    assert (made.state, made.new_rows, made.waiting_rows) == (ImportState.READY, 32, 0)
    assert Department.objects.count() == 0


def test_the_next_file_needs_no_mapping(clerk: Actor) -> None:
    map_it(clerk)
    made = uploaded(clerk, in_own_words(3))
    assert (made.new_rows, made.waiting_rows) == (32, 0)


def test_the_targets_are_what_the_platform_knows(clerk: Actor) -> None:
    caty, department = find_set("caty"), find_set("department")
    assert caty is not None
    assert department is not None
    assert caty.targets(clerk.institution)["A05.02"]
    uploaded(clerk, rows())
    assert department.targets(clerk.institution) == {}
    newer = services.propose(clerk, set_code="caty", source="新专业", target="A99.99")
    assert newer.target == "A99.99"
