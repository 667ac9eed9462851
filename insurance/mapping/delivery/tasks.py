"""Background work of this corner: asking what the bureau thinks of what it received."""

from __future__ import annotations

from insurance.mapping.delivery.verdicts import take_verdicts
from portal.tasks.registry import schedule, task_kind
from portal.tasks.run import Run

VERDICTS = "mapping.verdicts"
# The bureau works by day; its word need not wait for the night.
EVERY_SECONDS = 4 * 3600


@task_kind(VERDICTS, label="查询局方审核结果", action="mapping.submit", single=True)
def verdicts_task(run: Run) -> None:
    """Ask for the verdicts of what waits."""
    take_verdicts(run)


schedule(VERDICTS, every_seconds=EVERY_SECONDS)
