"""Clear lists: asked for with a named purpose, allowed by another person, executed as a grant (portal.audit)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.approvals import services
from portal.approvals.errors import ApprovalRefused, CannotExecute
from portal.approvals.models import Approval
from portal.approvals.registry import ApprovalKind
from portal.audit.grants import Purpose
from portal.audit.uncovering import (
    LONGEST,
    UncoverRefused,
    grant_uncovering,
    label_of_scope,
    scopes,
    split_scope,
)
from portal.lists.exporting import open_list
from portal.people.actor import Actor, NotAllowed

CODE = "privacy.clear_list"


def ask(actor: Actor, *, scope: str, query: str, purpose: str, days: int, reason: str) -> Approval:
    """Propose that the actor may export one list in clear for some days. Raises NotAllowed, ApprovalRefused.

    `scope` is the list page's dotted path as registered, `query` its address query, "" for the whole list.
    """
    if scope not in dict(scopes()) or purpose not in Purpose.values:
        raise ApprovalRefused("没有提交：请选择列表和用途。")
    if not 1 <= days <= LONGEST.days:
        raise ApprovalRefused(f"没有提交：期限为 1 至 {LONGEST.days} 天。")
    path, kept = split_scope(f"{scope}?{query}")
    return services.propose(
        actor,
        kind=CODE,
        label=f"{Purpose(purpose).label}：{label_of_scope(path)}导出明文 {days} 天",
        payload={"scope": path, "query": kept, "purpose": purpose, "days": days},
        reason=reason,
    )


def execute(actor: Actor, approval: Approval) -> str:
    """Give the proposer the grant that was asked for."""
    asked = approval.payload
    try:
        grant = grant_uncovering(
            actor,
            person=approval.proposed_by,
            purpose=asked["purpose"],
            scope=f"{asked['scope']}?{asked['query']}",
            reason=approval.reason,
            until_days=asked["days"],
            approval=approval.pk,
        )
    except UncoverRefused as error:
        raise CannotExecute(str(error)) from error
    until = timezone.localtime(grant.until)
    return f"{approval.proposed_by} 可在 {until:%Y-%m-%d %H:%M} 前导出「{label_of_scope(grant.scope)}」的明文。"


def show(approval: Approval) -> list[tuple[str, str]]:
    """Return what the second person reads."""
    asked, asker = approval.payload, Actor.of(approval.proposed_by, approval.institution)
    return [
        ("使用人", approval.proposed_by.name),
        ("用途", Purpose(asked["purpose"]).label),
        *rows_meant(asker, asked["scope"], asked["query"]),
        ("期限", f"批准后 {asked['days']} 天"),
        ("效果", "导出的文件含完整姓名、证件号码和电话，每页标明导出人和时间；每次导出都有记录，可随时提前结束。"),
    ]


def rows_meant(actor: Actor, scope: str, query: str) -> list[tuple[str, str]]:
    """Return which rows of a list a query means, and how many they are now, as label and value."""
    query = split_scope(f"{scope}?{query}")[1]
    words = query if query else "不限（整个列表）"
    try:
        page = open_list(scope, actor, query if "tab=" in query else f"{query}&tab=all")
        if query:
            words = "；".join(page.query_words)
        return [("列表", label_of_scope(scope)), ("查询条件", words), ("目前行数", f"{page.out_count():,} 行")]
    except (LookupError, NotAllowed):
        return [("列表", label_of_scope(scope)), ("查询条件", words)]


def kind() -> ApprovalKind:
    """Return what this room registers."""
    told: dict[str, Any] = {"execute": execute, "show": show}
    return ApprovalKind(CODE, "批量查看明文", "privacy.request", "privacy.approve", **told)
