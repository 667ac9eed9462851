"""What makes a relation acceptable: who may tie which kind, and all that can be wrong with code and period."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from insurance.catalogue import queries as catalogue
from insurance.catalogue.models import Item
from insurance.directory.errors import Fault
from insurance.directory.messages import book_of
from insurance.mapping.choices import ListType
from insurance.mapping.delivery.checks import WITHOUT_CATALOGUE
from insurance.mapping.delivery.messages import ADD, mapping_row, problems_of
from insurance.mapping.models import HospitalItem, Mapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.queries import standing_of
from insurance.specification.books import Book
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution

LETTERS = Path(__file__).parent / "data" / "letters.csv"
DRUGS, SERVICES, SUPPLIES = "mapping.drugs", "mapping.services", "mapping.supplies"
ITSELF = 0


@dataclass(frozen=True)
class Letters:
    """How codes of one kind begin; without beginnings anything may stand."""

    beginnings: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Ground:
    """What many relations of one institution are judged by, read at once."""

    book: Book
    rows: dict[tuple[str, str], Item]
    standing: dict[int, list[Mapping]] = field(default_factory=dict)


def action_of(list_type: str) -> str:
    """Return the right that tying a kind of items needs."""
    if list_type == ListType.SERVICE:
        return SERVICES
    return SUPPLIES if list_type == ListType.CONSUMABLE else DRUGS


def may_map(actor: Actor, list_type: str) -> bool:
    """Say whether the actor's role ties this kind."""
    return list_type in ListType.values and actor.may(action_of(list_type))


def must_map(actor: Actor, list_type: str) -> None:
    """Raise NotAllowed unless the role ties this kind; unattended work never ties anything (never without a person)."""
    if actor.person is None:
        raise NotAllowed("对码须由人员完成，系统账号不能代替。")
    if list_type not in ListType.values:
        raise NotAllowed("这不是平台的目录类别，不能对码。请先在院内收费项目里改正类别。")
    actor.must(action_of(list_type))


def mapped_by(actor: Actor) -> list[str]:
    """Return the kinds that the actor's role ties."""
    return [kind for kind in ListType.values if may_map(actor, kind)]


@cache
def letters() -> dict[str, Letters]:
    """Return list_type → how its codes begin (data/letters.csv, from mapping.md)."""
    with LETTERS.open(encoding="utf-8", newline="") as file:
        return {row["list_type"]: Letters(tuple(row["shapes"].split()), row["words"]) for row in csv.DictReader(file)}


def ground_for(institution: Institution, pairs: Iterable[tuple[HospitalItem, str]]) -> Ground:
    """Read what `faults_of` judges many items and codes by: a few queries however many there are."""
    every = list(pairs)
    by_kind: dict[str, set[str]] = {}
    for item, code in every:
        by_kind.setdefault(item.list_type, set()).add(code)
    rows = {
        (kind, code): row for kind, codes in by_kind.items() for code, row in catalogue.code_rows(kind, codes).items()
    }
    standing: dict[int, list[Mapping]] = {}
    for relation in standing_of(item for item, _ in every):
        standing.setdefault(relation.item_id, []).append(relation)
    return Ground(book_of(institution), rows, standing)


def first_day(item: HospitalItem, row: Item | None) -> dt.date:
    """Return the day from which a new relation holds when nobody says another: today, or when item or code begin."""
    begin = catalogue.validity(row)[0] if row is not None else None
    return max(day for day in (timezone.localdate(), item.begndate, begin) if day is not None)


def last_day(row: Item | None) -> dt.date:
    """Return the day until which a relation can hold: the code's end, or OPEN_END."""
    end = catalogue.validity(row)[1] if row is not None else None
    return min(OPEN_END, end or OPEN_END)


def faults_of(
    item: HospitalItem,
    code: str,
    begndate: dt.date,
    enddate: dt.date,
    *,
    replaces: Mapping | None = None,
    reason: str = "",
    ground: Ground | None = None,
) -> list[Fault]:
    """Return everything wrong with a relation, at once. `replaces` may be overlapped: it ends the day before.

    A begin further back than MAPPING_BACK_DAYS needs a `reason`. `ground` saves the queries where many are judged.
    """
    ground = ground or ground_for(item.institution, [(item, code)])
    row = ground.rows.get((item.list_type, code))
    found = [*_letter_faults(item.list_type, code), *_code_faults(item.list_type, code, row)]
    if enddate < begndate:
        found.append(Fault("enddate", "结束日期", f"{enddate} 早于开始日期 {begndate}。请改正日期"))
    if row is not None:
        found += _validity_faults(row, begndate, enddate)
    found += _overlap_faults(ground.standing.get(item.pk, []), begndate, enddate, replaces)
    found += _past_faults(begndate, reason)
    return found + _message_faults(item, code, begndate, enddate, ground.book)


def _letter_faults(list_type: str, code: str) -> Iterator[Fault]:
    rule = letters().get(list_type)
    if not code.strip():
        yield Fault("med_list_codg", "医疗目录编码", "没有填写。请选择一个编码")
    elif rule is not None and rule.beginnings and not code.startswith(rule.beginnings):
        kind = ListType(list_type).label
        yield Fault("med_list_codg", "医疗目录编码", f"{kind}的编码{rule.words}，{code} 不是。请选择同类的编码")


def _code_faults(list_type: str, code: str, row: Item | None) -> Iterator[Fault]:
    if row is None:
        if code.strip() and list_type not in WITHOUT_CATALOGUE:
            words = f"{code} 不在已下载的医保编码目录中。请核对编码；新编码请先在「医保编码目录」更新目录"
            yield Fault("med_list_codg", "医疗目录编码", words)
    elif not catalogue.validity(row)[2]:
        yield Fault("med_list_codg", "医疗目录编码", f"{code} 已停用（有效标志为无效）。请选择有效的编码")


def _validity_faults(row: Item, begndate: dt.date, enddate: dt.date) -> Iterator[Fault]:
    begin, end, _ = catalogue.validity(row)
    if begin is not None and begndate < begin:
        yield Fault("begndate", "开始日期", f"{begndate} 早于编码 {row.code} 的生效日期 {begin}。请不早于该日")
    if end is not None and enddate > end:
        yield Fault("enddate", "结束日期", f"{enddate} 晚于编码 {row.code} 的失效日期 {end}。请不晚于该日或换新编码")


def _overlap_faults(
    standing: Iterable[Mapping], begndate: dt.date, enddate: dt.date, replaces: Mapping | None
) -> Iterator[Fault]:
    for other in standing:
        if replaces is not None and other.pk == replaces.pk:
            continue
        if other.begndate <= enddate and other.enddate >= begndate:
            period = f"{other.begndate} 至 {'长期' if other.enddate == OPEN_END else other.enddate}"
            words = (
                f"与「{other.med_list_codg}」的对照（{period}，{other.get_state_display()}）重叠。请先终止它或改日期"
            )
            yield Fault("begndate", "有效期", words)


def _past_faults(begndate: dt.date, reason: str) -> Iterator[Fault]:
    most = settings.MAPPING_BACK_DAYS
    if begndate < timezone.localdate() - dt.timedelta(days=most) and len(reason.strip()) < 2:
        yield Fault("begndate", "开始日期", f"{begndate} 在 {most} 天以前。请改日期，或在备注里写明补对的原因")


def _message_faults(item: HospitalItem, code: str, begndate: dt.date, enddate: dt.date, book: Book) -> list[Fault]:
    """What 3301 requires and limits, by the specification that the institution's connection speaks."""
    tried: Any = Mapping(
        pk=ITSELF, institution=item.institution, item=item, list_type=item.list_type, med_list_codg=code,
        begndate=begndate, enddate=enddate,
    )  # fmt: skip
    return [Fault.of(problem) for problem in problems_of(mapping_row(tried, book), ADD, book) if problem.field]
