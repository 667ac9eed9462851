"""What this corner gives to the shell: menu lines, work lines, the words of its acts, who uses a code."""

from __future__ import annotations

from django.db.models import Count, Min, Q
from django.urls import reverse

from insurance.exchange.histories import register_uploads_of
from insurance.mapping.choices import MappingState
from insurance.mapping.models import Ending, Mapping
from insurance.mapping.review.history import endings_told, looks_told
from insurance.mapping.review.importing import register_importers
from insurance.mapping.review.queries import APPROVALS, ENDINGS, endings_to_approve, to_approve
from insurance.mapping.review.using import register_using
from insurance.mapping.rules import mapped_by
from portal.audit.histories import register_history, register_subject
from portal.audit.words import register_words
from portal.desk.registry import MenuEntry, Work, WorkLine, add_menu, add_work
from portal.people.actor import Actor

VIEW = "mapping.view"
WORDS = {
    "mapping.propose": "对码",
    "mapping.approve": "通过对照",
    "mapping.return": "退回对照",
    "mapping.cancel": "作废对照",
    "mapping.draw": "抽取审核",
    "mapping.propose_ending": "申请终止或撤销",
    "mapping.approve_ending": "通过终止或撤销",
    "mapping.return_ending": "退回终止或撤销",
    "mapping.cancel_ending": "撤回终止或撤销",
    "mapping.skip": "搁置项目",
    "mapping.unskip": "恢复对码",
    "mapping.comment": "写备注",
    "mapping.relation_import": "导入对照",
}


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return what waits for this person as the second one, and what was handed back to them."""
    rows = to_approve(actor).filter(APPROVALS["todo"][1]).aggregate(number=Count("pk"), since=Min("proposed_at"))
    endings = (
        endings_to_approve(actor).filter(ENDINGS["todo"][1]).aggregate(number=Count("pk"), since=Min("proposed_at"))
    )
    back = Mapping.objects.filter(
        Q(list_type__in=mapped_by(actor)), institution=actor.institution, state=MappingState.RETURNED
    ).aggregate(number=Count("pk"), since=Min("changed_at"))
    return [
        WorkLine(
            "目录对照待审核", rows["number"], f"{reverse('mapping:approvals')}?tab=todo", "warning",
            "勾选后按 A 通过，条数多时先看系统抽取的。", rows["since"], duty="mapping.approve",
        ),
        WorkLine(
            "对照终止与撤销待审核", endings["number"], f"{reverse('mapping:ending_approvals')}?tab=todo", "warning",
            "核对最后有效日和原因后通过。", endings["since"], duty="mapping.approve",
        ),
        WorkLine(
            "对照被退回", back["number"], f"{reverse('mapping:review')}?tab=returned", "warning",
            "按退回原因改选编码后重新提交。", back["since"], duty="mapping.view",
        ),
    ]  # fmt: skip


def _name(mapping: Mapping) -> str:
    return f"{mapping.item.fixmedins_hilist_name} → {mapping.med_list_codg}"


def register_shell() -> None:
    """Hand over what the shell shows of this corner."""
    register_words(WORDS)
    register_importers()
    register_using()
    group = "目录对照"
    add_menu(
        MenuEntry("对码工作台", "mapping:review", group, 20, VIEW, ("对码", "对照", "匹配", "推荐", "贯标", "3301"))
    )
    add_menu(MenuEntry("待审核", "mapping:approvals", group, 30, VIEW, ("对照审核", "复核", "抽查")))
    add_menu(
        MenuEntry(
            "已对照", "mapping:mappings", group, 40, VIEW, ("对照表", "目录对照", "3301", "3302", "3360", "对照关系")
        )
    )
    add_work(Work("mapping.review", lines_to_see_to, action=VIEW, order=31))
    register_subject("mapping.mapping", VIEW, lambda one: one.get_absolute_url(), _name)
    register_history("mapping.mapping", looks_told)
    register_history("mapping.mapping", endings_told)
    register_uploads_of("mapping.mapping")
    register_subject("mapping.ending", VIEW, lambda one: one.mapping.get_absolute_url(), _ending_name)
    register_uploads_of("mapping.ending")


def _ending_name(ending: Ending) -> str:
    return f"{ending.get_kind_display()} {_name(ending.mapping)}"
