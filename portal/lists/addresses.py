"""Addresses of lists, and their queries in words."""

from __future__ import annotations

from django.forms import BoundField
from django.http import QueryDict

from portal.privacy.masks import mask_typed


def without_blanks(query: QueryDict) -> QueryDict:
    """Return a query without empty fields and without the first page's number."""
    clean = QueryDict(mutable=True)
    for name, values in query.lists():
        kept = [value for value in values if value.strip()]
        if kept and not (name == "page" and kept == ["1"]):
            clean.setlist(name, kept)
    return clean


def address(path: str, query: QueryDict) -> str:
    """Return path and query as one."""
    return f"{path}?{query.urlencode()}" if query else path


def condition_words(bound: BoundField, *, masked: bool = False) -> str:
    """Return one condition of the query form in words, "" when it is not set; `masked`: what was typed, masked."""
    value = bound.data
    if isinstance(value, list):
        words = " 至 ".join(str(part or "…") for part in value) if any(value) else ""
    else:
        choices = {str(code): str(word) for code, word in getattr(bound.field, "choices", [])}
        typed = mask_typed(str(value)) if masked else str(value)
        words = choices.get(str(value), typed) if value else ""
    return f"{bound.label}：{words}" if words else ""


def turned(name: str) -> str:
    """Return the other direction of a sorting."""
    return name[1:] if name.startswith("-") else f"-{name}"
