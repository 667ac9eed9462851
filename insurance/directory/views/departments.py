"""科室: the list, one department, its form, and what is done with chosen ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from insurance.directory import services
from insurance.directory.acts import ACTS, NO_RIGHT
from insurance.directory.errors import DirectoryError, Invalid
from insurance.directory.exporting import importable
from insurance.directory.filters import DepartmentFilter
from insurance.directory.forms import DepartmentForm
from insurance.directory.models import DEPARTMENT_COLUMNS, Department
from insurance.directory.queries import TABS, history, with_delivery
from insurance.directory.showing import MASKS, both_shown, delivery_words, label_of, shown
from insurance.directory.tables import DepartmentTable
from insurance.directory.values import differences
from insurance.directory.views.asking import asked
from insurance.exchange.queries import attach_latest
from portal.lists.exporting import ListColumn
from portal.lists.intent import FIELD, Result, UnknownIntent, once, used
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.guard import ActorRequest, go, needs

PURPOSE = "directory.department"
EMPTY_WORDS = {
    "todo": "没有待处理的科室。",
    "draft": "没有草稿。",
    "queued": "没有正在上传的科室。",
    "refused": "没有上传失败的科室。",
    "unknown": "没有结果待查的科室。",
    "held": "还没有已上传的科室。",
    "ended": "没有停用或撤销的科室。",
}


def departments_of(request: ActorRequest) -> QuerySet[Department]:
    """Return the departments of the institution at hand that the person may see."""
    visible: QuerySet[Department] = Department.objects.visible_to(request.user)
    return with_delivery(visible.filter(institution=request.actor.institution).select_related("platform"))


class DepartmentList(ListPage):
    """Every department of the institution, by where its upload stands."""

    action = "directory.view"
    title = "科室"
    purpose = "本院科室及其在医保平台的登记：上传（3401）、变更（3402）、撤销（3403）、核对（5101）。"
    table_class = DepartmentTable
    filter_class = DepartmentFilter
    tabs = tuple(Tab(key, label, rows, EMPTY_WORDS.get(key, "")) for key, (label, rows) in TABS.items())
    main = Link("新建科室", "directory:department_new", "directory.edit")
    tools = (
        Link("导入", "directory:departments_import", "directory.import"),
        Link("核对结果", "directory:compare"),
    )
    batches = (
        Batch("上传", "directory:department_upload", "directory.submit"),
        Batch("作废草稿", "directory:department_discard", "directory.edit", ("draft", "refused", "all")),
    )
    empty = Empty("还没有科室。", Link("从电子表格导入", "directory:departments_import", "directory.import"))
    order = ("hosp_dept_codg", "-begntime")
    export_action = "directory.export"
    template_name = "directory/departments.html"

    def rows(self) -> QuerySet[Any]:
        """Return the departments of the institution at hand."""
        return departments_of(self.request)

    def decorate(self, records: list[Any]) -> None:
        """Fetch where the upload of each stands."""
        attach_latest(records)

    def out_columns(self) -> list[ListColumn]:
        """Return the person's columns and the rest of the template's, so that the file can be imported again."""
        return importable(super().out_columns())

    def context(self) -> dict[str, Any]:
        """Add the last comparison."""
        return asked(self.request, "directory.compare")


@require_GET
@needs("directory.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One department: both sides, where its upload stands, what can be done, what happened."""
    department = get_object_or_404(departments_of(request), pk=pk)
    attach_latest([department])
    context = {
        "department": department,
        "facts": _facts(department),
        "acts": [
            (act, "" if request.actor.may(act.action) else NO_RIGHT) if not act.reason(department)
            else (act, act.reason(department))
            for act in ACTS
        ],
        "delivery_words": delivery_words(department.submission),  # type: ignore[attr-defined]
        "history": history(department),
        "periods": departments_of(request).filter(hosp_dept_codg=department.hosp_dept_codg).order_by("-begntime"),
        "may_follow": request.actor.may("exchange.view"),
    }  # fmt: skip
    return render(request, "directory/department.html", context)


def _facts(department: Department) -> list[dict[str, str]]:
    """Return label, our value, the platform's where it differs (else ''), and the column where it is personal."""
    platform = department.platform
    differing = differences(department, platform, DEPARTMENT_COLUMNS) if platform else []
    facts = []
    for column in DEPARTMENT_COLUMNS:
        ours, theirs = shown(department, column), ""
        if platform and column in differing:
            ours, theirs = both_shown(department, platform, column)
        personal = column if column in MASKS else ""
        facts.append({"label": label_of(Department, column), "ours": ours, "theirs": theirs, "personal": personal})
    return facts


@require_http_methods(["GET", "POST"])
@needs("directory.edit")
def new(request: ActorRequest) -> HttpResponseBase:
    """A new department."""
    return _form(request, None)


@require_http_methods(["GET", "POST"])
@needs("directory.edit")
def edit(request: ActorRequest, pk: int) -> HttpResponseBase:
    """A department changed."""
    return _form(request, get_object_or_404(departments_of(request), pk=pk))


def _form(request: ActorRequest, department: Department | None) -> HttpResponseBase:
    first = used(request.user, request.POST.get(FIELD, ""), PURPOSE)
    if first is not None:
        messages.info(request, f"已经保存过，没有重复执行。当时的结果：{first.message}")
        return go(request, first.url)
    form = DepartmentForm(request.actor, department, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _save(request, form))
            messages.success(request, result.message)
            return go(request, result.url)
        except Invalid as error:
            for fault in error.faults:
                form.add_error(fault.field if fault.field in form.fields else None, fault.reason)
        except (DirectoryError, UnknownIntent) as error:
            form.add_error(None, str(error))
    context = {"form": form, "department": department}
    return render(request, "directory/form.html", context, status=422 if form.errors else 200)


def _save(request: ActorRequest, form: DepartmentForm) -> Result:
    if form.department is None:
        made = services.create_department(request.actor, values=form.cleaned_data)
        return Result(f"已新建「{made.hosp_dept_name}」，现在是草稿，可选择后上传。", made.get_absolute_url())
    changed = services.change_department(request.actor, department=form.department, values=form.cleaned_data)
    labels = "、".join(label_of(Department, name) for name in changed if name != "extra")
    words = f"已修改「{form.department.hosp_dept_name}」：{labels}。" if changed else "没有改动。"
    if changed and form.department.held:
        words += "平台上还是原来的内容，请「上传」变更。"
    return Result(words, form.department.get_absolute_url())


def listed(tab: str) -> str:
    """Return the list under a tab."""
    return f"{reverse('directory:departments')}?tab={quote(tab)}"
