"""封存与核验: the daily seals, the last verification, and a button that verifies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.audit.models import Pruned, Seal
from portal.audit.seals import source_of
from portal.audit.verifying import last_check
from portal.lists.columns import CodeColumn, DateColumn, NumberColumn, TextColumn, TimeColumn
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter
from portal.lists.forms import DateInput
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.lists.tables import ListTable
from portal.lists.views import Empty, ListPage
from portal.people.guard import ActorRequest, needs
from portal.tasks.models import Task
from portal.tasks.services import start

MANAGE = "audit.manage"
PURPOSE = "audit.verify"


class VerifyForm(forms.Form):
    """From which day to which; empty is all."""

    first = forms.DateField(label="自", required=False, widget=DateInput())
    last = forms.DateField(label="至", required=False, widget=DateInput())

    def clean(self) -> dict[str, Any]:
        """The days stand the right way round."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("first") and given.get("last") and given["first"] > given["last"]:
            raise forms.ValidationError("开始日期晚于结束日期，请对调后再核验。")
        return given


class SourceColumn(TextColumn):
    """A source in words."""

    def words(self, value: Any, record: Any) -> str:
        """Return the source's name."""
        return source_words(str(value))


class SealTable(ListTable):
    """One closed day of one source a row."""

    day = DateColumn(verbose_name="日期")
    source = SourceColumn(verbose_name="来源")
    count = NumberColumn(verbose_name="条数")
    algorithm = CodeColumn(verbose_name="算法")
    key_id = CodeColumn(verbose_name="密钥编号")
    root = CodeColumn(verbose_name="封存值", orderable=False)
    made_at = TimeColumn(verbose_name="封存时间")


class SealFilter(ListFilter):
    """By source and day."""

    source: Any = ChoiceFilter(label="来源", choices=lambda: [(code, source_words(code)) for code in known_sources()])
    day: Any = DayRangeFilter(label="日期")

    class Meta:
        """What it filters."""

        model = Seal
        fields: list[str] = []


class SealList(ListPage):
    """Every seal, newest day first."""

    action = "audit.view"
    title = "封存与核验"
    purpose = "每天 00:40 把前一天的审计与交易记录封存成链；核验会指出第一条被改动、缺少或多出的记录。"
    table_class, filter_class = SealTable, SealFilter
    order = ("-day", "source")
    empty = Empty("还没有封存。第一个完整的自然日结束后，次日 00:40 自动封存。")
    template_name = "audit/seals.html"

    def rows(self) -> QuerySet[Any]:
        """Return all seals: they are the whole portal's."""
        return Seal.objects.all()

    def context(self) -> dict[str, Any]:
        """Return the last verification, what is under way, and the form."""
        return {
            "check": last_check(),
            "running": Task.objects.filter(kind=PURPOSE, ended_at=None).first(),
            "form": VerifyForm(),
            "may": self.request.actor.may(MANAGE),
            "pruned": Pruned.objects.order_by("-id")[:5],
        }


@require_POST
@needs(MANAGE)
def verify_now(request: ActorRequest) -> HttpResponseBase:
    """Start a verification as a task."""
    form = VerifyForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("audit:seals")
    params = {name: day.isoformat() for name, day in form.cleaned_data.items() if day}

    def work(intent: object) -> Result:
        start(request.actor, kind=PURPOSE, params={"first": "", "last": ""} | params)
        return Result("已开始核验。完成后结果显示在本页，不一致时会发出告警。", reverse("audit:seals"))

    try:
        result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, work)
    except UnknownIntent as error:
        messages.error(request, str(error))
        return redirect("audit:seals")
    messages.success(request, result.message)
    return redirect("audit:seals")


def source_words(code: str) -> str:
    """Return a source in words; one whose room is gone says so."""
    found = source_of(code)
    return found.label if found else "其他来源"


def known_sources() -> list[str]:
    """Return the codes of all registered sources."""
    from portal.audit.seals import sources

    return [source.code for source in sources()]
