"""The fill of the demo hospital by real workers and a real sandbox: once, whole, and whatever happens to a worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from insurance.directory.choices import Verdict
from insurance.directory.models import ComparisonRow, Department, InstitutionInfo, Practitioner, StaffMember
from insurance.directory.values import practitioner_values
from insurance.exchange.models import Call, Submission
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.services import KIND, make_logins, office_of, start_fill
from insurance.onboarding.sheets import HEADS, department_lines, staff_lines
from insurance.sandbox.seeds.staff import staff
from insurance.specification.books import open_book
from portal.people.models import Person
from portal.sheets.models import SheetImport
from portal.tasks.models import Task, TaskLog
from portal.tasks.runner import run_task
from portal.tasks.services import cancel, repeat
from tests.exchange.processes import wait_until
from tests.onboarding.conftest import at_work, demo
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

QUIET = ("--verbosity", "0")
SENDER, FILLER, DISPATCHER = ("rqworker", "interactive", *QUIET), ("rqworker", "tasks", *QUIET), ("dispatcher",)
COUNTED = (Person, Department, StaffMember, Practitioner, Submission, Call, SheetImport, Task, ComparisonRow)


def fill_state() -> str:
    """The state of the newest run of the fill, with its words where it failed."""
    task = Task.objects.filter(kind=KIND).order_by("-pk").first()
    assert task is not None
    assert task.state != "failed", [task.message, *TaskLog.objects.values_list("text", flat=True)]
    return str(task.state)


def filled() -> bool:
    return fill_state() == "done"


def is_whole(sandbox: RunningSandbox) -> None:
    """Assert that the demo is as it should be, nothing missing and nothing twice."""
    assert Department.objects.count() == 32
    states = Counter(Submission.objects.filter(superseded=False).values_list("state", flat=True))
    assert states == {"accepted": 30, "refused": 1}
    assert Submission.objects.count() == 31
    assert "已存在" in Submission.objects.get(state="refused").words
    said = Counter(r["input"]["deptinfo"]["hosp_dept_codg"] for r in sandbox.log("3401") if str(r["infcode"]) == "0")
    assert len(said) == 30
    assert set(said.values()) == {1}
    verdicts = Counter(ComparisonRow.objects.filter(kind="department").values_list("verdict", flat=True))
    assert verdicts == {Verdict.SAME: 29, Verdict.DIFFERENT: 2, Verdict.OURS: 1, Verdict.THEIRS: 2}
    assert Department.objects.get(state="draft").hosp_dept_codg == "0409"
    assert [s.error_rows for s in SheetImport.objects.order_by("pk")] == [2, 2]
    assert not SheetImport.objects.exclude(state="applied").exists()
    assert Practitioner.objects.count() == 420
    assert InstitutionInfo.objects.count() == 1
    people = Counter(ComparisonRow.objects.filter(kind="staff").values_list("verdict", flat=True))
    assert people[Verdict.OURS] == 3
    assert people[Verdict.DIFFERENT] == 6
    assert people[Verdict.SAME] > 350
    assert DemoHospital.objects.get().filled_at is not None


def test_the_departments_of_the_demo_are_such_as_the_specification_takes() -> None:
    lines = department_lines()
    dictionary = open_book().dictionary("dept")
    assert len({line["科室编码"] for line in lines}) == 32
    assert {line["科别编码"] for line in lines} <= set(dictionary)
    numbers = {kind.label: sum(int(line[header]) for line in lines) for kind, header in HEADS.items()}
    assert numbers == {"医师": 148, "护士": 206, "药师": 34, "医技人员": 32}, "as many as the sandbox has licensed"


def test_the_lists_of_staff_agree_with_what_the_platform_has_but_for_a_few() -> None:
    rows = staff(1, "H44170200001", "441700", timezone.localdate())
    people = [Practitioner(**practitioner_values(row)) for row in rows]
    everybody, some = staff_lines(people, "full"), staff_lines(people, "small")
    assert 380 <= len(everybody) <= 420
    assert 55 <= len(some) <= 75
    known = {(row["prac_psn_no"], row["prac_psn_name"], row["prac_cert_no"]) for row in rows}
    for lines in (everybody, some):
        assert len({line[0] for line in lines}) == len(lines), "a staff number stands twice"
        assert {line[2] for line in lines} == {"医师", "护士", "药师", "医技人员"}
        assert sum((line[0], line[1], line[8]) not in known for line in lines) == 5 + 3


def test_filled_once_and_nothing_new_at_the_second_start(
    installation: Any, sandbox: RunningSandbox, redis_url: str, client: Client
) -> None:
    with at_work(installation, SENDER, FILLER, DISPATCHER):
        code, words = demo("--without-items")
        assert code == 0
        assert "yibao" in words
        assert "开始填充" in words
        wait_until(filled, "the demo filled", 60)
        is_whole(sandbox)
        before = {model: model.objects.count() for model in COUNTED}
        requests = len(sandbox.log())
        assert "没有新增" in demo("--start", "--without-items")[1]
        assert "没有新增" in demo("--without-items")[1]
        again = repeat(office_of(DemoHospital.objects.get()), task=Task.objects.get(kind=KIND))
        wait_until(filled, "the repetition done")
        again.refresh_from_db()
        assert again.result == {"说明": "此前已填充完成，没有新增数据"}
        before[Task] += 1
        assert {model: model.objects.count() for model in COUNTED} == before
        assert len(sandbox.log()) == requests
    assert Task.objects.filter(kind=KIND).first().done == Task.objects.filter(kind=KIND).first().total == 38
    client.force_login(Person.objects.get(username="yibao"))
    assert "已存在，不能重复上传" in client.get("/directory/?tab=refused").content.decode()
    assert "批准床位数量：本院 40，平台 45" in client.get("/directory/compare/?tab=different").content.decode()
    assert "妇科日间手术病房" in client.get("/directory/compare/?tab=theirs").content.decode()


def has(model: Any, count: int = 1, **marks: Any) -> Callable[[], bool]:
    """A condition: so many rows are there, or the fill is over (then it was too fast to be killed)."""
    return lambda: model.objects.filter(**marks).count() >= count or filled()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(has(SheetImport, state="checking"), id="file-uploaded"),
        pytest.param(has(Submission, 3, state="accepted"), id="some-delivered"),
        pytest.param(has(Practitioner, 10), id="staff-fetched"),
    ],
)
def test_killed_in_the_middle_it_goes_on_and_doubles_nothing(
    installation: Any, sandbox: RunningSandbox, redis_url: str, moment: Callable[[], bool]
) -> None:
    sandbox.fault("delay", "3401,5102,5101", times=0, seconds=0.4)
    make_logins()
    with at_work(installation, SENDER, DISPATCHER):
        with at_work(installation, FILLER) as (worker,):
            start_fill(items=None)
            wait_until(moment, "the moment to kill", 60)
            worker.kill()
        assert not filled(), "killed too late to prove anything"
        with at_work(installation, FILLER):
            wait_until(filled, "the demo filled by the next worker", 60)
    assert Task.objects.get(kind=KIND).attempt == 2
    is_whole(sandbox)


def test_cancelled_and_run_again_on_a_sandbox_that_an_earlier_demo_has_used(
    installation: Any, sandbox: RunningSandbox, redis_url: str
) -> None:
    begun = "2018-01-01 00:00:00"
    sandbox.put("departments", {"hosp_dept_codg": "0101", "hosp_dept_name": "旧产科", "begntime": begun})
    sandbox.put("departments", {"hosp_dept_codg": "9901", "hosp_dept_name": "别人的科室", "begntime": begun})
    sandbox.fault("delay", "3401", times=0, seconds=0.6)
    actor = office_of(make_logins())
    with at_work(installation, SENDER, FILLER, DISPATCHER):
        start_fill(items=None)
        wait_until(has(Submission, 3, state="accepted"), "a few delivered", 60)
        task = Task.objects.get(kind=KIND)
        cancel(actor, task=task)
        wait_until(lambda: fill_state() == "cancelled", "cancelled", 10)
        sandbox.clear_faults()
        assert "没有填完" in demo("--start", "--without-items")[1]
        assert Task.objects.filter(kind=KIND).count() == 1
        task.refresh_from_db()
        sandbox.remove(
            "departments", next(r["_key"] for r in sandbox.books("departments") if r["hosp_dept_codg"] == "9901")
        )
        repeat(actor, task=task)
        wait_until(filled, "the demo filled by the second run", 60)
    names = {row["hosp_dept_codg"]: row["hosp_dept_name"] for row in sandbox.books("departments")}
    assert names["0101"] == "产科一区"
    is_whole(sandbox)


def test_the_fill_itself_refuses_what_is_no_sandbox(installation: Any, sandbox: RunningSandbox) -> None:
    make_logins()
    begun, _ = start_fill(items=None)
    assert begun.task is not None
    installation.ENVIRONMENT = "正式"
    run_task(begun.task.pk)
    begun.task.refresh_from_db()
    assert begun.task.state == "failed"
    assert "正式" in begun.task.message
    assert not Department.objects.exists()
    assert sandbox.log() == []
