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


def held_by(ask: Ask, book: Book, purpose: str, *, own: str, **filters: str) -> Iterator[Held]:
    """Yield every relation of the hospital `own` that a query of `purpose` tells, over all its pages.

    `filters`: list_type, hilist_id, code; the table says under which names they travel. Raises PlatformError,
    PageFault.
    """
    route = book.route(purpose)
    known = book.transaction(route.infno).input.children[route.node].fields
    names = {"list_type": ("list_type",), "hilist_id": ID_FIELDS, "code": ("med_list_codg",)}
    row = {next(name for name in names[key] if name in known): value for key, value in filters.items()}
    row |= {"fixmedins_code": own} if "fixmedins_code" in known else {}
    turn = _by_row if is_paged_by_row(book, route.infno) else _by_page
    for told in turn(ask, book, route.infno, route.node, row):
        if is_own(told, own):
            yield held_of(told)


def is_own(row: Mapping[str, Any], own: str) -> bool:
    """Say whether a row speaks of the hospital `own` ("": whichever): another's item number proves nothing of ours."""
    return not own or _text(row.get("fixmedins_code")) in ("", own)


def _by_page(ask: Ask, book: Book, infno: str, node: str, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    turning = _Turning()
    for number in range(1, MOST_PAGES):
        asked = {**row, "updt_time": BEGINNING, "page_num": str(number), "page_size": str(PAGE_SIZE)}
        answer = ask(infno, {node: asked})
        rows = _rows(answer)
        turning.take(rows, _whole(answer.output.values.get("recordCounts")))
        yield from rows
        if len(rows) < PAGE_SIZE or turning.has_all:
            pages = _whole(answer.output.values.get("pages"))
            if turning.total is None and rows and pages is not None and pages > number:
                raise PageFault(f"平台说有 {pages} 页，第 {number} 页却不满 {PAGE_SIZE} 条")
            turning.end()
            return
    raise PageFault(f"翻了 {MOST_PAGES} 页还没有完")


def _by_row(ask: Ask, book: Book, infno: str, node: str, row: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    turning = _Turning()
    for _ in range(MOST_PAGES):
        answer = ask(infno, {node: {**row, "begnrow": str(turning.seen + 1)}})
        rows = _rows(answer)
        turning.take(rows, next((_whole(one.get("totlcnt")) for one in _all(answer) if "totlcnt" in one), None))
        yield from rows
        # Without a total nobody says when it ends but an empty page.
        if not rows or turning.has_all:
            turning.end()
            return
    raise PageFault(f"翻了 {MOST_PAGES} 页还没有完")


class _Turning:
    """How far the pages of one answer came: `seen` rows of `total` (None where the platform tells none)."""

    def __init__(self) -> None:
        self.seen = 0
        self.total: int | None = None
        self._before: list[dict[str, Any]] = []

    @property
    def has_all(self) -> bool:
        return self.total is not None and self.seen >= self.total

    def take(self, rows: list[dict[str, Any]], total: int | None) -> None:
        """Take one page. Raises PageFault: it is the page before, or the total moved."""
        if rows and rows == self._before:
            raise PageFault("平台翻页后给出的内容与前一页相同")
        if None not in (total, self.total) and total != self.total:
            raise PageFault(f"翻页时总数由 {self.total} 变为 {total}")
        self.total = self.total if total is None else total
        self.seen += len(rows)
        self._before = rows

    def end(self) -> None:
        """Raise PageFault when the platform promised more than it gave."""
        if self.total is not None and self.seen < self.total:
            raise PageFault(f"平台说有 {self.total} 条，翻完只有 {self.seen} 条")


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
