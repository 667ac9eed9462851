"""交易记录: the ledger, one call in it, its messages in clear, and writing a stored answer now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from insurance.exchange import services
from insurance.exchange.errors import PlatformError
from insurance.exchange.filters import CallFilter
from insurance.exchange.forms import UncoverForm
from insurance.exchange.models import Call
from insurance.exchange.pages import calls as pages
from insurance.exchange.pages.acts import acts_of_call, attempts_of
from insurance.exchange.pages.contents import note_read
from insurance.exchange.pages.links import link_in
from insurance.exchange.pages.messages import answer_of, in_clear, request_of, whole
from insurance.exchange.pages.trouble import trouble_words
from insurance.exchange.tables import CallTable
from portal.audit.uncovering import UncoverRefused, uncover
from portal.desk.context import in_drawer
from portal.lists.ledger import LedgerPage
from portal.lists.views import Empty
from portal.people.guard import ActorRequest, needs

VIEW, UNCOVER, DECIDE = "exchange.view", "privacy.uncover", "exchange.decide"


class CallList(LedgerPage):
    """Every message said to the platform."""

    action = VIEW
    title = "交易记录"
    purpose = "与医保平台之间的每一次交易：何时、谁、说了什么、平台怎么答复。"
    table_class = CallTable
    filter_class = CallFilter
    empty = Empty("还没有交易记录。与平台的第一次交易发生后，这里会自动出现。")
    time_field = "prepared_at"
    export_action = "exchange.export"

    def rows(self) -> QuerySet[Any]:
        """Return the institution's ledger."""
        return pages.calls_for(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Name the transactions."""
        pages.name_calls(records, link_in(self.request)[1])


def _call(request: ActorRequest, pk: int) -> Call:
    found: Call = get_object_or_404(pages.calls_for(request.actor).select_related("institution", "connection"), pk=pk)
    return found


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One call: head, request and answer by label and raw, steps, attempts, what it carried. Each view is audited."""
    call = _call(request, pk)
    note_read(request.actor, call, f"查看报文 {call.infno} {call.msgid}")
    return _page(request, call)


def _page(request: ActorRequest, call: Call, **more: Any) -> HttpResponse:
    _, book = link_in(request)
    carried = pages.carried(call, book)
    attempts = attempts_of(call, carried)
    pages.name_calls([call, *attempts], book)
    context = {
        "call": call,
        "more": pages.state_words(call),
        "messages_shown": whole([request_of(call, book), answer_of(call, book), answer_of(call, book, "late")]),
        "steps": pages.steps_of(call),
        "carried": carried,
        "carried_most": pages.MOST_CARRIED,
        "attempts": attempts,
        "acts": acts_of_call(request.actor, call, carried),
        "trouble": trouble_words(call, book),
        "next": _here(request, call),
        **more,
    }
    return render(request, "exchange/call.html", context)


def _here(request: ActorRequest, call: Call) -> str:
    """Return where a person goes back to: the list under the drawer, else the call's page."""
    if in_drawer(request):
        return request.htmx.current_url_abs_path or reverse("exchange:calls")
    return reverse("exchange:call", args=[call.pk])


@never_cache
@needs(UNCOVER)
def in_plain(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Ask why, note it, and show the chosen parts of a message without masks, once; a reload masks them again."""
    call = _call(request, pk)
    form = UncoverForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _ask_why(request, call, form)
    parts = form.cleaned_data["parts"]
    try:
        uncover(request.actor, call, fields=parts, reason=form.cleaned_data["reason"])
    except UncoverRefused as refused:
        form.add_error("reason", str(refused))
        return _ask_why(request, call, form)
    return _page(request, call, messages_shown=_uncovered(request, call, parts), uncovered=form.cleaned_data["reason"])


def _ask_why(request: ActorRequest, call: Call, form: forms.Form) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, "exchange/call_uncover.html", {"call": call, "form": form}, status=status)


def _uncovered(request: ActorRequest, call: Call, parts: list[str]) -> list[Any]:
    _, book = link_in(request)

    def shown(part: str) -> Any:
        return request_of(call, book) if part == "request" else answer_of(call, book, part)

    found = []
    for part in ("request", "answer", "late"):
        if part in parts:
            with in_clear():
                found.append(shown(part))
        else:
            found.append(shown(part))
    return whole(found)


@require_POST
@needs(DECIDE)
def apply_now(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Write a stored answer into the records at once instead of waiting for the next try."""
    call = _call(request, pk)
    try:
        services.apply_now(request.actor, call=call)
        messages.success(request, "答复已写入业务记录。")
    except PlatformError as error:
        messages.error(request, error.words)
    return HttpResponseRedirect(reverse("exchange:call", args=[call.pk]))
