"""What the platform holds: relations as 1317 and 5163 tell them, read by whatever table the edition gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from insurance.exchange.answers import Answer
from insurance.exchange.handlers import Ask
from insurance.mapping.choices import Verdict
from insurance.mapping.models.relations import OPEN_END
from insurance.specification.books import Book
from insurance.specification.model import Node

IN_FORCE, VERDICTS = "mapping.in_force", "mapping.verdicts"
# 1317 gives what changed since: everything. hsa-his recommends pages of 500 and takes no more than 1000 (1317.csv).
BEGINNING = "2000-01-01"
PAGE_SIZE = 500
MOST_PAGES = 20_000
ID_FIELDS = ("medins_list_codg", "medins_hilist_id", "fixmedins_hilist_id")
NAME_FIELDS = ("medins_list_name", "medins_hilist_name", "fixmedins_hilist_name")


class PageFault(Exception):
    """The pages of one answer do not fit together: the words say how, in Chinese."""


@dataclass(frozen=True)
class Held:
    """One relation as the platform told it. `enddate` OPEN_END where it named none; `verdict` "" where 1317 told it."""

    list_type: str
    hilist_id: str
    name: str
    code: str
    begndate: dt.date | None
    enddate: dt.date
    valid: bool
    chk_stas: str
    verdict: str
    words: str
    rid: str
    updt_time: dt.datetime | None
    raw: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str, dt.date | None]:
        """Kind, item, code and begin: what tells two relations apart."""
        return self.list_type, self.hilist_id, self.code, self.begndate


def verdict_of(chk_stas: str) -> str:
    """Return what a code of 审核状态 means (setting MAPPING_CHK_STAS); an unknown one leaves the relation waiting."""
    word = known_codes().get(chk_stas.strip(), "")
    return word if word in Verdict.values else Verdict.WAITING.value


def known_codes() -> dict[str, str]:
    """Return code of 审核状态 → verdict, as the setting says."""
    return {code.strip(): word.strip() for code, _, word in (pair.partition("=") for pair in settings.MAPPING_CHK_STAS)}


def tells_verdicts(book: Book) -> bool:
    """Say whether the edition's query for verdicts names an audit state; where it does not, 1317 stands in for it."""
    node = _row_node(book, VERDICTS)
    return node is not None and "chk_stas" in node.fields


def is_paged_by_row(book: Book, infno: str) -> bool:
    """Say whether a query goes on by begnrow (5163) instead of page_num (1317)."""
    return any("begnrow" in node.fields for node in book.transaction(infno).input.walk())


def held_by(ask: Ask, book: Book, purpose: str, **filters: str) -> Iterator[Held]:
    """Yield every relation that a query of `purpose` tells, over all its pages. Raises PlatformError, PageFault.

    `filters`: list_type, hilist_id, code; the table says under which names they travel.
    """
    route = book.route(purpose)
    known = book.transaction(route.infno).input.children[route.node].fields
    names = {"list_type": ("list_type",), "hilist_id": ID_FIELDS, "code": ("med_list_codg",)}
    row = {next(name for name in names[key] if name in known): value for key, value in filters.items()}
    turn = _by_row if is_paged_by_row(book, route.infno) else _by_page
    for told in turn(ask, book, route.infno, route.node, row):
        yield held_of(told)


def _by_page(ask: Ask, book: Book, infno: str, node: str, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    total: int | None = None
    seen = 0
    for number in range(1, MOST_PAGES):
        asked = {**row, "updt_time": BEGINNING, "page_num": str(number), "page_size": str(PAGE_SIZE)}
        answer = ask(infno, {node: asked})
        rows = _rows(answer)
        counted = _whole(answer.output.values.get("recordCounts"))
        if number > 1 and counted != total:
            raise PageFault(f"翻页时总数由 {total} 变为 {counted}")
        total = counted
        seen += len(rows)
        yield from rows
        if not rows or len(rows) < PAGE_SIZE or (total is not None and seen >= total):
            break
    if total is not None and seen < total:
        raise PageFault(f"平台说有 {total} 条，翻完只有 {seen} 条")


def _by_row(ask: Ask, book: Book, infno: str, node: str, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    begin, total = 1, None
    for _ in range(MOST_PAGES):
        answer = ask(infno, {node: {**row, "begnrow": str(begin)}})
        rows = _rows(answer)
        counted = next((_whole(one.get("totlcnt")) for one in _all(answer) if "totlcnt" in one), None)
        if total is not None and counted != total:
            raise PageFault(f"翻页时总数由 {total} 变为 {counted}")
        total = counted
        yield from rows
        begin += len(rows)
        # Without a total nobody says when it ends but an empty page.
        if not rows or (total is not None and begin > total):
            break
    if total is not None and begin <= total:
        raise PageFault(f"平台说有 {total} 条，翻完只有 {begin - 1} 条")


def _rows(answer: Answer) -> list[dict[str, Any]]:
    node = _node_of(answer.transaction.output) if answer.transaction else None
    return answer.output.rows(node.path) if node is not None else []


def _all(answer: Answer) -> Iterator[Mapping[str, Any]]:
    yield answer.output.values
    yield from (answer.output.row(node.path) for node in answer.output.node.walk() if not node.many)


def _row_node(book: Book, purpose: str) -> Node | None:
    return _node_of(book.transaction(book.route(purpose).infno).output)


def _node_of(output: Node) -> Node | None:
    """Return the output's node that carries relations."""
    return next((node for node in output.walk() if "med_list_codg" in node.fields), None)


def held_of(row: Mapping[str, Any]) -> Held:
    """Return a relation from a row of either query, in whatever spelling its table has."""
    chk_stas = _text(row.get("chk_stas"))
    verdict = verdict_of(chk_stas) if chk_stas else ""
    return Held(
        list_type=_text(row.get("list_type")),
        hilist_id=_first(row, ID_FIELDS),
        name=_first(row, NAME_FIELDS),
        code=_text(row.get("med_list_codg")),
        begndate=day_of(row.get("begndate")),
        enddate=min(day_of(row.get("enddate")) or OPEN_END, OPEN_END),
        valid=_text(row.get("vali_flag")) in ("", "1"),
        chk_stas=chk_stas,
        verdict=verdict,
        # No table names a field for the bureau's opinion; where it turns a relation down, 备注 is where it can stand.
        words=_text(row.get("memo")) if verdict in (Verdict.FAILED, Verdict.RETURNED) else "",
        rid=_text(row.get("rid")),
        updt_time=moment_of(row.get("updt_time")),
        raw={name: _plain(value) for name, value in row.items() if value not in (None, "")},
    )


def day_of(value: object) -> dt.date | None:
    """Return the day of a date, a time or text in whatever form messages carry it; None where there is none."""
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return parse_date(_text(value)[:10].replace("/", "-"))
    except ValueError:
        return None


def moment_of(value: object) -> dt.datetime | None:
    """Return a time, aware; a bare day is its beginning."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value.strip().replace("/", "-")) or parse_date(value.strip()[:10])
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        return value if timezone.is_aware(value) else timezone.make_aware(value)
    if isinstance(value, dt.date):
        return timezone.make_aware(dt.datetime.combine(value, dt.time.min))
    return None


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((_text(row.get(name)) for name in names if row.get(name) not in (None, "")), "")


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)


def _whole(value: object) -> int | None:
    if isinstance(value, Decimal | int):
        return int(value)
    text = _text(value)
    return int(text) if text.isdecimal() else None
