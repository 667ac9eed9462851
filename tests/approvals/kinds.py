"""A kind of approval for the tests: it renames an institution, which is easy to look at afterwards."""

from __future__ import annotations

import threading
from datetime import timedelta

from portal.approvals.errors import CannotExecute
from portal.approvals.models import Approval
from portal.approvals.registry import ApprovalKind, register_kind
from portal.people.actor import Actor
from portal.people.models import Institution

RUNS: list[tuple[int, str]] = []
HOLD = threading.Event()


def rename(actor: Actor, approval: Approval) -> str:
    """Take the new name out of the payload; "坏" refuses, "崩" breaks."""
    name = approval.payload["name"]
    Institution.objects.filter(pk=approval.institution_id).update(fixmedins_name=name)
    RUNS.append((approval.pk, actor.name))
    if name == "坏":
        raise CannotExecute("名称不合规定。请退回。")
    if name == "崩":
        raise ZeroDivisionError("secret words")
    return f"机构已更名为「{name}」。"


RENAME = ApprovalKind(
    code="test.rename",
    label="机构更名",
    propose="exchange.submit",
    approve="exchange.approve",
    execute=rename,
    show=lambda approval: [("新名称", approval.payload["name"])],
    lasts=timedelta(days=2),
    url=lambda approval: "/",
)
register_kind(RENAME)
