"""Everything that changes a draft: saved, named, shared, thrown away, begun from a message of the past."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from insurance.exchange.bodies import body_of
from insurance.exchange.connections import book_of
from insurance.exchange.debugging import files
from insurance.exchange.debugging.jsontext import NotJson, dumps, input_of, loads
from insurance.exchange.debugging.rules import DEBUG
from insurance.exchange.debugging.state import Misfit, State, blank, message_of, state_of
from insurance.exchange.models import Call, DebugDraft
from insurance.exchange.queries import connection_of
from insurance.specification.books import Book
from insurance.specification.model import Transaction
from portal.audit.services import record
from portal.audit.uncovering import note_opened
from portal.people.actor import Actor, NotAllowed
from portal.people.roles import ROLES

# A draft without a name is thrown away after so many days: it may hold a patient's data that nobody needs any more.
UNNAMED_DAYS = 30
LEAST_REASON = 4


class DraftRefused(Exception):
    """The draft cannot be changed like that; the words say what happened and what to do."""


class StaleDraft(DraftRefused):
    """Another window saved the draft meanwhile."""


@dataclass(frozen=True)
class Content:
    """What a draft says: a form's `state`, or JSON `text` where somebody writes JSON (then `state` is None)."""

    state: State | None = None
    text: str = ""
    insuplc_admdvs: str = ""
    files: Mapping[str, files.KeptFile] = field(default_factory=dict)

    def message(self, transaction: Transaction) -> Any:
        """Return the message as JSON values. Raises NotJson."""
        if self.state is not None:
            return message_of(transaction.input, self.state)
        return input_of(loads(self.text)) if self.text.strip() else {}

    def as_json(self, transaction: Transaction) -> str:
        """Return the message as JSON text, as it was typed where it was typed as JSON."""
        return self.text if self.state is None else dumps(self.message(transaction))

    def as_state(self, transaction: Transaction) -> State:
        """Return what the form shows. Raises NotJson, Misfit."""
        return self.state if self.state is not None else state_of(transaction.input, self.message(transaction))

    @property
    def stored(self) -> str:
        """Return the text that a draft keeps."""
        kept = {"json": self.text} if self.state is None else {"form": self.state}
        return json.dumps(kept, ensure_ascii=False)


def content_of(draft: DebugDraft) -> Content:
    """Return what a draft says."""
    kept = json.loads(draft.content)
    return Content(kept.get("form"), kept.get("json", ""), draft.insuplc_admdvs, files.load(draft.files))


def fresh(transaction: Transaction) -> Content:
    """Return the content of a new form; a transaction whose input is an array begins as JSON."""
    root = transaction.input
    return Content(text="[]") if root.many else Content(blank(root))


def drafts_for(actor: Actor) -> models.QuerySet[DebugDraft]:
    """Return the drafts the actor may open at the institution: own ones and those shared with a role of theirs."""
    if actor.person is None:
        return DebugDraft.objects.none()
    roles = [member.role for member in actor.person.memberships_at(actor.institution)]
    found: models.QuerySet[DebugDraft] = (
        DebugDraft.objects.visible_to(actor.person)
        .filter(institution=actor.institution)
        .filter(Q(person=actor.person) | Q(role__in=roles))
        .select_related("person")
    )
    return found


def new_key() -> str:
    """Return the key of a draft that is about to be written."""
    return secrets.token_urlsafe(24)


@transaction.atomic
def start_draft(
    actor: Actor, *, key: str, infno: str, content: Content, name: str = "", source: Call | None = None
) -> DebugDraft:
    """Make a draft; the same key again gives the one there is. Raises NotAllowed, DraftRefused."""
    actor.must(DEBUG)
    if actor.person is None:
        raise NotAllowed("草稿属于人员，系统账号不能起草。")
    values = _stored(content) | {"name": name.strip()[:60], "source_id": source.pk if source else None}
    try:
        with transaction.atomic():
            draft: DebugDraft = DebugDraft.objects.create(
                institution=actor.institution, person=actor.person, key=key[:40], infno=infno, **values
            )
    except IntegrityError:
        known = drafts_for(actor).filter(key=key[:40], person=actor.person).first()
        if known is None:
            raise DraftRefused("这份草稿的编号已被占用。请刷新页面后重试。") from None
        return known
    record(actor, "exchange.debug_draft", [draft], label=f"起草 {infno}")
    return draft


def _stored(content: Content) -> dict[str, Any]:
    text = content.stored
    return {
        "content": text,
        "files": files.dump(content.files, text),
        "insuplc_admdvs": content.insuplc_admdvs.strip()[:6],
    }


@transaction.atomic
def save_draft(actor: Actor, *, draft: DebugDraft, content: Content, version: int, force: bool = False) -> int:
    """Keep what was typed and return the draft's new version. Saves of a text being written are not audited.

    Raises NotAllowed (not the author), StaleDraft when another window saved since `version`, unless `force`.
    """
    actor.must(DEBUG)
    _must_own(actor, draft)
    locked = DebugDraft.objects.select_for_update().filter(pk=draft.pk).first()
    if locked is None:
        raise DraftRefused("草稿已被删除，没有保存。请复制内容后新建。")
    if locked.version != version and not force:
        raise StaleDraft("这份草稿已在另一个窗口保存过，这里的修改还没有保存。可「仍然保存」，或打开较新的内容。")
    DebugDraft.objects.filter(pk=draft.pk).update(
        **_stored(content), version=F("version") + 1, updated_at=timezone.now()
    )
    draft.refresh_from_db()
    return draft.version


@transaction.atomic
def describe_draft(actor: Actor, *, draft: DebugDraft, name: str, role: str, template: bool) -> None:
    """Name a draft, share it with one of the author's own roles ("" = nobody), offer it as a template.

    Raises NotAllowed (not the author), DraftRefused.
    """
    actor.must(DEBUG)
    _must_own(actor, draft)
    name = name.strip()[:60]
    if (role or template) and not name:
        raise DraftRefused("共享或存为模板的草稿要有名称，请先填写名称。")
    if role and role not in roles_of(actor):
        raise DraftRefused("只能共享给自己所在的角色。")
    changed = (draft.name, draft.role, draft.template) != (name, role, template)
    draft.name, draft.role, draft.template = name, role, template
    draft.save(update_fields=["name", "role", "template"])
    if changed:
        shared = f"，共享给{ROLES[role].label}" if role else ""
        record(actor, "exchange.debug_draft", [draft], label=f"草稿改名或共享 {draft.infno}{shared}")


def roles_of(actor: Actor) -> dict[str, str]:
    """Return code → word of the actor's roles here that may open 接口调试."""
    held = [member.role for member in actor.person.memberships_at(actor.institution)] if actor.person else []
    return {code: ROLES[code].label for code in held if code in ROLES and ROLES[code].grants(DEBUG)}


@transaction.atomic
def delete_draft(actor: Actor, *, draft: DebugDraft) -> None:
    """Throw a draft away; what was sent from it stays. Raises NotAllowed (not the author)."""
    actor.must(DEBUG)
    _must_own(actor, draft)
    record(actor, "exchange.debug_draft", [draft], label=f"删除草稿 {draft.infno}")
    draft.delete()


@transaction.atomic
def copy_draft(actor: Actor, *, draft: DebugDraft) -> DebugDraft:
    """Begin anew from a draft that the actor may open: 重复为新."""
    actor.must(DEBUG)
    if draft.person_id != (actor.person.pk if actor.person else None):
        note_opened(actor, draft, "复制他人共享的接口调试草稿")
    return start_draft(actor, key=new_key(), infno=draft.infno, content=content_of(draft))


def note_shared_opened(actor: Actor, draft: DebugDraft) -> None:
    """Note that somebody opened another's shared draft: it may hold personal data in clear."""
    if actor.person is None or draft.person_id != actor.person.pk:
        note_opened(actor, draft, f"打开他人共享的接口调试草稿 {draft.infno}")


@transaction.atomic
def repeat_call(actor: Actor, *, call: Call, reason: str) -> DebugDraft:
    """Begin anew from a message of the ledger, with its request in clear; opening it is noted with the reason.

    Raises NotAllowed, DraftRefused (no reason, the request is no longer kept).
    """
    actor.must(DEBUG)
    if call.institution_id != actor.institution.pk:
        raise NotAllowed("这次交易属于另一机构。")
    reason = reason.strip()
    if len(reason) < LEAST_REASON:
        raise DraftRefused(f"没有打开：请填写重复发送的原因，至少 {LEAST_REASON} 个字。")
    book = book_of(connection_of(actor.institution))
    content = _content_of_call(call, book)
    note_opened(actor, call, f"重复为新（{call.infno}），原因：{reason}")
    return start_draft(actor, key=new_key(), infno=call.infno, content=content, source=call)


def _content_of_call(call: Call, book: Book) -> Content:
    body = body_of(call.pk, "request")
    if body is None:
        raise DraftRefused("这次交易的报文已不再保存，不能重复为新。请从交易清单新建。")
    try:
        message = input_of(loads(body.decode()))
    except (NotJson, UnicodeDecodeError):
        raise DraftRefused("这次交易的报文读不出来，不能重复为新。请从交易清单新建。") from None
    root = book.transaction(call.infno).input
    try:
        return Content(pruned(state_of(root, message)), insuplc_admdvs=call.insuplc_admdvs)
    except Misfit:
        return Content(text=dumps(message), insuplc_admdvs=call.insuplc_admdvs)


def pruned(state: State) -> State:
    """Return the state without what the empty rule wrote as "" (a 0 may have been meant and stays)."""
    made: State = {}
    for name, value in state.items():
        if isinstance(value, dict):
            value = pruned(value)
        elif isinstance(value, list):
            value = [pruned(row) for row in value]
        if value not in ("", {}, []):
            made[name] = value
    return made


def drop_unnamed() -> int:
    """Throw away the drafts nobody named or touched for UNNAMED_DAYS; returns how many."""
    old = timezone.now() - dt.timedelta(days=UNNAMED_DAYS)
    return int(DebugDraft.objects.filter(name="", updated_at__lt=old).delete()[0])


def _must_own(actor: Actor, draft: DebugDraft) -> None:
    if actor.person is None or draft.person_id != actor.person.pk or draft.institution_id != actor.institution.pk:
        raise NotAllowed("这是他人的草稿，只能查看；可「复制为我的草稿」后修改。")
