"""Query forms of the exchange's lists."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.contents import DIRECT
from insurance.exchange.models import STUCK, Call, Submission
from insurance.exchange.pages.links import link_in
from insurance.exchange.pages.submissions import purpose_choices
from insurance.specification.books import Book
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter, narrow
from portal.people.models import Institution, Membership, Person

# A call's key grows with its time, by the clocks of several machines, and clocks are put right. A list misses no row as
# long as no clock was more than this wrong: half a day covers one that was set to another time zone.
SLACK = dt.timedelta(hours=12)
MOST_NAMES = 50


class BookFilter(ListFilter):
    """A query form whose choices come from the specification that this institution's connection speaks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in self.choices_of(self.book).items():
            self.filters[name].extra["choices"] = choices

    @cached_property
    def book(self) -> Book:
        """The specification, looked up once a request."""
        return link_in(self.request)[1]

    def choices_of(self, book: Book) -> dict[str, list[tuple[str, str]]]:
        """Return the choices of fields by their names."""
        return {}


class PurposeFilter(ChoiceFilter):
    """One purpose, or everything that was sent directly."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows; direct messages have a purpose for each transaction."""
        return qs.filter(purpose__startswith=DIRECT) if value == DIRECT else super().filter(qs, value)


class SubmissionFilter(BookFilter):
    """Asks the work list."""

    words = SearchFilter(fields=["label"], label="对象")
    purpose = PurposeFilter(label="用途", choices=[])
    created_at = DayRangeFilter(label="提交日期", times=True)
    state = ChoiceFilter(label="状态", states=SubmissionState)
    refmsgid = SearchFilter(fields=["refmsgid"], exact=("refmsgid",), label="接收方报文ID")
    msgid = SearchFilter(fields=["rows__call__msgid"], exact=("rows__call__msgid",), label="发送方报文ID")
    needs_person = YesNoFilter(label="待人工")

    class Meta:
        """No field is made from the model."""

        model = Submission
        fields: list[str] = []

    def choices_of(self, book: Book) -> dict[str, list[tuple[str, str]]]:
        """Return the purposes that rooms registered."""
        return {"purpose": purpose_choices(book)}


class UnappliedFilter(YesNoFilter):
    """Answers that could not be written into the records, or the rest."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows."""
        return {"1": qs.filter(STUCK), "0": qs.exclude(STUCK)}.get(value, qs)


class MomentRangeWidget(forms.MultiWidget):
    """Two native inputs of day and minute, `<name>_from` and `<name>_to`."""

    template_name = "lists/day_range.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({end: MinuteInput() for end in ("from", "to")}, attrs)

    def decompress(self, value: Any) -> list[Any]:
        """Return both ends."""
        return list(value) if value else [None, None]


class MinuteInput(forms.DateTimeInput):
    """A native input of day and minute; an address that gives a day alone fills it with that day's first minute."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__({"class": "is-time"}, format="%Y-%m-%dT%H:%M")

    def format_value(self, value: Any) -> str | None:
        """Return the value as the input takes it."""
        text = super().format_value(value)
        return f"{text}T00:00" if text and len(text) == 10 else text


class MomentField(forms.DateTimeField):
    """A minute, or a whole day; keeps which of them it was, since both ends are included."""

    def to_python(self, value: Any) -> Any:
        """Return (first moment, first moment after it), None when nothing was given."""
        found = super().to_python(value)
        if found is None:
            return None
        if timezone.is_naive(found):
            found = timezone.make_aware(found)
        whole_day = isinstance(value, str) and len(value.strip()) == 10
        return found, found + (dt.timedelta(days=1) if whole_day else dt.timedelta(minutes=1))


class MomentRangeField(forms.MultiValueField):
    """From minute to minute, both included, either end open."""

    widget = MomentRangeWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            fields=(MomentField(required=False), MomentField(required=False)), require_all_fields=False, **kwargs
        )

    def compress(self, data_list: list[Any]) -> tuple[dt.datetime | None, dt.datetime | None] | None:
        """Return (first, behind the last), or None when nothing was given."""
        start, stop = data_list or (None, None)
        if start and stop and start[0] >= stop[1]:
            raise forms.ValidationError("开始时间晚于结束时间，请对调后再查询。")
        return (start[0] if start else None, stop[1] if stop else None) if start or stop else None


class MomentRangeFilter(django_filters.Filter):
    """Minutes from–to of the ledger. Its key grows with its time, so the keys that belong to them are asked for too.

    Without them the database would walk all younger rows to find an old hour, since the page is ordered by key.
    """

    field_class = MomentRangeField

    def filter(self, qs: QuerySet[Any], value: tuple[dt.datetime | None, dt.datetime | None] | None) -> QuerySet[Any]:
        """Narrow the rows; an open end is open."""
        start, stop = value or (None, None)
        every = Call.objects.filter(institution=self.parent.request.actor.institution)
        if start:
            qs = after_moment(qs, start, every)
        return before_moment(qs, stop, every) if stop else qs


def after_moment(rows: QuerySet[Any], start: dt.datetime, every: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows of a ledger since `start`; `every` is the ledger of the institution."""
    rows = rows.filter(prepared_at__gte=start)
    if start.year < 2:
        return rows
    before = every.filter(prepared_at__lt=start - SLACK).order_by("-prepared_at").values_list("pk", flat=True).first()
    return rows if before is None else rows.filter(pk__gt=before)


def before_moment(rows: QuerySet[Any], stop: dt.datetime, every: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows of a ledger before `stop`."""
    rows = rows.filter(prepared_at__lt=stop)
    if stop.year > 9998:
        return rows
    after = every.filter(prepared_at__gt=stop + SLACK).order_by("prepared_at").values_list("pk", flat=True).first()
    return rows if after is None else rows.filter(pk__lt=after)


class ExactFilter(django_filters.CharFilter):
    """A code typed, pasted or scanned whole; looked for in one of `columns`."""

    def __init__(self, *columns: str, **kwargs: Any) -> None:
        self.columns = columns
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows; nothing typed leaves them."""
        text = narrow(value or "")
        if not text:
            return qs
        found = Q()
        for name in self.columns:
            found |= Q(**{name: text})
        return qs.filter(found)


class OperatorFilter(django_filters.CharFilter):
    """The operator in the message: by number, or by name, looked up among the institution's people."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows by the number, which has an index; a name becomes the numbers of those so named."""
        text = narrow(value or "")
        if not text:
            return qs
        link = link_in(self.parent.request)[0]
        named = Membership.objects.filter(institution=self.parent.request.actor.institution).exclude(opter="")
        found = set(
            named.filter(Q(opter_name__icontains=text) | Q(person__name__icontains=text)).values_list(
                "opter", flat=True
            )[:MOST_NAMES]
        )
        if link is not None and text in link.opter_name:
            found.add(link.opter)
        return one_of(qs, self.parent.request.actor.institution, "opter", {text, *found})


class AskedByFilter(django_filters.CharFilter):
    """Who pressed the button, by name, or the schedule that did."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows by the whole name as the ledger keeps it; part of a name finds the people so named."""
        text = narrow(value or "")
        if not text:
            return qs
        people = Person.objects.filter(memberships__institution=self.parent.request.actor.institution)
        names = people.filter(name__icontains=text).values_list("name", flat=True).distinct()[:MOST_NAMES]
        return one_of(qs, self.parent.request.actor.institution, "actor_name", {text, *(name[:50] for name in names)})


def one_of(rows: QuerySet[Any], institution: Institution, name: str, values: set[str]) -> QuerySet[Any]:
    """Return the rows whose column is one of `values`, between the oldest and the newest key of these.

    The page is ordered by key, and the database takes rows to lie evenly: for somebody who left a year ago it would
    walk that whole year. A range instead of an equation makes it ask the index of the column, in the column's order.
    """
    every = Call.objects.filter(institution=institution)
    ends: list[int] = []
    present = []
    for value in sorted(values):
        own = every.filter(**{f"{name}__gte": value, f"{name}__lte": value}).values_list("pk", flat=True)
        newest = own.order_by(name, "-pk").first()
        if newest is not None:
            present.append(value)
            ends += [newest, own.order_by(f"-{name}", "pk").first() or newest]
    if not present:
        return rows.none()
    found = rows.filter(**{name: present[0]}) if len(present) == 1 else rows.filter(**{f"{name}__in": present})
    return found.filter(pk__gte=min(ends), pk__lte=max(ends))


class BoundedFilter(ChoiceFilter):
    """One of several, between the oldest and the newest key of its rows."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow the rows; nothing chosen leaves them."""
        return one_of(qs, self.parent.request.actor.institution, str(self.field_name), {value}) if value else qs


class CallFilter(BookFilter):
    """Asks the ledger. Each field has an index of its own together with the key."""

    infno = BoundedFilter(label="交易", choices=[])
    state = BoundedFilter(label="状态", states=CallState)
    prepared_at = MomentRangeFilter(label="时间")
    msgid = ExactFilter("msgid", label="发送方报文ID")
    inf_refmsgid = ExactFilter("inf_refmsgid", label="接收方报文ID")
    visit = ExactFilter("mdtrt_id", "setl_id", label="就诊/结算ID")
    psn_no = ExactFilter("psn_no", label="人员编号")
    operator = OperatorFilter(label="经办人")
    asked_by = AskedByFilter(label="发起人")
    unapplied = UnappliedFilter(label="写入失败")

    class Meta:
        """No field is made from the model."""

        model = Call
        fields: list[str] = []

    def choices_of(self, book: Book) -> dict[str, list[tuple[str, str]]]:
        """Return every transaction of the edition: 3401 科室信息上传."""
        return {"infno": [(infno, f"{infno} {row.cells['name']}") for infno, row in book.index.items()]}
