"""What a toolbar button does: first the panel that says how many and what happens, then, once, the work.

    class UploadDepartments(BatchPage):
        action = "directory.submit"
        list_page = DepartmentList           # whose rows() and query form say which rows are meant
        list_url = "directory:departments"   # where the person goes afterwards
        verb = "上传"
        effect = "把所选科室上传到医保平台（科室信息上传 3401）。平台受理后立即生效。"

        def refusal(self, row: Department) -> str:          # why one record cannot be taken, "" when it can
            return "" if row.is_draft else "已上传，无需重复上传"

        @abstractmethod
    def carry_out(self, actor: Actor, rows: list[Any], form: Form | None) -> Result:
            return Result(f"已提交上传 {services.upload(actor, departments=rows)} 条，可在「待上传」中查看进展。")

The address takes POST only. Without `intent` it answers with the panel (in the drawer, or as a page without script);
with it, it carries out. `form_class` adds fields, e.g. a reason. `unit` is the measure word (条, 个, 人).

More than MOST_AT_ONCE records are carried out by a Task in pieces (portal.lists.batch_work): `carry_out` is then called
once a piece, in a transaction of its own, without a browser's request; `in_pieces = False` where it must be one act.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from portal.lists.batch_work import MOST_AT_ONCE, batch_runner, keep_work, reasons_of
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, once
from portal.lists.models import BatchWork, Intent
from portal.lists.selection import Selection, SelectionRefused, hold, promise
from portal.lists.views import ActionView, ListPage
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, go

SHOWN = 20
LEFT_OUT_SHOWN = 200


class BatchPage(ActionView, ABC):
    """Confirm, then carry out exactly once, for the rows chosen in a list."""

    list_page: ClassVar[type[ListPage]]
    list_url: ClassVar[str]
    verb: ClassVar[str]
    unit: ClassVar[str] = "条"
    effect: ClassVar[str]
    danger: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form] | None] = None
    in_pieces: ClassVar[bool] = True
    template_name: ClassVar[str] = "lists/confirm.html"

    def refusal(self, row: Any) -> str:
        """Return why this record cannot be taken now, "" when it can. Must not query per row: see `prepare`."""
        return ""

    def prepare(self, rows: list[Any]) -> None:
        """Fetch what `refusal` and `sums` look at, for all rows at once (e.g. attach_latest)."""

    def sums(self, rows: list[Any]) -> Sequence[tuple[str, str]]:
        """Return further lines of the panel, as label and value (e.g. 金额合计)."""
        return ()

    @abstractmethod
    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Do it, inside a transaction, and say what was done. `form` is valid, or None without `form_class`."""

    def get(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show what became of a large batch (`work`); else somebody came here by a reload: back to the list."""
        key = request.GET.get("work", "")
        works = BatchWork.objects.filter(institution=request.actor.institution, page=self.path())
        work = works.filter(pk=key).first() if key.isascii() and key.isdecimal() and len(key) < 19 else None
        return HttpResponseRedirect(self.back(Selection())) if work is None else self._outcome(work)

    def post(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the panel, or carry out what it promised."""
        selection = Selection.of(request.POST)
        try:
            if request.POST.get(FIELD):
                return self._carry_out(selection)
            return self._panel(selection)
        except (SelectionRefused, UnknownIntent) as refused:
            messages.error(request, f"{self.verb}没有执行：{refused}")
            return go(request, self.back(selection))

    def back(self, selection: Selection) -> str:
        """Return the list as it was."""
        asked = self.request.POST.get("next", "")
        if asked and url_has_allowed_host_and_scheme(asked, {self.request.get_host()}, self.request.is_secure()):
            return asked
        base = reverse(self.list_url)
        return f"{base}?{selection.query}" if selection.query else base

    def rows_of(self, selection: Selection) -> list[Any]:
        """Return the records meant, as they are now. Raises SelectionRefused."""
        page = self.list_page()
        page.setup(self.request, *self.args, **self.kwargs)
        return selection.rows(page.matching(QueryDict(selection.query)), page.visible())

    def visible_rows(self) -> QuerySet[Any]:
        """Return whatever the person may touch in the list."""
        page = self.list_page()
        page.setup(self.request, *self.args, **self.kwargs)
        return page.visible()

    def bound_form(self) -> forms.Form | None:
        """Return the form as it was sent, validated; None without `form_class`."""
        form = self.form_class(self.request.POST) if self.form_class is not None else None
        if form is not None:
            form.is_valid()
        return form

    def _panel(self, selection: Selection, form: forms.Form | None = None) -> HttpResponse:
        rows = self.rows_of(selection)
        self.prepare(rows)
        reasons = [(row, reason) for row in rows if (reason := self.refusal(row))]
        left_out = {row.pk for row, _ in reasons}
        able = [row for row in rows if row.pk not in left_out]
        if form is None and self.form_class is not None:
            form = self.form_class()
        context = {
            "batch": self,
            "button": f"{self.verb} {len(able):,} {self.unit}",
            "able": able[:SHOWN],
            "able_count": len(able),
            "in_background": self._is_long(able),
            "chosen_count": len(rows),
            "reasons": reasons[:SHOWN],
            "reason_count": len(reasons),
            "sums": self.sums(able),
            "form": form,
            "intent": issue(self.request.user, self._purpose, promise(able)) if able else None,
            "hidden": selection.fields(),
            "back": self.back(selection),
        }
        return render(self.request, self.template_name, context)

    def _carry_out(self, selection: Selection) -> HttpResponseBase:
        form = self.bound_form()
        key = self.request.POST[FIELD]
        person = self.request.user
        if form is not None and not form.is_valid():
            return self._panel(selection, form)

        def work(intent: Intent) -> Result:
            rows = self.rows_of(selection)
            self.prepare(rows)
            reasons = {row.pk: (row, reason) for row in rows if (reason := self.refusal(row))}
            able = [row for row in rows if row.pk not in reasons]
            hold(able, intent.payload)
            runner = batch_runner()
            if runner is None or not self._is_long(able):
                return self.carry_out(self.request.actor, able, form)
            return runner(self.request.actor, keep_work(self, able, list(reasons.values()), self.back(selection)), self)

        result = once(person, key, self._purpose, work)
        if result.again:
            messages.info(self.request, f"这次{self.verb}之前已经执行过，没有重复执行。当时的结果：{result.message}")
        else:
            messages.add_message(self.request, LEVELS.get(result.level, messages.SUCCESS), result.message)
        return go(self.request, result.url or self.back(selection))

    def _is_long(self, able: list[Any]) -> bool:
        return self.in_pieces and len(able) > MOST_AT_ONCE and batch_runner() is not None

    def _outcome(self, work: BatchWork) -> HttpResponse:
        reasons = dict(work.left_out[:LEFT_OUT_SHOWN])
        rows = self.visible_rows().filter(pk__in=list(reasons))
        context = {
            "batch": self,
            "work": work,
            "chosen_count": work.taken + len(work.left_out) + len(work.keys) - work.position,
            "left_count": len(work.left_out),
            "rest": len(work.keys) - work.position,
            "reasons": reasons_of(work),
            "left_out": [(row, reasons[str(row.pk)]) for row in rows],
            "most": LEFT_OUT_SHOWN,
        }
        return render(self.request, "lists/batch_work.html", context)

    @property
    def _purpose(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}"[-100:]


LEVELS = {"success": messages.SUCCESS, "warning": messages.WARNING, "error": messages.ERROR, "info": messages.INFO}
