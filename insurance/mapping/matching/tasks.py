"""Background work of this corner."""

from __future__ import annotations

from django.urls import reverse

from insurance.mapping.matching.services import KIND, suggest_all
from portal.tasks.registry import task_kind
from portal.tasks.run import Run


@task_kind(KIND, label="推荐医保编码", action="mapping.view", single=True)
def suggest(run: Run) -> None:
    """Suggest codes for what has none or lost its code; what did not change keeps its suggestion."""
    counts = suggest_all(run)
    run.finish(dict(counts) or {"待对码项目": 0}, url=reverse("mapping:review"))
