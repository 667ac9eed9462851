"""Putting mappings in force: earlier ones end where the new begin, in a few statements for any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Institution
from portal.values.choices import MappingState
from portal.values.errors import ValueRefused
from portal.values.models import ValueMapping

# What counted until now ends on the day the new one begins; begun on the same day, it never counted at all.
END_EARLIER = """
UPDATE values_valuemapping AS old SET until = new.begins,
    state = CASE WHEN new.begins <= %(today)s THEN 'ended' ELSE old.state END
FROM values_valuemapping AS new
WHERE new.id = ANY(%(ids)s) AND old.institution_id = new.institution_id AND old.set_code = new.set_code
    AND old.key = new.key AND old.state IN ('in_force', 'ended') AND old.begins <= new.begins
    AND (old.until IS NULL OR old.until > new.begins)
"""
# What is planned for later stays: the new one counts until then.
END_BEFORE_LATER = """
UPDATE values_valuemapping AS new SET until = later.begins
FROM (
    SELECT mine.id, min(old.begins) AS begins
    FROM values_valuemapping AS mine JOIN values_valuemapping AS old
        ON old.institution_id = mine.institution_id AND old.set_code = mine.set_code AND old.key = mine.key
    WHERE mine.id = ANY(%(ids)s) AND old.state IN ('in_force', 'ended') AND old.begins > mine.begins
        AND (old.until IS NULL OR old.until > old.begins)
    GROUP BY mine.id
) AS later
WHERE new.id = later.id AND (new.until IS NULL OR new.until > later.begins)
"""
SETTLE = """
UPDATE values_missingvalue AS missing SET settled_at = now()
WHERE missing.settled_at IS NULL AND (%(institution)s::bigint IS NULL OR missing.institution_id = %(institution)s)
    AND EXISTS (
        SELECT 1 FROM values_valuemapping AS found
        WHERE found.institution_id = missing.institution_id AND found.set_code = missing.set_code
            AND found.key = missing.key AND found.state IN ('in_force', 'ended') AND found.begins <= %(today)s
            AND (found.until IS NULL OR found.until > %(today)s)
    )
"""


def enforce(actor: Actor, set_code: str, rows: Sequence[ValueMapping]) -> None:
    """Put locked rows of one set in force, approved by the actor. Raises ValueRefused (one value twice)."""
    twice = next((key for key, count in Counter(row.key for row in rows).items() if count > 1), None)
    if twice is not None:
        raise ValueRefused(f"所选记录中院内值「{twice}」出现不止一次，请先处理其中一条。")
    ids, today = [row.pk for row in rows], timezone.localdate()
    with connection.cursor() as cursor:
        # one at a time for a set: two approvals of the same value would meet at the constraint
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"values:{actor.institution.pk}:{set_code}"])
        cursor.execute(END_EARLIER, {"ids": ids, "today": today})
        cursor.execute(END_BEFORE_LATER, {"ids": ids})
    ValueMapping.objects.filter(pk__in=ids).update(
        state=MappingState.IN_FORCE, approved_by=actor.person, approved_at=timezone.now(), words=""
    )
    settle(actor.institution)


def settle(institution: Institution | None = None) -> int:
    """Mark the missing values that a mapping answers today as settled; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, {"institution": institution.pk if institution else None, "today": timezone.localdate()})
        return int(cursor.rowcount)


def expire() -> int:
    """Move mappings whose last day has passed to 已结束; returns how many."""
    over = ValueMapping.objects.filter(state=MappingState.IN_FORCE, until__lte=timezone.localdate())
    return int(over.update(state=MappingState.ENDED))
