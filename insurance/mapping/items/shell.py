"""What this corner gives to the shell: importers, words, menu line, work lines, what the history shows."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Q
from django.urls import reverse

from insurance.mapping.choices import ListType
from insurance.mapping.items.importing import register_importers
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
MENU = ("1300", "目录", "对码", "药品目录", "收费项目", "物价", "耗材目录", "院内目录")


def _list_types(institution: Institution) -> Mapping[str, str]:
    return dict(ListType.choices)


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return what somebody must do about items: unmapped ones, and those whose relation may no longer fit."""
    url = reverse("mapping:items")
    items = with_relations(HospitalItem.objects.filter(institution=actor.institution, list_type__in=kept_by(actor)))
    unmapped = items.filter(TABS["unmapped"][1]).aggregate(
        number=Count("pk"), earning=Count("pk", filter=Q(revenue__gt=0))
    )
    changed = items_changed_since_mapping(actor.institution).filter(list_type__in=kept_by(actor)).count()
    return [
        WorkLine(
            "院内项目未对照", unmapped["number"], f"{url}?tab=unmapped", "warning",
            f"其中 {unmapped['earning']:,} 项近期有收入，请按收入先后在对码工作台对照。", duty="mapping.edit",
        ),
        WorkLine(
            "对照后项目有变更", changed, f"{url}?tab=mapped&changed=1", "warning",
            "名称、规格、厂家或批准文号变了，请复核对照是否仍相符。", duty="mapping.edit",
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
