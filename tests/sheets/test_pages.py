"""Pages of the wizard: who may, what they show, what a second press does."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from portal.audit.models import AuditEvent
from portal.people.models import Institution, Person
from portal.privacy.keys import Undecipherable
from portal.sheets import book, store
from portal.sheets.choices import ImportState
from portal.sheets.models import SheetImport
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.people.factories import make_person
from tests.sheets.files import HEADER, ROW, csv, xlsx
from tests.sheets.test_wizard import work
from tests.sheets.ward import WardImport

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "/sheets/tests.ward/new/"


@pytest.fixture
def desk(client: Client, clerk: Person) -> Client:
    client.force_login(clerk)
    return client


def send(client: Client, data: bytes, name: str = "病区.xlsx") -> Any:
    return client.post(NEW, {"file": SimpleUploadedFile(name, data)})


def sent(client: Client, *rows: Any) -> SheetImport:
    answer = send(client, xlsx(*rows))
    assert answer.status_code == 302, answer.content.decode()
    made: SheetImport = SheetImport.objects.order_by("-pk")[0]
    assert answer["Location"] == reverse("sheets:detail", args=[made.pk])
    return made


def body(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_upload_page_explains_the_columns(desk: Client) -> None:
    page = body(desk, NEW)
    for column in WardImport.columns:
        assert column.label in page
    assert "1 男" in page
    assert reverse("sheets:template", args=["tests.ward"]) in page


def test_the_whole_way_through_the_pages(desk: Client) -> None:
    made = sent(desk, HEADER, ROW, ("0102", "", 1))
    page = body(desk, made.get_absolute_url())
    assert f'hx-get="{reverse("sheets:live", args=[made.pk])}"' in page
    work(made)
    page = body(desk, reverse("sheets:live", args=[made.pk]))
    assert "hx-get" not in page
    assert "只导入正确行：导入 1 条" in page
    assert "必填，不能为空" in page
    errors = desk.get(reverse("sheets:errors", args=[made.pk]))
    assert errors["Content-Disposition"].endswith("%E9%94%99%E8%AF%AF%E8%A1%8C.xlsx")
    assert errors.content.startswith(b"PK")
    for _ in range(2):
        answer = desk.post(reverse("sheets:confirm", args=[made.pk]), {"mode": "good"})
        assert answer.status_code == 302
    work(made)
    assert WardImport.applied == [1]
    page = body(desk, made.get_absolute_url())
    assert "新增 1 条" in page
    assert f"/wards/?import={made.pk}" in page
    assert made.file_name in body(desk, "/sheets/?tab=applied")


@pytest.mark.parametrize("show", ["error", "warning", "new", "changed", "same", "ignored", "nonsense"])
def test_each_part_of_the_result(desk: Client, show: str) -> None:
    WardImport.records["0102"] = {"ward_code": "0102", "ward_name": "旧名"}
    made = work(sent(desk, ("标题",), (*HEADER, "级别"), (*ROW, "特级"), ("0102", "新名"), ("0103", "")))
    page = body(desk, f"{made.get_absolute_url()}?show={show}&page=99")
    words = {
        "error": "必填",
        "warning": "特级",
        "new": "产科一区",
        "changed": "旧名",
        "same": "没有这一类",
        "ignored": "标题",
    }
    assert words.get(show, "必填") in page


def test_rows_with_personal_data_go_back_to_whom_they_came_from(
    desk: Client, clerk: Person, hospital: Institution
) -> None:
    """The file of rows in error is unmasked: a colleague may see the import, not fetch that file."""
    made = work(sent(desk, HEADER, ("0102", ""), ("注：请致电 13800000000 核对",)))
    address, other = reverse("sheets:errors", args=[made.pk]), Client()
    other.force_login(make_person("insurance_office", hospital))
    refused = other.get(address, follow=True)
    assert refused.redirect_chain
    assert f"只有上传人{clerk.name}" in refused.content.decode()
    assert not AuditEvent.objects.filter(action="sheets.download").exists()
    assert desk.get(address).content.startswith(b"PK")
    assert AuditEvent.objects.get(action="sheets.download").detail["clear"] is True
    assert "13800000000" not in body(desk, f"{made.get_absolute_url()}?show=ignored")
    Person.objects.filter(pk=clerk.pk).update(is_active=False)
    assert other.get(address).content.startswith(b"PK")


def test_many_error_rows_are_written_by_a_task(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.sheets.error_file.AT_ONCE", 1)
    made = work(sent(desk, HEADER, ROW, ("0102", ""), ("0103", "")))
    address = reverse("sheets:errors", args=[made.pk])
    places = {desk.get(address)["Location"] for _ in range(2)}
    task = Task.objects.get(kind="sheets.errors")
    assert places == {reverse("tasks:detail", args=[task.pk])}
    run_task(task.pk)
    task.refresh_from_db()
    assert (task.result, task.result_file) == ({"错误行": 2}, address)
    made.refresh_from_db()
    assert (Path(settings.FILES_DIR) / "sheets" / made.error_file).read_bytes().startswith(b"frames:")
    assert desk.get(address).content.startswith(b"PK")


def test_a_refused_file_says_why_on_the_same_page(desk: Client) -> None:
    answer = send(desk, b"x", "病区.docx")
    assert answer.status_code == 400
    assert "只能导入 .xlsx、.xls、.csv 文件" in answer.content.decode()
    assert "没有选择文件" in desk.post(NEW).content.decode()


def test_a_file_over_the_limit_is_not_kept(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.sheets.uploads.MAX_BYTES", 70_000)
    answer = send(desk, b"x" * 200_000)
    assert answer.status_code == 400
    assert f"最多 {book.MAX_BYTES // 1048576} MB" in answer.content.decode()


def test_the_form_is_guarded_against_forgery(clerk: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(clerk)
    assert send(client, xlsx(HEADER, ROW)).status_code == 403
    assert not SheetImport.objects.exists()


def test_abandoning_from_the_page(desk: Client) -> None:
    made = work(sent(desk, HEADER, ROW))
    desk.post(reverse("sheets:abandon", args=[made.pk]))
    made.refresh_from_db()
    assert made.state == ImportState.ABANDONED
    assert "文件已放弃" in body(desk, made.get_absolute_url())


def test_without_a_mode_nothing_is_taken(desk: Client) -> None:
    made = work(sent(desk, HEADER, ROW))
    answer = desk.post(reverse("sheets:confirm", args=[made.pk]), follow=True)
    assert "没有选择导入方式" in answer.content.decode()


def test_three_persons(desk: Client, hospital: Institution, other_hospital: Institution) -> None:
    made = work(sent(desk, HEADER, ROW))
    addresses = [
        ("get", made.get_absolute_url()),
        ("get", reverse("sheets:live", args=[made.pk])),
        ("get", reverse("sheets:errors", args=[made.pk])),
        ("post", reverse("sheets:confirm", args=[made.pk])),
        ("post", reverse("sheets:abandon", args=[made.pk])),
    ]
    elsewhere, without, stranger = Client(), Client(), Client()
    elsewhere.force_login(make_person("insurance_office", other_hospital))
    without.force_login(make_person("manager", hospital))
    for method, address in addresses:
        assert getattr(elsewhere, method)(address).status_code == 404
        assert getattr(without, method)(address).status_code == 403
        assert getattr(stranger, method)(address).status_code == 302
    for address in (NEW, reverse("sheets:template", args=["tests.ward"])):
        assert without.get(address).status_code == 403
        assert stranger.get(address).status_code == 302
        assert desk.get(address).status_code == 200
    assert "病区.xlsx" not in body(elsewhere, "/sheets/?tab=all")
    assert desk.get("/sheets/no.such/new/").status_code == 404
    made.refresh_from_db()
    assert made.state == ImportState.READY


def test_the_page_costs_few_queries(desk: Client, django_assert_max_num_queries: Any) -> None:
    made = work(sent(desk, HEADER, *((f"{number:04}", "") for number in range(300)), ROW))
    with django_assert_max_num_queries(16):
        desk.get(made.get_absolute_url())


def named(client: Client, name: str) -> Any:
    """Send a file under a name that Django's own test client would cut."""
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return client.post(NEW, head + xlsx(HEADER, ROW) + b"\r\n--b--\r\n", content_type="multipart/form-data; boundary=b")


def test_a_file_name_that_is_too_long_is_cut_or_refused_in_words(desk: Client) -> None:
    answer = named(desk, f"{'很长的名字' * 80}.xlsx")
    assert answer.status_code == 400
    assert "文件名太长" in answer.content.decode()
    assert stored() == []
    assert named(desk, f"{'a' * 300}.xlsx").status_code == 302
    assert SheetImport.objects.get().file_name.endswith("a.xlsx")


def stored() -> list[str]:
    folder = Path(settings.FILES_DIR) / "sheets"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_an_upload_goes_sealed_to_the_store_and_nothing_unused_stays(desk: Client, hospital: Institution) -> None:
    data = csv(HEADER, *((f"{number:06}", "病区" * 5) for number in range(60_000)))
    assert len(data) > 2 * 1024 * 1024
    assert send(desk, data, "病区.csv").status_code == 302
    made = SheetImport.objects.get()
    assert stored() == [made.stored_as]
    assert store.fetch(made.stored_as) == data
    assert (made.size, made.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert send(desk, data, "又一次.csv")["Location"] == made.get_absolute_url()
    send(desk, b"x", "病区.docx")
    without = Client()
    without.force_login(make_person("manager", hospital))
    assert send(without, data).status_code == 403
    assert send(Client(), data).status_code == 302
    assert stored() == [made.stored_as]
    sealed = (Path(settings.FILES_DIR) / "sheets" / made.stored_as).read_bytes()
    assert b"000123" not in sealed
    with pytest.raises(Undecipherable):
        swapped(made.stored_as, sealed)


def swapped(name: str, sealed: bytes) -> bytes:
    """Read a kept file of which the first frame was taken out."""
    first = len(store.FRAMES)
    length = store.LENGTH.unpack(sealed[first : first + store.LENGTH.size])[0]
    path = Path(settings.FILES_DIR) / "sheets" / name
    path.write_bytes(sealed[:first] + sealed[first + store.LENGTH.size + length :])
    return store.fetch(name)


def test_an_upload_that_was_cut_off_is_cleared_away() -> None:
    writer = store.Writer()
    writer.write(b"x")
    assert store.drop_left_over() == 0
    os.utime(writer.part, (0, 0))
    assert store.drop_left_over() == 1


def test_the_example_of_the_template_is_not_imported(desk: Client) -> None:
    file = io.BytesIO(desk.get(reverse("sheets:template", args=["tests.ward"])).content)
    sheet = load_workbook(file).active
    assert (sheet["A2"].value, sheet["A2"].number_format) == ("0101", "@")
    assert [one.sqref for one in sheet.data_validations.dataValidation]


def test_lines_taken_lead_to_their_records(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WardImport, "row_url", lambda self, texts: f"/wards/{texts['ward_code']}/")
    made = work(sent(desk, HEADER, ROW))
    assert "/wards/0101/" not in body(desk, f"{made.get_absolute_url()}?show=new")
    desk.post(reverse("sheets:confirm", args=[made.pk]), {"mode": "all"})
    work(made)
    assert 'href="/wards/0101/"' in body(desk, f"{made.get_absolute_url()}?show=new")
