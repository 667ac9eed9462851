"""接口调试's first page (which transaction, which draft), the list of what was sent, and a rule on demand."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from insurance.exchange.debugging.drafting import drafts_for
from insurance.exchange.debugging.drawing import rule_at
from insurance.exchange.debugging.rules import DEBUG
from insurance.exchange.debugging.standing import show_states
from insurance.exchange.debugging.tables import SendTable
from insurance.exchange.debugging.words import choices
from insurance.exchange.filters import BookFilter
from insurance.exchange.models import DebugDraft, DebugSend
from insurance.exchange.pages.links import link_in
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from portal.lists.filters import ChoiceFilter, DayRangeFilter
from portal.lists.views import Empty, ListPage
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs

MOST_RECENT = 8
MOST_DRAFTS = 50
MOST_SENDS = 10


@require_GET
@needs(DEBUG)
def index(request: ActorRequest) -> HttpResponseBase:
    """Pick a transaction by number, name or everyday words; go on with a draft; see what was sent."""
    _, book = link_in(request)
    asked = request.GET.get("q", "").strip()[:60]
    drafts = list(
        drafts_for(request.actor).order_by("-template", "-updated_at").defer("content", "files")[:MOST_DRAFTS]
    )
    sends = list(sends_of(request.actor)[:MOST_SENDS])
    show_states(sends)
    name_sends(sends, book)
    for draft in drafts:
        shown: Any = draft
        shown.title = name_of(draft.infno, book)
        shown.mine = draft.person_id == request.user.pk
    context = {
        "chapters": choices(book, recent(sends, drafts), asked),
        "asked": asked,
        "drafts": drafts,
        "sends": sends,
        "edition": book.label,
    }
    return render(request, "exchange/debugging.html", context)


def recent(sends: list[DebugSend], drafts: list[DebugDraft]) -> list[str]:
    """Return the transactions a person worked with last, without doubles."""
    return list(dict.fromkeys([send.infno for send in sends] + [draft.infno for draft in drafts]))[:MOST_RECENT]


def name_of(infno: str, book: Book) -> str:
    """Return a transaction's name, "" where the edition no longer has it."""
    return book.index[infno].cells["name"] if infno in book.index else ""


def sends_of(actor: Actor) -> QuerySet[DebugSend]:
    """Return what the actor sent at the institution at hand, newest first, without the messages."""
    found: QuerySet[DebugSend] = DebugSend.objects.visible_to(actor.person).filter(institution=actor.institution)
    return found.filter(person=actor.person).select_related("person", "task").defer("message").order_by("-pk")


def name_sends(sends: list[Any], book: Book) -> None:
    """Set `title` on a page's sends; no query."""
    for send in sends:
        send.title = name_of(send.infno, book)


class SendFilter(BookFilter):
    """Asks the list of sends."""

    infno = ChoiceFilter(label="交易", choices=[])
    created_at = DayRangeFilter(label="日期", times=True)

    class Meta:
        model = DebugSend
        fields: list[str] = []

    def choices_of(self, book: Book) -> dict[str, list[tuple[str, str]]]:
        """Return the transactions."""
        return {"infno": [(infno, f"{infno} {name_of(infno, book)}") for infno in book.index]}


class SendList(ListPage):
    """What the person sent from 接口调试."""

    action = DEBUG
    title = "接口调试发送记录"
    purpose = "您从接口调试发出的每一条报文，以及后来怎样。"
    table_class = SendTable
    filter_class = SendFilter
    empty = Empty("还没有从接口调试发送过。")

    def rows(self) -> QuerySet[Any]:
        """Return the person's own sends."""
        return sends_of(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Name the transactions, and show where each stands now."""
        show_states(records)
        name_sends(records, link_in(self.request)[1])


@require_GET
@needs(DEBUG)
def rule(request: ActorRequest, infno: str) -> HttpResponseBase:
    """Where the rule of one field comes from, with its dictionary; opens in the drawer."""
    _, book = link_in(request)
    try:
        transaction = book.transaction(infno)
        found = rule_at(book, transaction, request.GET.get("field", "")[:200])
    except (SpecificationError, LookupError):
        raise Http404 from None
    context = {"transaction": transaction, "found": found, "source": book.sources.get(infno), "edition": book.label}
    return render(request, "exchange/debugging_rule.html", context)
