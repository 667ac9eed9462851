"""What ends by itself."""

from __future__ import annotations

from portal.approvals.services import expire_due
from portal.tasks.registry import sweep


@sweep("approvals.expired", every=30.0)
def end_expired() -> None:
    """End proposals whose time is over."""
    expire_due()
