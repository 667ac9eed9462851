"""One confirmation, one execution: a double click, a reload or two windows do the work once.

    intent = issue(person, "directory.upload", {"count": 128})    # when the panel is shown; the form takes its key
    result = once(person, key, "directory.upload", lambda intent: Result("已提交上传 128 条。", url))

`once` runs the work and marks the intent in one transaction. Whoever comes second waits for the first, then gets the
first's result with `again=True`. If the work raises, nothing happened and the key can be used again.
Plain forms take part with `{% intent_field "purpose" %}` (templatetags `lists`) and `once` in their view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.lists.models import Intent
from portal.people.models import Person

KEEP = timedelta(days=7)
FIELD = "intent"


class UnknownIntent(Exception):
    """The key was never given to this person for this purpose, or is older than a week. The message is Chinese."""


@dataclass(frozen=True)
class Result:
    """What came of it: a Chinese sentence, where to look, and success, warning or error."""

    message: str
    url: str = ""
    level: str = "success"
    again: bool = False


def issue(person: Person, purpose: str, payload: Mapping[str, Any] | None = None) -> Intent:
    """Make a key for one execution of `purpose` and forget this person's old ones."""
    Intent.objects.filter(person=person, made_at__lt=timezone.now() - KEEP).delete()
    return Intent.objects.create(person=person, purpose=purpose, payload=dict(payload or {}))


def look(person: Person, key: str, purpose: str) -> Intent:
    """Return the intent of a key without using it. Raises UnknownIntent."""
    # PostgreSQL knows no NUL, and a key has none
    found = None if "\0" in key else Intent.objects.filter(person=person, key=key, purpose=purpose).first()
    if found is None:
        raise UnknownIntent("这次确认已失效（可能已超过 7 天，或换了登录人）。请回到列表重新操作。")
    return found


def used(person: Person, key: str, purpose: str) -> Intent | None:
    """Return the intent of a form that is sent a second time: what it then did is shown instead of its errors."""
    try:
        intent = look(person, key, purpose)
    except UnknownIntent:
        return None
    return intent if intent.used_at else None


def once(person: Person, key: str, purpose: str, work: Callable[[Intent], Result]) -> Result:
    """Do `work` if the key is unused, in one transaction with marking it; else return the first result.

    Raises UnknownIntent, and whatever `work` raises (then the key stays unused).
    """
    with transaction.atomic():
        intent = Intent.objects.select_for_update().get(pk=look(person, key, purpose).pk)
        if intent.used_at is not None:
            return Result(intent.message, intent.url, intent.level, again=True)
        result = work(intent)
        intent.used_at = timezone.now()
        intent.message, intent.level, intent.url = result.message[:500], result.level, result.url
        intent.save(update_fields=["used_at", "message", "level", "url"])
    return result
