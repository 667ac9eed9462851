"""The second part of the demo by real workers and a real sandbox: catalogues, items, two persons, answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from insurance.catalogue.models import Load
from insurance.exchange.models import Submission
from insurance.mapping.models import Ending, Finding, HospitalItem, ItemChange, Mapping, Suggestion
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.services import MAPPING_KIND, make_logins, start_fill
from portal.people.models import Person
from portal.sheets.models import SheetImport
from portal.tasks.models import Task, TaskLog
from tests.exchange.processes import wait_until
from tests.onboarding.conftest import at_work
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

QUIET = ("--verbosity", "0")
SENDER, FILLER, DISPATCHER = ("rqworker", "interactive", "bulk", *QUIET), ("rqworker", "tasks", *QUIET), ("dispatcher",)
PATIENCE = 240


def mapped() -> bool:
    """Whether the second part is done; its words where it failed."""
    task = Task.objects.filter(kind=MAPPING_KIND).order_by("-pk").first()
    if task is None:
        return False
    assert task.state != "failed", [task.message, *TaskLog.objects.filter(task=task).values_list("text", flat=True)]
    return str(task.state) == "done"


def is_whole() -> None:
    """Assert that everything a visitor wants to see is there, and nothing twice."""
    items = HospitalItem.objects.all()
    kinds = Counter(items.values_list("list_type", flat=True))
    assert kinds["101"] >= 140
    assert kinds["201"] >= 140
    assert kinds["301"] >= 60
    assert SheetImport.objects.filter(importer__startswith="mapping.").exclude(state="applied").count() == 0
    assert SheetImport.objects.filter(importer__startswith="mapping.").count() == 4
    assert Suggestion.objects.count() > 200
    states = Counter(Mapping.objects.values_list("state", flat=True))
    assert states["in_force"] > 100, states
    assert states["proposed"] > 3, states
    assert states["returned"] > 0, states
    assert states["approved"] > 0, "some wait for their upload or were refused"
    assert not Mapping.objects.filter(state="in_force", approved_by__username="yaofang").exists()
    verdicts = set(Mapping.objects.exclude(told_at=None).values_list("verdict", flat=True))
    assert {"passed", "failed"} <= verdicts, verdicts
    assert Ending.objects.filter(state="proposed").count() == 1
    assert Mapping.objects.filter(list_type="301", state="in_force").exists(), "no consumable is certain"
    assert Submission.objects.filter(purpose="mapping.add", state="refused", superseded=False).count() == 2
    assert ItemChange.objects.exists()
    assert items.filter(no_code=True).count() == 4
    assert Finding.objects.filter(kind="broken").exists()
    assert DemoHospital.objects.get().mapped_at is not None


def has(model: Any, count: int = 1, **marks: Any) -> Callable[[], bool]:
    return lambda: model.objects.filter(**marks).count() >= count or mapped()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(mapped, id="undisturbed"),
        pytest.param(has(Mapping, 30), id="killed-while-proposing"),
    ],
)
def test_filled_whole_and_once(
    installation: Any, sandbox: RunningSandbox, redis_url: str, client: Client, moment: Callable[[], bool]
) -> None:
    make_logins()
    with at_work(installation, SENDER, DISPATCHER):
        with at_work(installation, FILLER) as (worker,):
            start_fill("small", items="small")
            wait_until(moment, "the moment", PATIENCE)
            if moment is not mapped:
                worker.kill()
        with at_work(installation, FILLER):
            wait_until(mapped, "the second part filled", PATIENCE)
    is_whole()
    loads = Counter(Load.objects.filter(state="done").values_list("infno", flat=True))
    assert loads["1301"] == 2
    assert loads["1305"] == 1
    client.force_login(Person.objects.get(username="yaofang"))
    page = client.get(reverse("mapping:items"), {"tab": "mapped", "changed": "1"}).content.decode()
    assert "对照后变更：生产企业" in page
