"""批量明文: asking for a list in clear, the grants there are, ending one early."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.approvals import clearing
from portal.approvals.errors import ApprovalRefused
from portal.approvals.queries import flag
from portal.approvals.tables import GrantTable
from portal.audit.grants import Purpose, Uncovering
from portal.audit.queries import history
from portal.audit.uncovering import LONGEST, UncoverRefused, end_uncovering, label_of_scope, scopes
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people.actor import Actor
from portal.people.guard import ActorRequest, needs

PURPOSE = "approvals.clear_list"


class GrantFilter(ListFilter):
    """By words, purpose and day."""

    words: Any = SearchFilter(fields=["reason", "person__name"], label="使用人、原因")
    purpose: Any = ChoiceFilter(label="用途", choices=Purpose.choices)
    made_at: Any = DayRangeFilter(label="批准日期", times=True)

    class Meta:
        """What it filters."""

        model = Uncovering
        fields: list[str] = []


class GrantList(ListPage):
    """Grants: one's own, or all for whoever may approve them or watches over security."""

    action = "approvals.view"
    title, purpose = "批量明文授权", "为召回、检查、申报等用途，经另一人批准后限期导出明文；每次使用都有记录。"
    table_class, filter_class = GrantTable, GrantFilter
    tabs = (
        Tab("open", "有效", Q(is_open=True), empty="没有有效的授权。"),
        Tab("ended", "已结束", Q(is_open=False), empty="没有已结束的授权。"),
        Tab("all", "全部"),
    )
    main = Link("申请批量明文", "approvals:clearing_new", "privacy.request")
    empty = Empty(
        "还没有批量明文授权。需要时由申请人提出，另一人在「双人审核」中批准。",
        Link("申请批量明文", "approvals:clearing_new", "privacy.request"),
    )

    def rows(self) -> QuerySet[Any]:
        """Return the grants this person may see."""
        return grants_of(self.request)

    def decorate(self, records: list[Any]) -> None:
        """Add words."""
        for grant in records:
            _words(grant)


def grants_of(request: ActorRequest) -> QuerySet[Uncovering]:
    """Return the grants of the institution at hand that the person may see, with how often each was used."""
    actor = request.actor
    rows: QuerySet[Uncovering] = Uncovering.objects.visible_to(request.user).filter(institution=actor.institution)
    if not any(actor.may(right) for right in ("privacy.approve", "security.manage", "audit.view")):
        rows = rows.filter(person=request.user)
    is_open = Q(ended_at=None, until__gt=timezone.now())
    marked = rows.annotate(is_open=flag(is_open), use_count=Count("uses"), row_count=Coalesce(Sum("uses__rows"), 0))
    return marked.select_related("person", "granted_by", "ended_by").order_by("-pk")


@require_GET
@needs("approvals.view")
def one(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One grant and each use of it."""
    grant = _words(get_object_or_404(grants_of(request), pk=pk))
    context = {
        "grant": grant,
        "meant": clearing.rows_meant(Actor.of(grant.person, grant.institution), grant.scope, grant.query),
        "uses": grant.uses.order_by("-pk")[:200],
        "events": history(grant)[:50],
        "may_end": grant.open and _may_end(request, grant),
    }
    return render(request, "approvals/clearing_one.html", context)


@require_POST
@needs("approvals.view")
def end(request: ActorRequest, pk: int) -> HttpResponse:
    """End it early."""
    grant: Uncovering = get_object_or_404(grants_of(request), pk=pk)
    try:
        end_uncovering(request.actor, grant=grant, reason=request.POST.get("reason", ""))
        messages.success(request, "授权已结束，之后的导出恢复脱敏。")
    except UncoverRefused as error:
        messages.error(request, str(error))
    return redirect("approvals:clearing_one", pk)


class ClearForm(forms.Form):
    """Which list, under which query (from the list's own button; else all of it), what for, how long."""

    scope = forms.ChoiceField(label="列表", choices=scopes)
    query = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)
    purpose = forms.ChoiceField(label="用途", choices=Purpose.choices)
    days = forms.TypedChoiceField(
        label="期限", coerce=int, choices=[(n, f"{n} 天") for n in range(1, LONGEST.days + 1)], initial=1
    )
    reason = forms.CharField(
        label="原因",
        max_length=500,
        widget=forms.Textarea({"rows": 2}),
        help_text="如「飞行检查通知要求核对名单」。",
    )


@require_http_methods(["GET", "POST"])
@needs("privacy.request")
def new(request: ActorRequest) -> HttpResponseBase:
    """Ask for a list in clear. `?scope=…&query=…` fills the form in."""
    given = request.POST if request.method == "POST" else request.GET
    asked = {name: given[name] for name in ("scope", "query") if name in given}
    form = ClearForm(request.POST) if request.method == "POST" else ClearForm(initial=asked)
    if asked.get("scope") in dict(scopes()) and asked.get("query"):
        form.fields["scope"].widget = forms.HiddenInput()
        meant = clearing.rows_meant(request.actor, asked["scope"], asked["query"])
    else:
        meant = []
    if form.is_bound and form.is_valid():
        try:
            result = once(request.user, request.POST.get(FIELD, ""), PURPOSE, lambda _: _ask(request, form))
            messages.success(request, result.message)
            return redirect(result.url)
        except (ApprovalRefused, UnknownIntent) as error:
            form.add_error(None, str(error))
    context = {"form": form, "meant": meant}
    return render(request, "approvals/clearing_new.html", context, status=422 if form.errors else 200)


def _ask(request: ActorRequest, form: ClearForm) -> Result:
    made = clearing.ask(request.actor, **form.cleaned_data)
    return Result("已提交审核。另一人批准后即可导出明文；也可在下面就地双签。", made.get_absolute_url())


def _may_end(request: ActorRequest, grant: Uncovering) -> bool:
    own = grant.person_id == request.user.pk
    return own or request.actor.may("privacy.approve") or request.actor.may("security.manage")


def _words(grant: Any) -> Any:
    grant.scope_words = label_of_scope(grant.scope)
    grant.phase = "有效" if grant.open else ("提前结束" if grant.ended_at else "已到期")
    return grant
