"""Values that nobody has mapped yet, and the things that wait for them and go by themselves afterwards."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from portal.people.actor import Actor
from portal.people.models import Institution
from portal.privacy.traces import frames_of
from portal.tasks.models import Task
from portal.tasks.services import start
from portal.values.keys import MAX_VALUE, key_of
from portal.values.models import Waiting
from portal.values.registry import Waiter, find_waiter

log = logging.getLogger(__name__)

AT_ONCE = 500
NOTE = """
INSERT INTO values_missingvalue
    (institution_id, set_code, source, key, source_label, count, first_seen, last_seen, settled_at)
SELECT %(institution)s, %(set)s, one.source, one.key, one.label, one.count, now(), now(), NULL
FROM unnest(%(sources)s::text[], %(keys)s::text[], %(labels)s::text[], %(counts)s::int[])
    AS one(source, key, label, count)
ON CONFLICT (institution_id, set_code, key) DO UPDATE SET
    count = values_missingvalue.count + excluded.count, last_seen = now(), settled_at = NULL,
    source_label = CASE WHEN excluded.source_label = '' THEN values_missingvalue.source_label
        ELSE excluded.source_label END
RETURNING key, id
"""


def note_missing(
    institution: Institution,
    dictionary: str,
    value: str,
    *,
    waiting: tuple[str, str] | None = None,
    label: str = "",
) -> None:
    """Note a value that nobody has mapped. `waiting` is (waiter's code, its reference) of what goes on afterwards."""
    references = [waiting[1]] if waiting else []
    note_many(institution, dictionary, {value: references}, waiter=waiting[0] if waiting else "", labels={value: label})


@transaction.atomic
def note_many(
    institution: Institution,
    dictionary: str,
    values: Mapping[str, Sequence[str]],
    *,
    waiter: str = "",
    labels: Mapping[str, str] | None = None,
) -> None:
    """Note many values of one set, each with the references of what waits for it (none: nothing waits).

    Noting again is harmless: a thing waits once for a value. Two statements for any number.
    """
    by_key = _gathered(values, labels or {})
    if not by_key:
        return
    keys = sorted(by_key)  # always in the same order, so that two files do not lock each other
    ids = _note(institution, dictionary, keys, by_key)
    rows = [
        Waiting(institution=institution, missing_id=ids[key], waiter=waiter, reference=reference)
        for key in keys
        for reference in sorted(by_key[key][2])
    ]
    Waiting.objects.bulk_create(
        rows,
        batch_size=5_000,
        update_conflicts=True,
        unique_fields=["missing", "waiter", "reference"],
        update_fields=["released_at", "words"],
    )


def _gathered(
    values: Mapping[str, Sequence[str]], labels: Mapping[str, str]
) -> dict[str, tuple[str, str, set[str], int]]:
    """Bring together what is one value in two spellings: key → first spelling, label, references, occurrences."""
    by_key: dict[str, tuple[str, str, set[str], int]] = {}
    for value, references in values.items():
        key = key_of(value)
        if key:
            source, label, known, count = by_key.get(key, (value.strip()[:MAX_VALUE], "", set(), 0))
            label = label or labels.get(value, "")[:MAX_VALUE]
            by_key[key] = (source, label, known | set(references), count + max(len(references), 1))
    return by_key


def _note(
    institution: Institution, dictionary: str, keys: list[str], by_key: Mapping[str, tuple[str, str, set[str], int]]
) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE,
            {
                "institution": institution.pk,
                "set": dictionary,
                "keys": keys,
                "sources": [by_key[key][0] for key in keys],
                "labels": [by_key[key][1] for key in keys],
                "counts": [by_key[key][3] for key in keys],
            },
        )
        return dict(cursor.fetchall())


def withdraw(institution: Institution, waiter: str, references: Iterable[str]) -> int:
    """Forget things that wait no longer (an import was given up); values that nothing waits for stay listed."""
    gone = Waiting.objects.filter(
        institution=institution, waiter=waiter, reference__in=list(references), released_at=None
    )
    return int(gone.delete()[0])


def ready(institution: Institution) -> QuerySet[Waiting]:
    """Return what may go on now: nothing it waits for is unmapped any more."""
    hindered = Waiting.objects.filter(
        institution=institution, waiter=OuterRef("waiter"), reference=OuterRef("reference"),
        released_at=None, missing__settled_at=None,
    )  # fmt: skip
    return Waiting.objects.filter(
        ~Exists(hindered), institution=institution, released_at=None, missing__settled_at__isnull=False
    )


def start_release(institution: Institution) -> Task | None:
    """Start the task that lets waiting things go, if there are any; one that is under way is enough."""
    if not ready(institution).exists():
        return None
    return start(Actor.system(institution, "值对照"), kind="values.release", source="值对照")


def release_some(institution: Institution) -> tuple[str, dict[str, str]] | None:
    """Let the next portion of one waiter's things go: the waiter's code and reference → words; None when none is left.

    Calling the waiter and marking the things released is one transaction, and what another run holds is left to it, so
    each goes once. A portion that breaks is done one by one, and the one that breaks is set aside with its words.
    """
    first = ready(institution).order_by("waiter", "id").first()
    if first is None:
        return None
    waiter = find_waiter(first.waiter)
    wanted = ready(institution).filter(waiter=first.waiter).order_by("id").values_list("reference", flat=True)
    references = list(dict.fromkeys(wanted[:AT_ONCE]))
    if waiter is None:
        return first.waiter, _mark(institution, first.waiter, dict.fromkeys(references, "此版本不能自动处理"))
    try:
        return first.waiter, _release(institution, waiter, references)
    except Exception as error:
        log.error("values: %s could not take %s: %s", waiter.code, len(references), frames_of(error))
    told: dict[str, str] = {}
    for reference in references:
        try:
            told |= _release(institution, waiter, [reference])
        except Exception as error:
            log.error("values: %s could not take one: %s", waiter.code, type(error).__name__)
            told |= _mark(institution, waiter.code, {reference: "程序出错，没有自动处理，请手工处理"})
    return first.waiter, told


@transaction.atomic
def _release(institution: Institution, waiter: Waiter, references: Sequence[str]) -> dict[str, str]:
    """Mark first, then call: what the waiter finds missing again it notes itself, and that must stay noted."""
    held = Waiting.objects.select_for_update(skip_locked=True).filter(
        institution=institution, waiter=waiter.code, reference__in=references, released_at=None
    )
    rows = list(held.order_by("id"))
    mine = list(dict.fromkeys(row.reference for row in rows))
    if not mine:
        return {}
    Waiting.objects.filter(pk__in=[row.pk for row in rows]).update(released_at=timezone.now())
    words = dict(waiter.release(institution, mine))
    told = {reference: words.get(reference, "已处理") for reference in mine}
    _say(rows, told)
    return told


def _mark(institution: Institution, waiter: str, words: Mapping[str, str]) -> dict[str, str]:
    """Set things aside without calling anybody."""
    rows = list(
        Waiting.objects.filter(institution=institution, waiter=waiter, reference__in=list(words), released_at=None)
    )
    Waiting.objects.filter(pk__in=[row.pk for row in rows]).update(released_at=timezone.now())
    _say(rows, words)
    return dict(words)


def _say(rows: Sequence[Waiting], words: Mapping[str, str]) -> None:
    for row in rows:
        row.words = words[row.reference][:300]
    Waiting.objects.bulk_update(rows, ["words"], batch_size=500)
