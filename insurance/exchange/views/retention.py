"""系统 · 保存期限: how long messages are kept, what is due, and asking to drop what is protected."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from insurance.exchange import archiving, retention
from insurance.exchange.models import PruneOrder, RetentionRule
from insurance.exchange.pages.submissions import without_right
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.lists.models import Intent
from portal.people.guard import ActorRequest, needs

VIEW, MANAGE = "system.view", "system.manage"
PROPOSE = "exchange.prune.propose"
MOST_RUNS = 10


class DaysForm(forms.Form):
    """How many days bodies and heads of a class stay, and why that changes."""

    body_days = forms.IntegerField(label="报文保存天数", min_value=1, max_value=36_500)
    head_days = forms.IntegerField(label="记录保存天数", min_value=1, max_value=36_500)
    reason = forms.CharField(label="原因", max_length=200, error_messages={"required": "请填写修改原因。"})


class PruneForm(forms.Form):
    """Which day's earlier bodies of a protected class shall go, and why."""

    before = forms.DateField(label="清理早于", widget=forms.DateInput({"type": "date"}))
    reason = forms.CharField(
        label="原因",
        max_length=200,
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": "请填写原因，审核人据此决定。"},
    )


@require_GET
@needs(VIEW)
def page(request: ActorRequest) -> HttpResponseBase:
    """Show every class, its days, what is due and the last runs."""
    rules = retention.keep_rules()
    rows = [(rule, retention.due_bodies(rule), rule.runs.order_by("-pk").first()) for rule in rules]
    context = {
        "rows": rows,
        "orders": PruneOrder.objects.filter(institution=request.actor.institution)
        .select_related("rule", "proposed_by", "approved_by")
        .order_by("-pk")[:MOST_RUNS],
        "why_not": without_right(request.actor, MANAGE),
    }
    return render(request, "exchange/retention.html", context)


@require_http_methods(["GET", "POST"])
@needs(MANAGE)
def change(request: ActorRequest, code: str) -> HttpResponseBase:
    """Change the days of a class that goes by itself, or ask for a second person's yes for one that does not."""
    rule = get_object_or_404(RetentionRule, code=code)
    form = _form(request, rule)
    if request.method == "POST" and form.is_valid():
        try:
            return _act(request, rule, form)
        except retention.RetentionRefused as refused:
            form.add_error(None, str(refused))
    context = {"rule": rule, "form": form, "latest": timezone.localdate() - archiving.YOUNGEST}
    return render(request, "exchange/retention_form.html", context, status=422 if form.errors else 200)


def _form(request: ActorRequest, rule: RetentionRule) -> forms.Form:
    data = request.POST if request.method == "POST" else None
    if rule.protected:
        return PruneForm(data)
    return DaysForm(data, initial={"body_days": rule.body_days, "head_days": rule.head_days})


def _act(request: ActorRequest, rule: RetentionRule, form: forms.Form) -> HttpResponseBase:
    def work(intent: Intent) -> Result:
        values = form.cleaned_data
        if rule.protected:
            archiving.propose_prune(request.actor, rule=rule, before=values["before"], reason=values["reason"])
            return Result("已提交审核。另一人通过后先归档、再清理。")
        retention.set_days(request.actor, rule=rule, **values)
        return Result(f"已保存「{rule.label}」的保存期限，今晚按新期限清理。")

    try:
        result = once(request.user, request.POST.get(FIELD, ""), PROPOSE, work)
        messages.success(request, result.message)
    except UnknownIntent as error:
        messages.error(request, f"没有执行：{error}")
    return HttpResponseRedirect(reverse("exchange:retention"))
