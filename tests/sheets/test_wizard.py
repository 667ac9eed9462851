"""From upload to result: services and background work on a real database."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution
from portal.sheets import chunks, queries, services, store
from portal.sheets.choices import ImportState, Mode, RowKind
from portal.sheets.error_file import write_errors
from portal.sheets.errors import SheetError
from portal.sheets.importer import RowResult
from portal.sheets.models import SheetChunk, SheetImport
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.tasks.services import cancel
from tests.people.factories import make_actor, make_institution
from tests.sheets.files import HEADER, ROW, csv, xlsx
from tests.sheets.ward import WardImport

pytestmark = pytest.mark.django_db(transaction=True)
THREE = (HEADER, ROW, ("0102", "产科二区", 38), ("0103", "", 1))


def upload(actor: Actor, data: bytes, name: str = "病区.xlsx") -> SheetImport:
    return services.upload(actor, importer=WardImport(), file_name=name, data=data)


def work(made: SheetImport) -> SheetImport:
    """Run the import's task as a worker would."""
    made.refresh_from_db()
    assert made.task is not None
    run_task(made.task.pk)
    made.refresh_from_db()
    return made


def checked(actor: Actor, *rows: Any) -> SheetImport:
    return work(upload(actor, xlsx(*rows)))


def confirmed(actor: Actor, made: SheetImport, mode: Mode = Mode.ALL) -> SheetImport:
    assert services.confirm(actor, sheet_import=made, mode=mode)
    return work(made)


def counts(made: SheetImport) -> tuple[int, int, int, int]:
    return made.new_rows, made.changed_rows, made.same_rows, made.error_rows


def test_from_upload_to_result(actor: Actor) -> None:
    made = upload(actor, xlsx(HEADER, ROW, ("0102", "产科二区", 38)))
    assert made.task is not None
    assert made.task.label == f"校验病区文件 {made.pk} 号"
    assert made.state == ImportState.CHECKING
    work(made)
    assert (made.state, counts(made)) == (ImportState.READY, (2, 0, 0, 0))
    assert WardImport.records == {}
    confirmed(actor, made)
    assert (made.state, made.result) == (ImportState.APPLIED, {"新增": 2})
    assert sorted(WardImport.records) == ["0101", "0102"]
    assert made.task is not None
    assert made.task.result_url == made.get_absolute_url()
    actions = list(
        AuditEvent.objects.filter(action__startswith="sheets.").order_by("pk").values_list("action", flat=True)
    )
    assert actions == ["sheets.upload", "sheets.confirm"]


def test_a_second_confirmation_takes_nothing_twice(actor: Actor) -> None:
    made = checked(actor, HEADER, ROW)
    assert services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    assert not services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    work(made)
    assert not services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    assert Task.objects.filter(kind="sheets.apply").count() == 1
    assert WardImport.applied == [1]


def test_running_the_apply_task_again_takes_nothing_twice(actor: Actor) -> None:
    made = confirmed(actor, checked(actor, HEADER, ROW))
    Task.objects.filter(pk=made.task_id).update(state=TaskState.QUEUED, ended_at=None)
    work(made)
    assert WardImport.applied == [1]


def test_errors_allow_only_the_good_rows(actor: Actor) -> None:
    made = checked(actor, *THREE)
    assert (made.state, counts(made)) == (ImportState.READY, (2, 0, 0, 1))
    with pytest.raises(SheetError, match="有 1 行错误，不能全部导入"):
        services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    confirmed(actor, made, Mode.GOOD)
    assert sorted(WardImport.records) == ["0101", "0102"]


def test_the_repaired_error_file_completes_the_import(actor: Actor) -> None:
    made = confirmed(actor, checked(actor, *THREE), Mode.GOOD)
    file = io.BytesIO()
    assert write_errors(made, file) == 1
    book = load_workbook(file)
    sheet = book.active
    assert [cell.value for cell in sheet[1]] == [*HEADER, "错误原因", "原行号"]
    assert sheet["F2"].value == "病区名称：必填，不能为空"
    assert sheet["G2"].value == 4
    assert sheet["B2"].fill.fgColor.rgb == "00FFD9D9"
    assert sheet["A2"].number_format == "@"
    sheet["B2"].value = "产科三区"
    mended = io.BytesIO()
    book.save(mended)
    again = work(upload(actor, mended.getvalue(), "病区-错误行.xlsx"))
    assert (counts(again), queries.ignored(again)) == ((1, 0, 0, 0), [])
    confirmed(actor, again)
    assert sorted(WardImport.records) == ["0101", "0102", "0103"]


def test_repeating_a_file_is_harmless_and_noticed(actor: Actor) -> None:
    data = xlsx(HEADER, ROW)
    first = confirmed(actor, work(upload(actor, data)))
    second = work(upload(actor, data))
    assert second.pk != first.pk
    assert second.same_as == first
    assert counts(second) == (0, 0, 1, 0)
    with pytest.raises(SheetError, match="不需要导入"):
        services.confirm(actor, sheet_import=second, mode=Mode.ALL)


def test_the_same_file_still_open_is_not_taken_twice(actor: Actor) -> None:
    data = xlsx(HEADER, ROW)
    first = upload(actor, data)
    assert upload(actor, data, "另一个名字.xlsx") == first
    services.abandon(actor, sheet_import=first)
    assert upload(actor, data) != first


def test_changes_are_shown(actor: Actor) -> None:
    WardImport.records["0101"] = {"ward_code": "0101", "ward_name": "产科", "beds": 42}
    made = checked(actor, HEADER[:3], ROW[:3])
    line = queries.lines(made, RowKind.CHANGED, 0, 10)[0]
    assert line.changes == [("病区名称", "产科", "产科一区")]


def test_rows_are_judged_again_when_taken(actor: Actor) -> None:
    made = checked(actor, HEADER, ROW, ("0102", "产科二区", 38))
    WardImport.closed.add("0102")
    confirmed(actor, made)
    assert made.state == ImportState.READY
    assert "第 3 行 病区编码：病区已停用" in made.words
    assert WardImport.records == {}
    confirmed(actor, made)
    assert made.state == ImportState.READY


def test_good_rows_are_taken_although_another_became_wrong(actor: Actor) -> None:
    made = checked(actor, *THREE)
    WardImport.closed.add("0102")
    confirmed(actor, made, Mode.GOOD)
    assert (made.state, counts(made)) == (ImportState.APPLIED, (1, 0, 0, 2))
    assert list(WardImport.records) == ["0101"]


def test_all_or_nothing_over_several_portions(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_LINES", 2)
    made = checked(actor, HEADER, *((f"{number:04}", "病区") for number in range(5)))
    assert made.chunks.count() == 3
    WardImport.fails_at = "0004"
    confirmed(actor, made)
    assert (made.state, made.done_chunks, made.result) == (ImportState.READY, 0, {})
    assert "病区 0004 写入失败" in made.words
    assert "没有导入任何行" in made.words
    assert made.task is not None
    assert made.task.state == TaskState.FAILED


def test_good_rows_go_on_behind_the_last_portion(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_LINES", 2)
    made = checked(actor, HEADER, *((f"{number:04}", "病区") for number in range(5)), ("", "无编码"))
    assert services.confirm(actor, sheet_import=made, mode=Mode.GOOD)
    SheetImport.objects.filter(pk=made.pk).update(done_chunks=1, result={"新增": 2})
    work(made)
    assert sorted(WardImport.records) == ["0002", "0003", "0004"]
    assert made.result["新增"] == 5


def test_a_program_error_gives_the_import_back(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = checked(actor, HEADER, ROW)
    monkeypatch.setattr(WardImport, "apply", lambda *_: 1 / 0)
    confirmed(actor, made)
    assert made.state == ImportState.READY
    assert made.words.startswith(f"程序出错，没有完成（错误编号 {made.task_id}-1）")


def test_a_program_error_while_checking_fails_the_import(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WardImport, "check", lambda *_: 1 / 0)
    made = checked(actor, HEADER, ROW)
    assert made.state == ImportState.FAILED
    assert f"错误编号 {made.task_id}-1" in made.words


def test_an_unreadable_file_fails_in_words(actor: Actor) -> None:
    made = work(upload(actor, b"%PDF", "病区.xlsx"))
    assert made.state == ImportState.FAILED
    assert "PDF" in made.words
    assert made.task is not None
    assert made.task.message == made.words


def test_a_file_of_errors_fails_but_shows_them(actor: Actor) -> None:
    made = checked(actor, HEADER, ("0103", "", 1))
    assert made.state == ImportState.FAILED
    assert queries.problem_counts(made)["errors"] == 1


def test_cancelling_the_queued_task_gives_the_import_back(actor: Actor) -> None:
    made = checked(actor, HEADER, ROW)
    services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    made.refresh_from_db()
    assert made.task is not None
    cancel(actor, task=made.task)
    assert services.settle_stalled() == 1
    made.refresh_from_db()
    assert made.state == ImportState.READY


def test_abandoning_drops_rows_and_file(actor: Actor) -> None:
    made = checked(actor, HEADER, ROW)
    services.abandon(actor, sheet_import=made)
    assert made.state == ImportState.ABANDONED
    assert not made.chunks.exists()
    with pytest.raises(SheetError, match="找不到上传的文件"):
        store.fetch(made.stored_as)
    with pytest.raises(SheetError, match="不能放弃"):
        services.abandon(actor, sheet_import=made)


def test_an_import_abandoned_while_it_is_checked_stays_so(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = upload(actor, xlsx(HEADER, ROW))

    def abandoned_meanwhile(*_: Any) -> list[RowResult]:
        services.abandon(actor, sheet_import=made)
        return [RowResult(RowKind.NEW)]

    monkeypatch.setattr(WardImport, "check", abandoned_meanwhile)
    work(made)
    assert made.state == ImportState.ABANDONED
    assert not made.chunks.exists()


def test_nothing_rests_in_clear(actor: Actor, settings: Any) -> None:
    number = "13900001234"
    made = work(upload(actor, csv(("病区编码", "病区名称", "电话"), ("0101", "产科一区", number)), "病区.csv"))
    files = [path for path in Path(settings.FILES_DIR).rglob("*") if path.is_file()]
    assert len(files) == 1
    assert number.encode() not in files[0].read_bytes()
    assert oct(files[0].stat().st_mode)[-3:] == "600"
    assert number.encode() not in bytes(SheetChunk.objects.get(sheet_import=made).body)
    assert queries.lines(made, RowKind.NEW, 0, 1)[0].texts[2] == "139****1234"


def test_wrong_suffix_keeps_nothing(actor: Actor, settings: Any) -> None:
    with pytest.raises(SheetError, match="只能导入"):
        upload(actor, b"x", "a.docx")
    assert not Path(settings.FILES_DIR).exists()
    assert not SheetImport.objects.exists()


def test_without_the_right_nothing_happens(hospital: Institution) -> None:
    reader = make_actor("manager", hospital)
    with pytest.raises(NotAllowed):
        upload(reader, xlsx(HEADER, ROW))
    made = checked(make_actor("insurance_office", hospital), HEADER, ROW)
    with pytest.raises(NotAllowed):
        services.confirm(reader, sheet_import=made, mode=Mode.ALL)
    with pytest.raises(NotAllowed):
        services.abandon(reader, sheet_import=made)


def test_another_hospitals_imports_are_not_seen(actor: Actor) -> None:
    checked(actor, HEADER, ROW)
    elsewhere = make_actor("insurance_office", make_institution("H99990000002", "另一样例医院"))
    assert queries.imports_of(actor).count() == 1
    assert queries.imports_of(elsewhere).count() == 0


def test_a_page_of_problems_over_portions(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_LINES", 3)
    rows = [(f"{number:04}", "" if number % 2 else "病区", "x") for number in range(10)]
    made = checked(actor, HEADER, *rows)
    assert queries.problem_counts(made)["errors"] == 15
    every = queries.problems(made, "error", 0, 100)
    parts = [one for start in range(0, 15, 4) for one in queries.problems(made, "error", start, 4)]
    assert len(every) == 15
    assert parts == every
