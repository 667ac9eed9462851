"""我的账号: own password, second factor, logins."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.people import factor, logins, passwords, services, throttle
from portal.people.factor import WrongCode
from portal.people.forms import CodeForm, PasswordForm
from portal.people.guard import ActorRequest, refuse, signed_in
from portal.people.login import LoginRefused, prove_code
from portal.people.middleware import FACTOR_DONE, client_ip
from portal.people.models import LoginSession

SHOWN = 10


@never_cache
@require_GET
@signed_in
def account(request: ActorRequest) -> HttpResponseBase:
    """Who I am here, how I log in, and where I am logged in."""
    person = request.user
    own = LoginSession.objects.filter(person=person).select_related("institution").order_by("-id")
    context = {
        "person": person,
        "has_factor": factor.has_factor(person),
        "strict": factor.strict(person),
        "recovery_left": factor.recovery_left(person),
        "password_until": passwords.valid_until(person),
        "open": own.filter(ended=None),
        "past": own.filter(ended__isnull=False)[:SHOWN],
        "login": request.login,
    }
    return render(request, "people/account.html", context)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in
def password(request: ActorRequest) -> HttpResponseBase:
    """One's own password; the first thing that a person with an initial or an old one sees."""
    form = PasswordForm(request.user, request.POST or None)
    first, old = request.user.must_change_password, passwords.outdated(request.user)
    if request.method == "POST" and _old_is_right(request, form) and form.is_valid():
        services.change_password(
            request.actor, person=request.user, password=form.cleaned_data["new"], login=request.login
        )
        update_session_auth_hash(request, request.user)
        messages.success(request, "密码已修改。其他电脑上的登录已失效。")
        return redirect("desk:home")
    return render(request, "people/password.html", {"form": form, "first": first, "old": old, "forced": first or old})


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
@signed_in
def set_up_factor(request: ActorRequest) -> HttpResponseBase:
    """Set up the second factor: read the picture by an app, give its code, keep the recovery codes."""
    if request.actor is None:
        return refuse(request, "", "您还没有在任何机构任职，暂不需要启用动态验证码。")
    if factor.has_factor(request.user):
        return redirect("people:account")
    waiting, form = factor.begin(request.user), CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = factor.confirm(request.actor, person=request.user, code=form.cleaned_data["code"])
            request.session[FACTOR_DONE] = True
            logins.note_factor(request.login)
            return render(request, "people/recovery.html", {"codes": codes, "person": request.user})
        except WrongCode as error:
            form.add_error("code", str(error))
    forced = factor.missing(request.user)
    context = {"form": form, "picture": factor.picture(waiting), "secret": waiting.secret, "forced": forced}
    return render(request, "people/factor.html", context)


@never_cache
@sensitive_post_parameters()
@require_POST
@signed_in
def renew_recovery(request: ActorRequest) -> HttpResponse:
    """Ten new recovery codes in place of the old ones, shown once, for who gives a code now."""
    form = CodeForm(request.POST)
    try:
        given = form.cleaned_data["code"] if form.is_valid() else ""
        prove_code(request.user, given, client_ip(request), always=True)
    except LoginRefused as error:
        messages.error(request, f"没有更换恢复码：{error}")
        return redirect("people:account")
    codes = factor.renew_recovery(request.actor, person=request.user)
    return render(request, "people/recovery.html", {"codes": codes, "person": request.user})


def _old_is_right(request: ActorRequest, form: PasswordForm) -> bool:
    """Count a try as a login does: who finds an open screen must not guess the password here."""
    name = request.user.username
    try:
        throttle.spend(name, client_ip(request))
    except throttle.TooMany as error:
        messages.error(request, str(error))
        return False
    right = "old" not in form.errors
    if right:
        throttle.clear(name, throttle.PASSWORD)
    return right


@require_POST
@signed_in
def end_login(request: ActorRequest, pk: int) -> HttpResponse:
    """End one of one's own logins."""
    login = get_object_or_404(LoginSession, pk=pk, person=request.user, ended=None)
    if request.actor is not None:
        logins.end(request.actor, login=login)
    else:
        logins.end_own(login, "本人在另一处结束")
    messages.success(request, "已结束这次登录，那台电脑上须重新登录。")
    return redirect("people:account")
