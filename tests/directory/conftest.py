"""People, places and departments of the directory's tests. All invented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from insurance.directory.models import Department, PlatformDepartment
from insurance.directory.services import refresh_departments
from insurance.directory.values import department_values
from insurance.exchange.models import Connection
from portal.people.actor import Actor
from portal.people.models import Institution, Person


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


def connect(institution: Institution, url: str = "http://127.0.0.1:9/") -> Connection:
    """Give an institution its connection; the usual address is one where nobody listens."""
    return Connection.objects.create(
        institution=institution, environment="沙箱", base_url=url, account="sandbox", secret="sandbox-secret",
        infver="1.0.0", recer_sys_code="HIS", opter="portal", opter_name="医保平台",
        mac="00-00-00-00-00-01", ip="127.0.0.1",
    )  # fmt: skip


@pytest.fixture
def hospital(institution: Institution) -> Institution:
    """The hospital of the tests, with a connection."""
    connect(institution)
    return institution


@pytest.fixture
def elsewhere(other_institution: Institution) -> Institution:
    """Another institution of the same portal."""
    return other_institution


@pytest.fixture
def clerk(member: Person, hospital: Institution) -> Actor:
    """Somebody of the 医保办."""
    return Actor.of(member, hospital)


@pytest.fixture
def looker(person: Callable[..., Person], institution: Institution) -> Person:
    """Somebody who may only look (收费)."""
    return person("looker", institution, "cashier")


@pytest.fixture
def cashier(looker: Person, hospital: Institution) -> Actor:
    """Somebody who may only look."""
    return Actor.of(looker, hospital)
