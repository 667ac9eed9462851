"""已对照: every relation, where its upload and the bureau's word stand, and what can be done with it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from insurance.catalogue import queries as catalogue
from insurance.mapping.choices import EndingKind
from insurance.mapping.delivery.queries import attach_delivery, delivery_words
from insurance.mapping.delivery.views import Upload
from insurance.mapping.errors import MappingError
from insurance.mapping.review import services
from insurance.mapping.review.acts import ACTS, NO_RIGHT, act
from insurance.mapping.review.filters import RelationFilter
from insurance.mapping.review.forms import EndForm, ReasonForm
from insurance.mapping.review.history import story_of
from insurance.mapping.review.pairing import pairs_of
from insurance.mapping.review.queries import RELATIONS, looks_of, relations_of
from insurance.mapping.review.showing import money_of, terms_of, void_of
from insurance.mapping.review.tables import RelationTable, sure_words
from insurance.mapping.review.views.approvals import Approvals
from insurance.mapping.rules import may_map
from portal.lists.one_by_one import OneByOne
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor, NotAllowed
from portal.people.guard import ActorRequest, needs

EMPTY = {
    "in_force": "还没有生效的对照。",
    "queued": "没有等待上传的对照。",
    "refused": "没有上传失败的对照。",
    "unknown": "没有结果待查的对照。",
    "waiting": "没有等待局方审核的对照。",
    "failed": "没有局方不通过的对照。",
    "soon": "没有即将到期的对照。",
    "ended": "没有终止或撤销的对照。",
    "undecided": "没有未通过的对照。",
}
ENDABLE = ("in_force", "waiting", "failed", "soon", "all")


class Mappings(ListPage):
    """Every relation of the institution."""

    action = "mapping.view"
    title = "已对照"
    purpose = "院内项目与国家编码的对照及其有效期。上传成功只是平台收到；局方审核通过后才算数。"
    table_class = RelationTable
    filter_class = RelationFilter
    tabs = tuple(Tab(key, label, rows, EMPTY.get(key, "")) for key, (label, rows) in RELATIONS.items())
    tools = (Link("导入", "mapping:mappings_import", "mapping.import"), Link("对照上传", "mapping:deliveries"))
    batches = (
        Batch("终止", "mapping:mappings_end", "mapping.view", ENDABLE),
        Batch("撤销（登记有误）", "mapping:mappings_remove", "mapping.view", ENDABLE),
        Batch("作废", "mapping:mappings_cancel", "mapping.view", ("refused", "queued", "undecided", "all")),
        Batch("重新上传", "mapping:mappings_upload", "mapping.submit", ("refused", "queued", "failed", "all")),
    )
    empty = Empty("还没有对照。", Link("去对码工作台", "mapping:review"))
    order = ("-pk",)
    export_action = "mapping.export"

    def rows(self) -> QuerySet[Any]:
        """Return the relations of the institution at hand."""
        return relations_of(self.request.actor)

    def decorate(self, records: list[Any]) -> None:
        """Fetch where the uploads stand."""
        attach_delivery(records)


@require_GET
@needs("mapping.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One relation: over time, both sides, why it was taken, its uploads, the bureau's word, what was said."""
    mapping: Any = get_object_or_404(relations_of(request.actor).select_related("replaces", "switch"), pk=pk)
    attach_delivery([mapping])
    row = catalogue.code_row(mapping.list_type, mapping.med_list_codg)
    terms = terms_of(mapping.item, [mapping.med_list_codg]).get(mapping.med_list_codg)
    others = relations_of(request.actor).filter(item=mapping.item_id).order_by("begndate", "pk")
    context = {
        "mapping": mapping,
        "acts": [(one, _why_not(request.actor, one, mapping)) for one in ACTS if one.fits(mapping)],
        "pairs": pairs_of(mapping),
        "sure": sure_words(mapping),
        "delivery_words": delivery_words(mapping),
        "money": money_of(mapping.item, terms),
        "void": void_of(row),
        "row": row,
        "periods": others,
        "looks": looks_of(mapping),
        "story": story_of(mapping),
        "comments": mapping.item.comments.select_related("person").order_by("at"),
        "endings": mapping.endings.select_related("proposed_by", "approved_by").order_by("pk"),
        "may_follow": request.actor.may("exchange.view"),
    }
    return render(request, "mapping/review/mapping.html", context)


def _why_not(actor: Actor, one: Any, mapping: Any) -> str:
    return str(one.reason(mapping)) if may_map(actor, mapping.list_type) else NO_RIGHT


class RelationBatch(OneByOne):
    """What the batches share: the list, the act's reason, one relation after the other."""

    action = "mapping.view"
    list_page: ClassVar[type[ListPage]] = Mappings
    list_url = "mapping:mappings"
    refused = (MappingError, NotAllowed)
    act_key: ClassVar[str]

    def prepare(self, rows: list[Any]) -> None:
        """Fetch where the uploads stand."""
        attach_delivery(rows)

    def refusal(self, row: Any) -> str:
        """Return why not, by right and by state."""
        one = act(self.act_key)
        if not may_map(self.request.actor, row.list_type):
            return NO_RIGHT
        return one.reason(row) if one.fits(row) else f"已是「{row.get_state_display()}」"


class End(RelationBatch):
    """终止: asks for the end; another person approves."""

    act_key = "end"
    verb = "提交终止"
    effect = "申请到某日为止不再使用这条对照。另一人审核通过后按目录对照作废（3360）上传；此前日期的费用、退费仍用它。"
    form_class = EndForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Ask for one."""
        assert form is not None
        given = form.cleaned_data
        services.propose_ending(
            actor, mapping=row, kind=EndingKind.END, enddate=given["enddate"], reason=given["reason"]
        )


class Remove(RelationBatch):
    """撤销: asks for the removal of a mistake; another person approves."""

    act_key = "remove"
    verb = "提交撤销"
    danger = True
    effect = (
        "申请从平台删除登记有误、从未正确使用过的对照。另一人审核通过后按目录对照撤销（3302）上传；"
        "删除后任何日期的费用都不能再用它。正常换码请用「更换编码」，停用请用「终止」。"
    )
    form_class = ReasonForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Ask for one."""
        assert form is not None
        services.propose_ending(actor, mapping=row, kind=EndingKind.REMOVE, reason=form.cleaned_data["reason"])


class Cancel(RelationBatch):
    """作废 of what never came to the platform."""

    act_key = "cancel"
    verb = "作废"
    danger = True
    effect = "作废待审核、已退回，或上传失败、平台没有的对照；项目回到对码工作台，可以重新对码。平台上没有变化。"
    form_class = ReasonForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Cancel one."""
        assert form is not None
        services.cancel_mapping(actor, mapping=row, reason=form.cleaned_data["reason"])


class CancelMine(Cancel):
    """撤回 of one's own proposals, from 待审核."""

    list_page: ClassVar[type[ListPage]] = Approvals
    list_url = "mapping:approvals"
    verb = "撤回"
    effect = "撤回还没有审核的对照；项目回到对码工作台，可以重新对码。平台上没有变化。"


class UploadAgain(Upload):
    """重新上传, from this list."""

    list_page: ClassVar[type[ListPage]] = Mappings  # type: ignore[assignment]
    list_url = "mapping:mappings"
