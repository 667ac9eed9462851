"""Whose form is this? Every form carries a token made from a secret that changes with each login and institution.

Django refuses a token of another secret before any view runs, so a form sent by another than its opener does nothing,
with or without script. What is kept here is only who had which secret, so that the refusal can say what happened.
"""

from __future__ import annotations

import re

from django.http import HttpRequest

# The inverse of the mask that Django lays over the secret; a form's token cannot be told apart without it.
from django.middleware.csrf import (  # type: ignore[attr-defined]
    CSRF_TOKEN_LENGTH,
    _unmask_cipher_token,
)

from portal.people.logins import form_digest
from portal.people.models import FormKey, Person

TOKEN = re.compile(rf"[A-Za-z0-9]{{{CSRF_TOKEN_LENGTH}}}")


def opener_words(request: HttpRequest) -> str:
    """Return why a form with an old token was refused, "" when nobody known opened it."""
    found = _opener(request)
    if found is None:
        return ""
    person, now = found.login.person, request.user
    if not isinstance(now, Person):
        return "登录已结束，刚才的操作没有执行。请重新登录后再做一次。"
    if now.pk != person.pk:
        return (
            f"这个页面是「{person.name}」打开的，现在登录的是「{now.name}」，刚才的操作没有执行。"
            f"请由「{now.name}」从菜单重新打开页面再做，或切换操作员。"
        )
    actor = getattr(request, "actor", None)
    here = actor.institution if actor else None
    if here is not None and found.institution is not None and found.institution != here:
        return (
            f"这个页面是在「{found.institution}」打开的，现在的机构是「{here}」，刚才的操作没有执行。"
            "请切换回原来的机构，或从菜单重新打开页面再做。"
        )
    return "这个页面是您上一次登录时打开的，刚才的操作没有执行。请从菜单重新打开页面再做一次。"


def _opener(request: HttpRequest) -> FormKey | None:
    token = str(request.POST.get("csrfmiddlewaretoken") or request.headers.get("X-CSRFToken") or "")
    if not TOKEN.fullmatch(token):
        return None
    key = form_digest(_unmask_cipher_token(token))
    return FormKey.objects.select_related("login__person", "institution").filter(key=key).first()
