"""Every page for three people, a constant number of queries, and what the pages do."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from insurance.directory import services
from insurance.directory.models import ComparisonRow, Department, InstitutionInfo, Practitioner
from insurance.directory.showing import delivery_words
from insurance.exchange.choices import SubmissionState
from insurance.exchange.errors import PlatformError
from insurance.exchange.models import Submission
from insurance.exchange.queries import connection_of
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks.models import Task
from tests.directory.conftest import hold, values

pytestmark = pytest.mark.django_db


def fill(actor: Actor, count: int = 3, start: int = 0) -> None:
    """Departments, mirror, staff: something on every page."""
    for number in range(start, start + count):
        code = f"{number:04}"
        services.create_department(actor, values=values(code))
        if number % 2:
            hold(actor.institution, code, aprv_bed_cnt=number)
    rows = [{"prac_psn_code": f"D{n:04}", "prac_psn_name": "演示人", "certno": f"T{n}"} for n in range(start + count)]
    services.replace_practitioners(actor, kind="1", rows=rows, asked_at=timezone.now())
    staff = [
        {"staff_no": f"{n}", "prac_psn_name": "演示员", "prac_psn_type": "1", "prac_psn_code": f"D{n:04}"}
        for n in range(start + count)
    ]
    services.take_staff(actor, rows=staff)
    services.submit_departments(actor, departments=Department.objects.filter(institution=actor.institution))
    InstitutionInfo.objects.update_or_create(
        institution=actor.institution,
        defaults={"fixmedins_code": "H", "fixmedins_name": "平台上的名称", "fetched_at": timezone.now()},
    )


LISTS = ("departments", "compare", "practitioners", "compare_staff")
PLAIN = (*LISTS, "institution", "department_new")
OWN = {
    "department": Department,
    "department_edit": Department,
    "comparison": ComparisonRow,
    "practitioner": Practitioner,
}
POSTS = (
    "department_upload", "department_end", "department_withdraw", "department_discard", "compare_run",
    "practitioners_run", "institution_run", "compare_departments_adopt", "compare_departments_keep",
    "compare_departments_ignore", "compare_staff_adopt", "compare_staff_keep", "compare_staff_ignore",
)  # fmt: skip
EDITING = {"department_new", "department_edit"}


def entered(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize("name", PLAIN)
def test_plain_pages_for_three_people(
    name: str, clerk: Actor, member: Person, outsider: Person, stranger: Person, looker: Person
) -> None:
    fill(clerk)
    url = reverse(f"directory:{name}")
    assert entered(member).get(url).status_code == 200
    other = entered(outsider).get(url)
    assert other.status_code == 200
    content = b"".join(other.streaming_content) if other.streaming else other.content
    assert b"0001" not in content
    assert "平台上的名称".encode() not in content
    assert entered(stranger).get(url).status_code == 403
    looking = 403 if name in EDITING else 200
    assert entered(looker).get(url).status_code == looking
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize("name", sorted(OWN))
def test_own_pages_for_three_people(
    name: str, clerk: Actor, member: Person, outsider: Person, stranger: Person, looker: Person
) -> None:
    fill(clerk)
    url = reverse(f"directory:{name}", args=[OWN[name].objects.order_by("pk")[1].pk])
    assert entered(member).get(url).status_code == 200
    assert entered(outsider).get(url).status_code == 404
    assert entered(stranger).get(url).status_code == 403
    assert entered(looker).get(url).status_code == (403 if name in EDITING else 200)
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize("name", POSTS)
def test_who_may_not_changes_nothing(
    name: str, clerk: Actor, outsider: Person, stranger: Person, looker: Person
) -> None:
    fill(clerk)
    before = (Submission.objects.count(), list(Department.objects.values_list("state", "endtime")))
    row = ComparisonRow.objects.first() if "compare" in name else Department.objects.first()
    assert row is not None
    url = reverse(f"directory:{name}")
    for someone in (stranger, looker):
        assert entered(someone).post(url, {"row": row.pk}).status_code == 403
    if not name.endswith("_run"):
        answer = entered(outsider).post(url, {"row": row.pk}, follow=True)
        assert "不属于您的机构" in answer.content.decode()
    assert not Task.objects.exclude(requested_by=outsider).exists()
    assert (Submission.objects.count(), list(Department.objects.values_list("state", "endtime"))) == before


@pytest.mark.parametrize("name", LISTS)
def test_queries_do_not_grow_with_rows(name: str, clerk: Actor, member: Person) -> None:
    client = entered(member)
    url = reverse(f"directory:{name}") + "?tab=all"
    fill(clerk, 2)
    client.get(url)
    with CaptureQueriesContext(
        database,
    ) as few:
        client.get(url)
    fill(clerk, 12, start=2)
    with CaptureQueriesContext(database) as many:
        client.get(url)
    assert len(many) <= len(few), "\n".join(query["sql"][:150] for query in many)
    assert len(many) < 25


def test_drawer_and_detail_do_not_grow_with_history(clerk: Actor, member: Person) -> None:
    fill(clerk, 1)
    department = Department.objects.get()
    client = entered(member)
    client.get(department.get_absolute_url())
    with CaptureQueriesContext(database) as few:
        client.get(department.get_absolute_url())
    for _ in range(5):
        Submission.objects.update(state=SubmissionState.REFUSED, words="测试拒绝")
        services.submit_departments(clerk, departments=[department])
    with CaptureQueriesContext(database) as many:
        page = client.get(department.get_absolute_url())
    assert len(many) == len(few)
    assert page.content.decode().count("科室信息上传：") == 6


def press(client: Client, url: str, **data: Any) -> Any:
    """Press a toolbar button and confirm its panel, as a browser without script does."""
    panel = client.post(url, data)
    form = panel.context["intent"] if panel.context else None
    assert form is not None, panel.content.decode()
    return client.post(url, {**data, "intent": form.key}, follow=True), form.key


def test_upload_twice_pressed_is_one_upload(clerk: Actor, member: Person) -> None:
    department = services.create_department(clerk, values=values())
    client = entered(member)
    url = reverse("directory:department_upload")
    answer, key = press(client, url, row=department.pk)
    assert "已提交上传 1 个科室" in answer.content.decode()
    again = client.post(url, {"row": department.pk, "intent": key}, follow=True)
    assert "没有重复执行" in again.content.decode()
    panel = client.post(url, {"row": department.pk}).content.decode()
    assert "已在上传队列中" in panel
    assert Submission.objects.count() == 1


def test_a_batch_is_one_event_with_all_its_departments(clerk: Actor, member: Person) -> None:
    made = [services.create_department(clerk, values=values(code)) for code in ("0101", "0102", "0103")]
    services.submit_departments(clerk, departments=made)
    Submission.objects.update(state=SubmissionState.REFUSED, words="测试拒绝")
    url = reverse("directory:department_discard")
    answer, _ = press(entered(member), url, row=[department.pk for department in made])
    assert "已作废 3 个科室" in answer.content.decode()
    subjects = [f"directory.department:{department.pk}" for department in made]
    assert AuditEvent.objects.get(action="directory.discard").subjects == subjects
    assert len(AuditEvent.objects.get(action="exchange.withdraw").subjects) == 3


def test_panel_shows_every_problem_of_every_row(clerk: Actor, member: Person) -> None:
    made = [services.create_department(clerk, values=values(code)) for code in ("0101", "0102", "0103")]
    Department.objects.filter(pk=made[1].pk).update(itro="", aprv_bed_cnt=None)
    Department.objects.filter(pk=made[2].pk).update(hosp_dept_name="")
    panel = entered(member).post(reverse("directory:department_upload"), {"row": [one.pk for one in made]})
    words = panel.content.decode()
    assert "上传 1 个科室" in words
    for label in ("简介：必填，不能为空", "批准床位数量：必填，不能为空", "医院科室名称：必填，不能为空"):
        assert label in words
    assert not Submission.objects.exists()


def form_values(**changes: Any) -> dict[str, Any]:
    given = {**values(), "begntime": "2020-01-01", "hi_crtf_bed_cnt": "", "poolarea_no": "441700", **changes}
    return {name: "" if value is None else value for name, value in given.items()}


def test_form_shows_all_errors_at_once_and_saves_once(clerk: Actor, member: Person) -> None:
    client = entered(member)
    url = reverse("directory:department_new")
    page = client.post(
        url, form_values(hosp_dept_name="", itro="长" * 501, aprv_bed_cnt="四十", caty="", begntime="昨天")
    )
    assert page.status_code == 422
    assert set(page.context["form"].errors) == {"hosp_dept_name", "itro", "aprv_bed_cnt", "caty", "begntime"}
    assert "This field" not in page.content.decode()
    import re

    key = re.search(r'name="intent" value="([^"]+)"', client.get(url).content.decode())
    assert key is not None
    for _ in range(2):
        answer = client.post(url, form_values(intent=key.group(1)), follow=True)
    assert answer.redirect_chain
    assert Department.objects.count() == 1


def test_edit_locks_the_key_and_says_that_the_platform_still_has_the_old(clerk: Actor, member: Person) -> None:
    department = services.create_department(clerk, values=values())
    hold(clerk.institution)
    client = entered(member)
    url = reverse("directory:department_edit", args=[department.pk])
    page = client.get(url)
    assert page.context["form"].fields["hosp_dept_codg"].disabled
    import re

    key = re.search(r'name="intent" value="([^"]+)"', page.content.decode())
    assert key is not None
    data = form_values(hosp_dept_codg="9999", aprv_bed_cnt="44", intent=key.group(1))
    answer = client.post(url, data, follow=True)
    assert "平台上还是原来的内容" in answer.content.decode()
    department.refresh_from_db()
    assert (department.hosp_dept_codg, department.aprv_bed_cnt) == ("0101", 44)


def test_tabs_count_what_they_show(clerk: Actor, member: Person, hospital: Institution) -> None:
    draft, refused, unknown, differing = (
        services.create_department(clerk, values=values(code)) for code in ("0101", "0102", "0103", "0104")
    )
    services.submit_departments(clerk, departments=[refused, unknown])
    Submission.objects.filter(subject_id=str(refused.pk)).update(state=SubmissionState.REFUSED, words="科室名称重复")
    Submission.objects.filter(subject_id=str(unknown.pk)).update(state=SubmissionState.UNKNOWN)
    hold(hospital, "0104", aprv_bed_cnt=1)
    client = entered(member)
    expected = {"todo": {refused, unknown, differing}, "draft": {draft, refused, unknown}, "queued": set()}
    expected |= {"refused": {refused}, "unknown": {unknown}, "held": {differing}, "ended": set()}
    for tab, rows in expected.items():
        page = client.get(reverse("directory:departments"), {"tab": tab})
        assert set(page.context["page"].page.object_list) == rows, tab
        assert page.context["total"] == len(rows)
    assert "平台返回：科室名称重复" in client.get(reverse("directory:departments") + "?tab=refused").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [({"words": "ckyq"}, {"0101"}), ({"words": "０２"}, {"0202"}), ({"caty": "A05.02"}, {"0101", "0202"}),
     ({"tel": "0662-1111111"}, {"0202"}), ({"begntime_from": "2021-01-01"}, {"0202"})],
)  # fmt: skip
def test_search(query: dict[str, str], found: set[str], clerk: Actor, member: Person) -> None:
    services.create_department(clerk, values=values("0101", hosp_dept_name="产科一区"))
    services.create_department(
        clerk, values=values("0202", hosp_dept_name="儿科门诊", dept_resper_tel="06621111111", begntime="2021-03-01")
    )
    page = entered(member).get(reverse("directory:departments"), {"tab": "all", **query})
    assert {row.hosp_dept_codg for row in page.context["page"].page.object_list} == found


def test_personal_data_is_masked_until_a_reason_is_given(clerk: Actor, member: Person, looker: Person) -> None:
    department = services.create_department(clerk, values=values(dept_resper_tel="13800000000"))
    client = entered(member)
    page = client.get(department.get_absolute_url()).content.decode()
    assert "138****0000" in page
    assert "13800000000" not in page
    assert "陈某某" not in page
    url = reverse("uncover:one", args=["directory.department", department.pk]) + "?fields=dept_resper_tel"
    assert "13800000000" not in client.post(url, {"reason": " "}).content.decode()
    assert "13800000000" in client.post(url, {"reason": "核对联系人"}).content.decode()
    event = AuditEvent.objects.get(action="privacy.uncover")
    assert event.reason == "核对联系人"
    assert entered(looker).post(url, {"reason": "好奇"}).status_code == 403


def test_export_can_be_imported_again(clerk: Actor, member: Person) -> None:
    from portal.sheets.checking import read_rows
    from portal.sheets.importer import find
    from portal.sheets.reading import read

    services.create_department(clerk, values=values())
    answer = entered(member).post(reverse("directory:departments") + "?tab=all", {"export": "1"})
    importer = find("directory.department")
    assert importer is not None
    book = read(answer.content, "科室.xlsx")
    rows = [line.row for line in read_rows(book, importer).lines]
    assert "dept_resper_name" not in rows[0].values  # masked in the file, so left as it is
    assert [result.kind for result in importer.check(clerk, rows)] == ["same"]


def test_compare_button_starts_one_task(clerk: Actor, member: Person) -> None:
    client = entered(member)
    for _ in range(2):
        page = client.post(reverse("directory:compare_run"), follow=True)
    assert Task.objects.filter(kind="directory.compare").count() == 1
    assert "排队中" in page.content.decode()


def test_desk_card_counts(clerk: Actor, member: Person) -> None:
    from insurance.directory.shell import departments_panel

    fill(clerk)
    with CaptureQueriesContext(database) as queries:
        panel = departments_panel(clerk)
    assert len(queries) <= 3
    assert panel is not None
    assert {count.label for count in panel["counts"]} >= {"待处理", "待上传", "失败", "结果待查"}


def test_no_query_breaks_the_lists(client: Client, member: Person) -> None:
    client.force_login(member)
    for within in ("-99999999999999", "1e400", "99999999999999"):
        assert client.get(reverse("directory:practitioners"), {"within": within}).status_code == 200
    assert client.post(reverse("directory:departments") + "?begntime_to=9999-12-31", {"export": "1"}).status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_exports_for_three_people(
    name: str, clerk: Actor, member: Person, outsider: Person, stranger: Person, looker: Person
) -> None:
    fill(clerk)
    url = f"{reverse(f'directory:{name}')}?tab=all"
    assert entered(member).post(url, {"export": "1"})["Content-Type"].startswith("application/vnd")
    other = entered(outsider).post(url, {"export": "1"})
    assert other.status_code == 200
    shown = [cell.value for row in load_workbook(BytesIO(other.content)).worksheets[0].iter_rows() for cell in row]
    assert not any("0001" in str(value) for value in shown)
    assert entered(stranger).post(url, {"export": "1"}).status_code == 403
    assert entered(looker).post(url, {"export": "1"}).status_code == 403
    assert Client().post(url, {"export": "1"}).status_code == 302


def test_a_day_that_programs_write_for_none_is_refused_at_its_field(client: Client, member: Person) -> None:
    client.force_login(member)
    for name in ("begntime", "endtime", "dept_estbdat"):
        answer = client.post(
            reverse("directory:department_new"),
            {**values(hi_crtf_bed_cnt=40), "begntime": "2020-01-01", name: "0001-01-01"},
        )
        assert answer.status_code == 422
        assert "年份不合理" in answer.content.decode()


def test_a_day_that_the_platform_writes_for_none_is_no_day(hospital: Institution) -> None:
    assert hold(hospital, endtime="0001-01-01 00:00:00").endtime is None


def test_an_upload_sent_again_because_the_platform_had_nothing_reads_as_a_success(hospital: Institution) -> None:
    settled = "已核实：平台无 (可重新上传) 5101 中没有编码 K2 的科室"
    submission = Submission(state=SubmissionState.ACCEPTED, settled=settled, state_at=timezone.now())
    assert delivery_words(submission) == "先前一次没有送达（已核实：平台无），重新上传后成功"
    submission.settled = "已核实：平台有 (采用平台结果)"
    assert delivery_words(submission) == submission.settled


def test_an_institution_without_a_connection_is_told_so(
    institution: Institution, other_institution: Institution
) -> None:
    connection_of(institution)
    with pytest.raises(PlatformError, match="尚未建立平台连接"):
        connection_of(other_institution)
