"""A hospital that talks to the sandbox, and departments to talk about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.utils import timezone

from insurance.directory.models import Department
from insurance.exchange.bodies import forget_keys
from insurance.exchange.models import Call, Connection, Submission
from insurance.exchange.services import submit
from portal.people.actor import Actor
from portal.people.models import Institution
from tests.sandbox_fixture import RunningSandbox

MORNING = dt.datetime(2026, 1, 1, tzinfo=timezone.get_fixed_timezone(480))


@pytest.fixture(autouse=True)
def fresh_month_keys() -> Iterator[None]:
    """Tests that empty the database lose its data keys; the process must not remember them."""
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
def connection(institution: Institution, sandbox: RunningSandbox) -> Connection:
    """The institution's connection to the sandbox."""
    return connect(institution, sandbox.url)


def connect(institution: Institution, url: str, **changes: object) -> Connection:
    """Make a connection of `institution` to the platform at `url`."""
    values: dict[str, object] = {
        "environment": "沙箱",
        "base_url": url,
        "account": "sandbox",
        "secret": "sandbox-secret",
        "infver": "1.0.0",
        "recer_sys_code": "HIS",
        "opter": "portal",
        "opter_name": "医保平台",
        "mac": "00-00-00-00-00-01",
        "ip": "127.0.0.1",
    }
    return Connection.objects.create(institution=institution, **(values | changes))


@pytest.fixture
def actor(institution: Institution) -> Actor:
    """The named system account."""
    return Actor.system(institution, "测试")


@pytest.fixture
def department(institution: Institution) -> Callable[..., Department]:
    """Makes a department that can be uploaded."""

    def make(code: str, **changes: object) -> Department:
        values: dict[str, object] = {
            "institution": institution,
            "hosp_dept_codg": code,
            "hosp_dept_name": f"妇科{code}",
            "caty": "A05",
            "begntime": MORNING,
            "itro": "妇科门诊",
            "dept_resper_name": "演示人",
            "dept_resper_tel": "0000-0000000",
            "dept_estbdat": MORNING,
            "aprv_bed_cnt": 10,
            "poolarea_no": "441700",
            "dr_psncnt": 1,
            "phar_psncnt": 0,
            "nurs_psncnt": 2,
            "tecn_psncnt": 0,
        }
        return Department.objects.create(**(values | changes))

    return make


@pytest.fixture
def queue(actor: Actor, department: Callable[..., Department]) -> Callable[..., list[Submission]]:
    """Queues new departments by code: `queue("A", "B")` gives their submissions."""

    def put(*codes: str) -> list[Submission]:
        with transaction.atomic():
            return [submit(actor, purpose="department.add", subject=department(code)) for code in codes]

    return put


def states() -> dict[str, int]:
    """Return how many submissions stand in each state."""
    found: dict[str, int] = {}
    for state in Submission.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def both_books_agree(sandbox: RunningSandbox) -> None:
    """Assert that what we believe accepted is what the platform holds, and that nothing was done there twice."""
    accepted = Submission.objects.filter(purpose="department.add", state="accepted")
    kept = Department.objects.filter(pk__in=[int(pk) for pk in accepted.values_list("subject_id", flat=True)])
    ours = set(kept.values_list("hosp_dept_codg", flat=True))
    theirs = [row["hosp_dept_codg"] for row in sandbox.books("departments")]
    assert len(theirs) == len(set(theirs)), "the platform holds a department twice"
    assert ours == set(theirs)
    committed = [row for row in sandbox.log("3401") if row["committed"] and str(row["infcode"]) == "0"]
    codes = [row["input"]["deptinfo"]["hosp_dept_codg"] for row in committed]
    assert len(codes) == len(set(codes)), "a department was added twice"
    assert not Call.objects.filter(state__in=["prepared", "sent"]).exists(), "a call is left in the air"
