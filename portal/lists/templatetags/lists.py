"""Tags and filters of the list pages and forms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms, template
from django.core.paginator import Page
from django.http import QueryDict
from django.template.context import Context
from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.lists.columns import tag as state_tag
from portal.lists.intent import FIELD, issue
from portal.lists.states import states_of
from portal.lists.tables import ListTable

register = template.Library()

LISTS = (forms.RadioSelect, forms.CheckboxSelectMultiple)
BOXES = (forms.CheckboxInput, *LISTS)


@register.filter
def thousands(value: Any) -> str:
    """12345 → 12,345."""
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


@register.filter
def money(value: Any) -> str:
    """Decimal → 1,234,567.50; "" for None."""
    return f"{value:,.2f}" if isinstance(value, int | Decimal) else ("" if value is None else str(value))


@register.filter
def price(value: Any) -> str:
    """A unit price with as many digits as it has, two at least: 12.5000 → 12.50, 0.1234 → 0.1234; "" for None."""
    if not isinstance(value, Decimal) or not value.is_finite():
        return "" if value is None else str(value)
    return f"{value:,.{max(2, -int(value.normalize().as_tuple().exponent))}f}"


@register.filter
def tag(state: Any) -> SafeString:
    """Return a state's coloured tag: `{{ record.get_state|tag }}` with a member of States."""
    return state_tag(state)


@register.simple_tag
def state(owner: Any, field: str = "state") -> SafeString:
    """Return the tag of a record's state: `{% state submission %}`, `{% state record "verdict" %}`; "" when empty."""
    value = getattr(owner, field)
    return state_tag(value, states_of(owner._meta.get_field(field).choices)) if value else mark_safe("")


@register.simple_tag(takes_context=True)
def render_list_table(context: Context, table: ListTable) -> str:
    """Render the table with its own template, in the page's request."""
    values = {"table": table, "request": context["request"]}
    return get_template("lists/table.html").render(values, context["request"])


@register.simple_tag
def control(bound: forms.BoundField, size: str = "") -> SafeString:
    """Render a field's widget with the look of its kind; Django adds aria-invalid and aria-describedby."""
    widget = bound.field.widget
    look = "form-select" if isinstance(widget, forms.Select) else "form-control"
    if isinstance(widget, LISTS):
        look = "choices"
    elif isinstance(widget, forms.CheckboxInput):
        look = "form-check-input"
    elif size:
        look = f"{look} {look}-{size}"
    if bound.errors:
        look = f"{look} is-invalid"
    given = widget.attrs.get("class", "")
    attrs = {"class": f"{look} {given}".strip(), "autocomplete": widget.attrs.get("autocomplete", "off")}
    return bound.as_widget(attrs=attrs)


@register.filter
def is_box(bound: forms.BoundField) -> bool:
    """Say whether a field is made of boxes to tick, which sit lower than a line of text."""
    return isinstance(bound.field.widget, BOXES)


@register.simple_tag
def page_numbers(page: Page[Any]) -> list[int]:
    """Return the numbers to show: first, last, two around the current one; 0 stands for a gap."""
    last = page.paginator.num_pages
    wanted = sorted({1, last, *range(max(1, page.number - 2), min(last, page.number + 2) + 1)})
    shown: list[int] = []
    for number in wanted:
        if shown and number - shown[-1] > 1:
            shown.append(0)
        shown.append(number)
    return shown


@register.simple_tag
def query_fields(query: QueryDict, *without: str) -> SafeString:
    """Return an address's query as hidden fields."""
    pairs = [(name, value) for name, values in query.lists() if name not in without for value in values]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.simple_tag(takes_context=True)
def intent_field(context: Context, purpose: str) -> SafeString:
    """Return the hidden field that makes a plain form work once (portal.lists.intent)."""
    request = context["request"]
    key = request.POST.get(FIELD) or issue(request.user, purpose).key
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, key)
