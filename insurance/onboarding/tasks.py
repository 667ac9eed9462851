"""Background work of this room."""

from __future__ import annotations

from insurance.onboarding.errors import DemoRefused
from insurance.onboarding.filling import fill
from insurance.onboarding.mapping_filling import fill_mapping
from insurance.onboarding.services import KIND, MAPPING_KIND
from portal.tasks.registry import task_kind
from portal.tasks.run import Run, TaskFailed


@task_kind(KIND, label="填充演示医院", single=True)
def demo(run: Run) -> None:
    """Fill the demo hospital; started anew it goes on, and once filled it does nothing."""
    try:
        fill(run)
    except DemoRefused as error:
        raise TaskFailed(str(error)) from error


@task_kind(MAPPING_KIND, label="填充演示医院：目录与对照", single=True)
def demo_mapping(run: Run) -> None:
    """Fill catalogues, items and mappings; started anew it goes on, and once filled it does nothing."""
    try:
        fill_mapping(run)
    except DemoRefused as error:
        raise TaskFailed(str(error)) from error
