"""Departments through real delivery to the sandbox over HTTP: each purpose, each unknown, and the compare tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from insurance import specification
from insurance.directory import services
from insurance.directory.choices import DepartmentState, Verdict
from insurance.directory.models import ComparisonRow, Department, InstitutionInfo, Practitioner
from insurance.exchange.bodies import forget_keys
from insurance.exchange.choices import SubmissionState
from insurance.exchange.delivery import drain
from insurance.exchange.models import Connection, Submission
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from portal.tasks.services import start
from tests.directory.conftest import connect, reread, values
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_waits(settings: Any) -> Iterator[None]:
    settings.VERIFY_MIN_AGE = 0.3
    settings.VERIFY_EVERY = 0.2
    settings.BREAKER_SECONDS = 0.3
    settings.DEADLINE_SUBMIT = 3
    settings.CONNECT_SECONDS = 1
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
def hospital(institution: Institution, sandbox: RunningSandbox) -> Institution:
    """The hospital, talking to the sandbox."""
    connect(institution, sandbox.url)
    return institution


def deliver(seconds: float = 20) -> None:
    """Drain as often as the dispatcher would, until nothing is open."""
    end = time.monotonic() + seconds
    connection = Connection.objects.get()
    while Submission.objects.filter(state__in=["queued", "sending", "unknown"]).exists():
        assert time.monotonic() < end, list(Submission.objects.values("purpose", "state", "words", "settled"))
        drain(connection.pk, "interactive")
        time.sleep(0.05)


def done(task: Task) -> Task:
    """Run a task as the worker would; it must end well."""
    thread = threading.Thread(target=lambda: (run_task(task.pk), connections.close_all()))
    thread.start()
    thread.join(30)
    task.refresh_from_db()
    assert task.state == "done", task.message
    return task


def uploaded(actor: Actor, code: str = "0101", **changes: Any) -> Department:
    """A department that the platform holds, by upload."""
    department = services.create_department(actor, values=values(code, **changes))
    services.submit_departments(actor, departments=[department])
    deliver()
    return reread(department)


def alive(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.books("departments") if not row.get("withdrawn")]


def test_upload_change_end_and_begin_again(clerk: Actor, sandbox: RunningSandbox) -> None:
    department = uploaded(clerk)
    assert (department.state, department.held) == (DepartmentState.IN_FORCE, True)
    services.change_department(clerk, department=department, values={"aprv_bed_cnt": 45})
    services.submit_departments(clerk, departments=[department])
    deliver()
    assert [row["aprv_bed_cnt"] for row in alive(sandbox)] in (["45"], [45])
    assert ComparisonRow.objects.get().verdict == Verdict.SAME
    services.end_department(clerk, department=department, endtime=timezone.localtime())
    deliver()
    assert Submission.objects.latest("pk").state == SubmissionState.ACCEPTED
    assert reread(department).state == DepartmentState.ENDED
    again = uploaded(clerk, begntime=timezone.now())
    assert again.state == DepartmentState.IN_FORCE
    done(start(clerk, kind="directory.compare"))
    assert dict(ComparisonRow.objects.values_list("department", "verdict")) == {
        department.pk: Verdict.SAME,
        again.pk: Verdict.SAME,
    }


def test_two_who_press_upload_at_once_upload_once(clerk: Actor, sandbox: RunningSandbox) -> None:
    made = [services.create_department(clerk, values=values(f"{n:04}")) for n in range(5)]
    together = threading.Barrier(2)

    def press() -> None:
        together.wait()
        services.submit_departments(clerk, departments=made)
        connections.close_all()

    presses = [threading.Thread(target=press) for _ in range(2)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join(20)
    assert Submission.objects.count() == 5
    deliver()
    assert len(sandbox.log("3401")) == 5


@pytest.fixture
def in_batches(settings: Any, tmp_path: Path) -> None:
    """A site whose platform takes departments by 3401A; nothing but data says so."""
    routes = (Path(specification.__file__).parent / "data" / "routes.csv").read_text(encoding="utf-8").splitlines()
    own = [line if not line.startswith("department.add,") else BATCHES for line in routes]
    assert own != routes
    (tmp_path / "routes.csv").write_text("\n".join(own) + "\n", encoding="utf-8")
    settings.PLATFORM_EDITION_DIR = str(tmp_path)


BATCHES = "department.add,3401A,batch,deptinfo,whole,hosp_dept_codg,3,40000,一次最多 3 个"


def test_an_edition_that_routes_to_3401a_sends_batches(clerk: Actor, sandbox: RunningSandbox, in_batches: None) -> None:
    made = [services.create_department(clerk, values=values(f"{n:04}")) for n in range(7)]
    services.submit_departments(clerk, departments=made)
    deliver()
    assert not sandbox.log("3401")
    assert sorted(len(entry["input"]["deptinfo"]) for entry in sandbox.log("3401A")) == [1, 3, 3]
    assert Department.objects.filter(state=DepartmentState.IN_FORCE).count() == 7


def test_a_batch_cut_after_commit_is_found_row_by_row(clerk: Actor, sandbox: RunningSandbox, in_batches: None) -> None:
    made = [services.create_department(clerk, values=values(f"{n:04}")) for n in range(3)]
    sandbox.fault("cut_after", "3401A", times=1)
    services.submit_departments(clerk, departments=made)
    deliver()
    assert len(sandbox.log("3401A")) == 1
    assert {"已核实" in settled for settled in Submission.objects.values_list("settled", flat=True)} == {True}
    assert Department.objects.filter(state=DepartmentState.IN_FORCE).count() == 3


def test_withdraw_then_upload_again(clerk: Actor, sandbox: RunningSandbox) -> None:
    department = uploaded(clerk)
    services.withdraw_department(clerk, department=department, reason="传错了")
    deliver()
    assert alive(sandbox) == []
    assert reread(department).state == DepartmentState.WITHDRAWN
    done(start(clerk, kind="directory.compare"))
    assert not ComparisonRow.objects.exists(), "what was withdrawn and shows as ended is settled"
    services.submit_departments(clerk, departments=[department])
    deliver()
    assert reread(department).state == DepartmentState.IN_FORCE
    assert len(alive(sandbox)) == 1


def test_a_refusal_changes_no_record_and_shows_the_platforms_words(clerk: Actor, sandbox: RunningSandbox) -> None:
    uploaded(clerk)
    done(start(clerk, kind="directory.compare"))
    sandbox.fault("refuse", "3402", times=1, message="医保局已锁定本院科室")
    department = Department.objects.get()
    services.change_department(clerk, department=department, values={"aprv_bed_cnt": 45})
    services.submit_departments(clerk, departments=[department])
    deliver()
    submission = Submission.objects.latest("pk")
    assert submission.state == SubmissionState.REFUSED
    assert submission.words
    assert ComparisonRow.objects.get().fields == ["aprv_bed_cnt"]
    services.submit_departments(clerk, departments=[department])
    deliver()
    assert ComparisonRow.objects.get().verdict == Verdict.SAME


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
@pytest.mark.parametrize("purpose", ["add", "change", "withdraw"])
def test_unknown_is_settled_by_a_look_and_nothing_is_done_twice(
    purpose: str, fault: str, clerk: Actor, sandbox: RunningSandbox
) -> None:
    infno = {"add": "3401", "change": "3402", "withdraw": "3403"}[purpose]
    act: Callable[[], object]
    if purpose == "add":
        department = services.create_department(clerk, values=values())
        act = partial(services.submit_departments, clerk, departments=[department])
    else:
        department = uploaded(clerk)
        if purpose == "change":
            services.change_department(clerk, department=department, values={"aprv_bed_cnt": 45})
            act = partial(services.submit_departments, clerk, departments=[department])
        else:
            act = partial(services.withdraw_department, clerk, department=department, reason="传错")
    sandbox.fault(fault, infno, times=1)
    act()
    deliver()
    submission = Submission.objects.latest("pk")
    assert submission.state == SubmissionState.ACCEPTED
    committed = [row for row in sandbox.log(infno) if row["committed"] and str(row["infcode"]) == "0"]
    assert len(committed) == 1, "done exactly once at the platform"
    assert len(sandbox.log(infno)) == (2 if fault == "cut_before" else 1)
    assert "已核实" in submission.settled
    expected = DepartmentState.WITHDRAWN if purpose == "withdraw" else DepartmentState.IN_FORCE
    assert reread(department).state == expected


def test_a_change_that_met_another_hand_is_left_to_a_person(clerk: Actor, sandbox: RunningSandbox) -> None:
    department = uploaded(clerk)
    services.change_department(clerk, department=department, values={"aprv_bed_cnt": 45})
    (row,) = sandbox.books("departments")
    sandbox.fault("cut_before", "3402", times=1)
    services.submit_departments(clerk, departments=[department])
    connection = Connection.objects.get()
    clean = {name: value for name, value in row.items() if not name.startswith("_")}
    sandbox.put("departments", {**clean, "memo": "医保局改过"}, key=row["_key"])
    end = time.monotonic() + 20
    while not Submission.objects.filter(needs_person=True).exists():
        assert time.monotonic() < end
        drain(connection.pk, "interactive")
        time.sleep(0.05)
    assert Submission.objects.latest("pk").state == SubmissionState.UNKNOWN
    assert [entry for entry in sandbox.log("3402") if entry["committed"]] == []


def test_changed_behind_our_back_shows_and_is_put_right(clerk: Actor, sandbox: RunningSandbox) -> None:
    department = uploaded(clerk)
    (row,) = sandbox.books("departments")
    clean = {name: value for name, value in row.items() if not name.startswith("_")}
    sandbox.put("departments", {**clean, "aprv_bed_cnt": "38", "dept_resper_name": "王某"}, key=row["_key"])
    task = done(start(clerk, kind="directory.compare"))
    assert task.result == {"一致": 0, "仅本院": 0, "仅平台": 0, "不同": 1}
    compared = ComparisonRow.objects.get()
    assert set(compared.fields) == {"aprv_bed_cnt", "dept_resper_name"}
    services.keep_ours(clerk, rows=[compared])
    deliver()
    done(start(clerk, kind="directory.compare"))
    assert ComparisonRow.objects.get().verdict == Verdict.SAME
    assert reread(department).aprv_bed_cnt == 40


def test_compare_fails_in_words_and_keeps_what_there_was(clerk: Actor, sandbox: RunningSandbox) -> None:
    uploaded(clerk)
    sandbox.stop()
    task = start(clerk, kind="directory.compare")
    thread = threading.Thread(target=lambda: (run_task(task.pk), connections.close_all()))
    thread.start()
    thread.join(60)
    task.refresh_from_db()
    assert task.state == "failed"
    assert "科室核对没有完成" in task.message
    assert Department.objects.get().held


def test_staff_and_institution_come_from_the_platform(clerk: Actor, sandbox: RunningSandbox) -> None:
    task = done(start(clerk, kind="directory.practitioners"))
    assert task.result["在册"] == Practitioner.objects.count() > 0
    assert {p.prac_psn_type for p in Practitioner.objects.all()} >= {"1", "2", "3"}
    done(start(clerk, kind="directory.institution"))
    info = InstitutionInfo.objects.get()
    assert info.fixmedins_code == clerk.institution.fixmedins_code
    assert info.uscc
