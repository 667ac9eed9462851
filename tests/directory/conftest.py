"""People, places and departments of the directory's tests. All invented."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from insurance.directory.models import Department, PlatformDepartment
from insurance.directory.services import refresh_departments
from insurance.directory.values import department_values
from insurance.exchange.models import Connection
from portal.people.actor import Actor
from portal.people.models import Institution, Membership, Person


def values(code: str = "0101", **changes: Any) -> dict[str, Any]:
    """A department's values as a form or a spreadsheet gives them."""
    return {
        "hosp_dept_codg": code,
        "hosp_dept_name": f"产科{code}",
        "caty": "A05.02",
        "begntime": parse_datetime("2020-01-01T00:00:00+08:00"),
        "dept_resper_name": "陈某某",
        "dept_resper_tel": "06620000000",
        "dept_estbdat": "2001-05-01",
        "aprv_bed_cnt": 40,
        "hi_crtf_bed_cnt": None,
        "dr_psncnt": 12,
        "nurs_psncnt": 20,
        "phar_psncnt": 0,
        "tecn_psncnt": 1,
        "itro": "负责孕产妇住院分娩。",
        **changes,
    }


def person(username: str, institution: Institution | None, role: str = "insurance_office") -> Person:
    """Somebody who can log in, with one role or none."""
    made = Person.objects.create_user(username, "correct horse battery", name="测试员", must_change_password=False)
    if institution is not None:
        Membership.objects.create(person=made, institution=institution, role=role)
        made.current_institution = institution
        made.save()
    return made


def hold(institution: Institution, code: str = "0101", **changes: Any) -> PlatformDepartment:
    """Put a department into the mirror, as if 5101 had answered it."""
    row = department_values({"poolarea_no": institution.admdvs, **values(code, **changes)})
    found = PlatformDepartment.objects.create(
        institution=institution, fetched_at=parse_datetime("2026-01-01T00:00:00+08:00"), **row
    )
    refresh_departments(institution)
    return found


def reread(department: Department) -> Department:
    """The department as it stands now."""
    found: Department = Department.objects.select_related("platform").get(pk=department.pk)
    return found


@pytest.fixture
def hospital(db: None) -> Institution:
    """The hospital of the tests, with a connection."""
    made = Institution.objects.create(fixmedins_code="H44170200001", fixmedins_name="演示妇幼保健院", admdvs="441700")
    Connection.objects.create(
        institution=made, environment="沙箱", base_url="http://127.0.0.1:9/", account="sandbox", secret="sandbox-secret",
        infver="1.0.0", recer_sys_code="HIS", opter="portal", opter_name="医保平台",
    )  # fmt: skip
    return made


@pytest.fixture
def elsewhere(db: None) -> Institution:
    """Another institution of the same portal."""
    return Institution.objects.create(fixmedins_code="H44170200002", fixmedins_name="演示分院", admdvs="441702")


@pytest.fixture
def clerk(hospital: Institution) -> Actor:
    """Somebody of the 医保办."""
    return Actor.of(person("clerk", hospital), hospital)


@pytest.fixture
def cashier(hospital: Institution) -> Actor:
    """Somebody who may only look."""
    return Actor.of(person("cashier", hospital, "cashier"), hospital)
