"""Writing the audit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from portal.audit.acts import gather
from portal.audit.context import origin
from portal.audit.models import AuditEvent
from portal.people.actor import Actor


def subject_of(thing: models.Model) -> str:
    """Return the name under which a record stands in the audit and in submissions: `app.model:pk`."""
    return f"{thing._meta.label_lower}:{thing.pk}"


def record(
    actor: Actor,
    action: str,
    subjects: Iterable[models.Model | str] = (),
    *,
    label: str = "",
    reason: str = "",
    **detail: Any,
) -> AuditEvent:
    """Write one decision: `action` is `room.verb`, `subjects` the records it concerned.

    `detail` holds JSON values and never personal data. Call it inside the transaction of the change itself. Within
    `portal.audit.acts.one_act` the event is written with the act's others when the act ends, and has no key until then.
    """
    event = AuditEvent(
        institution=actor.institution,
        person=actor.person,
        actor_name=actor.signature[:50],
        action=action,
        label=label[:200],
        subjects=[thing if isinstance(thing, str) else subject_of(thing) for thing in subjects],
        detail=detail,
        reason=reason[:500],
        ip=actor.ip or None,
        origin=origin().name,
    )
    if not gather(event):
        event.save()
    return event
