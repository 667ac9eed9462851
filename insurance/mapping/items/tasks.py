"""Background work of this corner."""

from __future__ import annotations

from insurance.mapping.items.services import apply_due
from portal.tasks.registry import sweep


@sweep("mapping.items_due", every=60.0)
def items_due() -> None:
    """Let changes of items hold whose day has come."""
    apply_due()
