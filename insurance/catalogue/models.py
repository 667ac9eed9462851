"""The national catalogues as downloaded, what the insured area pays of them, and how each download went.

Catalogue rows are national, terms belong to an insured area; neither belongs to an institution. A row that a later
version replaced stays with the load that replaced it, so that what a code meant on any day can be told.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from insurance.catalogue.choices import LoadState
from insurance.catalogue.fields import CellsField
from insurance.catalogue.looks import AREA_INDEXES, SEARCH_INDEXES
from portal.people.models import Institution, Person
from portal.tasks.models import Task


class Load(models.Model):
    """One download of one catalogue (infno 1301–1319, 1901): what was asked, what came, what became of it.

    `ver_from` is the greatest version held when it began, `ver_to` the greatest in what came; paged catalogues
    have times there. `place` says how far it came, so that it goes on from there (bytes fetched, page number).
    """

    infno = models.CharField("交易编号", max_length=10)
    insu_admdvs = models.CharField("参保地医保区划", max_length=6, blank=True)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField("状态", max_length=10, choices=LoadState.choices, default=LoadState.RUNNING)
    ver_from = models.CharField("原版本", max_length=40, blank=True)
    ver_to = models.CharField("新版本", max_length=40, blank=True)
    file_qury_no = models.CharField("文件查询号", max_length=60, blank=True)
    filename = models.CharField("文件名", max_length=200, blank=True)
    dld_end_time = models.CharField("下载截止", max_length=30, blank=True)
    data_cnt = models.BigIntegerField("平台所报行数", null=True)
    stored = models.CharField("存放位置", max_length=300, blank=True)
    sha256 = models.CharField("文件摘要", max_length=64, blank=True)
    size = models.BigIntegerField("文件大小", null=True)
    place = models.JSONField("进度", default=dict, blank=True)
    rows_read = models.BigIntegerField("读到行数", default=0)
    rows_new = models.BigIntegerField("新增", default=0)
    rows_changed = models.BigIntegerField("变更", default=0)
    rows_ended = models.BigIntegerField("停用", default=0)
    rows_same = models.BigIntegerField("未变", default=0)
    remarks = models.JSONField("所见异样", default=list, blank=True)
    words = models.CharField("说明", max_length=1000, blank=True)
    started_at = models.DateTimeField("开始时间", auto_now_add=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "目录更新"
        indexes = [models.Index(fields=["infno", "-id"], name="load_by_catalogue")]

    def __str__(self) -> str:
        return f"{self.infno} {self.started_at:%Y-%m-%d %H:%M}"


class Item(models.Model):
    """One row of one national catalogue, of one version: columns to search by, and the whole row as it came.

    `code` is what others name it by (med_list_codg, diag_code …), `cells` the row's columns in the order of the
    specification's files/<infno>.csv (paged catalogues: fields/<infno>.csv), None for null; more at the right when an
    edition sends more. `current` is the newest row of its rid; older ones name the load that replaced them.

    The table has one partition for each catalogue, so that a first load fills and indexes a table of its own that
    nobody can see and that becomes the partition in one moment (loading/merging.py). Unusually long texts are cut in
    the columns that have indexes, never in `cells`.
    """

    infno = models.CharField("目录", max_length=10)
    rid = models.CharField("唯一记录号")
    code = models.CharField("编码")
    name = models.CharField("名称", blank=True)
    generic = models.CharField("通用名", blank=True)
    alias = models.CharField("别名", blank=True)
    pinyin = models.CharField("拼音码", blank=True)
    spec = models.CharField("规格", blank=True)
    dosform = models.CharField("剂型", blank=True)
    pacspec = models.CharField("包装", blank=True)
    unit = models.CharField("单位", blank=True)
    maker = models.CharField("生产企业", blank=True)
    aprvno = models.CharField("批准文号", blank=True)
    limits = models.CharField("限制使用范围", blank=True)
    begndate = models.DateField("开始日期", null=True)
    enddate = models.DateField("结束日期", null=True)
    vali_flag = models.CharField("有效标志", blank=True)
    ver = models.CharField("版本号", blank=True)
    updt_time = models.DateTimeField("更新时间", null=True)
    cells = CellsField("全部列")
    current = models.BooleanField("现行", default=True)
    load = models.ForeignKey(Load, on_delete=models.PROTECT, related_name="rows", db_index=False)
    replaced_by = models.ForeignKey(Load, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name = verbose_name_plural = "医保编码目录"
        constraints = [
            models.UniqueConstraint(fields=["infno", "rid"], condition=Q(current=True), name="catalogue_row_current")
        ]
        indexes = [
            *SEARCH_INDEXES,
            models.Index(fields=["load"], name="catalogue_row_load"),
            models.Index(fields=["replaced_by"], condition=Q(current=False), name="catalogue_row_replaced"),
            models.Index(fields=["infno", "rid"], condition=Q(current=False), name="catalogue_row_past"),
            models.Index(fields=["code"], condition=Q(current=False), name="catalogue_row_past_code"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AreaRow(models.Model):
    """What the rows of 1312, 1316, 1318 and 1319 share: the insured area, from when until when, and the row itself."""

    insu_admdvs = models.CharField("参保地医保区划", max_length=6)
    rid = models.CharField("唯一记录号")
    hilist_code = models.CharField("医保目录编码")
    begndate = models.DateField("开始日期", null=True)
    enddate = models.DateField("结束日期", null=True)
    vali_flag = models.CharField("有效标志", blank=True)
    updt_time = models.DateTimeField("更新时间", null=True)
    raw = models.JSONField("全部字段", default=dict)
    load = models.ForeignKey(Load, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.hilist_code}（{self.insu_admdvs}）"


class AreaItem(AreaRow):
    """1312: what the area's insurance lists, with its class."""

    hilist_name = models.CharField("医保目录名称", blank=True)
    list_type = models.CharField("目录类别", blank=True)
    med_chrgitm_type = models.CharField("医疗收费项目类别", blank=True)
    chrgitm_lv = models.CharField("收费项目等级", blank=True)
    lmt_used_flag = models.CharField("限制使用标志", blank=True)
    matn_used_flag = models.CharField("生育使用标志", blank=True)
    pinyin = models.CharField("拼音码", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "医保目录"
        constraints = [models.UniqueConstraint(fields=["insu_admdvs", "rid"], name="area_item_once")]
        indexes = [models.Index(fields=["hilist_code", "insu_admdvs"], name="area_item_by_code"), *AREA_INDEXES]


class AreaRelation(AreaRow):
    """1316: which national code is which code of the area's list; none means that the area does not pay for it."""

    med_list_codg = models.CharField("医疗目录编码")
    list_type = models.CharField("目录类别", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "医疗目录与医保目录匹配"
        constraints = [models.UniqueConstraint(fields=["insu_admdvs", "rid"], name="area_relation_once")]
        indexes = [models.Index(fields=["med_list_codg", "insu_admdvs"], name="area_relation_by_code")]


class Ceiling(AreaRow):
    """1318: the highest price paid, by level of hospital, in yuan."""

    hilist_lmtpric_type = models.CharField("限价类型", blank=True)
    overlmt_dspo_way = models.CharField("超限处理方式", blank=True)
    hilist_pric_uplmt_amt = models.DecimalField("定价上限金额", max_digits=18, decimal_places=4, null=True)

    class Meta:
        verbose_name = verbose_name_plural = "限价"
        constraints = [models.UniqueConstraint(fields=["insu_admdvs", "rid"], name="ceiling_once")]
        indexes = [models.Index(fields=["hilist_code", "insu_admdvs"], name="ceiling_by_code")]


class OwnShare(AreaRow):
    """1319: the share that a person pays first (0–1), by kind of person."""

    selfpay_prop_psn_type = models.CharField("人员类别", blank=True)
    selfpay_prop_type = models.CharField("自付比例类别", blank=True)
    selfpay_prop = models.DecimalField("先自付比例", max_digits=9, decimal_places=6, null=True)

    class Meta:
        verbose_name = verbose_name_plural = "先自付比例"
        constraints = [models.UniqueConstraint(fields=["insu_admdvs", "rid"], name="own_share_once")]
        indexes = [models.Index(fields=["hilist_code", "insu_admdvs"], name="own_share_by_code")]


class DictionaryEntry(models.Model):
    """1901: one code of one dictionary as the platform told it, for one administrative division."""

    type = models.CharField("字典类型")
    value = models.CharField("字典键值")
    label = models.CharField("字典标签", blank=True)
    parent_value = models.CharField("父字典键值", blank=True)
    admdvs = models.CharField("行政区划", max_length=6, blank=True)
    sort = models.BigIntegerField("序号", null=True)
    vali_flag = models.CharField("有效标志", blank=True)
    version = models.CharField("版本号", blank=True)
    load = models.ForeignKey(Load, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name = verbose_name_plural = "平台字典"
        constraints = [
            models.UniqueConstraint(fields=["admdvs", "type", "parent_value", "value"], name="dictionary_entry_once")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.value} {self.label}"


class StagedPage(models.Model):
    """One page of a paged catalogue, or one dictionary, as it came; goes when its load is merged or given up.

    `area` is the insured area asked for ("" for none), `what` the name of the dictionary.
    """

    load = models.ForeignKey(Load, on_delete=models.CASCADE, related_name="staged")
    area = models.CharField("参保地医保区划", max_length=6, blank=True)
    what = models.CharField("字典类型", blank=True)
    number = models.PositiveIntegerField("页")
    rows = models.JSONField("行", default=list)

    class Meta:
        verbose_name = verbose_name_plural = "暂存页"
        constraints = [models.UniqueConstraint(fields=["load", "area", "what", "number"], name="staged_page_once")]

    def __str__(self) -> str:
        return f"{self.area}{self.what} {self.number}"
