"""Half-filled forms, kept encrypted for a day so that a lock, a time-out or a power cut loses nothing.

The page's script (static/js/drafts.js) sends what is in a form marked `data-draft` every 15 seconds while it changes,
and takes it back into the form when the same person opens the same page of the same institution again.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Draft

KEEP = timedelta(hours=24)
MOST = 20  # of one person; the oldest give way
LONGEST = 200_000  # characters of one form
LONGEST_PATH = 300
Fields = list[tuple[str, str]]


class TooLong(Exception):
    """The form is too long to be kept. The message is Chinese."""


def save(actor: Actor, *, path: str, fields: Fields) -> datetime:
    """Keep what stands in the form of a page now; return when. Raises TooLong."""
    content = json.dumps(fields, ensure_ascii=False)
    if len(content) > LONGEST or len(path) > LONGEST_PATH:
        raise TooLong("这张表单太长，不能自动保存，请及时提交。")
    now = timezone.now()
    Draft.objects.update_or_create(
        person=actor.person, institution=actor.institution, path=path, defaults={"content": content, "saved_at": now}
    )
    own = Draft.objects.filter(person=actor.person).order_by("-saved_at").values_list("pk", flat=True)
    Draft.objects.filter(pk__in=list(own[MOST:])).delete()
    return now


def find(actor: Actor, path: str) -> tuple[datetime, Fields] | None:
    """Return when the actor's own form of a page was kept and what stood in it, None where there is none."""
    since = timezone.now() - KEEP
    kept = Draft.objects.filter(
        person=actor.person, institution=actor.institution, path=path[:LONGEST_PATH], saved_at__gte=since
    ).first()
    return (kept.saved_at, [(name, value) for name, value in json.loads(kept.content)]) if kept else None


def drop(actor: Actor, path: str) -> None:
    """Forget the form of a page: it was sent, or is not wanted any more."""
    Draft.objects.filter(person=actor.person, institution=actor.institution, path=path[:LONGEST_PATH]).delete()


def prune() -> int:
    """Delete what is older than a day; return how many."""
    return Draft.objects.filter(saved_at__lt=timezone.now() - KEEP).delete()[0]
