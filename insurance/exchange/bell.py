"""Ringing for a drain. A lost ring costs a second: the dispatcher sweeps what is due and rings again."""

from __future__ import annotations

from portal.tasks.bell import ring


def ring_for(connection_id: int, delivery: str) -> None:
    """Ask a worker to drain one connection and class."""
    ring(
        delivery, "insurance.exchange.delivery.drain", connection_id, delivery, key=f"drain-{connection_id}-{delivery}"
    )
