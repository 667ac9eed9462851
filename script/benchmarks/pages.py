"""How long list pages take over a million rows, measured on the server's side through the real views.

Two lists: 交易记录 (a ledger, paged by key) and a plain list of drugs (paged by number, sorted by code, searched by
characters and 拼音码). Each figure of the last line is the slower list's. Beside each stands what the bare statement of
the same page takes in the same run: ORDER BY … LIMIT 20, with OFFSET where the page is numbered, ILIKE for a search.
The 工作台 over the same ledger is measured too.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

SIZE = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
LEDGER, ITEMS = "/exchange/calls/", "/bench/items/"
NAMES = ("first", "last", "middle", "two", "three", "pinyin")


def main(arguments: list[str]) -> None:
    """Fill both lists, look at their pages, print one last line."""
    parser = argparse.ArgumentParser(prog="script/bench pages")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--looks", type=int, default=60, help="requests for each figure")
    given = parser.parse_args(arguments)
    from django.test import override_settings

    static = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    logging.getLogger("portal.requests").setLevel(logging.WARNING)  # a line a request would be most of the output
    with override_settings(ROOT_URLCONF="benchmarks._items", ALLOWED_HOSTS=["*"], STORAGES=storages(static)):
        random = Random(20261123)
        fill(given.rows, random)
        figures = measure(given.rows, given.looks, random)
    print(f"pages rows={given.rows} " + " ".join(f"{name}={value:g}" for name, value in figures.items()))


def storages(static: dict[str, Any]) -> dict[str, Any]:
    """Return the portal's storages with static files under their plain names: nothing is collected here."""
    from django.conf import settings

    return {**settings.STORAGES, **static}


def fill(rows: int, random: Random) -> None:
    """Make the drugs' table and COPY both lists full."""
    from django.db import connection

    from benchmarks import _items
    from insurance.exchange.connections import first_connection

    line = first_connection()
    with connection.schema_editor() as editor:
        editor.create_model(_items.Item)
    begun = time.perf_counter()
    copy("bench_item", _items.COLUMNS, _items.rows_of(line.institution, rows, random))
    copy("exchange_call", CALL_COLUMNS, calls_of(line, rows))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) bench_item")
        cursor.execute("VACUUM (ANALYZE) exchange_call")
    print(f"filled 2 × {rows:,} rows in {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def copy(table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Write rows by COPY."""
    from django.db import connection

    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as target:
        for row in rows:
            target.write_row(row)


CALL_COLUMNS = (
    "institution_id", "connection_id", "infno", "purpose", "effect", "state", "msgid", "inf_refmsgid", "opter",
    "opter_name", "insuplc_admdvs", "psn_no", "mdtrt_id", "setl_id", "digest", "row_count", "infcode", "words",
    "actor_name", "prepared_at", "sent_at", "answered_at", "applied_at", "apply_attempts", "apply_error",
)  # fmt: skip


def calls_of(line: Any, rows: int) -> Iterator[tuple[Any, ...]]:
    """Yield a year's calls in the order of their time: most accepted, some refused, few unknown."""
    step = timedelta(days=365) / rows
    for number in range(rows):
        at = START + number * step
        state = "unknown" if number % 997 == 0 else "refused" if number % 41 == 0 else "accepted"
        infno = ("2201", "2203", "2204", "2206", "2207", "3505", "5101", "1101")[number % 8]
        yield (
            line.institution_id, line.pk, infno, "", "query", state, f"B{number:029d}", f"R{number:012d}",
            f"op{number % 40}", f"演示{number % 40}", "441700", f"P{number % 90000:08d}", f"M{number // 6:09d}",
            f"S{number:09d}" if number % 6 == 0 else "", f"{number:064d}", 1, "0", "", "基准",
            at, at, at + timedelta(seconds=1), at + timedelta(seconds=1), 0, "",
        )  # fmt: skip


def measure(rows: int, looks: int, random: Random) -> dict[str, float]:
    """Return p95 of each kind of page and its ratio to the bare statement (medians), the slower list's of both."""
    browser = a_browser()
    sides: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    for name, label, url, bare in looks_of(rows, random):
        took, plain, cpu = look(browser, label, url, bare, looks)
        p95, ratio = percentile(took, 95), statistics.median(took) / statistics.median(plain)
        print(
            f"{name} {label}: p50={statistics.median(took):.1f} p95={p95:.1f} ms (own CPU {cpu:.1f}), bare p50="
            f"{statistics.median(plain):.2f} ms, ratio={ratio:.2f}",
            file=sys.stderr,
        )
        sides[name].append((p95, ratio))
    worst = {name: max(found) for name, found in sides.items()}
    desk = {"desk_p95_ms": round(desk_p95(browser, looks), 1)}
    return (
        desk
        | {f"{name}_p95_ms": round(worst[name][0], 1) for name in NAMES}
        | {f"{name}_ratio": round(worst[name][1], 2) for name in NAMES}
    )


def desk_p95(browser: Any, looks: int) -> float:
    """Return p95 of the 工作台 over the same ledger, whose days are counted first as the dispatcher would."""
    from insurance.exchange.statistics import count_days

    count_days()
    took, _, cpu = look(browser, "desk", lambda n: "/", lambda n: (newest(""), []), looks)
    print(f"desk: p50={statistics.median(took):.1f} ms (own CPU {cpu:.1f})", file=sys.stderr)
    return percentile(took, 95)


def a_browser() -> Any:
    """Return a client in which somebody of the insurance office is logged in."""
    from django.test import Client

    from portal.people.models import Institution, Membership, Person

    institution = Institution.objects.first_one()
    person = Person.objects.create_user(
        "bench", None, name="基准", must_change_password=False, current_institution=institution
    )
    Membership.objects.create(person=person, institution=institution, role="insurance_office", opter="bench")
    client = Client()
    client.force_login(person)
    return client


Statement = tuple[str, list[Any]]
Look = tuple[str, str, Callable[[int], str], Callable[[int], Statement]]


def looks_of(rows: int, random: Random) -> Iterator[Look]:
    """Yield what is looked at: figure, list, address of the n-th look, bare statement of the n-th look."""
    pages = (rows + SIZE - 1) // SIZE
    middle = [random.randrange(pages * 2 // 5, pages * 3 // 5) for _ in range(500)]
    terms = searched(random, 500)
    yield "first", "ledger", lambda n: LEDGER, lambda n: (newest(""), [])
    yield "last", "ledger", lambda n: f"{LEDGER}?after=0", lambda n: (newest("").replace("DESC", "ASC"), [])
    yield "middle", "ledger", lambda n: f"{LEDGER}?at={moment(rows, middle[n])}", lambda n: (
        newest("WHERE prepared_at <= %s"), [moment_of(rows, middle[n])]
    )  # fmt: skip
    yield "first", "list", lambda n: f"{ITEMS}?tab=all", lambda n: numbered(1)
    yield "last", "list", lambda n: f"{ITEMS}?tab=all&page={pages}", lambda n: numbered(pages)
    yield "middle", "list", lambda n: f"{ITEMS}?tab=all&page={middle[n]}", lambda n: numbered(middle[n])
    for place, name in enumerate(("two", "three", "pinyin")):
        column, mark = ("pinyin", "{}%") if name == "pinyin" else ("name", "%{}%")
        yield (
            name, "list",
            lambda n, place=place: f"{ITEMS}?tab=all&words={terms[n][place]}",  # type: ignore[misc]
            lambda n, place=place, column=column, mark=mark: like(column, mark.format(terms[n][place])),  # type: ignore[misc]
        )  # fmt: skip


def searched(random: Random, count: int) -> list[tuple[str, str, str]]:
    """Return what people type: two characters, three characters, the first letters of a name that is there."""
    from benchmarks._items import Item

    keys = random.sample(range(1, Item.objects.count() + 1), count)
    found = Item.objects.filter(pk__in=keys).values_list("name", "pinyin")
    return [(name[:2], name[2:5], pinyin[: 3 + len(name) % 3]) for name, pinyin in found]


def newest(where: str) -> str:
    """Return the bare statement of a page of the ledger."""
    return f"SELECT * FROM exchange_call {where} ORDER BY id DESC LIMIT {SIZE}"


def numbered(page: int) -> Statement:
    """Return the bare statement of a page of the plain list."""
    return f"SELECT * FROM bench_item ORDER BY code, id LIMIT {SIZE} OFFSET %s", [(page - 1) * SIZE]


def like(column: str, pattern: str) -> Statement:
    """Return the bare statement of a search."""
    return f"SELECT * FROM bench_item WHERE {column} ILIKE %s ORDER BY code, id LIMIT {SIZE}", [pattern]


def moment_of(rows: int, page: int) -> datetime:
    """Return a time in the ledger as far from its beginning as a page of the plain list."""
    return START + timedelta(days=365) / rows * (page * SIZE)


def moment(rows: int, page: int) -> str:
    """Return that time as the page's field has it."""
    from django.utils import timezone

    return timezone.localtime(moment_of(rows, page)).strftime("%Y-%m-%dT%H:%M")


def look(
    browser: Any, label: str, url: Callable[[int], str], bare: Callable[[int], Statement], looks: int
) -> tuple[list[float], list[float], float]:
    """Return milliseconds of the view and of the bare statement, in turn, and the view's own CPU (median).

    Fails when a page is not the one wanted. On a busy machine only the CPU says what a page costs.
    """
    took, plain, cpu = [], [], []
    for number in range(looks + 3):
        begun, used = time.perf_counter(), time.process_time()
        answer = browser.get(url(number))
        seconds, spent = time.perf_counter() - begun, time.process_time() - used
        if answer.status_code != 200 or "<tbody>" not in answer.content.decode():
            raise SystemExit(f"{label} {url(number)}: {answer.status_code} without rows")
        statement = run(*bare(number))
        if number >= 3:  # the first ones warm both sides
            took.append(seconds * 1000)
            plain.append(statement * 1000)
            cpu.append(spent * 1000)
    return took, plain, statistics.median(cpu)


def run(sql: str, values: list[Any]) -> float:
    """Return the seconds that a bare statement takes."""
    from django.db import connection

    with connection.cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute(sql, values)
        cursor.fetchall()
        return time.perf_counter() - begun


def percentile(values: list[float], percent: int) -> float:
    """Return the value below which so many per cent lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
