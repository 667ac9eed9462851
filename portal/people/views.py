"""Login, logout, own password, institution; pages for refused requests."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.people import services
from portal.people.forms import LoginForm, PasswordForm
from portal.people.guard import ActorRequest, is_htmx, signed_in
from portal.people.login import LoginRefused, log_in

# More digits are no key, and int() refuses thousands of them.
LONGEST_KEY = 19


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """The login page; afterwards back to where the person wanted to go."""
    if request.user.is_authenticated:
        return redirect(_back(request))
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            log_in(request, form.cleaned_data["username"], form.cleaned_data["password"])
            return redirect(_back(request))
        except LoginRefused as error:
            form.add_error(None, str(error))
    context = {"form": form, "next": _back(request), "next_name": REDIRECT_FIELD_NAME}
    return render(request, "people/login.html", context)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    messages.info(request, "您已退出登录。")
    return redirect("people:login")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in
def password(request: ActorRequest) -> HttpResponseBase:
    """One's own password; the first thing that a person with an initial password sees."""
    form = PasswordForm(request.user, request.POST or None)
    first = request.user.must_change_password
    if request.method == "POST" and form.is_valid():
        services.change_password(request.actor, person=request.user, password=form.cleaned_data["new"])
        update_session_auth_hash(request, request.user)
        messages.success(request, "密码已修改。其他电脑上的登录已失效。")
        return redirect("desk:home")
    return render(request, "people/password.html", {"form": form, "first": first})


@require_POST
@signed_in
def switch(request: ActorRequest) -> HttpResponseBase:
    """Work in another institution from now on: POST institution=<pk>."""
    wanted = request.POST.get("institution", "")
    known = wanted.isdecimal() and len(wanted) < LONGEST_KEY
    institution = get_object_or_404(request.user.institutions(), pk=int(wanted) if known else 0)
    services.switch_institution(request.actor, institution=institution)
    # what was cached or chosen for the other institution must not leak into this one
    request.session.cycle_key()
    messages.success(request, f"现在的机构是：{institution}。")
    return redirect(_back(request))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that came without a valid token, in words: the page was open too long, or cookies are off."""
    template = "people/_refused.html" if is_htmx(request) else "people/refused.html"
    words = "页面已过期或浏览器禁用了 Cookie，刚才的操作没有执行。请退回刚才的页面，刷新后再做一次。"
    return render(request, template, {"words": words}, status=403)


def _back(request: HttpRequest) -> str:
    """Return the address to go on to: only ever one of ours."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours and wanted.startswith("/") else "/"
