"""Columns of the lists: each kind of value looks the same on every page (ui.md).

Every column takes `opens=True`: its text then leads to the record's own page, which a click opens in the drawer.
Values that are missing show as an empty cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import django_tables2 as tables
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.lists.states import States
from portal.privacy.masks import mask_name


class TextColumn(tables.Column):
    """Text in one line, cut by the column's width, whole in the title. `width` is a class: w-s, w-m, w-l or w-xl."""

    css = "cell-text"
    kind: ClassVar[str] = "text"
    """What a spreadsheet makes of it: text, code, number, money, date or datetime (portal.lists.exporting)."""
    empty_values = (None, "")

    def __init__(self, *args: Any, opens: bool = False, width: str = "", **kwargs: Any) -> None:
        self.opens = opens
        names = " ".join(name for name in (self.css, width) if name)
        attrs = {"td": {"class": names}, "th": {"class": names}} | kwargs.pop("attrs", {})
        super().__init__(*args, default="", attrs=attrs, **kwargs)

    def words(self, value: Any, record: Any) -> str:
        """Return what stands in the cell."""
        return str(value)

    def title(self, value: Any, record: Any) -> str:
        """Return what the mouse shows."""
        return self.words(value, record)

    def render(self, value: Any, record: Any, table: Any) -> SafeString:
        """Return the cell, as a link into the drawer when the column opens the record."""
        words, title = self.words(value, record), self.title(value, record)
        url = table.row_url(record) if self.opens else ""
        if url:
            return format_html('<a href="{}" data-drawer title="{}">{}</a>', url, title, words)
        return format_html('<span title="{}">{}</span>', title, words)

    def plain(self, value: Any, record: Any) -> Any:
        """Return the value for a spreadsheet: a plain Python value, masked exactly as on the screen."""
        return self.words(value, record)

    def value(self, value: Any, record: Any) -> Any:
        """Return the value as django-tables2 asks for it."""
        return self.plain(value, record)


class CodeColumn(TextColumn):
    """A code: monospace, never broken."""

    css = "cell-code"
    kind = "code"


class NumberColumn(TextColumn):
    """A whole number: right, tabular, with thousands separated."""

    css = "cell-number"
    kind = "number"

    def words(self, value: Any, record: Any) -> str:
        """Return 12,345."""
        return f"{value:,}" if isinstance(value, int | Decimal) else str(value)

    def plain(self, value: Any, record: Any) -> Any:
        """Return the number itself."""
        return value if isinstance(value, int | float | Decimal) else self.words(value, record)


class MoneyColumn(NumberColumn):
    """An amount in yuan: right, tabular, two digits (1,234,567.50)."""

    kind = "money"

    def words(self, value: Any, record: Any) -> str:
        """Return 1,234,567.50; a value that is no number stays as it came."""
        return f"{value:,.2f}" if isinstance(value, int | Decimal) else str(value)


class TimeColumn(TextColumn):
    """A time as MM-DD HH:mm (Asia/Shanghai), with the full one in the title."""

    css = "cell-time"
    kind = "datetime"

    def words(self, value: Any, record: Any) -> str:
        """Return 11-23 16:08."""
        return _local(value).strftime("%m-%d %H:%M") if isinstance(value, datetime) else str(value)

    def title(self, value: Any, record: Any) -> str:
        """Return 2026-11-23 16:08:31."""
        return _local(value).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)

    def plain(self, value: Any, record: Any) -> Any:
        """Return the time as the hospital's clock shows it, without a zone: spreadsheets know none."""
        return _local(value).replace(tzinfo=None) if isinstance(value, datetime) else self.words(value, record)


class DateColumn(TextColumn):
    """A day as 2026-11-23."""

    css = "cell-time"
    kind = "date"

    def words(self, value: Any, record: Any) -> str:
        """Return 2026-11-23."""
        return value.strftime("%Y-%m-%d") if isinstance(value, date) else str(value)

    def plain(self, value: Any, record: Any) -> Any:
        """Return the day."""
        return value if isinstance(value, date) else self.words(value, record)


class NameColumn(TextColumn):
    """A patient's name, masked until it is uncovered in the detail (李*)."""

    css = "cell-name"

    def words(self, value: Any, record: Any) -> str:
        """Return 李*."""
        return mask_name(str(value))


class ChoiceColumn(TextColumn):
    """The word of a field with choices; for a state with a colour take StateColumn."""

    def __init__(self, *args: Any, words: dict[str, str] | None = None, **kwargs: Any) -> None:
        self.choices = words
        super().__init__(*args, **kwargs)

    def words(self, value: Any, record: Any) -> str:
        """Return the word; from the table given, else from the model's choices (django-tables2 has looked it up)."""
        return self.choices.get(str(value), str(value)) if self.choices is not None else str(value)


def tag(state: States | str, states: type[States] | None = None) -> SafeString:
    """Return a state's tag, word and colour from its States; an unknown code shows itself in grey."""
    if not isinstance(state, States):
        known = states is not None and state in states.values
        state = states(state) if states is not None and known else state
    word, colour = (state.label, state.colour) if isinstance(state, States) else (state, "secondary")
    return format_html('<span class="tag tag-{}">{}</span>', colour, word)


class StateColumn(tables.Column):
    """A state as a tag and, after it, the line that says more: whose turn, since when, the platform's own words.

    `states` is the States class. `extra` is the name of an attribute or method of the record, or a function of it.
    """

    empty_values = (None, "")

    def __init__(self, states: type[States], *args: Any, extra: str | Callable[[Any], str] = "", **kwargs: Any) -> None:
        self.states = states
        self.extra = extra
        attrs = {"td": {"class": "cell-state"}} | kwargs.pop("attrs", {})
        super().__init__(*args, default="", attrs=attrs, **kwargs)

    def render(self, value: Any, record: Any, bound_column: Any) -> SafeString:
        """Return tag and extra line. The value is read from the record: django-tables2 would hand over the word."""
        code = bound_column.accessor.resolve(record, quiet=True) if bound_column.accessor else value
        more = self.more(record)
        if not more:
            return tag(code, self.states)
        return format_html('{} <span class="tag-more" title="{}">{}</span>', tag(code, self.states), more, more)

    def value(self, record: Any, bound_column: Any) -> str:
        """Return the word for a spreadsheet."""
        return self.plain(bound_column.accessor.resolve(record, quiet=True))

    def plain(self, code: Any) -> str:
        """Return a state's word; an unknown code stands for itself."""
        return str(self.states(code).label) if code in self.states.values else str(code or "")

    def more(self, record: Any) -> str:
        """Return the line after the tag."""
        if callable(self.extra):
            return str(self.extra(record) or "")
        found = getattr(record, self.extra, "") if self.extra else ""
        return str((found() if callable(found) else found) or "")


class SelectColumn(tables.Column):
    """The first column: chooses rows for the actions of the toolbar."""

    empty_values = ()

    def __init__(self) -> None:
        attrs = {"td": {"class": "cell-select"}, "th": {"class": "cell-select"}}
        super().__init__(verbose_name="选择", accessor="pk", orderable=False, exclude_from_export=True, attrs=attrs)

    @property
    def header(self) -> SafeString:
        """The box that chooses every row of the page."""
        return mark_safe('<input type="checkbox" class="form-check-input" data-select-page aria-label="选择本页全部">')

    def render(self, value: Any, record: Any) -> SafeString:
        """Return the row's box."""
        return format_html(
            '<input type="checkbox" class="form-check-input" name="row" value="{}" aria-label="选择 {}">', value, record
        )


@dataclass(frozen=True)
class Act:
    """One action of a row.

    With `batch` it asks a BatchPage at `url` for this row alone; else `url` is opened, in the drawer with `drawer`.
    A `reason` says why it cannot be taken now: the action then shows, disabled.
    """

    label: str
    url: str
    batch: bool = False
    drawer: bool = False
    reason: str = ""


class ActionsColumn(tables.Column):
    """The last column: up to three actions, the rest under 更多. `acts` maps (record, table) to Acts.

    Rights are asked once per page, not per row: `table.may("directory.edit")`.
    """

    empty_values = ()

    def __init__(self, acts: Callable[[Any, Any], Iterable[Act]]) -> None:
        self.acts = acts
        attrs = {"td": {"class": "cell-actions"}, "th": {"class": "cell-actions"}}
        super().__init__(verbose_name="操作", orderable=False, exclude_from_export=True, attrs=attrs)

    def render(self, record: Any, table: Any) -> SafeString:
        """Return the actions as links and buttons."""
        acts = list(self.acts(record, table))
        shown, rest = (acts, []) if len(acts) <= 3 else (acts[:2], acts[2:])
        line = format_html_join("", "{}", ((self._one(act, record),) for act in shown))
        if not rest:
            return line
        more = format_html_join("", "{}", ((self._one(act, record),) for act in rest))
        return format_html(
            '{}<details class="drop drop-row"><summary>更多</summary><div class="drop-body">{}</div></details>',
            line,
            more,
        )

    def _one(self, act: Act, record: Any) -> SafeString:
        if act.reason:
            return format_html(
                '<span class="act is-off" title="{}" aria-disabled="true">{}</span>', act.reason, act.label
            )
        if act.batch:
            return format_html(
                '<button type="submit" class="act" name="only" value="{}" formaction="{}" data-panel>{}</button>',
                record.pk, act.url, act.label,
            )  # fmt: skip
        drawer = mark_safe(" data-drawer") if act.drawer else ""
        return format_html('<a class="act" href="{}"{}>{}</a>', act.url, drawer, act.label)


def _local(value: datetime) -> datetime:
    return timezone.localtime(value) if timezone.is_aware(value) else value
