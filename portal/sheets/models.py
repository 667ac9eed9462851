"""Files that came in, what was found in them, and what became of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse

from portal.people.models import Institution, Person
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField
from portal.sheets.choices import ImportState, Mode
from portal.sheets.exports import SheetExport as SheetExport
from portal.tasks.models import Task


class SheetImport(models.Model):
    """One uploaded spreadsheet. The file itself lies sealed in FILES_DIR under `stored_as`.

    checking → (mapping →) ready → applying → applied; failed when nothing in it can be taken; abandoned by a person.
    `columns` is the header as found: [{"place", "letter", "header", "name"}], the name empty for a column not taken.
    `error_file` names a sealed file of the lines in error, made in the background when there are many. mapping: only
    a person can say what the columns are; `offer` is what the page 列对应 shows of the file (JSON), `layout` what the
    person said (headers.Chosen), `remembered` the earlier 列对应 that was applied. `head` is the lines above the data
    (JSON), `controls` what lines of totals say beside what was counted, `waiting_rows` how many rows wait for 值对照.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    importer = models.CharField("种类", max_length=60)
    label = models.CharField("导入内容", max_length=100)
    file_name = models.CharField("文件名", max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveIntegerField("字节数")
    stored_as = models.CharField("存放名", max_length=80)
    requested_by = models.ForeignKey(
        Person, verbose_name="上传人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    same_as = models.ForeignKey("self", verbose_name="相同文件", null=True, on_delete=models.SET_NULL, related_name="+")
    task = models.ForeignKey(Task, verbose_name="任务", null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField("状态", max_length=10, choices=ImportState.choices, default=ImportState.CHECKING)
    words = models.CharField("说明", max_length=1000, blank=True)
    sheet_name = models.CharField("工作表", max_length=100, blank=True)
    header_row = models.PositiveIntegerField("表头行", default=0)
    columns = models.JSONField("表头", default=list)
    ignored = EncryptedTextField("未读取的行列", blank=True, default="")
    new_rows = models.PositiveIntegerField("新增", default=0)
    changed_rows = models.PositiveIntegerField("更新", default=0)
    same_rows = models.PositiveIntegerField("无变化", default=0)
    error_rows = models.PositiveIntegerField("错误", default=0)
    warnings = models.PositiveIntegerField("警告", default=0)
    waiting_rows = models.PositiveIntegerField("待值对照", default=0)
    controls = models.JSONField("合计核对", default=list)
    head = EncryptedTextField("表头以上", blank=True, default="")
    offer = EncryptedTextField("文件开头", blank=True, default="")
    layout = models.JSONField("指定的列", default=dict)
    remembered = models.ForeignKey(
        "ColumnMapping", verbose_name="列对应", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    mode = models.CharField("方式", max_length=10, choices=Mode.choices, blank=True)
    done_chunks = models.PositiveIntegerField("已导入批数", default=0)
    result = models.JSONField("结果", default=dict)
    error_file = models.CharField("错误行文件", max_length=80, blank=True)
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    checked_at = models.DateTimeField("校验时间", null=True)
    applied_at = models.DateTimeField("导入时间", null=True)

    objects: ClassVar[Any] = ScopedQuerySet["SheetImport"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "导入记录"
        indexes = [
            models.Index(fields=["institution", "-id"], name="sheet_by_institution"),
            models.Index(fields=["institution", "importer", "sha256"], name="sheet_same_file"),
        ]

    def __str__(self) -> str:
        return f"{self.label}：{self.file_name}"

    def get_absolute_url(self) -> str:
        """Return the address of the import's page."""
        return reverse("sheets:detail", args=[self.pk])

    @property
    def total_rows(self) -> int:
        """Return how many data rows the file has."""
        return self.new_rows + self.changed_rows + self.same_rows + self.error_rows + self.waiting_rows

    @property
    def to_take(self) -> int:
        """Return how many rows would change something."""
        return self.new_rows + self.changed_rows


class SheetChunk(models.Model):
    """A portion of the rows of a file, in file order: sealed, compressed JSON (rows hold personal data).

    `counts` says how many rows of each kind, and how many problems, the portion has, so that a page of a long list
    opens only the portions it shows.
    """

    sheet_import = models.ForeignKey(SheetImport, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    counts = models.JSONField(default=dict)
    body = models.BinaryField()

    class Meta:
        verbose_name = verbose_name_plural = "导入行"
        ordering = ["sheet_import", "number"]
        constraints = [models.UniqueConstraint(fields=["sheet_import", "number"], name="sheet_chunk_once")]

    def __str__(self) -> str:
        return f"{self.sheet_import_id}/{self.number}"


class ColumnMapping(models.Model):
    """What a person said the headers of a source mean, applied by itself to the next file with the same headers.

    Shared in the institution. `fingerprint` stands for the headers in whatever order (headers.Header.fingerprint);
    `columns` is column name → key of the header (headers.keys_of); `headers` the headers as written, for the page.
    """

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    importer = models.CharField("种类", max_length=60)
    label = models.CharField("导入内容", max_length=100)
    fingerprint = models.CharField("表头指纹", max_length=32)
    headers = models.JSONField("表头", default=list)
    columns = models.JSONField("列对应", default=dict)
    source = models.CharField("首个文件", max_length=255, blank=True)
    owner = models.ForeignKey(Person, verbose_name="设定人", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField("设定时间", auto_now_add=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)
    used_at = models.DateTimeField("最近使用", null=True)
    uses = models.PositiveIntegerField("使用次数", default=0)

    objects: ClassVar[Any] = ScopedQuerySet["ColumnMapping"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "列对应"
        constraints = [
            models.UniqueConstraint(fields=["institution", "importer", "fingerprint"], name="column_mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.label}：{'、'.join(map(str, self.headers[:4]))}"
