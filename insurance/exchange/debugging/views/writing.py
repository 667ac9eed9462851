"""The form of a transaction: every press saves the draft and leads back to it, so a reload does no harm."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from insurance.exchange.debugging.drafting import (
    Content,
    DraftRefused,
    StaleDraft,
    content_of,
    copy_draft,
    delete_draft,
    describe_draft,
    drafts_for,
    fresh,
    new_key,
    note_shared_opened,
    save_draft,
    start_draft,
)
from insurance.exchange.debugging.example import example
from insurance.exchange.debugging.form_page import Asked, page_context
from insurance.exchange.debugging.jsontext import MOST_CHARACTERS, NotJson, dumps, input_of, loads
from insurance.exchange.debugging.posting import BadAct
from insurance.exchange.debugging.rules import DEBUG, is_free
from insurance.exchange.debugging.state import Misfit, state_of
from insurance.exchange.debugging.views.asking import ask_now
from insurance.exchange.debugging.views.pressing import ROW_ACTS, read_content
from insurance.exchange.debugging.wide import wide_form
from insurance.exchange.files import FileError
from insurance.exchange.models import Connection, DebugDraft
from insurance.exchange.pages.links import link_in
from insurance.specification.books import Book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Transaction
from portal.people.guard import ActorRequest, needs


def parts_of(request: ActorRequest, infno: str) -> tuple[Connection, Book, Transaction]:
    """Return connection, book and outbound transaction. Raises Http404 where there is none."""
    connection, book = link_in(request)
    try:
        what = book.transaction(infno)
    except SpecificationError:
        raise Http404 from None
    if connection is None or what.direction == "inbound":
        raise Http404
    return connection, book, what


def draft_of(request: ActorRequest, pk: int) -> DebugDraft:
    """Return a draft that the person may open. Raises Http404."""
    found: DebugDraft = get_object_or_404(drafts_for(request.actor), pk=pk)
    return found


@wide_form
@require_http_methods(["GET", "POST"])
@needs(DEBUG)
def new(request: ActorRequest, infno: str) -> HttpResponseBase:
    """An empty form; the first press or the first pause while typing makes the draft."""
    _, _, what = parts_of(request, infno)
    if request.method == "POST":
        return _pressed(request, what, None)
    return _page(request, what, fresh(what), None)


@wide_form
@require_http_methods(["GET", "POST"])
@needs(DEBUG)
def draft(request: ActorRequest, pk: int) -> HttpResponseBase:
    """A draft; another's shared one is shown and can be copied."""
    known = draft_of(request, pk)
    _, _, what = parts_of(request, known.infno)
    if request.method == "POST":
        return _pressed(request, what, known)
    note_shared_opened(request.actor, known)
    return _page(request, what, content_of(known), known)


def _page(
    request: ActorRequest, what: Transaction, content: Content, known: DebugDraft | None, stale: str = ""
) -> HttpResponseBase:
    connection, book, _ = parts_of(request, what.infno)
    asked = Asked(request.GET.get("view", ""), "checked" in request.GET)
    context = page_context(request.actor, connection, book, what, content, known, asked)
    context |= {"key": request.POST.get("key") or new_key(), "stale": stale}
    return render(request, "exchange/debugging_form.html", context, status=409 if stale else 200)


def _pressed(request: ActorRequest, what: Transaction, known: DebugDraft | None) -> HttpResponseBase:
    """Save what was typed, then do what the button says."""
    act = request.POST.get("act", "check")
    base = content_of(known) if known else fresh(what)
    try:
        content, place = read_content(request, what, base, act)
    except (BadAct, FileError) as error:
        messages.error(request, str(error))
        content, place = read_content(request, what, base, "save")[0], ""
    try:
        saved = _saved(request, what, content, known, force=act == "force")
    except StaleDraft as stale:
        if act == "autosave":
            return JsonResponse({"words": str(stale)}, status=409)
        return _page(request, what, content, known, str(stale))
    if act == "autosave":
        at = timezone.localtime().strftime("%H:%M:%S")
        return JsonResponse({"version": saved.version, "url": _url(saved), "words": f"已自动保存 {at}"})
    return _done(request, what, saved, content, act, place)


def _saved(
    request: ActorRequest, what: Transaction, content: Content, known: DebugDraft | None, *, force: bool
) -> DebugDraft:
    version = _number(request.POST.get("version", ""))
    if known is None:
        known = start_draft(request.actor, key=request.POST.get("key") or new_key(), infno=what.infno, content=content)
        version = known.version
    save_draft(request.actor, draft=known, content=content, version=version, force=force)
    return known


def _done(
    request: ActorRequest, what: Transaction, saved: DebugDraft, content: Content, act: str, place: str
) -> HttpResponseBase:
    view = "json" if "json" in request.POST else ""
    if act.split(":")[0] in ROW_ACTS:
        return HttpResponseRedirect(f"{_url(saved)}#s-{place}")
    if act in ("form", "json"):
        return _switched(request, what, saved, content, act)
    if act == "fill":
        return _filled(request, what, saved)
    if act == "send" and what.effect == "query":
        return ask_now(request, saved)
    if act == "send":
        return HttpResponseRedirect(reverse("exchange:debug_confirm", args=[saved.pk]))
    if act == "describe":
        _described(request, saved)
    if act in ("save", "force"):
        messages.success(request, "草稿已保存。")
    return HttpResponseRedirect(_url(saved, view=view, checked="1" if act == "check" else ""))


def _switched(
    request: ActorRequest, what: Transaction, saved: DebugDraft, content: Content, view: str
) -> HttpResponseBase:
    """Show the same message the other way; JSON that no form can hold stays JSON, with the reason."""
    if view == "form" and content.state is None:
        try:
            state = content.as_state(what)
        except (NotJson, Misfit) as error:
            messages.error(request, f"不能用表单显示：{error}。请先改正 JSON。")
            return HttpResponseRedirect(_url(saved, view="json"))
        changed = Content(state, insuplc_admdvs=content.insuplc_admdvs, files=content.files)
        save_draft(request.actor, draft=saved, content=changed, version=saved.version)
    return HttpResponseRedirect(_url(saved, view=view))


def _filled(request: ActorRequest, what: Transaction, saved: DebugDraft) -> HttpResponseBase:
    connection, book, _ = parts_of(request, what.infno)
    if not is_free(connection):
        messages.error(request, "示例只能在沙箱和测试环境中填入。")
        return HttpResponseRedirect(_url(saved))
    institution = request.actor.institution
    made = Content(example(book, what, institution), insuplc_admdvs=institution.admdvs)
    save_draft(request.actor, draft=saved, content=made, version=saved.version)
    messages.success(request, "已填入示例：人员和证件都是虚构的，请按需要修改。")
    return HttpResponseRedirect(_url(saved, checked="1"))


def _described(request: ActorRequest, saved: DebugDraft) -> None:
    given = request.POST
    try:
        describe_draft(
            request.actor,
            draft=saved,
            name=given.get("name", ""),
            role=given.get("role", ""),
            template="template" in given,
        )
        messages.success(request, "草稿的名称和共享已保存。")
    except DraftRefused as error:
        messages.error(request, str(error))


@require_POST
@needs(DEBUG)
def bring(request: ActorRequest, infno: str) -> HttpResponseBase:
    """A JSON file or pasted envelope becomes a new draft."""
    _, _, what = parts_of(request, infno)
    try:
        content = _from_file(what, request.FILES.get("file"))
    except (NotJson, Misfit) as error:
        messages.error(request, f"没有导入：{error}")
        return HttpResponseRedirect(reverse("exchange:debug_new", args=[infno]))
    made = start_draft(request.actor, key=new_key(), infno=infno, content=content)
    messages.success(request, "已从文件建立新草稿，请核对。")
    return HttpResponseRedirect(_url(made, checked="1"))


def _from_file(what: Transaction, file: Any) -> Content:
    """Return the content of an uploaded JSON file, UTF-8 or GBK; what no form can hold stays JSON. Raises NotJson."""
    if file is None:
        raise NotJson("请选择一个 JSON 文件")
    if file.size > MOST_CHARACTERS:
        raise NotJson(f"文件 {file.size / 1048576:.1f} MB，过大")
    message = input_of(loads(_decoded(file.read())))
    try:
        return Content(state_of(what.input, message))
    except Misfit:
        return Content(text=dumps(message))


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotJson("文件不是 UTF-8 或 GBK 的文本")


@require_POST
@needs(DEBUG)
def delete(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Throw a draft away."""
    delete_draft(request.actor, draft=draft_of(request, pk))
    messages.success(request, "草稿已删除。")
    return HttpResponseRedirect(reverse("exchange:debug"))


@require_POST
@needs(DEBUG)
def copy(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Begin anew from a draft or a template."""
    made = copy_draft(request.actor, draft=draft_of(request, pk))
    return HttpResponseRedirect(_url(made))


def _url(saved: DebugDraft, **query: str) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    url = reverse("exchange:debug_draft", args=[saved.pk])
    return f"{url}?{asked}" if asked else url


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
