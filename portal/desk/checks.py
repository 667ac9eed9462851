"""Start-up check: every menu line leads somewhere and names a right that some role has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from portal.desk import registry
from portal.desk.context import address
from portal.people.roles import ROLES


def check_menu(app_configs: Any = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Return an error for each entry without a page, and for each right that nobody can have."""
    found: list[CheckMessage] = []
    for entry in registry.menu():
        if not address(entry.url_name):
            found.append(Error(f"menu entry {entry.label} leads to no page: {entry.url_name}", id="desk.E001"))
    named = {entry.label: entry.action for entry in registry.menu()}
    named |= {panel.label: panel.action for panel in registry.panels()}
    for label, action in named.items():
        if not any(role.grants(action) for role in ROLES.values()):
            found.append(Error(f"{label} needs a right that no role grants: {action}", id="desk.E002"))
    return found


def register_checks() -> None:
    """Let `manage.py check` run it."""
    register(check_menu, Tags.urls)
