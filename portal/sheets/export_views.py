"""What the button 导出 answers, and the pages of long exports: own ones only."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal.audit.services import record
from portal.audit.uncovering import UncoverRefused
from portal.lists.columns import CodeColumn, NumberColumn, TextColumn, TimeColumn
from portal.lists.exporting import open_list
from portal.lists.filters import DayRangeFilter, ListFilter, SearchFilter
from portal.lists.tables import ListTable
from portal.lists.views import Empty, ListPage
from portal.people.actor import Actor, NotAllowed
from portal.people.guard import ActorRequest, go, needs
from portal.sheets import vault
from portal.sheets.errors import SheetError
from portal.sheets.exporting import AT_ONCE, TYPES, ask, conditions, grant_for, write_now
from portal.sheets.exports import SheetExport


def answer(request: ActorRequest, page: ListPage) -> HttpResponseBase:
    """Answer the button 导出 of a list: a file, the page of a task, or first the question masked or clear."""
    form = request.POST.get("format") or _pressed(request)
    grant = grant_for(request.actor, page)
    if grant is not None and "clear" not in request.POST:
        context = {"page": page, "grant": grant, "form": form, "conditions": conditions(page)}
        return render(request, "sheets/export_choose.html", context)
    clear = request.POST.get("clear") == "1"
    try:
        if clear and grant is None:
            raise SheetError("批量明文的授权已结束。请重新申请，或改为导出脱敏内容。")
        return _answer(request, page, form, clear)
    except (SheetError, UncoverRefused) as error:
        messages.error(request, f"没有导出「{page.title}」：{error}")
        return go(request, request.get_full_path())


def _pressed(request: ActorRequest) -> str:
    """Return the format of the button that was pressed: without script one button can send one value only."""
    pressed = request.POST.get("export", "")
    return pressed if pressed in TYPES else "xlsx"


def _answer(request: ActorRequest, page: ListPage, form: str, clear: bool) -> HttpResponseBase:
    count = page.out_count()
    if count > AT_ONCE:
        made = ask(request.actor, page=page, form=form, clear=clear, expected=count)
        messages.info(request, f"「{page.title}」有 {count:,} 行，正在后台生成文件，完成后在此页下载。可以先做别的事。")
        return go(request, made.get_absolute_url())
    grant = grant_for(request.actor, page) if clear else None
    data = write_now(request.actor, page=page, form=form, grant=grant, expected=count)
    response = HttpResponse(data, content_type=TYPES[form])
    return _named(response, f"{page.title}_{timezone.localtime():%Y%m%d_%H%M}.{form}")


def _must_hold(actor: Actor, it: SheetExport) -> None:
    """Ask again before a file leaves: the right to export, and for clear values a grant that has not ended."""
    try:
        page = open_list(it.page, actor, it.query, **it.place)
        actor.must(page.export_action)
    except (LookupError, NotAllowed):
        raise SheetError("您现在没有导出这个列表的权限，不能再下载。请联系安全管理员授权。") from None
    if it.clear and grant_for(actor, page) is None:
        raise SheetError("批量明文的授权已结束，不能再下载明文文件。请重新申请，或改为导出脱敏内容。")


def _named(response: HttpResponseBase, name: str) -> HttpResponseBase:
    suffix = name.rsplit(".", 1)[-1]
    response["Content-Disposition"] = f"attachment; filename=\"export.{suffix}\"; filename*=UTF-8''{quote(name)}"
    return response


def exports_of(actor: Actor) -> QuerySet[SheetExport]:
    """Return the actor's own exports in the institution at hand: nobody fetches another's file."""
    rows: QuerySet[SheetExport] = SheetExport.objects.none()
    if actor.person is not None:
        rows = SheetExport.objects.visible_to(actor.person).filter(
            institution=actor.institution, requested_by=actor.person
        )
    return rows.select_related("task")


class ExportTable(ListTable):
    """导出记录."""

    id = CodeColumn(verbose_name="编号", opens=True)
    title = TextColumn(verbose_name="内容", opens=True, width="w-m")
    words = TextColumn(verbose_name="条件", orderable=False, width="w-l")
    rows = NumberColumn(verbose_name="行数")
    word = TextColumn(verbose_name="状态", orderable=False)
    created_at = TimeColumn(verbose_name="导出时间")
    drops_at = TimeColumn(verbose_name="保留至")
    downloads = NumberColumn(verbose_name="下载次数")


class ExportFilter(ListFilter):
    """By what was exported and when."""

    words = SearchFilter(fields=["title"], label="内容")
    created_at = DayRangeFilter(label="导出日期", times=True)

    class Meta:
        model = SheetExport
        fields: list[str] = []


class ExportList(ListPage):
    """One's own exports that were written in the background."""

    action = "desk.view"
    title = "我的导出"
    purpose = "后台生成的导出文件：只有导出人本人可以下载，保留 7 天。"
    table_class = ExportTable
    filter_class = ExportFilter
    empty = Empty(f"没有后台生成的导出文件。各列表的「导出」超过 {AT_ONCE:,} 行时在这里下载。")

    def rows(self) -> QuerySet[Any]:
        """Return the person's own exports."""
        return exports_of(self.request.actor)


@require_GET
@needs("desk.view")
def detail(request: ActorRequest, pk: int) -> HttpResponse:
    """One export: progress, then the file."""
    it = get_object_or_404(exports_of(request.actor), pk=pk)
    return render(request, "sheets/export.html", {"it": it, "task": it.task})


@require_GET
@needs("desk.view")
def download(request: ActorRequest, pk: int) -> HttpResponseBase:
    """The file, unsealed piece by piece; each download is audited."""
    it = get_object_or_404(exports_of(request.actor), pk=pk)
    try:
        if not it.ready:
            raise SheetError(f"文件{it.word}，不能下载。" + ("请回到列表重新导出。" if it.dropped_at else ""))
        _must_hold(request.actor, it)
        pieces = vault.pieces(it.stored_as)
    except SheetError as error:
        messages.error(request, str(error))
        return go(request, it.get_absolute_url())
    SheetExport.objects.filter(pk=it.pk).update(downloads=F("downloads") + 1)
    record(request.actor, "sheets.download", [it], label=f"下载导出文件：{it.title} {it.rows:,} 行", clear=it.clear)
    response = StreamingHttpResponse(pieces, content_type=TYPES[it.form])
    response["Content-Length"] = str(it.size)
    return _named(response, it.file_name)
