"""The sets of 值对照 whose targets this room keeps: 科别, departments, licensed staff."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from insurance.directory.choices import DepartmentState
from insurance.directory.models import Department, Practitioner
from insurance.specification.books import open_book
from portal.people.models import Institution
from portal.privacy.masks import mask_name
from portal.values.registry import ValueSet, register_set


def _caty(institution: Institution) -> Mapping[str, str]:
    return open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR).dictionary("dept")


def _departments(institution: Institution) -> dict[str, str]:
    """Return code → name of the departments that take part now."""
    rows = Department.objects.filter(institution=institution).exclude(
        state__in=[DepartmentState.ENDED, DepartmentState.WITHDRAWN]
    )
    return dict(rows.order_by("hosp_dept_codg").values_list("hosp_dept_codg", "hosp_dept_name"))


def _staff(institution: Institution) -> dict[str, str]:
    """Return national code → masked name of the licensed staff that the platform knows here."""
    rows = Practitioner.objects.filter(institution=institution, left_at=None).exclude(prac_psn_code="")
    names = rows.order_by("prac_psn_code").values_list("prac_psn_code", "prac_psn_name")
    return {code: mask_name(name) for code, name in names}


def register_sets() -> None:
    """Make them known, in place of the shell's own where there are such."""
    register_set(ValueSet("caty", "科别", target=_caty, open=True, help="本院写法对应 3401 的科别编码"))
    register_set(ValueSet("department", "科室", target=_departments, help="各系统里的科室写法对应本院科室编码"))
    hint = "院内工号对应国家医保编码，影响结算"
    register_set(ValueSet("staff", "医务人员", target=_staff, money=True, personal=True, open=True, help=hint))
