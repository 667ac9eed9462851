"""A whole 1301 file taken in, against a bare COPY of the same file, in one run.

The portal's side is everything from the fetched ZIP on: unpacked, each row checked, copied, every index made, merged,
committed and analysed, so that the search finds it. The bare side is `COPY` of the unpacked text into a table of 97
text columns without an index. Both are timed in turn; the ratio is the median's. Memory is the process's greatest,
Python, Django and all.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection as database

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import kind_of
from insurance.catalogue.loading.files import load_file
from insurance.catalogue.models import Item, Load
from insurance.catalogue.queries import search_codes
from insurance.exchange.connections import book_of, first_connection
from portal.people.actor import Actor
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.run import Run

KIND = "1301"
WRITE = "import sys; from benchmarks import _catalogue_rows as made; made.main(sys.argv[1:])"


def main(arguments: list[str]) -> None:
    """Measure and print one last line: `catalogue rows= seconds= bare= ratio= mb=`."""
    parser = argparse.ArgumentParser(prog="script/bench catalogue")
    parser.add_argument("--rows", type=int, default=260_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    connection = first_connection()
    columns = [column.name for column in book_of(connection).layout(KIND).columns]
    with TemporaryDirectory() as folder:
        text, archive = _written(Path(folder), columns, given.rows)
        bare, portal = [], []
        for number in range(given.rounds):
            bare.append(bare_copy(text, columns))
            portal.append(portal_load(archive, given.rows))
            print(f"round={number + 1} bare={bare[-1]:.2f}s portal={portal[-1]:.2f}s", file=sys.stderr)
            last = number + 1 == given.rounds
            _again(archive, given.rows) if last else _empty()
    figures = statistics.median(portal), statistics.median(bare)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = statistics.median(mine / other for mine, other in zip(portal, bare, strict=True))
    print(
        f"catalogue rows={given.rows} seconds={figures[0]:.2f} bare={figures[1]:.2f} ratio={ratio:.2f} mb={memory:.0f}"
    )


def _written(folder: Path, columns: list[str], rows: int) -> tuple[Path, Path]:
    """Write the file in a process of its own, so that its memory is not counted."""
    text, archive = folder / "20261101130100.txt", folder / "20261101130100.txt.zip"
    words = [str(text), str(archive), str(rows), *columns]
    script = str(Path(__file__).resolve().parent.parent)
    subprocess.run([sys.executable, "-c", WRITE, *words], check=True, cwd=script)
    print(
        f"file: {rows:,} rows, {text.stat().st_size >> 20} MB, packed {archive.stat().st_size >> 20} MB",
        file=sys.stderr,
    )
    return text, archive


def bare_copy(text: Path, columns: list[str]) -> float:
    """Return the seconds of a COPY of the unpacked file into a bare table of text columns."""
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_bare")
        cursor.execute(f"CREATE TABLE bench_bare ({', '.join(f'{name} text' for name in columns)})")
        started = time.perf_counter()
        with cursor.copy("COPY bench_bare FROM STDIN WITH (NULL 'null')") as stream, text.open("rb") as file:
            while block := file.read(1 << 20):
                stream.write(block)
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_bare")
    return seconds


def portal_load(archive: Path, rows: int) -> float:
    """Return the seconds of the portal's whole way from the fetched archive to rows that the search finds."""
    connection = first_connection()
    actor = Actor.system(connection.institution, "测速")
    task = Task.objects.create(
        institution=actor.institution, kind="catalogue.refresh", label="测速", state=TaskState.RUNNING, attempt=1
    )
    load = Load.objects.create(infno=KIND, institution=actor.institution, task=task, data_cnt=rows)
    started = time.perf_counter()
    with Run(task) as run:
        load_file(run, load, kind_of(KIND), archive)
    seconds = time.perf_counter() - started
    Task.objects.filter(pk=task.pk).update(state=TaskState.DONE)
    _prove(load, rows)
    return seconds


def _prove(load: Load, rows: int) -> None:
    load.refresh_from_db()
    assert load.state == LoadState.DONE, load.words
    assert load.rows_read == rows, load.rows_read
    row = Item.objects.filter(infno=KIND, current=True).order_by("code")[rows // 2]
    assert row.pk in set(search_codes(f"{row.name[:3]} {row.maker[2:6]}").values_list("pk", flat=True))
    for _ in range(2):
        started = time.perf_counter()
        found = len(search_codes(row.name[:2])[:50])
        words = f"search: {found} of the first 50 rows in {(time.perf_counter() - started) * 1000:.1f} ms"
    print(words, file=sys.stderr)


def _again(archive: Path, rows: int) -> None:
    """Load the same file over the rows that are held, which changes nothing; its time is told on the side."""
    print(f"same file again: {portal_load(archive, rows):.2f}s", file=sys.stderr)


def _empty() -> None:
    with database.cursor() as cursor:
        cursor.execute("TRUNCATE catalogue_item")
