"""The locked screen, its unlocking by the same person, and 切换操作员. Works with and without script.

With script the lock lies over the page, and unlocking goes on with what was half filled in; these views then answer
JSON: `{"ok": true}`, or `{"ok": false, "words": …, "code": …, "url": …}`.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.people import login as entering
from portal.people import logins, operators, throttle
from portal.people.forms import LoginForm, UnlockForm
from portal.people.gate import lock_page
from portal.people.guard import ActorRequest, signed_in, to_login
from portal.people.login import CodeWanted, LoginRefused
from portal.people.middleware import client_ip
from portal.people.views import back


@require_POST
@signed_in
def lock(request: ActorRequest) -> HttpResponseBase:
    """Lock the screen: by the browser after a while without an act, or by the person who goes away."""
    logins.lock(request.login)
    return HttpResponse(status=204) if wants_json(request) else redirect(back(request))


@require_POST
def alive(request: HttpRequest) -> HttpResponse:
    """Say whose login this is and whether it is locked; an act of the person was noted on the way here."""
    login = getattr(request, "login", None)
    locked = bool(getattr(request, "locked", False))
    return JsonResponse({"login": login.pk if login else None, "locked": locked})


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def unlock(request: HttpRequest) -> HttpResponseBase:
    """Go on after the same person gave the password, and a code where one is wanted."""
    if not request.user.is_authenticated:
        return _over(request)
    if request.method == "GET":
        return lock_page(request) if getattr(request, "locked", False) else redirect(back(request))
    return _unlock(request)  # type: ignore[arg-type]  # somebody is logged in


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def operator(request: HttpRequest) -> HttpResponse:
    """Another person goes on at this computer, on the home page; nothing of the former's is left."""
    if not request.user.is_authenticated:
        return redirect("people:login")
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data
            person = entering.log_in(request, given["username"], given["password"], how="切换操作员登录")
            messages.success(request, f"现在的操作员是：{person.name}。")
            return operators.remember(request, redirect("desk:home"), person)
        except CodeWanted as wanted:
            entering.wait_for_code(request, wanted.person, "/")
            return redirect("people:code")
        except LoginRefused as error:
            form.add_error(None, str(error))
    context = {"form": form, "operators": operators.known(request)}
    return render(request, "people/operator.html", context)


def wants_json(request: HttpRequest) -> bool:
    """Say whether the page's own script asks."""
    return "application/json" in request.headers.get("Accept", "")


def _unlock(request: ActorRequest) -> HttpResponseBase:
    form = UnlockForm(request.POST)
    if not form.is_valid():
        return _refused(request, "请输入密码。")
    person, ip = request.user, client_ip(request)
    try:
        left = throttle.spend(person.username, ip)
        if not person.check_password(form.cleaned_data["password"]):
            raise LoginRefused(entering.wrong(person, ip, left))
        throttle.clear(person.username, throttle.PASSWORD)
        given = entering.prove_code(person, form.cleaned_data["code"], ip)
    except CodeWanted as wanted:
        return _refused(request, str(wanted), code=True)
    except (LoginRefused, throttle.TooMany) as error:
        return _refused(request, str(error))
    logins.unlock(request.login, factor=given)
    return JsonResponse({"ok": True}) if wants_json(request) else redirect(back(request))


def _refused(request: HttpRequest, words: str, *, code: bool = False) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"ok": False, "words": words, "code": code})
    context: dict[str, Any] = {"words": words, "code_wanted": code, "next": back(request), "person": request.user}
    return render(request, "people/locked.html", context, status=423)


def _over(request: HttpRequest) -> HttpResponse:
    """The login ended while the screen was locked: log in again; the half-filled form waits as a draft."""
    if wants_json(request):
        url = reverse("people:login")
        return JsonResponse({"ok": False, "words": "登录已超时，请重新登录。", "code": False, "url": url})
    return to_login(request)
