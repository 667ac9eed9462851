"""From the panel to the answer: confirmed once, sent by a worker, followed until it is known what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from insurance.exchange.debugging.approval import follow, propose_write
from insurance.exchange.debugging.drafting import DraftRefused, content_of, repeat_call
from insurance.exchange.debugging.jsontext import NotJson
from insurance.exchange.debugging.judging import judge, warnings
from insurance.exchange.debugging.rules import APPROVE, DEBUG, EFFECTS, NotFromHere, gate_of
from insurance.exchange.debugging.sending import (
    Faulty,
    Ready,
    SendRefused,
    SentBefore,
    must_be_new,
    ready,
    restored,
    send,
)
from insurance.exchange.debugging.showing import request_shown
from insurance.exchange.debugging.standing import standing_of
from insurance.exchange.debugging.state import rows_in
from insurance.exchange.debugging.views.writing import draft_of, parts_of
from insurance.exchange.debugging.words import node_label
from insurance.exchange.models import Call, DebugDraft, DebugSend
from insurance.exchange.pages.calls import calls_for
from insurance.exchange.pages.links import link_in
from insurance.exchange.pages.messages import answer_of
from portal.approvals.errors import ApprovalRefused
from portal.audit.services import record
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, once
from portal.lists.models import Intent
from portal.people.guard import ActorRequest, needs, refuse
from portal.sheets.errors import SheetError
from portal.sheets.store import fetch

PURPOSE = "exchange.debug_send"
STOP_POLLING = 286
VERBS = {"query": "查询", "download": "下载", "session": "发送", "file": "发送"}


@require_http_methods(["GET", "POST"])
@needs(DEBUG)
def confirm(request: ActorRequest, pk: int) -> HttpResponseBase:
    """What will be sent and what it does there; the button sends it once, or asks another person to allow it."""
    draft = draft_of(request, pk)
    try:
        said = ready(request.actor, draft.infno, content_of(draft))
    except (Faulty, NotJson) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(_form(draft, checked=True))
    if request.method == "POST":
        return _carry_out(request, draft)
    return _panel(request, draft, said)


def _panel(
    request: ActorRequest, draft: DebugDraft, said: Ready, before: str = "", reason: str = ""
) -> HttpResponseBase:
    connection, book, what = parts_of(request, draft.infno)
    content = content_of(draft)
    if not before:
        try:
            must_be_new(said)
        except SentBefore as known:
            before = str(known)
    context = {
        "draft": draft,
        "transaction": what,
        "effect": EFFECTS.get(what.effect, what.effect),
        "gate": gate_of(connection, what),
        "rows": [
            (node_label(path.split(".")[-1]) or path, path, number)
            for path, number in rows_in(what.input, said.message).items()
        ],
        "warnings": warnings(
            judge(connection, book, what, content.message(what), content.insuplc_admdvs, content.files)
        ),
        "shown": request_shown(what, said.message, book),
        "insuplc_admdvs": content.insuplc_admdvs,
        "before": before,
        "reason": reason,
        "button": button_words(said),
        "intent": issue(request.user, PURPOSE, {"digest": said.digest, "draft": draft.pk}),
        "back": _form(draft),
    }
    return render(request, "exchange/debugging_confirm.html", context)


def button_words(said: Ready) -> str:
    """Return what the button says: verb and number. A message with a head is one, however many rows hang on it."""
    root = said.transaction.input
    verb = VERBS.get(said.transaction.effect, "上传")
    rows = sum(number for path, number in rows_in(root, said.message).items() if "." not in path)
    headed = any(name in said.message for name in root.fields) or any(
        name in said.message for name, node in root.children.items() if not node.many
    )
    if headed:
        return f"{verb} 1 条（明细 {rows} 行）" if rows else f"{verb} 1 条"
    return f"{verb} {rows} 行" if rows else f"{verb} 1 条"


def _carry_out(request: ActorRequest, draft: DebugDraft) -> HttpResponseBase:
    """Send, or propose, once for this panel; whatever stands in the way leads back to the panel."""
    reason = request.POST.get("reason", "")

    def work(intent: Intent) -> Result:
        made = _made(request, draft, str(intent.payload.get("digest", "")), reason)
        return Result("", reverse("exchange:debug_send", args=[made.pk]))

    try:
        result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, work)
    except (SendRefused, NotFromHere, ApprovalRefused, UnknownIntent) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("exchange:debug_confirm", args=[draft.pk]))
    if result.again:
        messages.info(request, "这次确认之前已经执行过，没有重复发送。下面是那一次的结果。")
    return HttpResponseRedirect(result.url)


def _made(request: ActorRequest, draft: DebugDraft, digest: str, reason: str) -> DebugSend:
    content, again = content_of(draft), "again" in request.POST
    if request.POST.get("act") == "propose":
        return propose_write(
            request.actor, infno=draft.infno, content=content, reason=reason, draft=draft, digest=digest, again=again
        )
    return send(request.actor, infno=draft.infno, content=content, draft=draft, digest=digest, again=again)


def _form(draft: DebugDraft, checked: bool = False) -> str:
    return reverse("exchange:debug_draft", args=[draft.pk]) + ("?checked=1" if checked else "")


def send_of(request: ActorRequest, pk: int) -> DebugSend:
    """Return a send the person may see: their own, or one that waits for a second person. Raises Http404."""
    mine = Q(person=request.user)
    if request.actor.may(APPROVE):
        mine |= Q(approval_id__isnull=False)
    rows = DebugSend.objects.visible_to(request.user).filter(mine, institution=request.actor.institution)
    found: DebugSend = get_object_or_404(rows.select_related("institution", "person", "task", "draft"), pk=pk)
    return found


def may_look(request: ActorRequest) -> bool:
    """Say whether the person sends by hand or decides about what others send."""
    return request.actor.may(DEBUG) or request.actor.may(APPROVE)


@require_GET
@needs("exchange.view")
def sent(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One send: where it stands, and its answer by label and raw, masked; each opening is noted."""
    if not may_look(request):
        return refuse(request, DEBUG)
    made = send_of(request, pk)
    record(request.actor, "exchange.read", [made], label=f"查看接口调试报文 {made.infno}")
    return render(request, "exchange/debugging_send.html", _sent_context(request, made))


@require_GET
@needs("exchange.view")
def live(request: ActorRequest, pk: int) -> HttpResponseBase:
    """The moving part of a send's page; 286 tells htmx to stop asking."""
    if not may_look(request):
        return refuse(request, DEBUG)
    context = _sent_context(request, send_of(request, pk))
    status = 200 if context["standing"].moving else STOP_POLLING
    return render(request, "exchange/debugging_live.html", context, status=status)


def _sent_context(request: ActorRequest, made: DebugSend) -> dict[str, Any]:
    _, book = link_in(request)
    follow(made)
    standing = standing_of(made, book)
    said = restored(made)
    call = standing.call
    answered = call is not None and not standing.moving
    return {
        "send": made,
        "mine": made.person_id == request.user.pk,
        "transaction": said.transaction,
        "standing": standing,
        "call": call,
        "said": request_shown(said.transaction, said.message, book),
        "answer": (answer_of(call, book) or answer_of(call, book, "late")) if answered and call else None,
        "reading": standing.submission is None,
    }


@require_GET
@needs(DEBUG)
def file(request: ActorRequest, pk: int) -> HttpResponseBase:
    """The file that a download brought, as it came; noted like an export."""
    made = send_of(request, pk)
    if not made.file:
        raise Http404
    try:
        data = fetch(made.file)
    except SheetError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("exchange:debug_send", args=[made.pk]))
    record(request.actor, "exchange.debug_file", [made], label=f"下载接口调试取得的文件 {made.infno}")
    answer = HttpResponse(data, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{made.infno}-{Path(made.file).name[:12]}.zip"'
    return answer


@require_http_methods(["GET", "POST"])
@needs(DEBUG)
def repeat(request: ActorRequest, pk: int) -> HttpResponseBase:
    """重复为新: a past message as a new draft, in clear; the reason is noted."""
    call: Call = get_object_or_404(calls_for(request.actor), pk=pk)
    parts_of(request, call.infno)
    if request.method == "POST":
        try:
            draft = repeat_call(request.actor, call=call, reason=request.POST.get("reason", ""))
            return HttpResponseRedirect(_form(draft))
        except DraftRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("exchange:debug_repeat", args=[pk]))
    _, book = link_in(request)
    return render(
        request, "exchange/debugging_repeat.html", {"call": call, "transaction": book.transaction(call.infno)}
    )
