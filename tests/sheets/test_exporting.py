"""Lists as files: at once, by a task, sealed, masked, in clear under a grant, gone after a week."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from portal.audit.grants import Uncovering, UncoveringUse
from portal.audit.models import AuditEvent
from portal.lists.columns import CodeColumn, NameColumn, TimeColumn
from portal.lists.exporting import open_list
from portal.lists.filters import ListFilter, SearchFilter
from portal.lists.tables import ListTable
from portal.lists.views import ListPage
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from portal.privacy.keys import Undecipherable
from portal.sheets import export_tasks, exporting, vault
from portal.sheets.errors import SheetError
from portal.sheets.exports import SheetExport
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.tasks.services import cancel, repeat
from tests.people.factories import make_person

pytestmark = pytest.mark.django_db(transaction=True)
PATH = f"{__name__}.Ledger"


class LedgerTable(ListTable):
    """Audit lines, with the actor's name as a person's name."""

    id = CodeColumn(verbose_name="编号")
    label = CodeColumn(verbose_name="内容")
    actor_name = NameColumn(verbose_name="患者姓名")
    at = TimeColumn(verbose_name="时间")


class LedgerFilter(ListFilter):
    """By text."""

    words = SearchFilter(fields=["label"], label="内容")

    class Meta:
        model = AuditEvent
        fields: list[str] = []


class Ledger(ListPage):
    """A list over rows that the tests make."""

    action: ClassVar[str] = "sheets.view"
    export_action: ClassVar[str] = "sheets.export"
    title = "流水"
    table_class, filter_class = LedgerTable, LedgerFilter
    order = ("id",)

    def rows(self) -> Any:
        """Return the institution's lines of the tests."""
        return AuditEvent.objects.visible_to(self.request.user).filter(
            institution=self.request.actor.institution, action="tests.line"
        )


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(exporting, "AT_ONCE", 5)
    return


def fill(actor: Actor, count: int, text: str = "=1+1") -> None:
    lines = [
        AuditEvent(
            institution=actor.institution, actor_name="陈某某", action="tests.line", label=f"{text}{n}",
            person=actor.person,
        )
        for n in range(count)
    ]  # fmt: skip
    AuditEvent.objects.bulk_create(lines)


def page_of(actor: Actor, query: str = "") -> ListPage:
    return open_list(PATH, actor, query)


def asked(actor: Actor, query: str = "", **more: Any) -> SheetExport:
    page = page_of(actor, query)
    options = {"form": "xlsx", "clear": False, "expected": page.out_count(), **more}
    return exporting.ask(actor, page=page, **options)


def run(export: SheetExport) -> SheetExport:
    assert export.task is not None
    run_task(export.task.pk)
    return SheetExport.objects.select_related("task").get(pk=export.pk)


def content(export: SheetExport) -> bytes:
    return b"".join(vault.pieces(export.stored_as))


def sheets_of(data: bytes) -> dict[str, list[list[Any]]]:
    book = load_workbook(io.BytesIO(data))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets}


def grant(actor: Actor, second: Person, **more: Any) -> Uncovering:
    said = {
        "purpose": "inspection", "scope": PATH, "reason": "局方检查", "approval": 1,
        "until": timezone.now() + timedelta(days=1), **more,
    }  # fmt: skip
    made: Uncovering = Uncovering.objects.create(
        institution=actor.institution, person=actor.person, granted_by=second, **said
    )
    return made


def test_few_rows_are_written_at_once(actor: Actor) -> None:
    fill(actor, 3)
    page = page_of(actor, "words=1")
    found = sheets_of(exporting.write_now(actor, page=page, form="xlsx", grant=None, expected=3))
    assert found["流水"][0] == ["编号", "内容", "患者姓名", "时间"]
    assert [row[1] for row in found["流水"][1:]] == ["=1+10", "=1+11", "=1+12"]
    assert {row[2] for row in found["流水"][1:]} == {"陈*"}
    notes = dict(map(tuple, found["说明"][1:]))
    assert (notes["条件"], notes["行数"], notes["导出人"], notes["个人信息"]) == (
        "内容：1", "3", actor.name, "已脱敏",
    )  # fmt: skip
    event = AuditEvent.objects.get(action="sheets.export")
    assert (event.detail["rows"], event.detail["conditions"], event.detail["clear"]) == (3, ["内容：1"], False)


def test_what_was_searched_is_masked_in_the_audit(actor: Actor) -> None:
    fill(actor, 1, "陈某某")
    page = page_of(actor, "words=陈某某")
    exporting.write_now(actor, page=page, form="xlsx", grant=None, expected=1)
    event = AuditEvent.objects.get(action="sheets.export")
    assert "陈某某" not in str(event.detail) + event.label


def test_a_csv_executes_nothing(actor: Actor) -> None:
    fill(actor, 1)
    data = exporting.write_now(actor, page=page_of(actor), form="csv", grant=None, expected=1)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[1][1:3] == ["'=1+10", "陈*"]
    with pytest.raises(SheetError, match="格式"):
        exporting.write_now(actor, page=page_of(actor), form="pdf", grant=None, expected=1)


def test_many_rows_are_written_by_a_task(actor: Actor) -> None:
    fill(actor, 7)
    export = run(asked(actor, "words=1"))
    assert export.task is not None
    assert (export.task.state, export.rows, export.word) == (TaskState.DONE, 7, "可下载")
    assert len(sheets_of(content(export))["流水"]) == 8
    assert export.task.params == {"export": export.pk}
    assert export.drops_at is not None
    assert timezone.now() + timedelta(days=6) < export.drops_at


def test_the_file_rests_sealed_and_changes_are_noticed(actor: Actor, settings: Any) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    path = Path(settings.FILES_DIR) / "exports" / export.stored_as
    sealed = path.read_bytes()
    assert b"PK\x03\x04" not in sealed
    for changed in (sealed[:-20], sealed + b"x", sealed[:200] + bytes([sealed[200] ^ 1]) + sealed[201:]):
        path.write_bytes(changed)
        with pytest.raises(Undecipherable):
            content(export)


def test_frames_cannot_change_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "FRAME_BYTES", 8)
    one, other = vault.keep(io.BytesIO(b"0123456789abcdefXYZ")), vault.keep(io.BytesIO(b""))
    assert b"".join(vault.pieces(one)) == b"0123456789abcdefXYZ"
    assert b"".join(vault.pieces(other)) == b""
    folder = vault._folder()
    data = (folder / one).read_bytes()
    size = 4 + int.from_bytes(data[:4], "big")
    for wrong in (data[size : 2 * size] + data[:size] + data[2 * size :], data[size:], data[: 2 * size]):
        (folder / one).write_bytes(wrong)
        with pytest.raises(Undecipherable):
            list(vault.pieces(one))
    (folder / other).write_bytes(data)
    with pytest.raises(Undecipherable):
        list(vault.pieces(other))


def test_pressing_twice_gives_one_task(actor: Actor) -> None:
    fill(actor, 7)
    assert asked(actor).pk == asked(actor).pk
    assert asked(actor).pk != asked(actor, "words=1").pk
    assert Task.objects.filter(kind="sheets.export").count() == 2
    first = run(asked(actor))
    assert asked(actor).pk != first.pk


def test_cancel_leaves_no_file(actor: Actor) -> None:
    fill(actor, 7)
    export = asked(actor)
    assert export.task is not None
    cancel(actor, task=export.task)
    assert run(export).word == "未完成"
    assert vault.names() == []


def test_rights_are_asked_again_when_the_task_runs(actor: Actor, clerk: Person) -> None:
    fill(actor, 7)
    export = asked(actor)
    clerk.memberships.update(role="cashier")
    clerk.forget()
    export = run(export)
    assert export.task is not None
    assert export.task.state == TaskState.FAILED
    assert "权限" in export.task.message
    assert vault.names() == []


def test_nobody_else_runs_it_again(actor: Actor, hospital: Institution) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    other = Actor.of(make_person("insurance_office", hospital), hospital)
    assert export.task is not None
    again = repeat(other, task=export.task)
    run_task(again.pk)
    again.refresh_from_db()
    assert again.state == TaskState.FAILED
    assert "发起人" in again.message


def test_running_it_again_replaces_the_file(actor: Actor) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    assert export.task is not None
    run_task(repeat(actor, task=export.task).pk)
    again = SheetExport.objects.get(pk=export.pk)
    assert again.stored_as != export.stored_as
    assert vault.names() == [again.stored_as]


def test_files_go_after_a_week_and_strays_too(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    stray = vault.keep(io.BytesIO(b"left by a crash"))
    export_tasks.drop_old()
    assert sorted(vault.names()) == sorted([export.stored_as, stray])
    SheetExport.objects.update(drops_at=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(export_tasks, "STRAY_SECONDS", -1.0)
    export_tasks.drop_old()
    assert vault.names() == []
    export.refresh_from_db()
    assert export.word == "已清理"


def test_clear_values_leave_only_under_a_grant(actor: Actor, hospital: Institution) -> None:
    fill(actor, 7)
    export = run(asked(actor, clear=True))
    assert export.task is not None
    assert "授权已结束" in export.task.message
    given = grant(actor, make_person("reviewer", hospital))
    export = run(asked(actor, clear=True))
    found = sheets_of(content(export))
    mark = found["流水"][0][0]
    assert actor.name in mark
    assert "检查取证" in mark
    assert f"{given.pk} 号" in mark
    assert {row[2] for row in found["流水"][2:]} == {"陈某某"}
    assert dict(map(tuple, found["说明"][1:]))["个人信息"] == mark
    assert [(use.what, use.rows) for use in UncoveringUse.objects.all()] == [("导出流水", 7)]
    event = AuditEvent.objects.filter(action="sheets.export").latest("id")
    assert event.detail["clear"] is True
    assert "陈某某" not in str(event.detail)


@pytest.mark.parametrize(
    ("typed", "said"), [("陈某某", "陈*"), ("441700199001011234", "4417**********1234"), ("13800000000", "*********00")]
)
def test_what_was_searched_is_masked_in_the_file_and_among_the_own_exports(
    actor: Actor, clerk: Person, hospital: Institution, typed: str, said: str
) -> None:
    fill(actor, 7, typed)
    export = run(asked(actor, f"words={typed}"))
    assert dict(map(tuple, sheets_of(content(export))["说明"][1:]))["条件"] == f"内容：{said}"
    assert typed not in entered(clerk).get(reverse("sheets:exports")).content.decode()
    paper = page_of(actor, f"words={typed}")
    assert (paper.paper_words, paper.query_words) == ([f"内容：{said}"], [f"内容：{typed}"])
    given = grant(actor, make_person("reviewer", hospital))
    export = run(asked(actor, f"words={typed}", clear=True))
    assert dict(map(tuple, sheets_of(content(export))["说明"][1:]))["条件"] == f"内容：{typed}"
    assert given.open


def test_a_clear_file_is_not_fetched_after_its_grant(actor: Actor, clerk: Person, hospital: Institution) -> None:
    fill(actor, 7)
    given = grant(actor, make_person("reviewer", hospital))
    export = run(asked(actor, clear=True))
    url = reverse("sheets:export_file", args=[export.pk])
    assert entered(clerk).get(url).status_code == 200
    Uncovering.objects.filter(pk=given.pk).update(ended_at=timezone.now())
    answer = entered(clerk).get(url, follow=True)
    assert answer.redirect_chain
    assert "授权已结束" in answer.content.decode()
    export.refresh_from_db()
    assert export.downloads == 1


def test_a_file_is_not_fetched_without_the_right_that_made_it(actor: Actor, clerk: Person) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    clerk.memberships.update(role="cashier")
    answer = entered(clerk).get(reverse("sheets:export_file", args=[export.pk]), follow=True)
    assert "没有导出这个列表的权限" in answer.content.decode()


def test_a_grant_for_another_list_or_query_is_none(actor: Actor, hospital: Institution) -> None:
    second = make_person("reviewer", hospital)
    grant(actor, second, query="words=2")
    grant(actor, second, scope="tests.other.List", approval=2)
    assert exporting.grant_for(actor, page_of(actor, "words=1")) is None
    assert exporting.grant_for(actor, page_of(actor, "words=2")) is not None


def test_too_many_rows_are_refused(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", 6)
    fill(actor, 7)
    with pytest.raises(SheetError, match="一次最多导出 6 行"):
        asked(actor)


def test_without_the_right_nothing_is_written(actor: Actor, hospital: Institution) -> None:
    looker = Actor.of(make_person("manager", hospital), hospital)
    with pytest.raises(NotAllowed):
        exporting.write_now(looker, page=page_of(looker), form="xlsx", grant=None, expected=0)
    with pytest.raises(NotAllowed):
        asked(looker)


def entered(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_pages_are_the_owners_alone(
    actor: Actor, clerk: Person, hospital: Institution, other_hospital: Institution
) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    others = [make_person("insurance_office", hospital), make_person("insurance_office", other_hospital)]
    for name in ("export", "export_file"):
        url = reverse(f"sheets:{name}", args=[export.pk])
        assert entered(clerk).get(url).status_code == 200
        assert [entered(other).get(url).status_code for other in others] == [404, 404]
        assert Client().get(url).status_code == 302
    listed = reverse("sheets:exports")
    assert "流水" in entered(clerk).get(listed).content.decode()
    assert all("流水" not in entered(other).get(listed).content.decode() for other in others)


def test_the_download_is_audited_and_whole(actor: Actor, clerk: Person) -> None:
    fill(actor, 7)
    export = run(asked(actor))
    answer = entered(clerk).get(reverse("sheets:export_file", args=[export.pk]))
    data = b"".join(answer.streaming_content)  # type: ignore[arg-type]
    assert len(data) == int(answer["Content-Length"]) == export.size
    assert len(sheets_of(data)["流水"]) == 8
    assert AuditEvent.objects.filter(action="sheets.download").count() == 1
    vault.drop(export.stored_as)
    gone = entered(clerk).get(reverse("sheets:export_file", args=[export.pk]), follow=True)
    assert "请重新导出" in gone.content.decode()
