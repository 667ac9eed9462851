"""列对应: saying what the columns of a file are, and the list of what is remembered."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.lists.columns import NumberColumn, TextColumn, TimeColumn
from portal.lists.filters import ListFilter, SearchFilter
from portal.lists.tables import ListTable
from portal.lists.views import Empty, ListPage
from portal.people.guard import ActorRequest, needs
from portal.sheets import mappings
from portal.sheets.errors import SheetError
from portal.sheets.importer import Importer, find
from portal.sheets.models import ColumnMapping, SheetImport
from portal.sheets.services import importer_of
from portal.sheets.views import by_import, steps_of


class MappingTable(ListTable):
    """What is remembered, one line a set of headers."""

    label = TextColumn(verbose_name="导入内容", opens=True)
    headers = TextColumn(verbose_name="文件的表头", width="w-xl", orderable=False)
    owner = TextColumn(verbose_name="设定人")
    changed_at = TimeColumn(verbose_name="设定时间")
    used_at = TimeColumn(verbose_name="最近使用")
    uses = NumberColumn(verbose_name="自动套用次数")

    class Meta(ListTable.Meta):
        """Columns in the order of the screen."""

        sequence = ("label", "headers", "owner", "changed_at", "used_at", "uses")

    def value_headers(self, value: list[str]) -> str:
        """Return the headers in one text, for files."""
        return "、".join(value)

    def row_url(self, record: Any) -> str:
        """Return the page of one mapping."""
        return reverse("sheets:mapping", args=[record.pk])


class MappingFilter(ListFilter):
    """The query form of the list."""

    words = SearchFilter(fields=["label", "source", "owner__name"], label="文件、设定人")

    class Meta:
        """All fields are declared above."""

        model = ColumnMapping
        fields: list[str] = []


class MappingList(ListPage):
    """Every remembered 列对应 of the institution of the kinds the person may import."""

    action = "sheets.view"
    title = "列对应"
    purpose = "各来源文件的表头与本系统列的对应。下次上传同样表头的文件时自动套用，全院共用。"
    table_class = MappingTable
    filter_class = MappingFilter
    empty = Empty("还没有记住的列对应。上传的文件表头对不上时，在「列对应」步骤选择一次即会记住。")

    def rows(self) -> QuerySet[Any]:
        """Return what this person may see."""
        return mappings.mappings_of(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Show the headers as one text."""
        for one in records:
            one.headers = "、".join(map(str, one.headers))


@require_GET
@needs("sheets.view")
def mapping(request: ActorRequest, pk: int) -> HttpResponse:
    """One remembered 列对应: which header of the file is which column."""
    found = get_object_or_404(mappings.mappings_of(request.actor), pk=pk)
    importer = find(found.importer)
    pairs = mappings.words_of(found, importer.columns if importer else ())
    return render(request, "sheets/mapping.html", {"it": found, "pairs": pairs})


@require_POST
@needs("sheets.view")
def forget(request: ActorRequest, pk: int) -> HttpResponse:
    """Forget one 列对应; a second press finds it gone and says nothing new."""
    found = mappings.mappings_of(request.actor).filter(pk=pk).first()
    if found is not None:
        mappings.forget_mapping(request.actor, mapping=found)
        messages.success(request, f"已删除「{found.label}」的列对应；下次上传同样表头的文件时会重新询问。")
    return redirect("sheets:mappings")


@require_http_methods(["GET", "POST"])
@by_import
def columns(request: ActorRequest, sheet_import: SheetImport) -> HttpResponse:
    """Ask what the columns of a file are; posted, take it and check the file again."""
    importer = importer_of(sheet_import)
    wrong = ""
    if request.method == "POST":
        try:
            told = mappings.as_told(request.POST, importer)
            remember = request.POST.get("remember") == "yes"
            mappings.choose_columns(request.actor, sheet_import=sheet_import, told=told, remember=remember)
            return redirect("sheets:detail", sheet_import.pk)
        except SheetError as error:
            wrong = str(error)
    return _columns(request, sheet_import, importer, wrong)


def _columns(request: ActorRequest, sheet_import: SheetImport, importer: Importer, wrong: str) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    try:
        asked = mappings.ask(
            sheet_import, importer, sheet=_whole(given, "sheet"), line=_whole(given, "line"),
            height=_whole(given, "height"),
        )  # fmt: skip
    except SheetError as error:
        messages.error(request, str(error))
        return redirect("sheets:detail", sheet_import.pk)
    rows = asked.rows
    if wrong:
        rows = [(column, _whole(given, f"col_{column.name}"), missing) for column, _, missing in rows]
    context = {
        "it": sheet_import,
        "importer": importer,
        "ask": asked,
        "rows": rows,
        "options": asked.options,
        "missing": [column.label for column, _, missing in rows if missing],
        "sheets": [(at, sheet.name) for at, sheet in enumerate(asked.book.sheets) if sheet.rows],
        "line": asked.header.sheet.numbers[asked.header.index],
        "steps": steps_of(sheet_import),
        "wrong": wrong,
    }
    return render(request, "sheets/columns.html", context, status=400 if wrong else 200)


def _whole(given: Any, name: str) -> int | None:
    text = str(given.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
