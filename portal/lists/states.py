"""States with their word and their colour in one place, so that tag, filter and spreadsheet cannot disagree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models


class States(models.TextChoices):
    """Base of all states: a member is `NAME = "code", "colour", "词"` (colours: ui.md, States)."""

    colour: str

    def __new__(cls, value: str, colour: str = "secondary") -> States:
        member = str.__new__(cls, value)
        member._value_ = value
        member.colour = colour
        return member


def states_of(choices: Iterable[Any] | None) -> type[States] | None:
    """Return the States class whose members are a model field's choices, None when there is none."""
    wanted = list(choices or [])
    return next((kind for kind in States.__subclasses__() if kind.choices == wanted), None)
