"""What the page of a form needs besides its inputs: problems, options of the envelope, templates, who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from insurance.exchange.choices import SignIn
from insurance.exchange.debugging.drafting import Content, drafts_for, roles_of
from insurance.exchange.debugging.drawing import MOST_INPUTS, Drawer, Drawn
from insurance.exchange.debugging.files import MOST_BYTES
from insurance.exchange.debugging.jsontext import NotJson
from insurance.exchange.debugging.judging import Finding, errors, judge, warnings
from insurance.exchange.debugging.rules import EFFECTS, gate_of, is_free
from insurance.exchange.debugging.state import Misfit, inputs_in
from insurance.exchange.models import Connection, DebugDraft, Session
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Transaction
from portal.people.actor import Actor


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the form or JSON, with the check or without."""

    view: str = ""
    checked: bool = False


@dataclass(frozen=True)
class Shown:
    """A content ready for the page: as a form where it can be one, else as JSON with the reason."""

    form: Drawn | None
    text: str
    findings: list[Finding]
    why_not_form: str = ""
    fault: str = ""


def shown(connection: Connection, book: Book, what: Transaction, content: Content, asked: Asked) -> Shown:
    """Return what the page shows of a content."""
    findings, fault = _judged(connection, book, what, content) if asked.checked else ([], "")
    why = _why_not_form(what, content)
    as_json = bool(why) or asked.view == "json" or (content.state is None and asked.view != "form")
    if as_json:
        return Shown(None, content.as_json(what), findings, why, fault)
    drawn = Drawer(book, what, findings, content.files).draw(content.as_state(what))
    return Shown(drawn, "", findings, "", fault)


def _judged(connection: Connection, book: Book, what: Transaction, content: Content) -> tuple[list[Finding], str]:
    try:
        message = content.message(what)
    except NotJson as error:
        return [], str(error)
    return judge(connection, book, what, message, content.insuplc_admdvs, content.files), ""


def _why_not_form(what: Transaction, content: Content) -> str:
    try:
        state = content.as_state(what)
    except (NotJson, Misfit) as error:
        return str(error)
    number = inputs_in(state)
    return f"内容有 {number:,} 个值，超过表单上限 {MOST_INPUTS:,}" if number > MOST_INPUTS else ""


def page_context(
    actor: Actor,
    connection: Connection,
    book: Book,
    what: Transaction,
    content: Content,
    draft: DebugDraft | None,
    asked: Asked,
) -> dict[str, Any]:
    """Return the template's context."""
    page = shown(connection, book, what, content, asked)
    mine = draft is None or (actor.person is not None and draft.person_id == actor.person.pk)
    return {
        "transaction": what,
        "rules": reverse("exchange:debug_rule", args=[what.infno]),
        "effect": EFFECTS.get(what.effect, what.effect),
        "content": content,
        "page": page,
        "errors": errors(page.findings),
        "warnings": warnings(page.findings),
        "checked": asked.checked,
        "draft": draft,
        "mine": mine,
        "gate": gate_of(connection, what),
        "free": is_free(connection),
        "direct": what.effect == "query",
        "admdvs": _options(book, "admdvs"),
        "operator": operator_words(actor, connection),
        "sign_in": sign_in_words(actor, connection),
        "roles": roles_of(actor),
        "templates": templates_for(actor, what.infno) if draft is None else [],
        "uploads": any(field.type == "binary" for node in what.input.walk() for field in node.fields.values()),
        "most_mb": MOST_BYTES // 1048576,
        "source": book.sources.get(what.infno),
        "edition": book.label,
    }


def templates_for(actor: Actor, infno: str) -> list[DebugDraft]:
    """Return the templates remembered for a transaction: own ones and those shared with the actor."""
    found = drafts_for(actor).filter(Q(template=True), infno=infno).defer("content", "files")
    return list(found.order_by("name")[:20])


def _options(book: Book, code: str) -> dict[str, str]:
    try:
        return dict(book.dictionary(code))
    except SpecificationError:
        return {}


def operator_words(actor: Actor, connection: Connection) -> str:
    """Return whose name the message bears."""
    if actor.opter:
        return f"{actor.opter_name or actor.name}（{actor.opter}）"
    return f"{connection.opter_name}（{connection.opter}，无人值守经办人：您没有经办人编号）"


def sign_in_words(actor: Actor, connection: Connection) -> str:
    """Return whether the operator is signed in today, and what happens when not."""
    if connection.sign_in == SignIn.OFF:
        return "此连接不签到"
    today = Session.objects.filter(
        connection=connection, opter=actor.opter or connection.opter, day=timezone.localdate(), ended_at=None
    )
    return "今日已签到" if today.exists() else "今日未签到，发送时自动签到（9001）"
