"""Departments and licensed staff: ours, the platform's, and how they compare.

Columns that travel bear the platform's parameter codes (3401, 5102, 1201). Their widths and which of them are required
stand in the specification only, so the columns have no width of their own.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from insurance.directory.choices import ComparisonKind, DepartmentState, PracticeKind, Verdict
from insurance.directory.pinyin import initials
from portal.people.models import Institution
from portal.people.scope import ScopedQuerySet
from portal.privacy.fields import EncryptedTextField
from portal.privacy.keys import digest
from portal.privacy.masks import mask_name

# The columns of 3401 in the order in which people read them.
DEPARTMENT_COLUMNS = (
    "hosp_dept_codg",
    "hosp_dept_name",
    "caty",
    "begntime",
    "endtime",
    "dept_resper_name",
    "dept_resper_tel",
    "dept_estbdat",
    "aprv_bed_cnt",
    "hi_crtf_bed_cnt",
    "dr_psncnt",
    "nurs_psncnt",
    "phar_psncnt",
    "tecn_psncnt",
    "poolarea_no",
    "itro",
    "dept_med_serv_scp",
    "memo",
)
# By these the platform finds a department again (3403: 用来定位原上传记录), so they are fixed once it holds it.
DEPARTMENT_KEY = ("hosp_dept_codg", "begntime")

PRACTITIONER_COLUMNS = (
    "prac_psn_code",
    "prac_psn_name",
    "prac_psn_type",
    "psn_cert_type",
    "certno",
    "prac_psn_no",
    "prac_psn_cert",
    "prac_cert_no",
    "hi_dr_flag",
    "begntime",
    "endtime",
    "chg_rea",
)


class DepartmentFacts(models.Model):
    """What both sides keep of a department: the columns of 3401, and `extra` for an edition's further fields."""

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    hosp_dept_codg = models.CharField("医院科室编码")
    hosp_dept_name = models.CharField("医院科室名称")
    caty = models.CharField("科别", blank=True)
    begntime = models.DateTimeField("开始时间")
    endtime = models.DateTimeField("结束时间", null=True, blank=True)
    itro = models.TextField("简介", blank=True)
    dept_resper_name = models.CharField("科室负责人姓名", blank=True)
    dept_resper_tel = EncryptedTextField("科室负责人电话", blank=True)
    dept_resper_tel_digest = models.CharField("科室负责人电话摘要", max_length=64, blank=True)
    dept_med_serv_scp = models.TextField("科室医疗服务范围", blank=True)
    dept_estbdat = models.DateTimeField("科室成立日期", null=True, blank=True)
    aprv_bed_cnt = models.BigIntegerField("批准床位数量", null=True, blank=True)
    hi_crtf_bed_cnt = models.BigIntegerField("医保认可床位数", null=True, blank=True)
    poolarea_no = models.CharField("统筹区编号", blank=True)
    dr_psncnt = models.BigIntegerField("医师人数", null=True, blank=True)
    phar_psncnt = models.BigIntegerField("药师人数", null=True, blank=True)
    nurs_psncnt = models.BigIntegerField("护士人数", null=True, blank=True)
    tecn_psncnt = models.BigIntegerField("技师人数", null=True, blank=True)
    memo = models.TextField("备注", blank=True)
    extra = models.JSONField("其他字段", default=dict, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.hosp_dept_codg} {self.hosp_dept_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the digest by which the telephone can be found."""
        self.dept_resper_tel_digest = digest(self.dept_resper_tel) if self.dept_resper_tel else ""
        super().save(*args, **kwargs)


class PlatformDepartment(DepartmentFacts):
    """What the platform holds, as last known: from 5101, or from an accepted upload since."""

    fetched_at = models.DateTimeField("取得时间")
    source = models.CharField("来源", max_length=10, default="5101")

    objects: ClassVar[Any] = ScopedQuerySet["PlatformDepartment"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "平台科室"
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "hosp_dept_codg", "begntime"], name="platform_department_once"
            )
        ]


class Department(DepartmentFacts):
    """One department of ours for one period of its code; a code may end and begin again as a further row."""

    state = models.CharField("状态", max_length=10, choices=DepartmentState.choices, default=DepartmentState.DRAFT)
    pinyin = models.CharField("拼音码", blank=True)
    platform = models.OneToOneField(
        PlatformDepartment, null=True, blank=True, on_delete=models.SET_NULL, related_name="department"
    )
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)

    objects: ClassVar[Any] = ScopedQuerySet["Department"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "科室"
        constraints = [
            models.UniqueConstraint(fields=["institution", "hosp_dept_codg", "begntime"], name="department_once"),
            models.UniqueConstraint(
                fields=["institution", "hosp_dept_codg"],
                condition=Q(endtime=None) & ~Q(state=DepartmentState.WITHDRAWN.value),
                name="department_not_ended_once",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "state", "hosp_dept_codg"], name="department_by_state"),
            models.Index(fields=["institution", "pinyin"], name="department_by_pinyin"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the letters by which the name is searched."""
        self.pinyin = initials(self.hosp_dept_name)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the department's own page."""
        return reverse("directory:department", args=[self.pk])

    @property
    def held(self) -> bool:
        """Say whether the platform holds this department, as last known."""
        return self.platform_id is not None


class PersonFacts(models.Model):
    """What is kept of one licensed person: the columns of 5102 that both sides know."""

    institution = models.ForeignKey(Institution, verbose_name="机构", on_delete=models.PROTECT, related_name="+")
    prac_psn_code = models.CharField("执业人员代码", blank=True)
    prac_psn_name = models.CharField("执业人员姓名")
    prac_psn_type = models.CharField("执业人员分类", choices=PracticeKind.choices)
    psn_cert_type = models.CharField("人员证件类型", blank=True)
    certno = EncryptedTextField("证件号码", blank=True)
    certno_digest = models.CharField("证件号码摘要", max_length=64, blank=True)
    prac_psn_cert = models.CharField("执业人员资格证书编码", blank=True)
    prac_cert_no = models.CharField("执业证书编号", blank=True)
    endtime = models.DateTimeField("结束时间", null=True, blank=True)
    pinyin = models.CharField("拼音码", blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.prac_psn_code or '无代码'} {mask_name(self.prac_psn_name)}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the digest of the document number and the letters of the name."""
        self.prepare()
        super().save(*args, **kwargs)

    def prepare(self) -> None:
        """Fill the columns that follow from others; for rows saved many at once."""
        self.certno_digest = digest(self.certno) if self.certno else ""
        self.pinyin = initials(self.prac_psn_name)


class Practitioner(PersonFacts):
    """A doctor, nurse, pharmacist or technician as 5102 answers; kept when no longer answered (`left_at`)."""

    key = models.CharField("对应键", max_length=100)
    prac_psn_no = models.CharField("执业人员自编号", blank=True)
    hi_dr_flag = models.CharField("医保医师标志", blank=True)
    begntime = models.DateTimeField("开始时间", null=True, blank=True)
    chg_rea = models.CharField("变更原因", blank=True)
    extra = models.JSONField("其他字段", default=dict, blank=True)
    first_seen = models.DateTimeField("首次取得")
    last_seen = models.DateTimeField("最近取得")
    left_at = models.DateTimeField("平台不再返回", null=True, blank=True)

    objects: ClassVar[Any] = ScopedQuerySet["Practitioner"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "医保医师护士药师"
        constraints = [
            models.UniqueConstraint(fields=["institution", "prac_psn_type", "key"], name="practitioner_once")
        ]
        indexes = [
            models.Index(fields=["institution", "prac_psn_type", "left_at"], name="practitioner_by_type"),
            models.Index(fields=["institution", "pinyin"], name="practitioner_by_pinyin"),
            models.Index(fields=["institution", "certno_digest"], name="practitioner_by_certno"),
            models.Index(fields=["institution", "endtime"], name="practitioner_by_end"),
        ]


class StaffMember(PersonFacts):
    """One person of the hospital's own list, from a spreadsheet."""

    staff_no = models.CharField("工号")
    hosp_dept_codg = models.CharField("医院科室编码", blank=True)
    changed_at = models.DateTimeField("修改时间", auto_now=True)

    objects: ClassVar[Any] = ScopedQuerySet["StaffMember"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "本院人员"
        constraints = [models.UniqueConstraint(fields=["institution", "staff_no"], name="staff_once")]
        indexes = [
            models.Index(fields=["institution", "prac_psn_code"], name="staff_by_code"),
            models.Index(fields=["institution", "certno_digest"], name="staff_by_certno"),
        ]


class InstitutionInfo(models.Model):
    """What the platform says of the institution itself (1201), as last answered."""

    institution = models.OneToOneField(
        Institution, verbose_name="机构", on_delete=models.CASCADE, related_name="platform_info"
    )
    fixmedins_code = models.CharField("定点医药机构编号")
    fixmedins_name = models.CharField("定点医药机构名称")
    uscc = models.CharField("统一社会信用代码", blank=True)
    fixmedins_type = models.CharField("定点医疗服务机构类型", blank=True)
    hosp_lv = models.CharField("医院等级", blank=True)
    exp_content = models.TextField("扩展字段", blank=True)
    extra = models.JSONField("其他字段", default=dict, blank=True)
    fetched_at = models.DateTimeField("取得时间")

    objects: ClassVar[Any] = ScopedQuerySet["InstitutionInfo"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "机构信息"

    def __str__(self) -> str:
        return self.fixmedins_name


class ComparisonRow(models.Model):
    """How one of ours and one of the platform's compare. `fields` names the columns that differ, never their values.

    A difference that was set aside (不处理) stays so until the values change: `ignored_digest` is theirs and ours then.
    """

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("对象", max_length=10, choices=ComparisonKind.choices)
    key = models.CharField("对应键", max_length=120)
    code = models.CharField("编码", blank=True)
    name = models.CharField("名称", blank=True)
    pinyin = models.CharField("拼音码", blank=True)
    verdict = models.CharField("结果", max_length=10, choices=Verdict.choices)
    fields = models.JSONField("不同的字段", default=list)
    department = models.ForeignKey(Department, null=True, on_delete=models.CASCADE, related_name="comparisons")
    platform = models.ForeignKey(PlatformDepartment, null=True, on_delete=models.CASCADE, related_name="comparisons")
    staff = models.ForeignKey(StaffMember, null=True, on_delete=models.CASCADE, related_name="comparisons")
    practitioner = models.ForeignKey(Practitioner, null=True, on_delete=models.CASCADE, related_name="comparisons")
    digest = models.CharField(max_length=64)
    ignored_digest = models.CharField(max_length=64, blank=True)
    ignored_reason = models.CharField("不处理原因", max_length=500, blank=True)
    ignored_by = models.CharField("不处理人", max_length=50, blank=True)
    ignored_at = models.DateTimeField("不处理时间", null=True)
    compared_at = models.DateTimeField("核对时间")

    objects: ClassVar[Any] = ScopedQuerySet["ComparisonRow"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "核对结果"
        constraints = [models.UniqueConstraint(fields=["institution", "kind", "key"], name="comparison_once")]
        indexes = [models.Index(fields=["institution", "kind", "verdict", "code"], name="comparison_by_verdict")]

    def __str__(self) -> str:
        name = mask_name(self.name) if self.kind == ComparisonKind.STAFF else self.name
        return f"{self.code} {name}（{Verdict(self.verdict).label}）".strip()

    @property
    def ignored(self) -> bool:
        """Say whether somebody set this difference aside and nothing changed since."""
        return bool(self.ignored_digest) and self.ignored_digest == self.digest
