"""平台连接: where the platform is, whether it is spoken to now, and stopping and going on."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from insurance.exchange import registration, services
from insurance.exchange.forms import ConnectionForm, MustReasonForm
from insurance.exchange.models import Connection
from insurance.exchange.pages import links
from insurance.exchange.pages.calls import ACTS
from insurance.exchange.pages.links import stopped_words, without_password
from insurance.exchange.pages.submissions import without_right
from portal.audit.queries import history
from portal.lists.intent import FIELD, Result, UnknownIntent, once
from portal.lists.models import Intent
from portal.people.guard import ActorRequest, needs

VIEW, MANAGE = "exchange.view", "exchange.manage"
PAUSE, RESUME, CHANGE = "exchange.pause", "exchange.resume", "exchange.change"


@require_GET
@needs(VIEW)
def page(request: ActorRequest) -> HttpResponseBase:
    """Show the connection: address, state, queues, sign-ins, changes."""
    return _page(request, MustReasonForm())


def _page(request: ActorRequest, pause_form: forms.Form, status: int = 200) -> HttpResponseBase:
    connection, book = links.link_in(request)
    if connection is None:
        return render(request, "exchange/no_connection.html", {})
    events = list(history(connection)[:20])
    context = {
        "connection": connection,
        "book": book,
        "proxy": without_password(connection.proxy),
        "stopped": stopped_words(connection),
        "since": links.paused_since(connection) if connection.paused else None,
        "broken": bool(connection.broken_until and connection.broken_until > timezone.now()),
        "queues": links.queues_of(connection),
        "sessions": links.sessions_today(connection),
        "deadlines": links.deadlines(),
        "events": [(event, ACTS.get(event.action, event.label)) for event in events],
        "pause_form": pause_form,
        "why_not": without_right(request.actor, MANAGE),
    }
    return render(request, "exchange/connection.html", context, status=status)


def _connection(request: ActorRequest) -> Connection:
    connection, _ = links.link_in(request)
    if connection is None:
        raise Http404("no connection")
    return connection


@needs(MANAGE)
def pause(request: ActorRequest) -> HttpResponseBase:
    """Stop sending, with a reason."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("exchange:connection"))
    connection = _connection(request)
    form = MustReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)

    def work(intent: Intent) -> Result:
        services.pause(request.actor, connection=connection, reason=form.cleaned_data["reason"])
        return Result("已暂停上传。排队的记录会等着，点「恢复上传」后接着发。")

    return _once(request, PAUSE, work)


@needs(MANAGE)
def resume(request: ActorRequest) -> HttpResponseBase:
    """Go on sending at once."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("exchange:connection"))
    connection = _connection(request)

    def work(intent: Intent) -> Result:
        services.resume(request.actor, connection=connection)
        return Result("已恢复上传，排队的记录开始发送。")

    return _once(request, RESUME, work)


@require_http_methods(["GET", "POST"])
@needs(MANAGE)
def change(request: ActorRequest) -> HttpResponseBase:
    """Change the connection's settings; the secret is never shown."""
    connection = _connection(request)
    form = ConnectionForm(request.POST or None, instance=connection)
    if request.method != "POST" or not form.is_valid():
        return render(request, "exchange/connection_form.html", {"form": form, "connection": connection})
    values = {name: str(form.cleaned_data[name]) for name in ConnectionForm.Meta.fields}

    def work(intent: Intent) -> Result:
        labels = registration.change_connection(
            request.actor, connection=connection, values=values, reason=form.cleaned_data["reason"]
        )
        if not labels:
            return Result("没有改动，未保存。", level="info")
        return Result(f"已保存：{'、'.join(labels)}。正在发送的一轮结束后按新设置发送。")

    return _once(request, CHANGE, work)


def _once(request: ActorRequest, purpose: str, work: Callable[[Intent], Result]) -> HttpResponseBase:
    """Carry a button's work out once however often it was pressed, and go back to the page."""
    try:
        result = once(request.user, request.POST.get(FIELD, ""), purpose, work)
    except UnknownIntent as error:
        messages.error(request, f"没有执行：{error}")
    else:
        words = f"刚才已经执行过，没有重复执行：{result.message}" if result.again else result.message
        level = messages.SUCCESS if result.level == "success" and not result.again else messages.INFO
        messages.add_message(request, level, words)
    return HttpResponseRedirect(reverse("exchange:connection"))
