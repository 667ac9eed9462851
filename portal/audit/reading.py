"""Reading the audit is itself audited: who looked at what, once in a while, not each page turned."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.audit.services import record
from portal.people.actor import Actor

QUIET = timedelta(minutes=10)


def note_reading(actor: Actor, action: str, label: str, subjects: tuple[str, ...] = ()) -> AuditEvent | None:
    """Record that `actor` read the audit; the same again within ten minutes is one reading (then None)."""
    label = label[:200]
    since = timezone.now() - QUIET
    lately = AuditEvent.objects.filter(
        institution=actor.institution, person=actor.person, action=action, label=label, at__gt=since
    )
    return None if lately.exists() else record(actor, action, subjects, label=label)
