"""How long messages are kept, by class: what may go goes at night, what is protected only by two persons and archived.

The classes are data (data/retention.csv, the first fitting row): by effect, room and number of the index. The database
itself refuses any other deletion (migration 0003): its functions ask the rule, or the order of two persons, row by row.
"""

from __future__ import annotations

import csv
import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

from django.conf import settings
from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone

from insurance.exchange.keeping import LEAST_BODY_DAYS, LEAST_HEAD_DAYS
from insurance.exchange.masking import DATA
from insurance.exchange.models import CallBody, Connection, PruneOrder, PruneRun, RetentionRule
from insurance.specification.books import Book, open_book
from portal.audit.seals import note_pruned
from portal.audit.services import record
from portal.people.actor import Actor

log = logging.getLogger(__name__)

BODIES, EVENTS = "exchange.bodies", "exchange.events"
CHUNK = 2000
DROP_TRIES, DROP_PAUSE = 50, 0.1
BEGINNING = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
Progress = Callable[[int, str], None]


class RetentionRefused(Exception):
    """Not changed; the message is Chinese and says why."""


@lru_cache(maxsize=1)
def _classes() -> tuple[Mapping[str, str], ...]:
    with open(DATA / "retention.csv", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def class_of(infno: str, effect: str, room: str) -> str:
    """Return the class of a transaction: the first row of retention.csv that fits."""
    return next(row["code"] for row in _classes() if _fits(row, infno, effect, room))


def _fits(row: Mapping[str, str], infno: str, effect: str, room: str) -> bool:
    if infno in row["infnos"].split():
        return True
    if not row["effects"] and not row["rooms"]:
        return True
    by_effect = not row["effects"] or effect in row["effects"].split()
    return by_effect and (not row["rooms"] or room in row["rooms"].split())


def keep_rules() -> list[RetentionRule]:
    """Make the rules that are missing and fill in which transactions belong to each; days stay as they were set."""
    members: dict[str, set[str]] = {}
    for book in _books():
        for infno, row in book.index.items():
            code = class_of(infno, row.cells["effect"], row.cells["room"])
            members.setdefault(code, set()).add(infno)
    return [_keep(place, row, sorted(members.get(row["code"], set()))) for place, row in enumerate(_classes())]


def _books() -> Iterable[Book]:
    editions = {settings.PLATFORM_EDITION, *Connection.objects.values_list("edition", flat=True)}
    return [open_book(edition, settings.PLATFORM_EDITION_DIR) for edition in sorted(editions)]


def _keep(place: int, row: Mapping[str, str], infnos: list[str]) -> RetentionRule:
    rule, _ = RetentionRule.objects.get_or_create(
        code=row["code"],
        defaults={
            "label": row["label"],
            "protected": row["protected"] == "1",
            "body_days": int(row["body_days"]) if row["body_days"] else None,
            "head_days": int(row["head_days"]) if row["head_days"] else None,
        },
    )
    if (rule.order, rule.label, rule.infnos) != (place, row["label"], infnos):
        rule.order, rule.label, rule.infnos = place, row["label"], infnos
        rule.save(update_fields=["order", "label", "infnos", "changed_at"])
    return rule


@transaction.atomic
def set_days(actor: Actor, *, rule: RetentionRule, body_days: int, head_days: int, reason: str) -> None:
    """Set how many days a class that may go is kept. Raises NotAllowed, RetentionRefused."""
    actor.must("system.manage")
    held = RetentionRule.objects.select_for_update().get(pk=rule.pk)
    if held.protected:
        raise RetentionRefused(f"「{held.label}」受保护，长期保存，没有期限可改。")
    if body_days < LEAST_BODY_DAYS or head_days < LEAST_HEAD_DAYS or head_days < body_days:
        raise RetentionRefused(
            f"报文至少保存 {LEAST_BODY_DAYS} 天，记录至少保存 {LEAST_HEAD_DAYS} 天，且不短于报文。请改正后再保存。"
        )
    before = [held.body_days, held.head_days]
    held.body_days, held.head_days, held.changed_by = body_days, head_days, actor.name[:50]
    held.save(update_fields=["body_days", "head_days", "changed_by", "changed_at"])
    record(
        actor, "exchange.retention", [held], label=f"修改保存期限：{held.label}", reason=reason,
        before=before, after=[body_days, head_days],
    )  # fmt: skip


def prune(note: Progress = lambda number, words: None) -> dict[str, int]:
    """Take away what no rule keeps any longer: bodies first, heads with their events later. Returns counts by label."""
    done: dict[str, int] = {}
    for rule in keep_rules():
        if rule.protected:
            continue
        if rule.body_days is not None:
            done[f"{rule.label}报文"] = prune_bodies(rule, note)
        if rule.head_days is not None:
            done[f"{rule.label}记录"] = prune_heads(rule, note)
    return done


def cut_of(days: int) -> dt.datetime:
    """Return the moment before which something kept for `days` may go."""
    return timezone.now() - dt.timedelta(days=days)


def since_of(rule: RetentionRule, part: str) -> dt.datetime:
    """Return from when on a run has to look: where the last one stopped, from the beginning after a change."""
    last = rule.runs.filter(part=part).order_by("-pk").first()
    return last.before if last is not None and last.at > rule.changed_at else BEGINNING


def prune_bodies(rule: RetentionRule, note: Progress) -> int:
    """Delete the bodies of a class that are due by its rule; each chunk is a transaction."""
    until, since = cut_of(rule.body_days or 0), since_of(rule, "body")
    reason = f"保存期限：{rule.label} {rule.body_days} 天"
    gone = 0
    while True:
        with transaction.atomic():
            keys = _call("exchange_prune_bodies", rule.code, since, until, CHUNK)
            if keys:
                note_pruned(BODIES, keys, reason)
        gone += len(keys)
        note(gone, f"清理{rule.label}报文")
        if len(keys) < CHUNK:
            break
    # What had to stay, because it is still being decided, is where the next night begins.
    oldest = _due(rule, since, until).order_by("at").values_list("at", flat=True).first()
    PruneRun.objects.create(rule=rule, part="body", before=oldest or until, count=gone)
    return gone


def prune_archived(order: PruneOrder, archived: Iterable[int], note: Progress) -> int:
    """Delete the bodies that two persons' order names, given as they were read back from its archive."""
    gone = 0
    for keys in batched(archived, CHUNK):
        with transaction.atomic():
            taken = _call("exchange_prune_archived", order.pk, list(keys))
            if taken:
                note_pruned(BODIES, taken, f"保存期限：{order.rule.label} {order.reason}")
        gone += len(taken)
        note(gone, f"清理{order.rule.label}报文")
    PruneRun.objects.create(rule=order.rule, part="body", before=_order_cut(order), count=gone)
    return gone


def batched(keys: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    """Yield keys in tuples of at most `size`."""
    rest = iter(keys)
    while chunk := tuple(islice(rest, size)):
        yield chunk


def _order_cut(order: PruneOrder) -> dt.datetime:
    return dt.datetime.combine(order.before, dt.time(), timezone.get_default_timezone())


def prune_heads(rule: RetentionRule, note: Progress) -> int:
    """Delete the calls of a class whose bodies are gone and whose heads are due, with their events."""
    until, gone = cut_of(rule.head_days or 0), 0
    since = since_of(rule, "head")
    while True:
        with transaction.atomic():
            keys = _call("exchange_prune_heads", rule.code, since, until, CHUNK)
            if keys:
                note_pruned(EVENTS, keys, f"保存期限：{rule.label}记录 {rule.head_days} 天")
        gone += len(keys)
        note(gone, f"清理{rule.label}记录")
        if not keys:
            break
    PruneRun.objects.create(rule=rule, part="head", before=until, count=gone)
    return gone


def _call(name: str, *values: str | int | dt.datetime | list[int]) -> list[int]:
    places = ", ".join(["%s"] * len(values))
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {name}({places})", values)
        return list(cursor.fetchone()[0])


def due_bodies(rule: RetentionRule, most: int = 10_001) -> int:
    """Return how many bodies of a class are due now, counted up to `most`."""
    if rule.protected or rule.body_days is None:
        return 0
    return int(_due(rule, since_of(rule, "body"), cut_of(rule.body_days)).values("pk")[:most].count())


def _due(rule: RetentionRule, since: dt.datetime, until: dt.datetime) -> QuerySet[CallBody]:
    found: QuerySet[CallBody] = CallBody.objects.filter(
        at__gte=since,
        at__lt=until,
        month__gte=since.date().replace(day=1) - dt.timedelta(days=31),
        call__infno__in=rule.infnos,
    )
    return found


MONTHS = """
SELECT part.relname FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
WHERE inhparent = 'exchange_callbody'::regclass AND part.relname ~ '^exchange_callbody_[0-9]{6}$' ORDER BY 1
"""


def drop_months(note: Progress = lambda number, words: None) -> list[str]:
    """Detach and drop the months of bodies in which every row is due, or none is left; returns their names."""
    dropped = []
    days = [rule.body_days for rule in RetentionRule.objects.filter(protected=False) if rule.body_days is not None]
    if not days:
        return []
    last = cut_of(max(days)).strftime("%Y%m")
    with database.cursor() as cursor:
        cursor.execute(MONTHS)
        names = [name for (name,) in cursor.fetchall() if name[-6:] < last]
    for name in names:
        if _drop_when_quiet(name):
            dropped.append(name)
            note(len(dropped), f"整月清理 {name[-6:]}")
    return dropped


def _drop_when_quiet(name: str) -> bool:
    """Drop a month between two messages; where delivery or a long reading never pauses, another night does it."""
    for _ in range(DROP_TRIES):
        try:
            return _drop(name)
        except OperationalError as error:
            log.info("dropping %s: %s", name, type(error).__name__)
            time.sleep(DROP_PAUSE)
    return False


def _drop(name: str) -> bool:
    kept = f"""SELECT EXISTS (
      SELECT 1 FROM {name} AS body JOIN exchange_call AS head ON head.id = body.call_id
      WHERE exchange_still_open(head.id) OR NOT EXISTS (
        SELECT 1 FROM exchange_retentionrule AS rule WHERE NOT rule.protected AND rule.infnos ? head.infno
        AND body.at < now() - make_interval(days => rule.body_days)))"""
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '3s'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"LOCK TABLE {name} IN SHARE MODE")
        cursor.execute(kept)
        if cursor.fetchone()[0]:
            return False
        cursor.execute(f"SELECT array_agg(id ORDER BY id) FROM {name}")
        keys = cursor.fetchone()[0] or []
        if keys:
            note_pruned(BODIES, keys, f"保存期限：整月 {name[-6:]} 均已到期")
        # Both are needed alone for a moment. Waiting for one while holding the other would stop delivery, which takes
        # both, or end its transaction as a deadlock.
        cursor.execute("LOCK TABLE exchange_call, exchange_callbody IN ACCESS EXCLUSIVE MODE NOWAIT")
        cursor.execute(f"ALTER TABLE exchange_callbody DETACH PARTITION {name}")
        cursor.execute(f"DROP TABLE {name}")
    return True
