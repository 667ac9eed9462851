"""What the exchange has on the 工作台: the platform's state, and what somebody must see to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Min
from django.urls import reverse

from insurance.exchange.choices import CallState
from insurance.exchange.models import Call
from insurance.exchange.pages.links import light_connection, queues_of, sessions_today, stopped_words
from insurance.exchange.pages.worklists import TODO_TABS, UNKNOWN_TABS, stuck_calls, to_do_for, unknown_for
from portal.desk.registry import WorkLine
from portal.lists.views import Tab
from portal.people.actor import Actor

# A cashier and a patient wait for what is unknown; so long it may take before it counts as late.
DECIDE_WITHIN = dt.timedelta(hours=2)
# Under each tab of 待处理: how pressing it is, what to do, and which right it takes.
LINES: Mapping[str, tuple[str, str, str, str]] = {
    "person": (
        "待人工核实（结果待查）", "danger", "看证据，到平台核对后点「核实」；核实前勿重复上传。", "exchange.decide",
    ),
    "refused": ("上传失败（全部业务）", "danger", "按平台返回的原因改正，再「重新上传」。", "exchange.submit"),
    "contradicted": ("答复前后不符", "danger", "到平台核对有没有、有没有重复，办好后点「已核对」。", "exchange.decide"),
    "held": ("排在未完成之后", "warning", "先处理挡在前面的一条。", "exchange.submit"),
}  # fmt: skip


def platform_state(actor: Actor) -> Mapping[str, Any] | None:
    """Return how the platform stands: sending or not and why, last answers, sign-ins of today, queues."""
    connection = light_connection(actor.institution)
    if connection is None:
        return None
    calls = Call.objects.filter(institution=actor.institution).order_by("-id")
    return {
        "connection": connection,
        "stopped": stopped_words(connection),
        "accepted": calls.filter(state=CallState.ACCEPTED).first(),
        "silent": calls.filter(state=CallState.UNKNOWN).first(),
        "sessions": sessions_today(connection),
        "queues": queues_of(connection),
        "url": reverse("exchange:connection"),
    }


def lines_to_see_to(actor: Actor) -> Sequence[WorkLine]:
    """Return a line for each tab of 待处理, for answers not written, and for what the platform is being asked about."""
    counted = {tab.key: tab for tab in TODO_TABS if tab.key in LINES}
    found = _counts(to_do_for(actor), counted.values())
    url = reverse("exchange:todo")
    lines = []
    for key, (label, level, step, duty) in LINES.items():
        since = found[f"since_of_{key}"]
        due = since + DECIDE_WITHIN if since and key == "person" else None
        lines.append(WorkLine(label, found[f"number_of_{key}"], f"{url}?tab={key}", level, step, since, due, duty=duty))
    lines.append(_stuck(actor))
    asking = next(tab for tab in UNKNOWN_TABS if tab.key == "asking")
    unknown = _counts(unknown_for(actor), [asking])
    step = "系统正在向平台核实，不要重复操作。"
    lines.append(
        WorkLine(
            "系统正在核实（结果待查）", unknown["number_of_asking"], f"{reverse('exchange:unknown')}?tab=asking",
            "info", step, unknown["since_of_asking"], who="系统",
        )
    )  # fmt: skip
    return lines


def _stuck(actor: Actor) -> WorkLine:
    """Count calls, not uploads: an answer to a message of its own belongs to no record."""
    rows = stuck_calls(actor.institution).aggregate(number=Count("pk"), oldest=Min("answered_at"))
    url = f"{reverse('exchange:calls')}?unapplied=1"
    step = "系统会再试；多次失败请联系信息科。"
    return WorkLine("答复写入失败", rows["number"], url, "danger", step, rows["oldest"], duty="exchange.manage")


def _counts(rows: Any, tabs: Any) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for tab in tabs:
        one: Tab = tab
        sums[f"number_of_{one.key}"] = Count("pk", filter=one.rows)
        sums[f"since_of_{one.key}"] = Min("state_at", filter=one.rows)
    found: dict[str, Any] = rows.order_by().aggregate(**sums)
    return found
