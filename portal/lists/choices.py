"""Words of the saved views and layouts."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    """Who may use a saved view."""

    MINE = "mine", "仅自己"
    ROLE = "role", "本角色"


class Density(models.TextChoices):
    """How high a row is."""

    SMALL = "small", "紧凑"
    MEDIUM = "medium", "宽松"
