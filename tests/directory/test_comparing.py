"""Comparing and settling: the four verdicts, the empty-value rule, and what each way to settle does."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from insurance.directory import services
from insurance.directory.choices import ComparisonKind, DepartmentState, Verdict
from insurance.directory.errors import DirectoryError
from insurance.directory.models import ComparisonRow, Department, PlatformDepartment, Practitioner, StaffMember
from insurance.directory.values import department_values, same
from insurance.exchange.models import Submission
from portal.people.actor import Actor
from portal.people.models import Institution
from tests.directory.conftest import hold, reread, values

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (None, 0, True),
        (None, "", True),
        (0, Decimal("0.00"), True),
        (40, Decimal("40.0"), True),
        (40, 41, False),
        ("简介 ", "简介", True),
        ("甲\r\n乙", "甲\n乙", True),
        ("0", None, False),
        (datetime(2020, 1, 1), timezone.make_aware(datetime(2020, 1, 1)), True),
        (timezone.make_aware(datetime(2020, 1, 1)), None, False),
    ],
)
def test_empty_value_rule(ours: object, theirs: object, equal: bool) -> None:
    assert same(ours, theirs) is equal
    assert same(theirs, ours) is equal


def verdicts(institution: Institution) -> dict[str, str]:
    return dict(ComparisonRow.objects.filter(institution=institution).values_list("code", "verdict"))


def test_four_verdicts_field_by_field(clerk: Actor, hospital: Institution) -> None:
    for code in ("0101", "0102", "0103"):
        services.create_department(clerk, values=values(code))
    hold(hospital, "0101", hi_crtf_bed_cnt=0)
    hold(hospital, "0102", aprv_bed_cnt=38, memo="搬迁")
    hold(hospital, "0104")
    assert verdicts(hospital) == {"0101": "same", "0102": "different", "0103": "ours", "0104": "theirs"}
    assert ComparisonRow.objects.get(code="0102").fields == ["aprv_bed_cnt", "memo"]


def test_same_code_begun_on_another_day_is_one_department(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    hold(hospital, begntime="2019-07-01")
    row = ComparisonRow.objects.get()
    assert (row.verdict, row.fields) == (Verdict.DIFFERENT, ["begntime"])
    kept = services.keep_ours(clerk, rows=[row])
    assert "以平台为准" in kept.skipped[0][1]
    services.adopt_platform(clerk, rows=[row])
    assert timezone.localtime(reread(department).begntime).date().isoformat() == "2019-07-01"
    assert verdicts(hospital) == {"0101": "same"}


def test_platform_wins(clerk: Actor, hospital: Institution) -> None:
    ours_only = services.create_department(clerk, values=values("0103"))
    Department.objects.filter(pk=ours_only.pk).update(state=DepartmentState.IN_FORCE)
    draft = services.create_department(clerk, values=values("0105"))
    differing = services.create_department(clerk, values=values("0102"))
    hold(hospital, "0102", aprv_bed_cnt=38, dept_resper_tel="06622222222")
    hold(hospital, "0104")
    settled = services.adopt_platform(clerk, rows=ComparisonRow.objects.all())
    assert len(settled.done) == 3
    assert [(row.code, reason[:2]) for row, reason in settled.skipped] == [("0105", "草稿")]
    assert reread(differing).aprv_bed_cnt == 38
    assert reread(differing).dept_resper_tel == "06622222222"
    assert reread(ours_only).state == DepartmentState.ENDED
    assert reread(draft).state == DepartmentState.DRAFT
    created = Department.objects.get(hosp_dept_codg="0104")
    assert created.held
    assert created.state == DepartmentState.IN_FORCE
    assert verdicts(hospital) == {"0102": "same", "0104": "same", "0105": "ours"}
    assert not Submission.objects.exists(), "taking theirs says nothing to the platform"


def test_we_win(clerk: Actor, hospital: Institution) -> None:
    services.create_department(clerk, values=values("0101"))
    services.create_department(clerk, values=values("0102"))
    hold(hospital, "0102", aprv_bed_cnt=38)
    hold(hospital, "0104")
    rows = list(ComparisonRow.objects.all())
    settled = services.keep_ours(clerk, rows=rows, reason="以院务会为准")
    assert len(settled.done) == 3
    found = dict(Submission.objects.values_list("thread", "purpose"))
    assert found == {
        "department:0101": "department.add",
        "department:0102": "department.change",
        "department:0104": "department.withdraw",
    }
    again = services.keep_ours(clerk, rows=rows)
    assert again.done == []
    assert Submission.objects.count() == 3


def test_set_aside_until_something_changes(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    hold(hospital, memo="平台备注")
    rows = list(ComparisonRow.objects.all())
    with pytest.raises(DirectoryError, match="原因"):
        services.ignore(clerk, rows=rows, reason="  ")
    services.ignore(clerk, rows=rows, reason="平台备注由医保局维护")
    services.refresh_departments(hospital)
    assert ComparisonRow.objects.get().ignored
    services.change_department(clerk, department=department, values={"aprv_bed_cnt": 41})
    assert not ComparisonRow.objects.get().ignored


def test_answer_of_5101_replaces_the_mirror(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values("0101"))
    hold(hospital, "0101")
    hold(hospital, "0109")
    row = {**values("0101"), "begntime": "2020-01-01 00:00:00", "aprv_bed_cnt": Decimal(7), "medtech_flag": "1"}
    counts = services.replace_mirror(clerk, rows=[row, {"hosp_dept_codg": ""}], asked_at=timezone.now())
    assert counts == {"different": 1}
    platform = PlatformDepartment.objects.get()
    assert platform.extra == {"medtech_flag": "1"}
    assert reread(department).platform == platform
    services.replace_mirror(clerk, rows=[], asked_at=timezone.now())
    assert not reread(department).held


def test_an_answer_older_than_an_upload_does_not_undo_it(clerk: Actor, hospital: Institution) -> None:
    department = services.create_department(clerk, values=values())
    asked_at = timezone.now()
    services.submit_departments(clerk, departments=[department])
    submission = Submission.objects.get()
    from insurance.directory.handlers import Add
    from insurance.exchange.handlers import Outcome

    Add().apply(submission, Outcome(accepted=True))
    Submission.objects.update(state="accepted", state_at=timezone.now())
    services.replace_mirror(clerk, rows=[], asked_at=asked_at)
    assert reread(department).held
    services.replace_mirror(clerk, rows=[], asked_at=timezone.now() + timedelta(seconds=1))
    assert not reread(department).held


def licensed(code: str, name: str, **changes: object) -> dict[str, object]:
    return {"prac_psn_code": code, "prac_psn_name": name, "certno": f"T{code}", "psn_cert_type": "99", **changes}


def test_staff_are_kept_and_marked_when_gone(clerk: Actor) -> None:
    first = timezone.now()
    services.replace_practitioners(
        clerk, kind="1", rows=[licensed("D01", "甲某"), licensed("D02", "乙某")], asked_at=first
    )
    then = first + timedelta(days=1)
    counts = services.replace_practitioners(
        clerk, kind="1", rows=[licensed("D02", "乙某某"), licensed("D03", "丙某")], asked_at=then
    )
    assert counts == {"new": 1, "left": 1, "back": 0, "seen": 2}
    gone = Practitioner.objects.get(key="D01")
    assert gone.left_at == then
    kept = Practitioner.objects.get(key="D02")
    assert (kept.prac_psn_name, kept.first_seen, kept.last_seen) == ("乙某某", first, then)
    services.replace_practitioners(clerk, kind="2", rows=[], asked_at=then)
    assert Practitioner.objects.filter(left_at=None).count() == 2, "an answer about nurses says nothing about doctors"
    again = then + timedelta(days=1)
    counts = services.replace_practitioners(clerk, kind="1", rows=[licensed("D01", "甲某")], asked_at=again)
    assert counts["back"] == 1


def test_own_list_beside_5102_by_code_then_by_document(clerk: Actor, hospital: Institution) -> None:
    now = timezone.now()
    rows = [licensed("D01", "甲某"), licensed("D02", "乙某"), licensed("D03", "丙某")]
    services.replace_practitioners(clerk, kind="1", rows=rows, asked_at=now)
    staff = [
        {"staff_no": "1", "prac_psn_name": "甲某", "prac_psn_type": "1", "prac_psn_code": "D01"},
        {"staff_no": "2", "prac_psn_name": "乙某某", "prac_psn_type": "1", "certno": "TD02"},
        {"staff_no": "4", "prac_psn_name": "丁某", "prac_psn_type": "1", "prac_psn_code": "D04"},
    ]
    assert services.take_staff(clerk, rows=staff) == {"new": 3, "changed": 0, "same": 0}
    found = {
        (row.staff.staff_no if row.staff else "", row.code): (row.verdict, row.fields)
        for row in ComparisonRow.objects.filter(kind=ComparisonKind.STAFF).select_related("staff")
    }
    assert found == {
        ("1", "D01"): ("same", []),
        ("2", ""): ("different", ["prac_psn_name"]),
        ("4", "D04"): ("ours", []),
        ("", "D03"): ("theirs", []),
    }
    settled = services.adopt_platform(clerk, rows=ComparisonRow.objects.filter(kind=ComparisonKind.STAFF))
    assert len(settled.done) == 1
    assert StaffMember.objects.get(staff_no="2").prac_psn_code == "D02"


def test_institution_is_the_row_with_our_code(clerk: Actor, hospital: Institution) -> None:
    others = [{"fixmedins_code": "H1", "fixmedins_name": "别院"}]
    rows = [*others, {"fixmedins_code": "H44170200001", "fixmedins_name": "本院"}]
    info = services.replace_institution_info(clerk, rows=rows)
    assert info is not None
    assert info.fixmedins_name == "本院"
    assert services.replace_institution_info(clerk, rows=others) is None


def test_values_of_an_answer() -> None:
    row = department_values({"hosp_dept_codg": " 01 ", "aprv_bed_cnt": "12", "endtime": "", "dr_psncnt": "x", "neu": 1})
    assert row == {
        "hosp_dept_codg": "01",
        "aprv_bed_cnt": 12,
        "endtime": None,
        "dr_psncnt": None,
        "extra": {"neu": "1"},
    }
