"""`{% load uncovering %}{% eye record "certno" %}`: a masked value and the small eye that shows it after a reason."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.db import models
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.audit.uncovering import scopes, uncoverable

register = template.Library()
# An eye on a 16 × 16 grid, drawn for this portal like the shell's other icons.
SHAPE = "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 100-4 2 2 0 000 4z"


@register.simple_tag(takes_context=True)
def eye(context: Context, thing: models.Model, *fields: str) -> SafeString:
    """Return the masked value of the first field, and the eye for all of `fields` where the person may uncover.

    An empty value stays empty and has no eye. Raises LookupError for a kind of record that is not registered.
    """
    what = uncoverable(thing._meta.label_lower)
    masked = what.masked(thing, fields[0])
    actor: Any = getattr(context.get("request"), "actor", None)
    if not masked or actor is None or not (actor.may("privacy.uncover") and actor.may(what.action)):
        return format_html("{}", masked)
    labels = "、".join(what.fields[name] for name in fields)
    address = reverse("uncover:one", args=[thing._meta.label_lower, thing.pk])
    url = f"{address}?{urlencode([('fields', name) for name in fields])}"
    return format_html(
        '<span class="eye-place">{masked} <a class="eye" href="{url}" hx-get="{url}" hx-target="closest .eye-place"'
        ' hx-swap="outerHTML" title="查看{labels}（须填原因，会被记录）" aria-label="查看{labels}">'
        '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{shape}"/></svg></a></span>',
        masked=masked,
        url=url,
        labels=labels,
        shape=SHAPE,
    )


@register.simple_tag(takes_context=True)
def clear_link(context: Context, page: Any) -> SafeString:
    """Return the button of a list that asks for its rows in clear, as it is narrowed now; nothing where none may."""
    actor: Any = getattr(context.get("request"), "actor", None)
    if page.path() not in dict(scopes()) or actor is None or not actor.may("privacy.request"):
        return mark_safe("")
    asked = urlencode({"scope": page.path(), "query": context.get("selection_query", "")})
    return format_html(
        '<a class="btn btn-sm" href="{}?{}" title="导出平时脱敏；需要明文时说明用途，由另一人批准">申请明文导出</a>',
        reverse("approvals:clearing_new"),
        asked,
    )
