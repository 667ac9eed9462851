"""Reading the audit."""

from __future__ import annotations

from django.db import models

from portal.audit.models import AuditEvent
from portal.audit.services import subject_of
from portal.people.scope import ScopedQuerySet


def history(thing: models.Model | str) -> ScopedQuerySet[AuditEvent]:
    """Return every decision that concerned a record (or `app.model:pk`), newest first."""
    subject = thing if isinstance(thing, str) else subject_of(thing)
    events: ScopedQuerySet[AuditEvent] = AuditEvent.objects.filter(subjects__contains=[subject])
    return events.order_by("-id")
