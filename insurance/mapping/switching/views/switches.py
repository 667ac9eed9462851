"""目录切换: the list, a new one, and the bureau's table uploaded for one of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from insurance.mapping.choices import SwitchState
from insurance.mapping.errors import MappingError
from insurance.mapping.models import CodeSwitch, SwitchFile
from insurance.mapping.switching.filters import SwitchFilter
from insurance.mapping.switching.forms import SwitchForm
from insurance.mapping.switching.importing import SwitchImport
from insurance.mapping.switching.services.switches import CHANGEABLE, change_switch, create_switch
from insurance.mapping.switching.tables import SwitchTable
from portal.lists.intent import FIELD, Result, UnknownIntent, once, used
from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people.guard import ActorRequest, go, needs
from portal.sheets.book import MAX_BYTES
from portal.sheets.errors import SheetError
from portal.sheets.guards import check_name
from portal.sheets.services import take_upload
from portal.sheets.uploads import SealedUpload, SheetUploadHandler

PURPOSE = "mapping.switch"
OPEN = (SwitchState.DRAFT, SwitchState.PROPOSED, SwitchState.READY)


def switches_of(request: ActorRequest) -> QuerySet[CodeSwitch]:
    """Return the switches of the institution at hand that the person may see."""
    visible: QuerySet[CodeSwitch] = CodeSwitch.objects.visible_to(request.user)
    return visible.filter(institution=request.actor.institution).select_related(
        "made_by", "proposed_by", "approved_by", "institution"
    )


class SwitchList(ListPage):
    """Every change of codes, the nearest day first."""

    action = "mapping.view"
    title = "目录切换"
    purpose = "局方公布的新旧编码对照表：导入、看影响、准备新对照、审核，切换日当天才上传（3301、3360）。"
    table_class = SwitchTable
    filter_class = SwitchFilter
    tabs = (
        Tab("open", "进行中", Q(state__in=OPEN), "没有进行中的目录切换。"),
        Tab("done", "已切换", Q(state=SwitchState.DONE), "还没有完成过目录切换。"),
        Tab("cancelled", "已作废", Q(state=SwitchState.CANCELLED), "没有作废的目录切换。"),
        Tab("all", "全部"),
    )
    main = Link("新建切换", "mapping:switch_new", "mapping.import")
    tools = (Link("目录变更影响", "mapping:findings"), Link("夜间更新", "mapping:nights"))
    empty = Empty(
        "还没有目录切换。收到局方的新旧编码对照表后在这里新建。",
        Link("新建切换", "mapping:switch_new", "mapping.import"),
    )
    order = ("day", "pk")
    export_action = "mapping.export"

    def rows(self) -> QuerySet[Any]:
        """Return the switches of the institution at hand."""
        return switches_of(self.request)


@require_http_methods(["GET", "POST"])
@needs("mapping.import")
def new(request: ActorRequest) -> HttpResponseBase:
    """A new change of codes."""
    return _form(request, None)


@require_http_methods(["GET", "POST"])
@needs("mapping.import")
def edit(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Its name and day changed."""
    return _form(request, get_object_or_404(switches_of(request), pk=pk))


def _form(request: ActorRequest, switch: CodeSwitch | None) -> HttpResponseBase:
    first = used(request.user, request.POST.get(FIELD, ""), PURPOSE)
    if first is not None:
        messages.info(request, f"已经保存过，没有重复执行。当时的结果：{first.message}")
        return go(request, first.url)
    start = {"name": switch.name, "day": switch.day, "memo": switch.memo} if switch else None
    form = SwitchForm(request.POST if request.method == "POST" else None, initial=start)
    if form.is_bound and form.is_valid():
        try:
            result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _save(request, switch, form))
            messages.success(request, result.message)
            return go(request, result.url)
        except (MappingError, UnknownIntent) as error:
            form.add_error(None, str(error))
    return render(
        request, "mapping/switching/form.html", {"form": form, "switch": switch}, status=422 if form.errors else 200
    )


def _save(request: ActorRequest, switch: CodeSwitch | None, form: forms.Form) -> Result:
    given = form.cleaned_data
    if switch is None:
        made = create_switch(request.actor, **given)
        return Result(f"已新建「{made.name}」。下一步：导入局方的新旧编码对照表。", made.get_absolute_url())
    changed = change_switch(request.actor, switch=switch, **given)
    return Result(f"已修改「{changed.name}」。", changed.get_absolute_url())


@csrf_exempt
def upload(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Upload the bureau's table for one switch. The handler must be in place before the form is read."""
    handler = SheetUploadHandler(request)
    request.upload_handlers = [handler]
    try:
        return _upload(request, pk)
    finally:
        handler.drop_unused(getattr(request, "sheet_taken", ""))


@needs("mapping.import")
def _guarded(request: ActorRequest, pk: int) -> HttpResponseBase:
    switch = get_object_or_404(switches_of(request), pk=pk)
    wrong = ""
    if request.method == "POST":
        try:
            return _taken(request, switch)
        except SheetError as error:
            wrong = str(error)
    context = {
        "switch": switch,
        "importer": SwitchImport,
        "wrong": wrong,
        "megabytes": MAX_BYTES // 1048576,
        "changeable": switch.state in CHANGEABLE,
        "files": switch.files.select_related("sheet_import__requested_by").order_by("-pk")[:10],
    }
    return render(request, "mapping/switching/upload.html", context, status=400 if wrong else 200)


_upload = require_http_methods(["GET", "POST"])(csrf_protect(_guarded))
upload.needs = "mapping.import"  # type: ignore[attr-defined]  # the permission matrix in the tests reads it


def _taken(request: ActorRequest, switch: CodeSwitch) -> HttpResponseBase:
    posted = request.FILES.get("file")
    if getattr(request, "sheet_too_large", False):
        check_name("上传的文件.xlsx", MAX_BYTES + 1)
    if not isinstance(posted, SealedUpload):
        raise SheetError("没有选择文件。请选择局方的新旧编码对照表（.xlsx、.xls 或 .csv）。")
    importer = SwitchImport()
    with transaction.atomic():
        # bound before the check can begin: the task starts when this is committed
        made = take_upload(request.actor, importer=importer, file_name=posted.name or "", kept=posted.kept)
        bound, fresh = SwitchFile.objects.get_or_create(sheet_import=made, defaults={"switch": switch})
        if not fresh and bound.switch_id != switch.pk:
            raise SheetError(f"同一个文件正在为「{bound.switch.name}」导入。请先完成或放弃那一次导入。")
    request.sheet_taken = made.stored_as  # type: ignore[attr-defined]  # what `upload` may not drop
    return redirect("sheets:detail", made.pk)
