"""The second person's page of a switch, and giving it back, undoing it, calling it off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from insurance.mapping.errors import MappingError
from insurance.mapping.models import CodeSwitch
from insurance.mapping.switching.forms import ReasonForm
from insurance.mapping.switching.services.deciding import (
    approve_switch,
    cancel_switch,
    digest_of_waiting,
    draw_sample,
    return_switch,
    undo_switch,
)
from insurance.mapping.switching.showing import cards_of
from insurance.mapping.switching.views.switches import switches_of
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, once, used
from portal.lists.models import Intent
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, go, needs

APPROVE = "mapping.switch_approve"
MOST_WORDS = 3


@require_http_methods(["GET", "POST"])
@needs("mapping.approve")
def approve(request: ActorRequest, pk: int) -> HttpResponseBase:
    """通过: the drawn lines are compared one by one, then everything prepared is approved as one act."""
    switch = get_object_or_404(switches_of(request), pk=pk)
    if request.method == "GET":
        return _approval(request, switch, "")
    shown: list[str] = []
    looked = [int(key) for key in request.POST.getlist("line") if key.isascii() and key.isdecimal() and len(key) < 19]

    def work(intent: Intent) -> Result:
        shown.append(str(intent.payload.get("shown", "")))
        done = approve_switch(request.actor, switch=switch, looked_at=looked, shown=shown[0])
        words = f"已通过 {done.mappings} 项新对照、{done.endings} 项终止，将在 {switch.day} 上传。"
        if done.left_out:
            words += f"{len(done.left_out)} 项没有通过：{'；'.join(done.left_out[:MOST_WORDS])}。"
        if done.held_back:
            words += f"{len(done.held_back)} 项还不能排队：{'；'.join(done.held_back[:MOST_WORDS])}。"
        return Result(words[:500], switch.get_absolute_url(), "warning" if done.left_out else "success")

    try:
        result = once(request.user, request.POST.get(FIELD, ""), APPROVE, work)
    except (MappingError, NotAllowed, UnknownIntent) as error:
        # what has changed was not compared, whatever was ticked
        return _approval(request, switch, str(error), looked if shown == [digest_of_waiting(switch)] else [])
    messages.add_message(request, messages.WARNING if result.level == "warning" else messages.SUCCESS, result.message)
    return go(request, result.url)


def _approval(
    request: ActorRequest, switch: CodeSwitch, wrong: str, looked: list[int] | None = None
) -> HttpResponseBase:
    sample = draw_sample(request.actor, switch=switch)
    intent = issue(request.user, APPROVE, {"shown": digest_of_waiting(switch)})
    progress = (switch.summary or {}).get("progress", {})
    context = {
        "switch": switch,
        "cards": cards_of(switch),
        "sample": sample,
        "looked": looked,
        "waiting": progress.get("proposed", 0),
        "wrong": wrong,
        "intent": intent.key,
    }
    return render(request, "mapping/switching/approve.html", context, status=422 if wrong else 200)


@dataclass(frozen=True)
class Verb:
    """One act on a whole switch that needs a reason: its word, right, effect and service."""

    word: str
    action: str
    effect: str
    service: Callable[..., Any]
    danger: bool = False


VERBS = {
    "return": Verb(
        "退回", "mapping.approve",
        "待审核的项目全部退回准备人，写明原因；准备人改正后再提交。平台不受影响。", return_switch,
    ),
    "undo": Verb(
        "整体撤回", "mapping.decide",
        "已准备和已通过的新对照、终止全部作废，旧对照恢复原来的结束日期。切换日以前平台还没有收到，不受影响。",
        undo_switch, danger=True,
    ),
    "cancel": Verb(
        "作废", "mapping.decide",
        "这次目录切换不再进行；已准备的先整体撤回。对照表保留，以后可以新建一次切换。", cancel_switch, danger=True,
    ),
}  # fmt: skip


def deciding(key: str) -> Callable[..., HttpResponseBase]:
    """Return the page of one act: what it does, the reason, the button."""
    verb = VERBS[key]
    purpose = f"mapping.switch_{key}"

    @require_http_methods(["GET", "POST"])
    @needs(verb.action)
    def decide(request: ActorRequest, pk: int) -> HttpResponseBase:
        switch = get_object_or_404(switches_of(request), pk=pk)
        first = used(request.user, request.POST.get(FIELD, ""), purpose)
        if first is not None:
            messages.info(request, f"已经执行过，没有重复执行。当时的结果：{first.message}")
            return go(request, switch.get_absolute_url())
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            try:
                result = once(
                    request.user, request.POST.get(FIELD, ""), purpose, lambda _: _carry_out(request, switch, form)
                )
                messages.success(request, result.message)
                return go(request, switch.get_absolute_url())
            except (MappingError, NotAllowed, UnknownIntent) as error:
                form.add_error(None, str(error))
        context = {"switch": switch, "verb": verb, "form": form, "purpose_of_intent": purpose}
        return render(request, "mapping/switching/decide.html", context, status=422 if form.errors else 200)

    def _carry_out(request: ActorRequest, switch: CodeSwitch, form: ReasonForm) -> Result:
        verb.service(request.actor, switch=switch, reason=form.cleaned_data["reason"])
        return Result(f"已{verb.word}「{switch.name}」。")

    return decide
