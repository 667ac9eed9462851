"""系统 · 人员: one person, and what 系统管理员 (accounts) and 安全管理员 (roles, factors) do to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.audit.queries import history
from portal.people import factor, logins, queries, services, throttle
from portal.people.actor import NotAllowed
from portal.people.guard import ActorRequest, needs
from portal.people.models import LoginSession, Membership, Person
from portal.system.people_forms import GrantForm, JoinForm, NameForm, OperatorForm, PersonForm, ReasonForm
from portal.system.people_lists import account_state

JOINING = "此人已在别的机构有账号：输入完整的登录名并给一个角色。还没有账号的人请系统管理员新建。"
RESETTING = "原密码立即失效，此人在各处的登录随即结束。请先核实是本人提出。"
EVENTS = 50
LOGINS = 10


@dataclass(frozen=True)
class Act:
    """One act on an account that asks for a reason first: its words, what it does, and the right it needs."""

    code: str
    label: str
    warning: str
    action: str
    function: Callable[..., None]
    done: str


ACTS = {
    act.code: act
    for act in (
        Act(
            "lock",
            "停用",
            "停用后此人立即退出登录，不能再登录。",
            "people.manage",
            services.lock_person,
            "已停用 {} 的账号。",
        ),
        Act(
            "unlock",
            "启用",
            "启用后此人可以登录，连续输错的锁定也一并解除。",
            "people.manage",
            services.unlock_person,
            "已启用 {} 的账号。",
        ),
        Act(
            "factor",
            "重置动态验证码",
            "用于手机遗失或更换。此人立即退出登录，下次登录时重新启用。请先核实是本人提出。",
            "people.grant",
            factor.reset,
            "已重置 {} 的动态验证码。",
        ),
    )
}


@never_cache
@require_http_methods(["GET", "POST"])
@needs("people.manage")
def new(request: ActorRequest) -> HttpResponseBase:
    """A new account; the initial password is shown once and kept nowhere. Roles come from the 安全管理员."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password, given = services.make_password(), form.cleaned_data
        try:
            person = services.create_person(
                request.actor, username=given["username"], name=given["name"], password=password
            )
            return render(
                request, "people/given.html", {"person": person, "password": password, "made": True, "days": _days()}
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
    return render(request, "people/new.html", {"form": form})


@require_GET
@needs("people.view")
def detail(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One person: account, factor, roles here, logins, what was done to the account."""
    person, actor = _person(request, pk), request.actor
    own = LoginSession.objects.filter(person=person, institution=actor.institution).order_by("-id")
    context = {
        "person": person,
        "state": account_state(person),
        "roles": person.memberships_at(actor.institution),
        "has_factor": factor.has_factor(person),
        "strict": factor.strict(person),
        "recovery_left": factor.recovery_left(person),
        "locked_until": throttle.locked_until(person.username),
        "logins": own[:LOGINS],
        "events": history(person)[:EVENTS],
        "may_manage": actor.may("people.manage"),
        "may_grant": actor.may("people.grant"),
        "form": GrantForm(),
    }
    return render(request, "people/detail.html", context)


@require_http_methods(["GET", "POST"])
@needs("people.manage")
def rename(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Correct the name."""
    person = _person(request, pk)
    form = NameForm(request.POST or None, initial={"name": person.name})
    if request.method == "POST" and form.is_valid():
        services.rename_person(request.actor, person=person, name=form.cleaned_data["name"])
        messages.success(request, f"已更正姓名：{person.name}。")
        return redirect("system:person", pk)
    return render(request, "people/ask.html", {"form": form, "person": person, "title": "更正姓名", "word": "保存"})


@require_POST
@needs("people.grant")
def grant(request: ActorRequest, pk: int) -> HttpResponse:
    """One more role."""
    person, form = _person(request, pk), GrantForm(request.POST)
    if not form.is_valid():
        messages.error(request, "没有授权：请选择一个角色。")
        return redirect("system:person", pk)
    role = dict(form.fields["role"].choices)[form.cleaned_data["role"]]  # type: ignore[attr-defined]
    _try(
        request,
        lambda: services.grant(request.actor, person=person, **form.cleaned_data),
        f"已授予 {person}「{role}」。",
    )
    return redirect("system:person", pk)


@require_http_methods(["GET", "POST"])
@needs("people.grant")
def join(request: ActorRequest) -> HttpResponseBase:
    """A role here for somebody of another institution, found by the whole login name only."""
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        person = given.pop("username")
        services.grant(request.actor, person=person, **given)
        messages.success(request, f"{person.name} 已加入本机构。")
        return redirect("system:person", person.pk)
    context = {"form": form, "title": "加入本机构", "word": "加入", "warning": JOINING}
    return render(request, "people/ask.html", context)


@require_http_methods(["GET", "POST"])
@needs("people.view")
def operator(request: ActorRequest, pk: int, membership: int) -> HttpResponseBase:
    """The operator number and name of one role."""
    person, member = _person(request, pk), _membership(request, pk, membership)
    form = OperatorForm(request.POST or None, initial={"opter": member.opter, "opter_name": member.opter_name})
    if request.method == "POST" and form.is_valid():
        services.set_operator(request.actor, membership=member, **form.cleaned_data)
        messages.success(request, f"已更改 {person} 的经办人编号。")
        return redirect("system:person", pk)
    title = f"经办人编号：{member.get_role_display()}"
    return render(request, "people/ask.html", {"form": form, "person": person, "title": title, "word": "保存"})


@require_http_methods(["GET", "POST"])
@needs("people.grant")
def revoke(request: ActorRequest, pk: int, membership: int) -> HttpResponseBase:
    """Take a role away, with a reason."""
    person, member, form = _person(request, pk), _membership(request, pk, membership), ReasonForm(request.POST or None)
    word = member.get_role_display()
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        _try(
            request,
            lambda: services.revoke(request.actor, membership=member, reason=reason),
            f"已收回 {person}「{word}」。",
        )
        return redirect("system:person", pk)
    context = {
        "form": form,
        "person": person,
        "title": f"收回角色「{word}」",
        "word": "收回",
        "warning": "收回后立即生效。",
    }
    return render(request, "people/ask.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@needs("people.manage")
def reset(request: ActorRequest, pk: int) -> HttpResponseBase:
    """A new initial password after a reason, shown once."""
    person, form = _person(request, pk), ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password, reason = services.make_password(), form.cleaned_data["reason"]
        services.set_password(request.actor, person=person, password=password, reason=reason)
        context = {"person": person, "password": password, "made": False, "days": _days()}
        return render(request, "people/given.html", context)
    context = {"form": form, "person": person, "title": "重置密码", "word": "重置密码", "warning": RESETTING}
    return render(request, "people/ask.html", context)


@require_http_methods(["GET", "POST"])
@needs("people.view")
def act(request: ActorRequest, pk: int, code: str) -> HttpResponseBase:
    """Lock, unlock or reset the factor, after a reason; the service asks for the right."""
    person, asked, form = _person(request, pk), ACTS.get(code), ReasonForm(request.POST or None)
    if asked is None:
        return redirect("system:person", pk)
    request.actor.must(asked.action)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        _try(request, lambda: asked.function(request.actor, person=person, reason=reason), asked.done.format(person))
        return redirect("system:person", pk)
    context = {"form": form, "person": person, "title": asked.label, "word": asked.label, "warning": asked.warning}
    return render(request, "people/ask.html", context)


@require_http_methods(["GET", "POST"])
@needs("people.manage")
def end_login(request: ActorRequest, pk: int) -> HttpResponseBase:
    """End one login of the institution."""
    here = LoginSession.objects.filter(institution=request.actor.institution).select_related("person")
    login = get_object_or_404(here, pk=pk)
    if request.method == "POST":
        logins.end(request.actor, login=login)
        messages.success(request, f"已结束 {login.person} 的这次登录。")
        return redirect("system:logins")
    return render(request, "people/end_login.html", {"login": login})


def _days() -> int:
    return int(settings.PASSWORD_INITIAL_DAYS)


def _person(request: ActorRequest, pk: int) -> Person:
    return get_object_or_404(queries.staff_of(request.actor), pk=pk)


def _membership(request: ActorRequest, pk: int, membership: int) -> Membership:
    here = Membership.objects.filter(person_id=pk, institution=request.actor.institution).select_related("person")
    return get_object_or_404(here, pk=membership)


def _try(request: ActorRequest, work: Callable[[], object], words: str) -> None:
    """Call a service and say what came of it; a refusal with a reason of its own stays on the page."""
    try:
        work()
        messages.success(request, words)
    except NotAllowed as error:
        messages.error(request, str(error))
