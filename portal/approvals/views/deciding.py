"""待我审核, 我提出的, 全部; one proposal and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from portal.approvals import queries, services
from portal.approvals.choices import ApprovalState
from portal.approvals.errors import ApprovalRefused
from portal.approvals.models import Approval
from portal.approvals.registry import ApprovalKind, kind_of
from portal.approvals.rules import may_decide
from portal.approvals.tables import ApprovalFilter, ApprovalTable, word_of_kind
from portal.audit.queries import history
from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, go, needs
from portal.people.login import LoginRefused
from portal.people.roles import roles_with


class ApprovalList(ListPage):
    """Everything that needs two persons, what waits for this person first."""

    action = "approvals.view"
    title, purpose = "双人审核", "一人提出、另一人通过后才执行；自己提出的不能自己审核。"
    table_class, filter_class = ApprovalTable, ApprovalFilter
    tabs = (
        Tab("waiting", "待我审核", Q(for_me=True), empty="没有等您审核的事项。", order=("expires_at",)),
        Tab("mine", "我提出的", Q(by_me=True), empty="您还没有提出过需要双人审核的事项。"),
        Tab("open", "待审核", Q(state=ApprovalState.WAITING), empty="没有待审核的事项。"),
        Tab("all", "全部"),
    )
    tools = (Link("值班表", "approvals:roster"), Link("代办", "approvals:leave"), Link("交接", "approvals:handover"))
    empty = Empty("还没有需要双人审核的事项。在各业务页面提出后会出现在这里。")

    def rows(self) -> QuerySet[Any]:
        """Return what this person may see."""
        return queries.approvals_of(self.request.actor)


@require_GET
@needs("approvals.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One proposal: what will happen, who proposed it, and the buttons this person may press."""
    return _page(request, _approval(request, pk))


@require_POST
@needs("approvals.view")
def approve(request: ActorRequest, pk: int) -> HttpResponse:
    """Say yes; it is carried out at once."""
    words, seen = request.POST.get("words", ""), request.POST.get("digest", "")

    def work(approval: Approval) -> str:
        done = services.approve(request.actor, approval=approval, words=words, seen=seen)
        return f"已通过：{approval.label}。{done.result}"

    return _act(request, pk, work)


@require_POST
@needs("approvals.view")
def refuse(request: ActorRequest, pk: int) -> HttpResponse:
    """Send it back with a reason."""
    reason = request.POST.get("reason", "")

    def work(approval: Approval) -> str:
        services.refuse(request.actor, approval=approval, reason=reason)
        return f"已退回「{approval.label}」，提出人会看到原因。"

    return _act(request, pk, work)


@require_POST
@needs("approvals.view")
def withdraw(request: ActorRequest, pk: int) -> HttpResponse:
    """Take one's own proposal back."""

    def work(approval: Approval) -> str:
        services.withdraw(request.actor, approval=approval, reason=request.POST.get("reason", ""))
        return f"已撤销申请「{approval.label}」，没有执行。"

    return _act(request, pk, work)


@sensitive_post_parameters("password", "code")
@never_cache
@require_POST
@needs("approvals.view")
def countersign(request: ActorRequest, pk: int) -> HttpResponse:
    """就地双签: the second person signs on the proposer's page and is not logged in by it."""
    given = {name: request.POST.get(name, "") for name in ("username", "password", "code")}
    seen = request.POST.get("digest", "")

    def work(approval: Approval) -> str:
        done = services.countersign(request.actor, approval=approval, seen=seen, **given)
        return f"{done.decided_as} 已就地双签。{done.result}"

    return _act(request, pk, work)


def _act(request: ActorRequest, pk: int, work: Callable[[Approval], str]) -> HttpResponse:
    """Do it, say what came of it, and go back. Twice pressed is once: the service sees to it."""
    approval = _approval(request, pk)
    try:
        messages.success(request, work(approval))
    except (ApprovalRefused, LoginRefused, NotAllowed) as error:
        messages.error(request, str(error))
        return go(request, approval.get_absolute_url())
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = approval.get_absolute_url()
    return go(request, back)


def _approval(request: ActorRequest, pk: int) -> Approval:
    found: Approval = get_object_or_404(queries.approvals_of(request.actor), pk=pk)
    return found


def _page(request: ActorRequest, approval: Approval) -> HttpResponse:
    kind = _kind(approval)
    own = request.user.pk in (approval.proposed_by_id, approval.held_by_id)
    persons = (approval.proposed_by, approval.proposed_for, approval.held_by)
    why_not = may_decide(request.actor, kind.approve, *persons) if kind else "此版本没有这种审核，不能处理。"
    context = {
        "approval": approval,
        "kind_word": word_of_kind(approval.kind),
        "facts": _facts(kind, approval),
        "thing_url": kind.url(approval) if kind and kind.url else "",
        "own": own,
        "why_not": why_not,
        "may_decide": approval.waiting and not why_not,
        "second": queries.on_duty(approval.institution, kind.approve) if kind and approval.waiting else None,
        "roles": roles_with(kind.approve) if kind else [],
        "events": history(approval)[:30],
        "back": _came_from(request),
    }
    return render(request, "approvals/detail.html", context)


def _facts(kind: ApprovalKind | None, approval: Approval) -> list[tuple[str, str]]:
    return kind.show(approval) if kind and kind.show else []


def _kind(approval: Approval) -> ApprovalKind | None:
    try:
        return kind_of(approval.kind)
    except LookupError:
        return None


def _came_from(request: ActorRequest) -> str:
    """Return the list that opened the drawer, "" on a page of its own."""
    parts = urlsplit(request.headers.get("HX-Current-URL", ""))
    path = "/" + parts.path.lstrip("/")
    if not parts.path or path != reverse("approvals:list"):
        return ""
    return f"{path}?{parts.query}" if parts.query else path
