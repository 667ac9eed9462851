"""Who has tasks run again without the right to what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.people.models import Institution, Person
from portal.tasks.models import Task
from portal.tasks.registry import kind_of
from portal.tasks.run import Run, TaskFailed

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "params"),
    [("catalogue.refresh", {"infno": "1301", "accept": 1}), ("mapping.compare", {"accept": True})],
)
def test_managing_tasks_accepts_nothing(
    kind: str, params: dict[str, Any], person: Callable[..., Person], institution: Institution
) -> None:
    """系统管理员 may repeat any task, but not take what somebody with the right has to answer for."""
    keeper = person("keeper", institution, "system_admin")
    task = Task.objects.create(institution=institution, kind=kind, params=params, requested_by=keeper)
    with pytest.raises(TaskFailed, match="权限"):
        kind_of(kind).function(Run(task))
