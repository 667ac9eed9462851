"""Departments of ours: new, changed, ended, withdrawn, uploaded; every refusal in words."""

from __future__ import annotations

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from insurance.directory import services
from insurance.directory.choices import DepartmentState, Verdict
from insurance.directory.errors import Busy, DirectoryError, Hindered, Invalid
from insurance.directory.models import ComparisonRow, Department
from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Submission
from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution
from tests.directory.conftest import hold, reread, values

pytestmark = pytest.mark.django_db


def test_new_department_is_a_draft_with_defaults(clerk: Actor) -> None:
    department = services.create_department(clerk, values=values(begntime=None))
    assert department.state == DepartmentState.DRAFT
    assert department.poolarea_no == "441700"
    assert department.begntime == department.dept_estbdat
    assert department.pinyin == "ck0101"
    assert not department.held


def test_telephone_rests_encrypted_and_is_found_by_digest(clerk: Actor) -> None:
    from django.db import connection

    from portal.privacy.keys import digest

    department = services.create_department(clerk, values=values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT dept_resper_tel FROM directory_department WHERE id = %s", [department.pk])
        assert "0662" not in cursor.fetchone()[0]
    assert Department.objects.get(dept_resper_tel_digest=digest("06620000000")) == department


def test_every_problem_at_once(clerk: Actor) -> None:
    with pytest.raises(Invalid) as caught:
        services.create_department(
            clerk, values=values("X" * 21, hosp_dept_name="", caty="妇产科", itro="长" * 501, endtime="2019-01-01")
        )
    fields = {fault.field for fault in caught.value.faults}
    assert {"hosp_dept_codg", "hosp_dept_name", "caty", "itro", "endtime"} <= fields
    assert not Department.objects.exists()


def test_a_code_is_used_once_at_a_time_and_may_begin_again(clerk: Actor) -> None:
    services.create_department(clerk, values=values(endtime="2022-01-01"))
    services.create_department(clerk, values=values(begntime="2022-01-01"))
    with pytest.raises(Invalid, match="请先停用它"):
        services.create_department(clerk, values=values(begntime="2023-01-01"))
    with pytest.raises(Invalid, match="已存在"):
        services.create_department(clerk, values=values(begntime="2022-01-01"))


def test_change_says_what_changed_and_audits_no_telephone(clerk: Actor) -> None:
    department = services.create_department(clerk, values=values())
    changed = services.change_department(
        clerk, department=department, values={"aprv_bed_cnt": "41", "dept_resper_tel": "06621111111", "memo": ""}
    )
    assert set(changed) == {"aprv_bed_cnt", "dept_resper_tel"}
    event = AuditEvent.objects.filter(action="directory.change").get()
    assert event.detail["changed"]["aprv_bed_cnt"] == ["40", "41"]
    assert "1111" not in str(event.detail)
    assert services.change_department(clerk, department=department, values={"aprv_bed_cnt": 41}) == []


def test_press_upload_twice_queues_once(clerk: Actor) -> None:
    department = services.create_department(clerk, values=values())
    first = services.submit_departments(clerk, departments=[department])
    second = services.submit_departments(clerk, departments=[department])
    assert [s.purpose for s in first.queued] == ["department.add"]
    assert second.queued == []
    assert second.hindered[0].hindrance == "已在上传队列中"
    assert Submission.objects.count() == 1


def test_upload_shows_all_problems_of_all_rows_and_queues_the_rest(clerk: Actor) -> None:
    good = services.create_department(clerk, values=values("0101"))
    bad = services.create_department(clerk, values=values("0102"))
    worse = services.create_department(clerk, values=values("0103"))
    # The rules may have become stricter since the drafts were saved.
    Department.objects.filter(pk=bad.pk).update(itro="")
    Department.objects.filter(pk=worse.pk).update(hosp_dept_name="", dept_estbdat=None)
    done = services.submit_departments(clerk, departments=[good, bad, worse])
    assert [s.subject_id for s in done.queued] == [str(good.pk)]
    found = {planned.department.pk: {fault.field for fault in planned.faults} for planned in done.faulty}
    assert found == {bad.pk: {"itro"}, worse.pk: {"hosp_dept_name", "dept_estbdat"}}


def test_no_change_while_on_its_way(clerk: Actor) -> None:
    department = services.create_department(clerk, values=values())
    services.submit_departments(clerk, departments=[department])
    with pytest.raises(Busy, match="正在上传，请等结果"):
        services.change_department(clerk, department=department, values={"aprv_bed_cnt": 41})


def test_purpose_follows_what_the_platform_holds(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    hold(hospital)
    department = reread(department)
    assert department.held
    assert department.state == DepartmentState.IN_FORCE
    done = services.submit_departments(clerk, departments=[department])
    assert done.hindered[0].hindrance == "与平台一致，无需上传"
    services.change_department(clerk, department=department, values={"aprv_bed_cnt": 50})
    assert ComparisonRow.objects.get().fields == ["aprv_bed_cnt"]
    done = services.submit_departments(clerk, departments=[department])
    assert [s.purpose for s in done.queued] == ["department.change"]


def test_key_stays_while_the_platform_holds_it(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    hold(hospital)
    with pytest.raises(Hindered, match="不能修改"):
        services.change_department(clerk, department=department, values={"begntime": "2021-01-01"})


def test_end_is_a_change_and_counts_when_accepted(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    with pytest.raises(Hindered, match="还没有上传"):
        services.end_department(clerk, department=department, endtime=timezone.now())
    hold(hospital)
    ended = parse_datetime("2024-06-30T00:00:00+08:00")
    assert ended is not None
    services.end_department(clerk, department=department, endtime=ended, reason="并入产科二区")
    assert Submission.objects.get().purpose == "department.change"
    assert reread(department).state == DepartmentState.IN_FORCE


def test_withdraw_needs_a_reason_and_a_holding_platform(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    with pytest.raises(Hindered, match="平台没有"):
        services.withdraw_department(clerk, department=department, reason="传错")
    hold(hospital)
    with pytest.raises(DirectoryError, match="原因"):
        services.withdraw_department(clerk, department=department, reason=" ")
    services.withdraw_department(clerk, department=department, reason="传错")
    assert Submission.objects.get().purpose == "department.withdraw"


def test_discard(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    services.discard_draft(clerk, department=department)
    assert not Department.objects.exists()
    department = services.create_department(clerk, values=values())
    services.submit_departments(clerk, departments=[department])
    Submission.objects.update(state=SubmissionState.REFUSED)
    services.discard_draft(clerk, department=department)
    assert reread(department).state == DepartmentState.WITHDRAWN
    assert Submission.objects.get().superseded, "a refused upload must not hold back what comes later under the code"
    hold(hospital, "0102")
    services.adopt_platform(clerk, rows=[ComparisonRow.objects.get(code="0102")])
    adopted = Department.objects.get(hosp_dept_codg="0102")
    with pytest.raises(Hindered, match="不是草稿"):
        services.discard_draft(clerk, department=adopted)


def test_a_refused_upload_of_another_purpose_gives_way(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    services.submit_departments(clerk, departments=[department])
    Submission.objects.update(state=SubmissionState.REFUSED)
    hold(hospital, aprv_bed_cnt=1)
    done = services.submit_departments(clerk, departments=[department])
    assert [s.purpose for s in done.queued] == ["department.change"]
    assert Submission.objects.get(pk=done.queued[0].pk).ready


@pytest.mark.parametrize("act", ["create", "change", "submit", "end", "withdraw", "adopt", "keep", "ignore", "import"])
def test_who_may_only_look_changes_nothing(act: str, clerk: Actor, cashier: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    rows = list(ComparisonRow.objects.all())
    acts = {
        "create": lambda: services.create_department(cashier, values=values("0102")),
        "change": lambda: services.change_department(cashier, department=department, values={"memo": "x"}),
        "submit": lambda: services.submit_departments(cashier, departments=[department]),
        "end": lambda: services.end_department(cashier, department=department, endtime=timezone.now()),
        "withdraw": lambda: services.withdraw_department(cashier, department=department, reason="x"),
        "adopt": lambda: services.adopt_platform(cashier, rows=rows),
        "keep": lambda: services.keep_ours(cashier, rows=rows),
        "ignore": lambda: services.ignore(cashier, rows=rows, reason="x"),
        "import": lambda: services.take_rows(cashier, rows=[values("0103")]),
    }
    with pytest.raises(NotAllowed):
        acts[act]()
    assert list(Department.objects.values_list("hosp_dept_codg", "memo")) == [("0101", "")]
    assert not Submission.objects.exists()


def test_other_institutions_records_are_out_of_reach(clerk: Actor, elsewhere: Institution) -> None:
    other = Actor.system(elsewhere)
    department = services.create_department(other, values=values())
    with pytest.raises(Department.DoesNotExist):
        services.change_department(clerk, department=department, values={"memo": "x"})
    assert services.submit_departments(clerk, departments=[department]).queued == []
    assert services.adopt_platform(clerk, rows=ComparisonRow.objects.all()).done == []
    assert ComparisonRow.objects.get(department=department).verdict == Verdict.OURS
