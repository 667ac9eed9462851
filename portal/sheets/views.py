"""Pages of the wizard: upload, check result, confirm, result; and the list of imports."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.audit.services import record
from portal.lists.views import Empty, ListPage, Tab
from portal.people.guard import ActorRequest, needs, signed_in
from portal.sheets import error_file, queries, services, store
from portal.sheets.book import MAX_BYTES
from portal.sheets.choices import ImportState, Mode, RowKind
from portal.sheets.errors import SheetError
from portal.sheets.guards import check_name
from portal.sheets.importer import Importer, find, importers_for
from portal.sheets.mappings import mappings_of
from portal.sheets.models import SheetImport
from portal.sheets.tables import ImportFilter, ImportTable
from portal.sheets.template_file import KINDS, choices_of, write_template
from portal.sheets.uploads import SealedUpload, SheetUploadHandler

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE_ROWS = 50
STEPS = ("上传", "列对应", "校验", "确认", "导入", "结果")
MOVING = (ImportState.CHECKING, ImportState.APPLYING)


class ImportList(ListPage):
    """Every import of the institution of the kinds the person may import."""

    action = "sheets.view"
    title = "导入记录"
    purpose = "上传过的电子表格：校验结果、错误行、导入结果。"
    table_class = ImportTable
    filter_class = ImportFilter
    tabs = (
        Tab("mapping", "待列对应", Q(state=ImportState.MAPPING), "没有等待指定列的文件。"),
        Tab("ready", "待确认", Q(state=ImportState.READY), "没有等待确认的文件。"),
        Tab("moving", "进行中", Q(state__in=MOVING), "没有正在校验或导入的文件。"),
        Tab("applied", "已导入", Q(state=ImportState.APPLIED), "还没有导入过文件。"),
        Tab("failed", "未通过", Q(state=ImportState.FAILED), "没有未通过校验的文件。"),
        Tab("all", "全部"),
    )
    empty = Empty("还没有导入过文件。各列表页的「导入」按钮可以上传电子表格。")
    template_name = "sheets/list.html"

    def rows(self) -> QuerySet[Any]:
        """Return the imports this person may see."""
        return queries.imports_of(self.request.actor)

    def context(self) -> dict[str, Any]:
        """Add what the person may import, for the buttons above."""
        actor = self.request.actor
        return {"importers": importers_for(actor.person, actor.institution) if actor.person else []}


def by_importer(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Find the importer named in the address and ask its own right; an unknown one is 404."""

    @wraps(view)
    def guarded(request: HttpRequest, code: str) -> HttpResponseBase:
        importer = find(code)
        if importer is None:
            raise Http404("没有这种导入")
        return needs(importer.action)(view)(request, importer)

    return guarded


def by_import(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Find the import in the institution at hand (another institution's is 404) and ask its importer's right."""

    @wraps(view)
    def guarded(request: ActorRequest, pk: int) -> HttpResponseBase:
        actor = getattr(request, "actor", None)
        rows = SheetImport.objects.select_related("requested_by", "task", "same_as__requested_by", "remembered__owner")
        found = get_object_or_404(rows, pk=pk, institution=actor.institution if actor else None)
        importer = find(found.importer)
        return needs(importer.action if importer else "sheets.manage")(view)(request, found)

    return signed_in(guarded)


@csrf_exempt
def new(request: HttpRequest, code: str) -> HttpResponseBase:
    """Upload a file. The handler must be in place before the form is read, and who may is asked before that."""
    handler = SheetUploadHandler(request)
    request.upload_handlers = [handler]
    try:
        return _new(request, code)
    except MultiPartParserError:
        return _unreadable(request, code)
    finally:
        handler.drop_unused(getattr(request, "sheet_taken", ""))


@require_http_methods(["GET", "POST"])
@by_importer
@csrf_protect
def _new(request: ActorRequest, importer: Importer) -> HttpResponseBase:
    if request.method == "POST":
        try:
            return _uploaded(request, importer)
        except SheetError as error:
            return _form(request, importer, str(error))
    return _form(request, importer, "")


@by_importer
def _unreadable(request: ActorRequest, importer: Importer) -> HttpResponseBase:
    """Say that the form could not be taken apart: a browser puts the file's name into a head that has its limit."""
    return _form(request, importer, "文件名太长，没有上传成功。请把文件名改短（100 字以内）后重新上传。")


def _form(request: ActorRequest, importer: Importer, wrong: str) -> HttpResponse:
    columns = [(column, KINDS[column.kind], choices_of(column)) for column in importer.columns]
    context = {
        "importer": importer,
        "columns": columns,
        "wrong": wrong,
        "megabytes": MAX_BYTES // 1048576,
        "latest": queries.imports_of(request.actor).filter(importer=importer.code)[:5],
        "steps": [(word, word == "上传") for word in STEPS],
        "remembered": mappings_of(request.actor).filter(importer=importer.code).count(),
    }
    return render(request, "sheets/new.html", context, status=400 if wrong else 200)


def _uploaded(request: ActorRequest, importer: Importer) -> HttpResponse:
    posted = request.FILES.get("file")
    if getattr(request, "sheet_too_large", False):
        check_name("上传的文件.xlsx", MAX_BYTES + 1)
    if not isinstance(posted, SealedUpload):
        raise SheetError("没有选择文件。请选择要导入的 .xlsx、.xls 或 .csv 文件。")
    made = services.take_upload(request.actor, importer=importer, file_name=posted.name or "", kept=posted.kept)
    request.sheet_taken = made.stored_as  # type: ignore[attr-defined]  # what `new` may not drop
    return redirect("sheets:detail", made.pk)


@require_GET
@by_importer
def template(request: ActorRequest, importer: Importer) -> HttpResponse:
    """Download the importer's template."""
    file = io.BytesIO()
    write_template(importer, file)
    return download(file.getvalue(), f"{importer.label}导入模板.xlsx")


@require_GET
@by_import
def detail(request: ActorRequest, sheet_import: SheetImport) -> HttpResponse:
    """One import, whatever its state: progress, counts, problems, what can be done."""
    return render(request, "sheets/detail.html", _context(request, sheet_import))


@require_GET
@by_import
def live(request: ActorRequest, sheet_import: SheetImport) -> HttpResponse:
    """The moving part of the import's page; it stops asking when nothing moves any more."""
    return render(request, "sheets/_body.html", _context(request, sheet_import))


@require_GET
@by_import
def errors(request: ActorRequest, sheet_import: SheetImport) -> HttpResponse:
    """Download the lines in error with their reasons; many are written by a task first."""
    if not _may_fetch(request, sheet_import):
        messages.error(request, f"没有下载：文件中有未脱敏的个人信息，只有{_whose(sheet_import)}可以下载。")
        return redirect("sheets:detail", sheet_import.pk)
    every = request.GET.get("all") == "1"
    name = f"{sheet_import.file_name.rsplit('.', 1)[0][:100]}-{'全部行' if every else '错误行'}.xlsx"
    if sheet_import.error_file and not every:
        _note_download(request, sheet_import, name)
        return download(store.fetch(sheet_import.error_file), name)
    if every and sheet_import.total_rows > error_file.AT_ONCE:
        messages.info(request, f"全表有 {sheet_import.total_rows:,} 行，太大；请下载错误行，改正后只上传错误行即可。")
        return redirect("sheets:detail", sheet_import.pk)
    if sheet_import.error_rows > error_file.AT_ONCE:
        task = services.ask_error_file(request.actor, sheet_import=sheet_import)
        messages.info(request, f"错误行有 {sheet_import.error_rows:,} 行，正在后台生成文件；完成后在此页下载。")
        return redirect("tasks:detail", task.pk)
    file = io.BytesIO()
    error_file.write_errors(sheet_import, file, every=every)
    _note_download(request, sheet_import, name)
    return download(file.getvalue(), name)


def _may_fetch(request: ActorRequest, sheet_import: SheetImport) -> bool:
    """Say whether the rows may leave unmasked: to whom they came from, or to a colleague once that one has left."""
    owner = sheet_import.requested_by
    gone = owner is None or not owner.is_active
    return gone or owner == request.user or not queries.has_personal(sheet_import)


def _whose(sheet_import: SheetImport) -> str:
    person = sheet_import.requested_by
    return f"上传人{person.name}（或接手人）" if person else "上传人"


def _note_download(request: ActorRequest, sheet_import: SheetImport, name: str) -> None:
    """The file holds the rows as they came, unmasked, so that they can be mended: each download is audited."""
    label = f"下载导入的{'全部行' if '全部行' in name else '错误行'}：{sheet_import.label}"
    record(request.actor, "sheets.download", [sheet_import], label=label, clear=queries.has_personal(sheet_import))


@require_POST
@by_import
def confirm(request: ActorRequest, sheet_import: SheetImport) -> HttpResponse:
    """Take the rows: mode=all or mode=good."""
    mode = request.POST.get("mode", "")
    try:
        if mode not in Mode.values:
            raise SheetError("没有选择导入方式。请在下面选择后再导入。")
        services.confirm(request.actor, sheet_import=sheet_import, mode=mode)
    except SheetError as error:
        messages.error(request, str(error))
    return redirect("sheets:detail", sheet_import.pk)


@require_POST
@by_import
def abandon(request: ActorRequest, sheet_import: SheetImport) -> HttpResponse:
    """Give the file up."""
    try:
        services.abandon(request.actor, sheet_import=sheet_import)
        messages.success(request, f"已放弃文件「{sheet_import.file_name}」，没有导入任何行。")
    except SheetError as error:
        messages.error(request, str(error))
    return redirect("sheets:detail", sheet_import.pk)


def download(data: bytes, name: str) -> HttpResponse:
    """Return an .xlsx as a download with a Chinese name."""
    response = HttpResponse(data, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename=\"download.xlsx\"; filename*=UTF-8''{quote(name)}"
    return response


def _context(request: ActorRequest, sheet_import: SheetImport) -> dict[str, Any]:
    importer = find(sheet_import.importer)
    shown = _Shown(request, sheet_import)
    return {
        "it": sheet_import,
        "importer": importer,
        "moving": sheet_import.state in MOVING,
        "steps": steps_of(sheet_import),
        "shown": shown,
        "differing": [one for one in sheet_import.controls if not one["fits"]],
        "result_url": importer.result_url(sheet_import) if importer and sheet_import.applied_at else "",
    }


def steps_of(sheet_import: SheetImport) -> list[tuple[str, bool]]:
    """Return the wizard's steps and which of them is at hand."""
    at = {
        ImportState.CHECKING: "校验",
        ImportState.MAPPING: "列对应",
        ImportState.READY: "确认",
        ImportState.APPLYING: "导入",
        ImportState.APPLIED: "结果",
        ImportState.FAILED: "校验",
        ImportState.ABANDONED: "确认",
    }[ImportState(sheet_import.state)]
    return [(word, word == at) for word in STEPS]


class _Shown:
    """The part of what was found that the address asks for (`show`, `page`), and the tabs to the other parts."""

    def __init__(self, request: HttpRequest, sheet_import: SheetImport) -> None:
        self.it = sheet_import
        self.ignored = queries.ignored(sheet_import)
        self.counts = self._counts()
        self.key = self._key(request.GET.get("show", ""))
        self.total = self.counts[self.key]
        self.page = Paginator(range(self.total), PAGE_ROWS).get_page(request.GET.get("page"))
        self.start = (self.page.number - 1) * PAGE_ROWS

    def _counts(self) -> dict[str, int]:
        it, problems = self.it, queries.problem_counts(self.it)
        return {
            "error": problems["errors"],
            "waiting": problems["waitings"],
            "warning": problems["warnings"],
            "control": len(it.controls),
            RowKind.NEW.value: it.new_rows,
            RowKind.CHANGED.value: it.changed_rows,
            RowKind.SAME.value: it.same_rows,
            "ignored": len(self.ignored),
        }

    def _key(self, asked: str) -> str:
        if asked in self.counts:
            return asked
        return next((key for key, count in self.counts.items() if count), "error")

    @property
    def tabs(self) -> list[tuple[str, str, int, bool]]:
        """Return (key, word, count, current) of each part."""
        words = {
            "error": "错误",
            "waiting": "待值对照",
            "warning": "警告",
            "control": "合计核对",
            "new": "新增",
            "changed": "更新",
            "same": "无变化",
            "ignored": "未读取/说明",
        }
        return [(key, word, self.counts[key], key == self.key) for key, word in words.items()]

    @property
    def problems(self) -> list[queries.ShownProblem]:
        """Return the page's problems when problems are shown."""
        if self.key not in ("error", "warning", "waiting"):
            return []
        return queries.problems(self.it, self.key, self.start, PAGE_ROWS)

    @property
    def lines(self) -> list[queries.ShownLine]:
        """Return the page's lines when lines are shown."""
        if self.key not in (RowKind.NEW, RowKind.CHANGED, RowKind.SAME):
            return []
        return queries.lines(self.it, RowKind(self.key), self.start, PAGE_ROWS)

    @property
    def controls(self) -> list[dict[str, Any]]:
        """Return the page's figures of totals beside what was counted, those that differ first."""
        found = sorted(self.it.controls, key=lambda one: bool(one["fits"]))
        return found[self.start : self.start + PAGE_ROWS] if self.key == "control" else []

    @property
    def left_out(self) -> list[dict[str, str]]:
        """Return the page's lines and columns that were not read."""
        return self.ignored[self.start : self.start + PAGE_ROWS] if self.key == "ignored" else []

    @property
    def headers(self) -> list[str]:
        """Return the headers of the columns taken."""
        return queries.taken_headers(self.it)
