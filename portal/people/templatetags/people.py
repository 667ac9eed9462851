"""Tags of the people room."""

from __future__ import annotations

from django import template
from django.template.context import Context

from portal.people import operators

register = template.Library()


@register.simple_tag(takes_context=True)
def recent_operators(context: Context) -> list[operators.Operator]:
    """Return who worked at this computer lately, the person at hand left out; asks no database."""
    request = context["request"]
    own = getattr(request.user, "username", "")
    return [one for one in operators.known(request) if one.username != own]
