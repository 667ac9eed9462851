"""Walks every page of the portal: its name, who may, and a real object of an institution behind its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.db.models.fields.json import JSONField
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter
from django.utils import timezone


@dataclass(frozen=True)
class Door:
    """One page: its name, the view behind it, and which of its arguments are numbers."""

    name: str
    view: Any
    numbers: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def needs(self) -> str:
        """Return the right that the guard asks for, "" where another guard or none stands before it."""
        return str(getattr(self.view, "needs", ""))


@lru_cache
def doors() -> tuple[Door, ...]:
    """Return every page of every room."""
    found = []
    for space, (_, resolver) in get_resolver().namespace_dict.items():
        for pattern in _patterns(resolver):
            kinds = pattern.pattern.converters
            numbers = tuple(name for name, each in kinds.items() if isinstance(each, IntConverter))
            words = tuple(name for name in kinds if name not in numbers)
            found.append(Door(f"{space}:{pattern.name}", pattern.callback, numbers, words))
    return tuple(found)


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _patterns(one)
        else:
            yield one


class Maker:
    """Makes one bare row of a model in an institution: what must be filled is filled with something plain."""

    def __init__(self, institution: Any, person: Any) -> None:
        self.made: dict[str, Any] = {"people.institution": institution, "people.person": person}
        self.count = 0

    def one(self, label: str, **given: Any) -> Any:
        """Return the row of `app.model`; one per model."""
        label = label.lower()
        if label not in self.made:
            self.made[label] = self._make(apps.get_model(label), given)
        return self.made[label]

    def _make(self, model: type[models.Model], given: dict[str, Any]) -> Any:
        values = dict(given)
        for field in model._meta.concrete_fields:
            if field.name not in values and self._must(field):
                values[field.name] = self._value(field)
        return model._default_manager.create(**values)

    def _must(self, field: Any) -> bool:
        if field.primary_key and field.get_internal_type().endswith("AutoField"):
            return False
        if field.is_relation and field.name in ("institution", "person", "requested_by", "proposed_by", "owner"):
            return True
        return not field.null and (field.default is NOT_PROVIDED or field.is_relation) and not _auto(field)

    def _value(self, field: Any) -> Any:
        self.count += 1
        if field.is_relation:
            return self.one(field.related_model._meta.label)
        if isinstance(field, JSONField):
            return {}
        if field.choices:
            return next(iter(field.flatchoices))[0]
        return _plain(field, self.count)


def _auto(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


def _plain(field: Any, count: int) -> Any:
    """Return a value of the field's kind, another each time."""
    now = timezone.now() - timedelta(hours=1)
    if isinstance(field, models.DateTimeField):
        return now
    if isinstance(field, models.DateField):
        return timezone.localdate()
    if isinstance(field, models.UUIDField):
        return None
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.BinaryField):
        return b""
    if isinstance(field, models.DecimalField | models.IntegerField | models.FloatField):
        return count
    return f"x{count}"[: field.max_length or 20]
