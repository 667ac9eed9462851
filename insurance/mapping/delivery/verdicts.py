"""The bureau's word on what it received: asked of 5163 where the edition has it, else seen in 1317."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from insurance.exchange.asking import ask, one_line
from insurance.exchange.connections import book_of
from insurance.exchange.errors import PlatformError
from insurance.exchange.queries import connection_of
from insurance.mapping.choices import Verdict
from insurance.mapping.delivery.looking import IN_FORCE, VERDICTS, Held, PageFault, held_by, known_codes, tells_verdicts
from insurance.mapping.delivery.outcomes import TOLD, note_verdicts
from insurance.mapping.models import Mapping
from insurance.specification.books import Book
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.run import Run, TaskFailed

# Up to so many waiting relations are asked for one by one; for more all of them are walked through.
FEW = 40


@dataclass
class Taken:
    """What the bureau said: verdict → how many relations it was news for, and codes of 审核状态 that nobody knows."""

    news: dict[str, int] = field(default_factory=dict)
    turned_down: list[Mapping] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def take_verdicts(run: Run) -> Taken:
    """Ask for the verdicts of what waits, keep them, and say what is new. Raises TaskFailed."""
    institution = run.actor.institution
    waiting = list(waiting_for_verdict(institution).select_related("item"))
    if not waiting:
        run.finish({"待局方审核": 0}, url=reverse("mapping:deliveries"))
        return Taken()
    run.progress(0, 2, f"查询 {len(waiting):,} 条对照的审核结果")
    book = book_of(connection_of(institution))
    rows = _asked(run, book, waiting)
    run.progress(1, 2, "写入审核结果")
    taken = keep_verdicts(run.actor, rows, passed_by_presence=not tells_verdicts(book))
    for code in sorted(taken.unknown):
        run.log(f"平台返回未知的审核状态「{code}」，按待局方审核处理。请信息科核对设置 MAPPING_CHK_STAS", "warning")
    run.progress(2, 2, "完成")
    left = waiting_for_verdict(institution).count()
    words = {str(verdict.label): taken.news.get(verdict.value, 0) for verdict in Verdict if verdict.value}
    run.finish(words | {"待局方审核": left}, url=reverse("mapping:deliveries"))
    return taken


def waiting_for_verdict(institution: Institution) -> QuerySet[Mapping]:
    """Return the relations that the platform took and the bureau has not judged."""
    found: QuerySet[Mapping] = Mapping.objects.filter(institution=institution, state__in=TOLD, verdict=Verdict.WAITING)
    return found


def _asked(run: Run, book: Book, waiting: Sequence[Mapping]) -> list[Held]:
    name = VERDICTS if tells_verdicts(book) else IN_FORCE
    items = sorted({(one.list_type, one.item.fixmedins_hilist_id) for one in waiting})
    asking = partial(held_by, partial(ask, run.actor), book, name, own=run.actor.institution.fixmedins_code)
    try:
        with one_line(run.actor):
            if len(items) > FEW:
                return list(asking())
            return [row for kind, item in items for row in asking(list_type=kind, hilist_id=item)]
    except PageFault as error:
        raise TaskFailed(f"审核结果没有查全：{error}。请稍后重试，原有结果未改动。") from error
    except PlatformError as error:
        raise TaskFailed(f"审核结果查询没有完成：{error.words}。平台恢复后请重试，原有结果未改动。") from error


@transaction.atomic
def keep_verdicts(actor: Actor, rows: Iterable[Held], *, passed_by_presence: bool) -> Taken:
    """Keep what `rows` say of our relations. `passed_by_presence`: they tell no state, but only what passed (1317)."""
    found = {row.key: row for row in rows}
    taken = Taken()
    news: dict[tuple[str, str], list[Mapping]] = {}
    ours = Mapping.objects.filter(institution=actor.institution, state__in=TOLD, told_at__isnull=False)
    for mapping in ours.select_related("item").select_for_update(of=("self",)).order_by("pk"):
        key = (mapping.list_type, mapping.item.fixmedins_hilist_id, mapping.med_list_codg, mapping.begndate)
        row = found.get(key)
        if row is None or not row.valid:
            continue
        if row.chk_stas and row.chk_stas not in known_codes():
            taken.unknown.add(row.chk_stas)
        said = row.verdict or (Verdict.PASSED.value if passed_by_presence else Verdict.WAITING.value)
        if (mapping.verdict, mapping.verdict_words) != (said, row.words[:500]):
            news.setdefault((said, row.words), []).append(mapping)
    for (verdict, words), mappings in news.items():
        note_verdicts(mappings, verdict, words)
        taken.news[verdict] = taken.news.get(verdict, 0) + len(mappings)
        taken.turned_down += mappings if verdict in (Verdict.FAILED, Verdict.RETURNED) else []
    if taken.turned_down:
        label = f"局方不通过 {len(taken.turned_down)} 条"
        record(actor, "mapping.verdict", taken.turned_down, label=label)
    return taken
