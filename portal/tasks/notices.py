"""The bell: what ended, or was decided, while a person looked elsewhere.

    tell([person], "「科室核对」已完成。", url=task.get_absolute_url(), level="success")

Ended tasks tell those who asked for them by a sweep, exactly once, also when their worker was killed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Person
from portal.tasks.choices import TaskState
from portal.tasks.models import Notice, Task
from portal.tasks.registry import sweep

AT_ONCE = 200
KEEP = timedelta(days=30)
WORDS = {
    TaskState.DONE: ("已完成", "success"),
    TaskState.FAILED: ("失败", "danger"),
    TaskState.CANCELLED: ("已取消", "info"),
}


def tell(
    persons: Iterable[Person], text: str, *, url: str = "", level: str = "info", institution_id: int | None = None
) -> None:
    """Ring each person's bell inside the caller's transaction: `text` Chinese without personal data, `url` of ours."""
    Notice.objects.bulk_create(
        [
            Notice(person=person, text=text[:300], url=url[:300], level=level, institution_id=institution_id)
            for person in {person.pk: person for person in persons}.values()
        ]
    )


def notices_of(actor: Actor) -> QuerySet[Notice]:
    """Return what rang for the actor's person, here or without a place, newest first."""
    here = Q(institution=None) | Q(institution=actor.institution)
    return Notice.objects.filter(here, person=actor.person).order_by("-id")


def unseen(actor: Actor, most: int = 100) -> int:
    """Return how many notices the person has not seen, at most `most`."""
    return notices_of(actor).filter(seen_at=None).order_by().values("pk")[:most].count()


def see(actor: Actor, *, up_to: int) -> int:
    """Mark everything up to the notice `up_to` as seen; return how many were new."""
    return notices_of(actor).filter(seen_at=None, pk__lte=up_to).update(seen_at=timezone.now())


@sweep("tasks.notices", every=1.0)
def tell_ended() -> None:
    """Ring for tasks that ended, each once: the mark and the notice are one transaction."""
    with transaction.atomic():
        ended = Task.objects.filter(ended_at__isnull=False, told=False).order_by("pk")
        tasks = list(ended.select_for_update(skip_locked=True, of=("self",)).select_related("requested_by")[:AT_ONCE])
        Notice.objects.bulk_create([_notice(task, task.requested_by) for task in tasks if task.requested_by])
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(told=True)


@sweep("tasks.notices.prune", every=3600.0)
def prune_notices() -> None:
    """Forget notices after a month."""
    Notice.objects.filter(at__lt=timezone.now() - KEEP).delete()


def _notice(task: Task, person: Person) -> Notice:
    words, level = WORDS.get(TaskState(task.state), ("已结束", "info"))
    more = f"：{task.message}" if task.message and task.state != TaskState.DONE else "。"
    return Notice(
        person=person,
        institution_id=task.institution_id,
        text=f"「{task.label}」{words}{more}"[:300],
        url=task.get_absolute_url(),
        level=level,
    )
