"""A query goes at once: nothing changes at the platform, so its form is its own panel."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from insurance.exchange.debugging.drafting import content_of
from insurance.exchange.debugging.jsontext import NotJson
from insurance.exchange.debugging.rules import NotFromHere
from insurance.exchange.debugging.sending import Faulty, SendRefused, ready, send
from insurance.exchange.models import DebugDraft
from portal.lists.intent import FIELD, Result, UnknownIntent, issue, look, once
from portal.lists.models import Intent
from portal.people.guard import ActorRequest

PURPOSE = "exchange.debug_ask"


def ask_now(request: ActorRequest, draft: DebugDraft) -> HttpResponseBase:
    """Send the query of a form that was just saved; pressed twice it is asked once."""
    back = reverse("exchange:debug_draft", args=[draft.pk])
    try:
        digest = ready(request.actor, draft.infno, content_of(draft)).digest
        result = once(request.user, _key(request, digest), PURPOSE, lambda _: _asked(request, draft, digest))
    except (Faulty, NotJson) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"{back}?checked=1")
    except (SendRefused, NotFromHere, UnknownIntent) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(result.url)


def _key(request: ActorRequest, digest: str) -> str:
    """Return the form's key; one that was used for another content is replaced, because that is another question."""
    used: Intent = look(request.user, request.POST.get(FIELD, ""), PURPOSE)
    return used.key if used.used_at is None or used.message == digest else issue(request.user, PURPOSE).key


def _asked(request: ActorRequest, draft: DebugDraft, digest: str) -> Result:
    made = send(request.actor, infno=draft.infno, content=content_of(draft), draft=draft, digest=digest)
    return Result(digest, reverse("exchange:debug_send", args=[made.pk]))
