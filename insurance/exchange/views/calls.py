"""交易记录: the ledger and one call in it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from insurance.exchange.filters import CallFilter
from insurance.exchange.pages import calls as pages
from insurance.exchange.pages.contents import note_read
from insurance.exchange.pages.links import link_in
from insurance.exchange.pages.messages import answer_of, request_of, whole
from insurance.exchange.tables import CallTable
from portal.lists.ledger import LedgerPage
from portal.lists.views import Empty
from portal.people.guard import ActorRequest, needs

VIEW = "exchange.view"


class CallList(LedgerPage):
    """Every message said to the platform."""

    action = VIEW
    title = "交易记录"
    purpose = "与医保平台之间的每一次交易：何时、谁、说了什么、平台怎么答复。"
    table_class = CallTable
    filter_class = CallFilter
    empty = Empty("还没有交易记录。与平台的第一次交易发生后，这里会自动出现。")
    time_field = "prepared_at"

    def rows(self) -> QuerySet[Any]:
        """Return the institution's ledger."""
        return pages.calls_for(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Name the transactions."""
        pages.name_calls(records, link_in(self.request)[1])


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One call: head, request and answer by label and raw, its steps, what it carried. Each view is audited."""
    call = get_object_or_404(pages.calls_for(request.actor), pk=pk)
    _, book = link_in(request)
    pages.name_calls([call], book)
    note_read(request.actor, call, f"查看报文 {call.infno} {call.msgid}")
    context = {
        "call": call,
        "more": pages.state_words(call),
        "messages_shown": whole([request_of(call, book), answer_of(call, book), answer_of(call, book, "late")]),
        "steps": pages.steps_of(call),
        "carried": pages.carried(call, book),
        "carried_most": pages.MOST_CARRIED,
    }
    return render(request, "exchange/call.html", context)
