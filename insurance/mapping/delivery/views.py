"""对照上传: where each relation stands on its way to the platform and before the bureau, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from insurance.directory.queries import latest_task
from insurance.mapping.delivery.filters import DeliveryFilter
from insurance.mapping.delivery.queries import TABS, attach_delivery, relations_on_their_way
from insurance.mapping.delivery.submitting import Queued, queue_endings, queue_mappings, recall
from insurance.mapping.delivery.tables import DeliveryTable, recall_reason, upload_reason
from insurance.mapping.delivery.tasks import VERDICTS
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Mapping
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.lists.views import Batch, Empty, Link, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs
from portal.tasks.choices import TaskState
from portal.tasks.services import start

EMPTY = {
    "refused": "没有上传失败的对照。",
    "unknown": "没有结果待查的对照。",
    "failed": "没有局方不通过的对照。",
    "idle": "审核通过的对照都已上传或在上传。",
    "queued": "没有等待上传的对照。",
    "waiting": "没有等待局方审核的对照。",
}
UPLOADABLE = ("refused", "failed", "idle", "all")


class Deliveries(ListPage):
    """Relations on their way."""

    action = "mapping.view"
    title = "对照上传"
    purpose = "审核通过的对照送往平台（目录对照上传 3301，终止 3360，撤销 3302），平台受理后由医保局审核，通过才算数。"
    table_class = DeliveryTable
    filter_class = DeliveryFilter
    tabs = tuple(Tab(key, label, rows, EMPTY.get(key, "")) for key, (label, rows) in TABS.items())
    tools = (Link("平台核对", "mapping:proof"), Link("对照总览", "mapping:board"))
    batches = (
        Batch("重新上传", "mapping:deliveries_upload", "mapping.submit", UPLOADABLE, "在队列中或已受理的无需再传。"),
        Batch("撤回", "mapping:deliveries_recall", "mapping.submit", ("queued", "refused"), "待上传和失败的才能撤回。"),
    )
    empty = Empty("还没有审核通过的对照。", Link("去待审核", "mapping:approvals"))
    order = ("-pk",)
    export_action = "mapping.export"
    template_name = "mapping/delivery/list.html"

    def rows(self) -> QuerySet[Any]:
        """Return the relations of the institution at hand that were approved."""
        visible: QuerySet[Mapping] = Mapping.objects.visible_to(self.request.user)
        here = visible.filter(institution=self.request.actor.institution)
        return relations_on_their_way(here).select_related("item")

    def decorate(self, records: list[Any]) -> None:
        """Fetch where the uploads stand."""
        attach_delivery(records)

    def context(self) -> dict[str, Any]:
        """Add when the bureau's word was last asked for."""
        return running(self.request, VERDICTS, "mapping.submit")


def running(request: ActorRequest, kind: str, action: str) -> dict[str, Any]:
    """Return what a page shows of a task: `task` while it runs or after it failed, `asked_at` of the last good one."""
    task = latest_task(request.actor.institution, kind)
    moving = task is not None and task.state != TaskState.DONE
    return {
        "task": task if moving else None,
        "asked_at": task.ended_at if task and not moving else None,
        "may_ask": request.actor.may(action),
    }


def asking(kind: str, back: str, action: str) -> Callable[..., HttpResponseBase]:
    """Return the view that starts a task of `kind` and goes back to the page; twice pressed is one task."""

    @require_POST
    @needs(action)
    def run(request: ActorRequest) -> HttpResponseBase:
        params = {"accept": True} if request.POST.get("accept") else {}
        task = start(request.actor, kind=kind, params=params)
        messages.info(request, f"「{task.label}」已在后台运行，进度见本页。")
        return redirect(back)

    return run


class OnList(BatchPage):
    """What both acts on the list share."""

    action = "mapping.submit"
    list_page = Deliveries
    list_url = "mapping:deliveries"

    def prepare(self, rows: list[Any]) -> None:
        """Fetch where the uploads stand."""
        attach_delivery(rows)


class Upload(OnList):
    """重新上传."""

    verb = "重新上传"
    effect = (
        "把所选对照（或其终止）送往医保平台：上传（3301）、作废（3360）、撤销（3302）。平台受理后还须医保局审核。"
        "已在队列中的不会重复发送。"
    )

    def refusal(self, row: Any) -> str:
        """Return why a relation cannot be sent."""
        return upload_reason(row)

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Queue relations and endings."""
        endings = [row.ending for row in rows if row.ending is not None]
        plain = [row for row in rows if row.ending is None or row.state == "approved"]
        try:
            done = queue_endings(actor, endings=endings) if endings else Queued()
            if plain:
                more = queue_mappings(actor, mappings=plain)
                done.queued += more.queued
                done.settled += more.settled
                done.faulty += more.faulty
                done.hindered += more.hindered
        except MappingError as error:
            return Result(str(error), level="error")
        return told(done, f"已提交上传 {len(done.queued):,} 条，正在后台送往平台。")


class Recall(OnList):
    """撤回."""

    verb = "撤回"
    effect = "从上传队列取回所选对照。对照仍是「已审核」，之后可重新上传。平台不会收到任何内容。"

    def refusal(self, row: Any) -> str:
        """Return why an upload cannot be taken back."""
        return recall_reason(row)

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Take them back."""
        done = recall(actor, records=[one for row in rows for one in (row, row.ending) if one is not None])
        # Of a relation and its ending only one may be waiting; that is no hindrance.
        hindered = [] if len(done.settled) >= len(rows) else done.hindered
        return told(Queued(settled=done.settled, hindered=hindered), f"已撤回 {len(done.settled):,} 条。")


def told(done: Queued, words: str) -> Result:
    """Return what was done, and the first reason why the rest was not."""
    if done.left_out:
        one, reason = done.left_out[0]
        words += f"{len(done.left_out):,} 条没有上传，如 {one}：{reason}。"
    return Result(words, level="warning" if done.left_out else "success")
