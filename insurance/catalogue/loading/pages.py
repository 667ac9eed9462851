"""Walking through what the platform gives page by page (1304 1312 1316 1317 1318 1319; protocol.md, section 7).

The tables know no node for the answer, and programs disagree: an array, `data` beside `recordCounts`, or one object.
All are read. What cannot be a sound list (a page that repeats, a count that changes, rows that are missing) is named.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings

from insurance.exchange.answers import Answer
from insurance.exchange.asking import ask
from insurance.exchange.connections import book_of
from insurance.exchange.queries import connection_of
from insurance.specification.model import Node
from portal.people.actor import Actor
from portal.tasks.run import TaskFailed

# What the platform takes at most (protocol.md, section 7), and the greatest page number that page_num can say.
GREATEST_SIZE = 1000
GREATEST_NUMBER = 9999
# A day before any catalogue of the platform.
FIRST_DAY = dt.date(2000, 1, 1)
COUNT, PAGES = "recordCounts", "pages"


class PagesUnsound(TaskFailed):
    """What came cannot be the whole list; the words say why. Nothing of it may be used."""


class PagesMoved(PagesUnsound):
    """The list changed while it was read: reading it again from the first page may do."""


class Stale(Exception):
    """What came is older than what is held; asked again it may be newer."""


@dataclass
class Walk:
    """How far a walk came, as JSON can keep it: hand it to `each_page` again to go on behind the last page yielded."""

    number: int = 0
    rows: int = 0
    total: int | None = None
    digests: list[str] = field(default_factory=list)
    ended: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as Load.place keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> Walk:
        """Return the walk that `as_json` described, a new one for None."""
        return cls(**kept) if kept else cls()


@dataclass(frozen=True)
class Page:
    """One page: its rows typed by the table (what cannot be read is text), and how many rows the platform says in all.

    `number` counts from 1. `total` and `pages` (how many pages) are None where the platform does not tell them.
    """

    number: int
    rows: list[dict[str, Any]]
    total: int | None
    pages: int | None = None


def page_size() -> int:
    """Return how many rows a page shall have."""
    return max(1, min(int(settings.CATALOGUE_PAGE_SIZE), GREATEST_SIZE))


def each_page(
    actor: Actor,
    purpose: str,
    filters: Mapping[str, Any] | None = None,
    updt_time: dt.date = FIRST_DAY,
    size: int | None = None,
    *,
    walk: Walk | None = None,
    insuplc_admdvs: str = "",
) -> Iterator[Page]:
    """Yield the pages of what changed since `updt_time`; wrap it in `asking.one_line` for a single connection.

    `purpose` is one of routes.csv (or an infno); filters that are not given go empty. `walk` is kept up to date, so
    that whoever stores it beside the rows can go on later. Raises PlatformError, PagesMoved, PagesUnsound.
    """
    walk, size = walk or Walk(), size or page_size()
    asked = {"updt_time": updt_time, "page_size": size, **(filters or {})}
    node = _input_node(actor, purpose)
    while not walk.ended:
        if walk.number >= GREATEST_NUMBER:
            raise PagesUnsound(f"平台给了 {walk.number} 页还没有完，已停止。请把每页行数改大，或联系平台。")
        message = {node: {**asked, "page_num": walk.number + 1}}
        page = _page(ask(actor, purpose, message, insuplc_admdvs=insuplc_admdvs), walk.number + 1)
        _step(walk, page, size)
        yield page


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the rows of a paged answer, whatever form it has."""
    if answer.transaction is None:
        return []
    node: Node = answer.transaction.output
    many = node if node.many else next((child for child in node.children.values() if child.many), node)
    return answer.output.rows(many.path)


def plain(value: Any) -> Any:
    """Return a typed value as JSON keeps it: numbers and dates as text."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        return value.replace("\0", "")  # which PostgreSQL cannot keep
    return f"{value:f}" if isinstance(value, Decimal) else value


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON keeps it, without what is empty."""
    return {name: plain(value) for name, value in row.items() if value is not None}


def _input_node(actor: Actor, purpose: str) -> str:
    book = book_of(connection_of(actor.institution))
    if purpose in book.routes:
        return book.route(purpose).node
    return next(iter(book.transaction(purpose).input.children))


def _page(answer: Answer, number: int) -> Page:
    values = answer.output.values
    return Page(number, rows_of(answer), _whole(values.get(COUNT)), _whole(values.get(PAGES)))


def _whole(told: object) -> int | None:
    return int(told) if isinstance(told, Decimal) and told == told.to_integral_value() else None


def _step(walk: Walk, page: Page, size: int) -> None:
    """Take one page into the walk and say whether it was the last. Raises PagesMoved, PagesUnsound."""
    digest = _digest(page.rows)
    if page.rows and digest in walk.digests:
        same = walk.digests.index(digest) + 1
        words = f"平台第 {page.number} 页与第 {same} 页内容相同，翻页不可信"
        raise PagesUnsound(f"{words}。请稍后重新更新，仍如此请联系平台。")
    if None not in (page.total, walk.total) and page.total != walk.total:
        words = f"读到第 {page.number} 页时平台所说总数由 {walk.total:,} 条变为 {page.total:,} 条"
        raise PagesMoved(f"{words}，数据正在变动。请稍后重新更新。")
    walk.number, walk.rows = page.number, walk.rows + len(page.rows)
    walk.total = page.total if walk.total is None else walk.total
    walk.digests.append(digest)
    full = len(page.rows) == size
    walk.ended = not full or (walk.total is not None and walk.number * size >= walk.total)
    if walk.ended and walk.total is not None and walk.rows != walk.total:
        raise PagesUnsound(_miscounted(walk, len(page.rows), size))
    if walk.ended and walk.total is None and page.rows and (page.pages or 0) > page.number:
        words = f"平台说共 {page.pages:,} 页，第 {page.number} 页却不满 {size} 条"
        raise PagesUnsound(f"{words}。{_smaller(len(page.rows), size)}")


def _miscounted(walk: Walk, last: int, size: int) -> str:
    words = f"平台说共 {walk.total:,} 条，{walk.number} 页只给出 {walk.rows:,} 条，名单不全。"
    if walk.total is not None and walk.rows > walk.total:
        words = f"平台说共 {walk.total:,} 条，却给出 {walk.rows:,} 条，数目对不上。"
    if walk.number == 1 and 0 < last < size:
        return f"{words}{_smaller(last, size)}"
    return f"{words}请稍后重新更新，仍如此请联系平台。"


def _smaller(rows: int, size: int) -> str:
    return f"平台可能限制了每页行数，请把每页行数（CATALOGUE_PAGE_SIZE，现为 {size}）改为 {rows} 再试。"


def _digest(rows: list[dict[str, Any]]) -> str:
    text = json.dumps([plain_row(row) for row in rows], ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
