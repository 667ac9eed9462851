"""Login, its second step, logout, institution; pages for refused requests."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.people import login as entering
from portal.people import logins, operators, services
from portal.people.audited import note_own
from portal.people.forms import CodeForm, LoginForm
from portal.people.guard import ActorRequest, is_htmx, signed_in, to_login
from portal.people.login import CodeWanted, LoginRefused, log_in
from portal.people.middleware import client_ip
from portal.people.models import Person
from portal.people.openers import opener_words

# More digits are no key, and int() refuses thousands of them.
LONGEST_KEY = 19


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """The login page; afterwards back to where the person wanted to go."""
    if request.user.is_authenticated:
        return redirect(back(request))
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = log_in(request, form.cleaned_data["username"], form.cleaned_data["password"])
            return operators.remember(request, redirect(back(request)), person)
        except CodeWanted as wanted:
            entering.wait_for_code(request, wanted.person, back(request))
            return redirect("people:code")
        except LoginRefused as error:
            form.add_error(None, str(error))
    context = {"form": form, "next": back(request), "next_name": REDIRECT_FIELD_NAME}
    return render(request, "people/login.html", context)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step of a login: the code of the phone, or a recovery code."""
    waiting = entering.waiting(request)
    if waiting is None:
        messages.info(request, "等待验证码超过 5 分钟，请重新输入登录名和密码。")
        return redirect("people:login")
    person, onward = waiting
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            entering.enter(request, person, form.cleaned_data["code"])
            return operators.remember(request, redirect(onward), person)
        except LoginRefused as error:
            form.add_error(None, str(error))
    return render(request, "people/code.html", {"form": form, "person": person})


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    found = getattr(request, "login", None)
    if found is not None and isinstance(request.user, Person):
        logins.end_own(found, "本人退出")
        note_own(request.user, client_ip(request), "people.logout", "退出登录")
    logout(request)
    messages.info(request, "您已退出登录。")
    return redirect("people:login")


@require_POST
@signed_in
def switch(request: ActorRequest) -> HttpResponseBase:
    """Work in another institution from now on: POST institution=<pk>."""
    wanted = request.POST.get("institution", "")
    known = wanted.isdecimal() and len(wanted) < LONGEST_KEY
    institution = get_object_or_404(request.user.institutions(), pk=int(wanted) if known else 0)
    services.switch_institution(request.actor, institution=institution)
    # what was cached or chosen for the other institution must not leak into this one, nor a form opened there
    request.session.cycle_key()
    rotate_token(request)
    logins.move(request, institution)
    messages.success(request, f"现在的机构是：{institution}。")
    return redirect(back(request))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is not today's: 409 where another person or institution opened it, else 403.

    Where the login ended meanwhile the login page leads back to the form, which offers what was kept as a draft.
    """
    template = "people/_refused.html" if is_htmx(request) else "people/refused.html"
    words = opener_words(request)
    if words and not request.user.is_authenticated:
        return to_login(request)
    if words:
        return render(request, template, {"words": words}, status=409)
    words = "页面已过期或浏览器禁用了 Cookie，刚才的操作没有执行。请退回刚才的页面，刷新后再做一次。"
    return render(request, template, {"words": words}, status=403)


def back(request: HttpRequest) -> str:
    """Return the address to go on to: only ever one of ours."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours and wanted.startswith("/") else "/"
