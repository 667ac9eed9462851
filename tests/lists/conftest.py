"""The test room as the portal's addresses, and records for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.people.models import Institution, Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Task

HERE = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def _room(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lists.room"
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], HERE / "templates"]}]


@pytest.fixture
def records(institution: Institution, member: Person) -> Callable[..., list[Task]]:
    """Makes records: `records(30)` alternately failed and done, `records(3, state="failed")` all alike."""

    def make(number: int, state: str = "", start: int = 0) -> list[Task]:
        states = [state] if state else [TaskState.FAILED, TaskState.DONE]
        return [
            Task.objects.create(
                institution=institution,
                kind=f"K{start + n:04d}",
                label=f"产科 {start + n}",
                state=states[n % len(states)],
                message="平台返回：科室编码在平台已存在" if states[n % len(states)] == TaskState.FAILED else "",
                requested_by=member,
                total=1000 + n,
            )
            for n in range(number)
        ]

    return make


@pytest.fixture
def office(client: Client, member: Person) -> Client:
    """A browser in which somebody of the insurance office is logged in."""
    client.force_login(member)
    return client
