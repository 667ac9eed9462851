"""Rows whose values nobody has mapped: noted, kept back, and taken by themselves once 值对照 knows the value."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook

from portal.people.actor import Actor
from portal.sheets import queries, services, waiting
from portal.sheets.choices import ImportState, Mode, RowKind
from portal.sheets.columns import Column
from portal.sheets.error_file import write_errors
from portal.sheets.errors import SheetError
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.values import registry
from portal.values import services as values
from portal.values.models import MissingValue, Waiting
from portal.values.registry import ValueSet, register_set
from tests.people.factories import make_person
from tests.sheets.files import xlsx
from tests.sheets.test_wizard import upload, work
from tests.sheets.ward import GENDERS, WardImport

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = ("病区编码", "病区名称", "收治性别")
ROWS = (("0101", "甲", "男"), ("0102", "乙", "只收男"), ("0103", "丙", "只收男"), ("0104", "", "只收女"))


@pytest.fixture(autouse=True)
def mapped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the wards' sexes be a set of 值对照, for the time of a test."""
    columns = [
        Column("gender", "收治性别", kind="code", code=GENDERS, dictionary_code="tests.sex")
        if one.name == "gender"
        else one
        for one in WardImport.columns
    ]
    monkeypatch.setattr(WardImport, "columns", tuple(columns))
    register_set(ValueSet("tests.sex", "性别", target=lambda institution: GENDERS, edit="directory.import"))
    yield
    registry._sets.pop("tests.sex", None)


def map_value(actor: Actor, source: str, code: str) -> None:
    """Say in 值对照 what a value means, and let go what waited for it, as its task would."""
    values.submit(actor, mappings=[values.propose(actor, set_code="tests.sex", source=source, target=code)])
    for task in Task.objects.filter(kind="values.release", ended_at=None):
        run_task(task.pk)


def test_rows_wait_and_their_values_are_listed(actor: Actor) -> None:
    made = work(upload(actor, xlsx(HEADER, *ROWS)))
    assert (made.new_rows, made.waiting_rows, made.error_rows) == (1, 2, 1)
    assert [one.reason for one in queries.problems(made, "waiting", 0, 9)] == ["「只收男」没有值对照"] * 2 + [
        "「只收女」没有值对照"
    ]
    assert sorted(MissingValue.objects.values_list("source", flat=True)) == ["只收女", "只收男"]
    references = sorted(Waiting.objects.values_list("reference", flat=True))
    assert references == [f"{made.pk}:3", f"{made.pk}:4"]
    assert waiting.url_of(references[0]) == f"{made.get_absolute_url()}?show=waiting"
    assert waiting.name_of(references[0]) == f"「{made.file_name}」第 3 行"
    with pytest.raises(SheetError, match="1 行错误"):
        services.confirm(actor, sheet_import=made, mode=Mode.ALL)


def test_all_or_nothing_waits_for_the_values(actor: Actor) -> None:
    made = work(upload(actor, xlsx(HEADER, *ROWS[:3])))
    with pytest.raises(SheetError, match="2 行的值还没有对照，不能全部导入"):
        services.confirm(actor, sheet_import=made, mode=Mode.ALL)


def test_a_file_not_yet_confirmed_is_checked_again(actor: Actor) -> None:
    made = work(upload(actor, xlsx(HEADER, *ROWS[:3])))
    map_value(actor, "只收男", "1")
    made = work(made)
    assert (made.state, made.new_rows, made.waiting_rows) == (ImportState.READY, 3, 0)


def test_rows_go_by_themselves_after_the_good_ones_were_taken(actor: Actor) -> None:
    made = work(upload(actor, xlsx(HEADER, *ROWS)))
    services.confirm(actor, sheet_import=made, mode=Mode.GOOD)
    made = work(made)
    assert (made.state, sorted(WardImport.records), made.waiting_rows) == (ImportState.APPLIED, ["0101"], 2)
    map_value(actor, "只收男", "1")
    task = Task.objects.get(kind="sheets.waiting")
    assert task.requested_by == actor.person
    for _ in range(2):
        run_task(task.pk)
        Task.objects.filter(pk=task.pk).update(state="queued", ended_at=None)
    made.refresh_from_db()
    assert sorted(WardImport.records) == ["0101", "0102", "0103"]
    assert WardImport.records["0102"]["gender"] == "1"
    assert (made.waiting_rows, made.new_rows, made.result) == (0, 3, {"新增": 3})
    assert WardImport.applied == [1, 2]
    assert not queries.lines(made, RowKind.WAITING, 0, 9)


def test_a_value_mapped_before_is_used_at_once(actor: Actor) -> None:
    map_value(actor, "只收男", "1")
    made = work(upload(actor, xlsx(HEADER, *ROWS[:3])))
    assert (made.new_rows, made.waiting_rows) == (3, 0)
    services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    work(made)
    assert WardImport.records["0103"]["gender"] == "1"


def test_giving_a_file_up_ends_the_waiting(actor: Actor) -> None:
    made = work(upload(actor, xlsx(HEADER, *ROWS[:3])))
    services.abandon(actor, sheet_import=made)
    assert not Waiting.objects.filter(released_at=None).exists()


def test_waiting_rows_are_not_in_the_file_of_errors(actor: Actor) -> None:
    made = work(upload(actor, xlsx(("某某医院",), HEADER, *ROWS)))
    file = io.BytesIO()
    assert write_errors(made, file) == 1
    rows: list[Any] = list(load_workbook(file).active.values)
    assert rows[0][0] == "某某医院"
    assert rows[1][:3] == HEADER
    assert rows[2][0] == "0104"
    whole = io.BytesIO()
    assert write_errors(made, whole, every=True) == 4


def test_another_hospitals_values_do_not_count(actor: Actor, other_hospital: Any) -> None:
    elsewhere = Actor.of(make_person("insurance_office", other_hospital), other_hospital)
    map_value(elsewhere, "只收男", "1")
    assert work(upload(actor, xlsx(HEADER, *ROWS[:3]))).waiting_rows == 2
