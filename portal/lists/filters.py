"""The query form of a list page.

    class DepartmentFilter(ListFilter):
        words = SearchFilter(fields=["hosp_dept_codg", "hosp_dept_name"], label="编码、名称")
        state = ChoiceFilter(label="状态", states=SubmissionState)
        begntime = DayRangeFilter(label="开始日期")

        class Meta:
            model = Department
            fields = []

The first three stand in the line that is always seen, the rest under 展开. Labels are Chinese and always given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.lists.searching import looking_for
from portal.lists.states import States

# Each word looks into every column: hundreds of them, pasted by mistake, would hold the database for seconds.
MOST_WORDS = 10
WIDTHS = str.maketrans({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20})


def narrow(text: str) -> str:
    """Turn full-width letters, digits and blanks, as an input method leaves them, into plain ones."""
    return text.translate(WIDTHS).strip()


class SearchFilter(django_filters.CharFilter):
    """One box that looks into several columns: each word must be found in one of them.

    `fields` contain the word (or are it, when also named in `exact`): for lists of thousands. For long lists `holds`
    and `starts` name columns with the indexes of portal.lists.searching. Words beyond MOST_WORDS are not looked for.
    """

    def __init__(
        self,
        *,
        fields: Sequence[str] = (),
        exact: Sequence[str] = (),
        holds: Sequence[str] = (),
        starts: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.columns, self.exact, self.holds, self.starts = fields, exact, holds, starts
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows word by word."""
        for word in narrow(value or "").split()[:MOST_WORDS]:
            found = Q()
            for name in self.columns:
                found |= Q(**{name if name in self.exact else f"{name}__icontains": word})
            if self.holds or self.starts:
                found |= looking_for(word, self.holds, self.starts)
            qs = qs.filter(found)
        return qs


class ChoiceFilter(django_filters.ChoiceFilter):
    """One of several; give `states` (a States class) or `choices`."""

    def __init__(self, *, states: type[States] | None = None, **kwargs: Any) -> None:
        if states is not None:
            kwargs["choices"] = states.choices
        super().__init__(**{"empty_label": "全部", **kwargs})


class YesNoFilter(django_filters.ChoiceFilter):
    """是 or 否 for a true/false column, or for `lookup_expr="isnull"` and the like."""

    def __init__(self, *, yes: str = "是", no: str = "否", **kwargs: Any) -> None:
        kwargs["choices"] = [("1", yes), ("0", no)]
        super().__init__(**{"empty_label": "全部", **kwargs})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows; nothing chosen leaves them."""
        if value not in ("0", "1"):
            return qs
        found = Q(**{f"{self.field_name}__{self.lookup_expr}": value == "1"})
        return qs.exclude(found) if self.exclude else qs.filter(found)


class DayRangeWidget(forms.MultiWidget):
    """Two native date inputs, `<name>_from` and `<name>_to`."""

    template_name = "lists/day_range.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        days: dict[str, forms.Widget | type[forms.Widget]] = {
            end: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d") for end in ("from", "to")
        }
        super().__init__(days, attrs)

    def decompress(self, value: Any) -> list[Any]:
        """Return both ends."""
        return list(value) if value else [None, None]


class DayRangeField(forms.MultiValueField):
    """From day to day, both included, either end open; says so when they stand the wrong way round."""

    widget = DayRangeWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            fields=(forms.DateField(required=False), forms.DateField(required=False)),
            require_all_fields=False,
            **kwargs,
        )

    def compress(self, data_list: list[date | None]) -> tuple[date | None, date | None] | None:
        """Return (from, to), or None when nothing was given."""
        start, stop = data_list or (None, None)
        if start and stop and start > stop:
            raise forms.ValidationError("开始日期晚于结束日期，请对调后再查询。")
        return (start, stop) if start or stop else None


class DayRangeFilter(django_filters.Filter):
    """Days from–to, both included, for a date column or (`times=True`) a column of times."""

    field_class = DayRangeField

    def __init__(self, *, times: bool = False, **kwargs: Any) -> None:
        self.times = times
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[Any], value: tuple[date | None, date | None] | None) -> QuerySet[Any]:
        """Narrow the rows; an open end is open."""
        start, stop = value or (None, None)
        if start:
            qs = qs.filter(**{f"{self.field_name}__gte": self._start_of(start)})
        if stop and stop < date.max:  # behind the last day there is nothing to leave out
            qs = qs.filter(**{f"{self.field_name}__lt": self._start_of(stop + timedelta(days=1))})
        return qs

    def _start_of(self, day: date) -> date | datetime:
        return timezone.make_aware(datetime.combine(day, time.min)) if self.times else day


class ListFilter(django_filters.FilterSet):
    """Base of all query forms."""

    ahead = 3
    """How many fields stand in the line that is always seen."""

    @property
    def first(self) -> list[forms.BoundField]:
        """The fields of the first line."""
        return [self.form[name] for name in self.form.fields][: self.ahead]

    @property
    def rest(self) -> list[forms.BoundField]:
        """The fields under 展开."""
        return [self.form[name] for name in self.form.fields][self.ahead :]

    @property
    def busy(self) -> int:
        """How many fields narrow the list now."""
        return len(self._given([*self.first, *self.rest]))

    @property
    def busy_rest(self) -> bool:
        """Say whether a field under 展开 narrows the list, so that it must be seen."""
        return bool(self._given(self.rest))

    def _given(self, fields: list[forms.BoundField]) -> list[str]:
        found = []
        for bound in fields:
            value = bound.data
            values = value if isinstance(value, list | tuple) else [value]
            if any(part not in (None, "") for part in values):
                found.append(bound.name)
        return found
