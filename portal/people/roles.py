"""Roles are code: each names the actions it may take. An action is `room.verb`; `room.*` stands for all of a room's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """One role: its code, its word on the screen, and the actions it grants."""

    code: str
    label: str
    actions: frozenset[str]

    def grants(self, action: str) -> bool:
        """Say whether this role may take `action` (`room.verb`)."""
        return action in self.actions or f"{action.split('.', 1)[0]}.*" in self.actions


def _role(code: str, label: str, *actions: str) -> Role:
    return Role(code, label, frozenset(actions))


# Verbs: view, edit (change our own records), submit (say it to the platform), decide (settle an unknown or a
# difference), import, export, manage.
ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        _role(
            "insurance_office", "医保办",
            "desk.view", "directory.*", "exchange.view", "exchange.submit", "exchange.decide", "tasks.*", "sheets.*",
        ),
        _role("reviewer", "审核", "desk.view", "directory.view", "exchange.view", "exchange.decide", "tasks.view"),
        _role("pharmacy", "药房", "desk.view", "directory.view", "tasks.view", "sheets.view"),
        _role("price_supply", "物价耗材", "desk.view", "directory.view", "tasks.view", "sheets.view"),
        _role("cashier", "收费", "desk.view", "directory.view", "tasks.view"),
        _role("records", "病案采集", "desk.view", "directory.view", "tasks.view", "sheets.view"),
        _role("manager", "管理者", "desk.view", "directory.view", "directory.export", "exchange.view", "tasks.view"),
        _role("it", "信息科", "desk.view", "directory.view", "exchange.view", "exchange.manage", "tasks.*", "people.manage"),
    )
}
ROLE_CHOICES = [(role.code, role.label) for role in ROLES.values()]
