"""Spreadsheets that come in: departments, and the hospital's own list of licensed staff.

What a column may hold is read from the specification (3401, 5102); here stand only the headers under which hospitals
export it, and the samples.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from insurance.directory import services
from insurance.directory.errors import DirectoryError
from insurance.directory.messages import route_node
from insurance.directory.models import DEPARTMENT_COLUMNS
from insurance.directory.services.taking import OWN_LIST_COLUMNS, Judged
from insurance.directory.values import COUNTS, SENSITIVE
from insurance.specification.books import open_book
from insurance.specification.errors import SpecificationError
from insurance.specification.model import Field
from portal.people.actor import Actor
from portal.privacy.masks import mask_document, mask_phone
from portal.sheets.columns import Column, Dictionary, Kind
from portal.sheets.importer import Importer, Row, RowKind, RowResult, SheetError, register
from portal.sheets.models import SheetImport

log = logging.getLogger(__name__)

ALIASES: dict[str, tuple[str, ...]] = {
    "hosp_dept_codg": ("科室编码", "编码", "科室代码", "科室编号", "院内科室编码"),
    "hosp_dept_name": ("科室名称", "科室", "名称"),
    "caty": ("科别编码", "科别代码", "科别", "诊疗科目", "标准科室"),
    "begntime": ("开始日期", "开始", "启用日期", "启用时间"),
    "endtime": ("结束日期", "结束", "停用日期", "停用时间"),
    "dept_resper_name": ("科室负责人", "负责人", "负责人姓名", "科主任"),
    "dept_resper_tel": ("负责人电话", "联系电话", "电话"),
    "dept_estbdat": ("成立日期", "科室成立时间", "成立时间"),
    "aprv_bed_cnt": ("批准床位数", "编制床位", "床位", "床位数"),
    "hi_crtf_bed_cnt": ("医保床位数", "医保认可床位"),
    "dr_psncnt": ("医生人数", "医师数"),
    "nurs_psncnt": ("护士数", "护理人数"),
    "phar_psncnt": ("药师数",),
    "tecn_psncnt": ("技师数", "技术人员人数"),
    "poolarea_no": ("统筹区", "统筹区编码"),
    "itro": ("科室简介",),
    "dept_med_serv_scp": ("医疗服务范围", "服务范围"),
    "prac_psn_name": ("姓名", "人员姓名"),
    "prac_psn_type": ("人员分类", "人员类别", "类别"),
    "prac_psn_code": ("国家医保编码", "医保编码", "国家编码", "医保医师编码"),
    "psn_cert_type": ("证件类型",),
    "certno": ("证件号", "身份证号", "身份证号码"),
    "prac_psn_cert": ("资格证书编码", "资格证书编号", "资格证号"),
    "prac_cert_no": ("执业证号", "执业证书编码"),
}
SAMPLES = {
    "hosp_dept_codg": "0101", "hosp_dept_name": "产科一区", "caty": "A05.02", "begntime": "2020-01-01",
    "dept_resper_name": "陈某某", "dept_resper_tel": "0662-0000000", "dept_estbdat": "2001-05-01",
    "aprv_bed_cnt": "40", "hi_crtf_bed_cnt": "40", "dr_psncnt": "12", "nurs_psncnt": "20", "phar_psncnt": "0",
    "tecn_psncnt": "1", "poolarea_no": "441700", "itro": "负责孕产妇住院分娩。", "staff_no": "00123",
    "prac_psn_name": "李某某", "prac_psn_type": "医师", "prac_psn_code": "D440000000001",
}  # fmt: skip
HELPS = {
    "begntime": "留空：已有科室保持不变，新科室取成立日期",
    "poolarea_no": "留空取本机构医保区划",
    "caty": "填科别编码或名称",
}
# What the services fill in themselves, so that an empty cell is no mistake.
DEFAULTED = frozenset({"begntime", "poolarea_no"})
LOOK = "请核对，不影响导入"
NAMES = frozenset({"dept_resper_name", "prac_psn_name"})
# Columns whose words may be the hospital's own: what the dictionary does not know waits in 值对照.
MAPPED = frozenset({"caty"})
KINDS: dict[str, Kind] = {"string": "text", "number": "number", "date": "date", "datetime": "datetime"}


def _dictionary(code: str) -> Callable[[], Dictionary]:
    return lambda: open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR).dictionary(code)


def _column(field: Field, **changes: Any) -> Column:
    kind: Kind = "whole" if field.name in COUNTS else "phone" if field.name == "dept_resper_tel" else KINDS[field.type]
    options: dict[str, Any] = {
        "name": field.name,
        "label": field.label,
        "kind": "code" if field.name in ("hosp_dept_codg", "prac_psn_code") else kind,
        "required": field.required and field.name not in DEFAULTED,
        "max_length": field.max_length or 0,
        "minimum": 0 if field.type == "number" else None,
        "code": _dictionary(field.code) if field.code else None,
        "unknown": "warning",
        "aliases": ALIASES.get(field.name, ()),
        "help": HELPS.get(field.name, ""),
        "sample": SAMPLES.get(field.name, ""),
        "mask": "name" if field.name in NAMES else "",
        "dictionary_code": field.name if field.name in MAPPED else "",
    }
    return Column(**options | changes)


def department_columns() -> list[Column]:
    """Return the columns of 科室 as the installation's edition of department.add names them."""
    book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
    fields = route_node(book, "department.add").fields
    order = [name for name in DEPARTMENT_COLUMNS if name in fields]
    order += [name for name in fields if name not in DEPARTMENT_COLUMNS]
    return [_column(fields[name]) for name in order]


def staff_columns() -> list[Column]:
    """Return the columns of the hospital's own list: those of 5102's answer, with 工号 and department."""
    book = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
    fields = book.transaction("5102").output.children["feedetail"].fields
    department = route_node(book, "department.add").fields["hosp_dept_codg"]
    loose = {"required": False}
    own = {
        "staff_no": Column("staff_no", "工号", "code", required=True, aliases=("员工号", "职工号"), sample="00123"),
        "prac_psn_name": _column(fields["prac_psn_name"]),
        "prac_psn_type": _column(fields["prac_psn_type"], unknown="error"),
        "certno": _column(fields["certno"], kind="document", **loose),
        "hosp_dept_codg": _column(department, **loose),
    }
    return [own.get(name) or _column(fields[name], **loose) for name in OWN_LIST_COLUMNS]


class DepartmentImport(Importer):
    """科室: one row a department, found again by its code (and begntime where the file has it)."""

    code: ClassVar[str] = "directory.department"
    label: ClassVar[str] = "科室"
    action: ClassVar[str] = "directory.import"
    columns: ClassVar[Sequence[Column]] = ()
    key: ClassVar[tuple[str, ...]] = ("hosp_dept_codg", "begntime")
    note: ClassVar[str] = "导入只存入本院；导入后在「科室」列表中选择并「上传」到平台。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the rows against our departments and the specification."""
        judged = services.judge_departments(actor, [row.values for row in rows])
        return [_result(self, row, item) for row, item in zip(rows, judged, strict=True)]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take the rows by the room's service."""
        return _taken(services.take_rows, actor, rows)

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the list of departments."""
        return reverse("directory:departments") + "?tab=draft"

    def row_url(self, texts: Mapping[str, str]) -> str:
        """Return the list narrowed to the department of one line."""
        return f"{reverse('directory:departments')}?{urlencode({'tab': 'all', 'words': texts['hosp_dept_codg']})}"


class StaffImport(Importer):
    """本院人员: one row a licensed person, found again by 工号."""

    code: ClassVar[str] = "directory.staff"
    label: ClassVar[str] = "本院医师护士药师"
    action: ClassVar[str] = "directory.import"
    columns: ClassVar[Sequence[Column]] = ()
    key: ClassVar[tuple[str, ...]] = ("staff_no",)
    note: ClassVar[str] = "导入后与平台的医保医师护士药师（5102）按代码和证件号码核对。"

    def check(self, actor: Actor, rows: Sequence[Row]) -> list[RowResult]:
        """Judge the rows against our own list."""
        judged = services.judge_staff(actor, [row.values for row in rows])
        return [_result(self, row, item) for row, item in zip(rows, judged, strict=True)]

    def apply(self, actor: Actor, rows: Sequence[Row]) -> Mapping[str, int]:
        """Take the rows by the room's service."""
        return _taken(services.take_staff, actor, rows)

    def result_url(self, sheet_import: SheetImport) -> str:
        """Return the comparison with the platform."""
        return reverse("directory:compare_staff")


def _taken(take: Callable[..., Mapping[str, int]], actor: Actor, rows: Sequence[Row]) -> dict[str, int]:
    words = {"new": "新增", "changed": "更新", "same": "无变化"}
    try:
        counts = take(actor, rows=[row.values for row in rows], source="电子表格")
    except DirectoryError as error:
        raise SheetError(f"{error} 请重新校验文件。") from error
    return {words[kind]: count for kind, count in counts.items()}


def _result(importer: Importer, row: Row, judged: Judged) -> RowResult:
    names = {column.name for column in importer.columns}
    problems = [importer.problem(row, f.field if f.field in names else "", f.reason) for f in judged.faults]
    problems += [importer.problem(row, d.field, d.reason, level="warning", advice=LOOK) for d in judged.doubts]
    changes = {name: (_shown(name, old), _shown(name, new)) for name, (old, new) in judged.changes.items()}
    changes.pop("extra", None)
    return RowResult(RowKind(judged.kind), problems, changes, str(judged.record or ""))


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        text = timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
        return text.removesuffix(" 00:00:00")
    if name in SENSITIVE:
        return (mask_phone if name == "dept_resper_tel" else mask_document)(str(value))
    return str(value)


def register_importers() -> None:
    """Make both known to the wizard, with the columns of the installation's edition.

    Tables that cannot be read leave the wizard without them instead of stopping the program: `manage.py specification
    check` must still be able to say what is wrong.
    """
    try:
        DepartmentImport.columns, StaffImport.columns = department_columns(), staff_columns()
    except SpecificationError as error:
        log.error("no import of departments and staff: %s", error)
        return
    register(DepartmentImport)
    register(StaffImport)
