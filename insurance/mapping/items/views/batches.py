"""What is done with chosen items, after a panel that says what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms

from insurance.mapping.errors import MappingError
from insurance.mapping.items import services
from insurance.mapping.items.acts import act, refusal_of
from insurance.mapping.items.forms import NoteForm, ReasonForm, StopForm
from insurance.mapping.items.views.listing import ItemList, decorated
from portal.lists.one_by_one import OneByOne
from portal.people.actor import Actor


class ItemBatch(OneByOne):
    """What the batches share: the list, and the act's reason why not."""

    list_page = ItemList
    list_url = "mapping:items"
    unit = "项"
    act_key: ClassVar[str]
    refused: ClassVar[tuple[type[Exception], ...]] = (MappingError,)

    def prepare(self, rows: list[Any]) -> None:
        """Fetch what the reasons look at."""
        decorated(rows)

    def refusal(self, row: Any) -> str:
        """Return the act's reason."""
        return refusal_of(self.request.actor, act(self.act_key), row)

    def sums(self, rows: list[Any]) -> Sequence[tuple[str, str]]:
        """Return what hangs on them."""
        revenue = sum(row.revenue for row in rows)
        inpatients = sum(1 for row in rows if row.inpatients)
        return [("收入合计", f"{revenue:,.2f} 元"), ("在院有人使用", f"{inpatients:,} 项")]


class NoCode(ItemBatch):
    """不需对照: never billed to the insurance."""

    action = "mapping.edit"
    act_key = "no_code"
    verb = "标为不需对照"
    effect = "所选项目不再列入未对照，今后不向医保上传费用（如全自费项目、内部核算项目）。原因会记入审计，可随时恢复。"
    form_class = ReasonForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Mark one."""
        assert form is not None
        services.need_no_code(actor, item=row, reason=form.cleaned_data["reason"])


class NeedCode(ItemBatch):
    """恢复对照."""

    action = "mapping.edit"
    act_key = "need_code"
    verb = "恢复为需要对照"
    effect = "所选项目重新列入未对照。"
    form_class = NoteForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Take back one."""
        assert form is not None
        services.need_code(actor, item=row, reason=form.cleaned_data["reason"])


class Stop(ItemBatch):
    """停用."""

    action = "mapping.edit"
    act_key = "stop"
    verb = "停用"
    effect = "所选项目从最后收费日期的次日起不再使用。已有的对照和上传不受影响，退费和补传仍按当日的对照。"
    form_class = StopForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Stop one."""
        assert form is not None
        services.stop_item(actor, item=row, enddate=form.cleaned_data["enddate"], reason=form.cleaned_data["reason"])


class Resume(ItemBatch):
    """恢复使用."""

    action = "mapping.edit"
    act_key = "resume"
    verb = "恢复使用"
    effect = "清除所选项目的停用日期，从今天起重新使用；对照期已过的需要重新对照。"
    form_class = NoteForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Resume one."""
        assert form is not None
        services.resume_item(actor, item=row, reason=form.cleaned_data["reason"])


class Check(ItemBatch):
    """复核无误: the relation still fits."""

    action = "mapping.view"
    act_key = "check"
    verb = "复核无误"
    effect = "确认所选项目变更后，原来的对照仍然相符，不再提示。对照本身不变，不会向医保平台上传。"
    form_class = NoteForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Confirm one."""
        assert form is not None
        services.confirm_relation(actor, item=row, reason=form.cleaned_data["reason"])
