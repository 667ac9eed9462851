"""Query forms of the exchange's lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import cached_property

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.contents import DIRECT
from insurance.exchange.models import Call, Submission
from insurance.exchange.pages.links import link_in
from insurance.exchange.pages.submissions import purpose_choices
from insurance.specification.books import Book
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, YesNoFilter


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
        stuck = Q(applied_at=None, state__in=[CallState.ACCEPTED, CallState.REFUSED], apply_attempts__gt=0)
        return {"1": qs.filter(stuck), "0": qs.exclude(stuck)}.get(value, qs)


BUSINESS = ["psn_no", "mdtrt_id", "setl_id"]
OPERATOR = ["opter", "opter_name", "actor_name"]


class CallFilter(BookFilter):
    """Asks the ledger."""

    infno = ChoiceFilter(label="交易", choices=[])
    state = ChoiceFilter(label="状态", states=CallState)
    prepared_at = DayRangeFilter(label="日期", times=True)
    msgid = SearchFilter(fields=["msgid"], exact=("msgid",), label="发送方报文ID")
    inf_refmsgid = SearchFilter(fields=["inf_refmsgid"], exact=("inf_refmsgid",), label="接收方报文ID")
    operator = SearchFilter(fields=OPERATOR, exact=("opter",), label="经办人、发起")
    business = SearchFilter(fields=BUSINESS, exact=tuple(BUSINESS), label="人员/就诊/结算号")
    unapplied = UnappliedFilter(label="写入失败")

    class Meta:
        """No field is made from the model."""

        model = Call
        fields: list[str] = []

    def choices_of(self, book: Book) -> dict[str, list[tuple[str, str]]]:
        """Return every transaction of the edition: 3401 科室信息上传."""
        return {"infno": [(infno, f"{infno} {row.cells['name']}") for infno, row in book.index.items()]}
