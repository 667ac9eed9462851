"""What this corner gives to the shell: importers, words, menu line, work lines, what the history shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from insurance.mapping.choices import ListType
from insurance.mapping.items.filters import DRUG_KINDS
from insurance.mapping.items.importing import register_importers
from insurance.mapping.items.kinds import DRUGS, HERBS, SERVICES, SUPPLIES
from insurance.mapping.items.queries import TABS, items_changed_since_mapping, with_relations
from insurance.mapping.items.rights import kept_by
from insurance.mapping.models import HospitalItem
from portal.audit.histories import register_subject
from portal.audit.words import register_words
from portal.desk.registry import MenuEntry, Work, WorkLine, add_menu, add_work
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.values.registry import ValueSet, register_set

VIEW = "mapping.view"
WORDS = {
    "mapping.item_create": "新建院内项目",
    "mapping.item_change": "修改院内项目",
    "mapping.item_stop": "停用院内项目",
    "mapping.item_resume": "恢复使用院内项目",
    "mapping.item_no_code": "标为不需对照",
    "mapping.item_need_code": "恢复为需要对照",
    "mapping.item_checked": "复核对照无误",
    "mapping.item_import": "导入院内项目",
    "mapping.export": "导出目录对照",
}
EARNING = Q(revenue__gt=0)


@dataclass(frozen=True)
class Office:
    """Who sees to which kinds, and the choice of the list's query form that shows just these."""

    label: str
    action: str
    kinds: tuple[str, ...]
    choice: str


OFFICES = (
    Office("药品", DRUGS.action, (*DRUGS.list_types, *HERBS.list_types), DRUG_KINDS[0]),
    Office("医疗服务", SERVICES.action, SERVICES.list_types, SERVICES.default),
    Office("耗材", SUPPLIES.action, SUPPLIES.list_types, SUPPLIES.default),
)
MENU = ("1300", "目录", "对码", "药品目录", "收费项目", "物价", "耗材目录", "院内目录")


def _list_types(institution: Institution) -> Mapping[str, str]:
    return dict(ListType.choices)


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return what somebody must do about items: unmapped ones by office, and those whose relation may not fit now."""
    mine = HospitalItem.objects.filter(institution=actor.institution, list_type__in=kept_by(actor))
    unmapped = with_relations(mine).filter(TABS["unmapped"][1])
    counted = unmapped.order_by().values("list_type").annotate(number=Count("pk"), earning=Count("pk", filter=EARNING))
    rows = {row["list_type"]: dict(row) for row in counted}
    changed = _changed(actor)
    return [line for office in OFFICES if actor.may(office.action) for line in _lines(office, rows, changed)]


def _changed(actor: Actor) -> dict[str, int]:
    found = items_changed_since_mapping(actor.institution).order_by().values("list_type").annotate(number=Count("pk"))
    return {row["list_type"]: row["number"] for row in found}


def _lines(office: Office, rows: Mapping[str, Mapping[str, Any]], changed: Mapping[str, int]) -> list[WorkLine]:
    here = [rows[kind] for kind in office.kinds if kind in rows]
    url = f"{reverse('mapping:items')}?kind={office.choice}"
    earning = sum(row["earning"] for row in here)
    return [
        WorkLine(
            f"{office.label}未对照", sum(row["number"] for row in here), f"{url}&tab=unmapped", "warning",
            f"其中 {earning:,} 项近期有收入，请在对码工作台按收入先后对照。", duty=office.action,
        ),
        WorkLine(
            f"{office.label}对照后有变更", sum(changed.get(kind, 0) for kind in office.kinds),
            f"{url}&tab=mapped&changed=1", "warning",
            "名称、规格、厂家或批准文号变了，请复核对照是否仍相符。", duty=office.action,
        ),
    ]  # fmt: skip


def register_shell() -> None:
    """Hand everything over."""
    register_words(WORDS)
    register_subject("mapping.hospitalitem", VIEW, lambda one: one.get_absolute_url(), str)
    register_set(
        ValueSet("list_type", "目录类别", target=_list_types, help="本院收费类别对应平台目录类别（101、201、301 等）")
    )
    register_importers()
    add_menu(MenuEntry("院内收费项目", "mapping:items", "目录对照", 10, VIEW, MENU))
    add_work(Work("mapping.items", lines_to_see_to, action=VIEW, order=50))
