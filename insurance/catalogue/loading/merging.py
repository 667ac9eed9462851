"""From the lines of a file to the catalogue: COPY, checks that need all rows, and one transaction for all of it.

What is expensive at 260,000 rows of 97 columns, and what is done about it:

- Taking 97 columns apart in the database costs as much as COPY itself. So a row rests as the line it came in (`cells`)
  beside the few columns that are searched, which Python splits off while it checks them anyway (reading.py).
- Writing twice. A catalogue that is still empty is filled straight into a table of its own (`COPY … FREEZE`), gets its
  indexes there, all at once and in parallel, and becomes the partition at the end: nobody sees it before, and only
  that last moment locks out readers. Where rows are held already, a temporary table (no log) takes the file and one
  join says what is new, changed or the same; only what differs is written.
- Bigram indexes over six columns: see looks.py for the one that serves the search.

Nothing is committed before everything is right: problems raise Rejected and the transaction takes all of it back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db import connection as database
from psycopg import sql

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind
from insurance.catalogue.loading.door import finish
from insurance.catalogue.loading.problems import Problems
from insurance.catalogue.loading.reading import AGAIN, APART, COLUMNS, Reader
from insurance.catalogue.models import Item, Load
from insurance.specification.model import Layout
from portal.tasks.run import Run, TaskFailed

TABLE = Item._meta.db_table
MEMORY = "256MB"
# A sample of 9,000 rows tells the planner enough; three times as many take three times as long.
STATISTICS = 30
# So long a moment without readers is waited for, so often.
LOCK_PATIENCE, LOCK_TRIES = "2s", 30
# Fewer rows than this may end without a question, whatever their share.
FEW = 50
NOT_TRAILING = "regexp_replace({}.cells, '(\\tnull)+$', '')"


@dataclass
class Counts:
    """What a load did to the rows."""

    new: int = 0
    changed: int = 0
    ended: int = 0
    same: int = 0


def take_file(
    run: Run, load: Load, kind: Kind, layout: Layout, blocks: Iterable[bytes], *, accepted_by: str = ""
) -> None:
    """Read blocks of whole lines, check them and merge them in one transaction, which also ends `load`.

    `accepted_by`: the person who takes what asks a person. Raises Rejected with everything that is wrong, then nothing
    has changed.
    """
    reader = Reader(kind, layout)
    with transaction.atomic(durable=False):
        empty = not Item.objects.filter(infno=kind.infno).exists()
        _prepare(load, empty)
        if empty:
            _index(kind, of_past=True)
        _copy(run, load, reader, blocks, empty)
        _judge(load, reader)
        counts = Counts(new=reader.rows) if empty else _compare(load, kind, reader.problems)
        if accepted_by:
            reader.problems.accept(accepted_by)
        reader.problems.reject(str(kind))
        run.progress(reader.rows, reader.rows, f"{kind}：写入目录")
        if empty:
            _index(kind, of_past=False)
            run.fence()
            _become(kind)
        else:
            run.fence()
            _write(load, kind)
        _finish(load, reader, counts)
    if counts.new + counts.changed > FEW:
        with transaction.atomic():
            _execute(f"SET LOCAL default_statistics_target = {STATISTICS}")
            _execute(f"ANALYZE {TABLE}")


def _finish(load: Load, reader: Reader, counts: Counts) -> None:
    finish(
        load,
        LoadState.DONE,
        ver_to=reader.greatest,
        rows_read=reader.rows,
        rows_new=counts.new,
        rows_changed=counts.changed,
        rows_ended=counts.ended,
        rows_same=counts.same,
        remarks=reader.problems.as_json(),
        words="",
    )


# filling


def _fresh(infno: str) -> str:
    return f"{TABLE}_fresh_{infno}"


def _prepare(load: Load, empty: bool) -> None:
    """Make the table that takes the file: one that can become a partition, or one of this session."""
    fresh = _fresh(load.infno)
    _execute(f"SET LOCAL maintenance_work_mem = '{MEMORY}'")
    kind = "" if empty else "TEMPORARY "
    _execute(f"DROP TABLE IF EXISTS {fresh}")
    _execute(
        f"CREATE {kind}TABLE {fresh} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING STORAGE, CHECK (infno = %s))"
        f" WITH (toast_tuple_target = 8160, autovacuum_enabled = {'true' if empty else 'false'})",
        [load.infno],
    )
    _execute(f"ALTER TABLE {fresh} ALTER COLUMN cells SET STATISTICS 0")
    for column, value in (("infno", load.infno), ("current", True), ("load_id", load.pk)):
        _execute(f"ALTER TABLE {fresh} ALTER COLUMN {column} SET DEFAULT %s", [value])


def _copy(run: Run, load: Load, reader: Reader, blocks: Iterable[bytes], empty: bool) -> None:
    """Stream the file into the table."""
    fresh = _fresh(load.infno)
    freeze = ", FREEZE" if empty else ""
    copy = f"COPY {fresh} ({', '.join(COLUMNS)}) FROM STDIN WITH (DELIMITER '{APART}'{freeze})"
    with database.cursor() as cursor, cursor.copy(copy) as stream:
        for text in reader.read(blocks):
            stream.write(text)
            run.progress(reader.rows, load.data_cnt or 0, f"读入并检查：第 {reader.rows:,} 行")


# judging


def _judge(load: Load, reader: Reader) -> None:
    """Note what only all rows together show."""
    problems = reader.problems
    told = load.data_cnt
    if not reader.rows:
        problems.add("error", "文件里没有数据行", AGAIN)
    elif told is not None and told != reader.rows:
        loss = "文件可能不完整，采用后缺的行要全量更新才能补上" if reader.rows < told else "平台的行数说法有误"
        words = f"平台说有 {told:,} 行，文件里有 {reader.rows:,} 行"
        problems.add("ask", words, f"{loss}。请先重新更新；仍如此再由有权的人决定是否采用")
    _judge_duplicates(reader)
    if load.ver_from and reader.greatest and reader.greatest < load.ver_from:
        words = f"文件的最大版本 {reader.greatest} 不比本地的 {load.ver_from} 新"
        problems.add("remark", words, "只采用其中较新的行")


def _judge_duplicates(reader: Reader) -> None:
    """Note each record number that occurs twice, with its lines: rows were copied in the order of the file."""
    fresh = _fresh(reader.kind.infno)
    ((different,),) = _fetch(f"SELECT count(*) FROM (SELECT FROM {fresh} GROUP BY rid) AS rids")
    if different == reader.rows:
        return
    rows = _fetch(
        f"WITH lines AS (SELECT rid, row_number() OVER (ORDER BY id) AS line FROM {fresh}),"
        f" twice AS (SELECT rid FROM {fresh} WHERE rid NOT IN ('', 'null') GROUP BY rid HAVING count(*) > 1)"
        " SELECT rid, array_agg(line ORDER BY line) FROM lines JOIN twice USING (rid) GROUP BY rid ORDER BY 2"
    )
    label = reader.label(reader.layout.positions["rid"])
    for rid, numbers in rows:
        lines = [reader.line_of(number) for number in numbers[:5]]
        found = f"{rid}，见第 {'、'.join(f'{line:,}' for line in lines)} 行"
        reader.problems.add("error", "唯一记录号重复", AGAIN, column=label, line=lines[0], found=found)


def _compare(load: Load, kind: Kind, problems: Problems) -> Counts:
    """Say of each row that came what it is to the one held, and note an improbable number of ends."""
    held, fresh = _partition(kind.infno), _fresh(kind.infno)
    _execute(f"ANALYZE {fresh}")
    _execute("DROP TABLE IF EXISTS catalogue_verdict")
    unlike = f"f.cells <> h.cells AND {NOT_TRAILING.format('f')} <> {NOT_TRAILING.format('h')}"
    _execute(
        f"CREATE TEMPORARY TABLE catalogue_verdict ON COMMIT DROP AS SELECT f.id AS came, h.id AS held, CASE"
        f" WHEN h.id IS NULL THEN 'new' WHEN f.id IS NULL THEN 'gone'"
        f" WHEN f.ver < h.ver COLLATE \"C\" THEN 'older' WHEN NOT ({unlike}) THEN 'same'"
        f" WHEN h.vali_flag = '1' AND f.vali_flag <> '1' THEN 'ended' ELSE 'changed' END AS verdict"
        f" FROM {fresh} f {'FULL' if load.place.get('full') else 'LEFT'} JOIN"
        f" (SELECT id, rid, ver, vali_flag, cells FROM {held} WHERE current AND infno = %s) h ON h.rid = f.rid",
        [kind.infno],
    )
    found = dict(_fetch("SELECT verdict, count(*) FROM catalogue_verdict GROUP BY verdict"))
    older = found.get("older", 0)
    if older:
        problems.add("remark", f"{older:,} 行的版本比本地的旧", "保留本地的行")
    counts = Counts(found.get("new", 0), found.get("changed", 0), 0, found.get("same", 0) + older)
    counts.ended = found.get("ended", 0) + found.get("gone", 0)
    _judge_ends(kind, counts.ended, found.get("gone", 0), problems)
    return counts


def _judge_ends(kind: Kind, ended: int, gone: int, problems: Problems) -> None:
    valid = Item.objects.filter(infno=kind.infno, current=True, vali_flag="1").count() if ended > FEW else 0
    if valid and ended * 100 > valid * settings.CATALOGUE_ENDED_PERCENT:
        share = f"{ended * 100 / valid:.0f} %"
        missing = f"（其中 {gone:,} 行在文件里没有了）" if gone else ""
        words = f"这次更新会停用 {ended:,} 行{missing}，占现行有效 {valid:,} 行的 {share}"
        todo = "多半是文件不完整。请先向平台核实；属实时由有权的人采用"
        problems.add("ask", words, todo)


# writing


def _write(load: Load, kind: Kind) -> None:
    """End what was replaced, bring what is new; both in the transaction of the load."""
    fresh = _fresh(kind.infno)
    names = ", ".join(field.column for field in Item._meta.concrete_fields if field.column is not None)
    _execute(
        f"UPDATE {TABLE} SET current = false, replaced_by_id = %s FROM catalogue_verdict v"
        f" WHERE {TABLE}.id = v.held AND {TABLE}.infno = %s AND v.verdict IN ('changed', 'ended', 'gone')",
        [load.pk, kind.infno],
    )
    _execute(
        f"INSERT INTO {TABLE} ({names}) SELECT {names} FROM {fresh} f"
        f" WHERE f.id IN (SELECT came FROM catalogue_verdict WHERE verdict IN ('new', 'changed', 'ended'))"
        " ORDER BY f.id"
    )
    _execute(f"DROP TABLE {fresh}")


def _index(kind: Kind, *, of_past: bool) -> None:
    """Give the fresh table the indexes that the table of items has, so that becoming a partition costs nothing.

    Those `of_past` rows are made before it is filled: nothing of what comes belongs into them, and making them
    afterwards means to read the whole table for each.
    """
    for name, definition, constraint in _fetch(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid), pg_get_constraintdef(k.oid)"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = c.oid"
        " AND k.conrelid = i.indrelid WHERE i.indrelid = %s::regclass ORDER BY i.indexrelid",
        [TABLE],
    ):
        if definition.endswith("(NOT current)") != of_past:
            continue
        if constraint:
            _execute_plain(f"ALTER TABLE {_fresh(kind.infno)} ADD {constraint}")
            continue
        head = re.compile(rf"(CREATE (?:UNIQUE )?INDEX) {re.escape(name)} ON (?:ONLY )?\S+ ")
        _execute_plain(head.sub(rf"\1 ON {_fresh(kind.infno)} ", definition, count=1))


def _become(kind: Kind) -> None:
    """Let the filled table take the place of the empty partition, in a moment without readers."""
    old, fresh, name = _partition(kind.infno), _fresh(kind.infno), f"{TABLE}_{kind.infno}"
    _execute("SET CONSTRAINTS ALL IMMEDIATE")
    for column in ("infno", "current", "load_id"):
        _execute(f"ALTER TABLE {fresh} ALTER COLUMN {column} DROP DEFAULT")
    with _no_readers():
        if Item.objects.filter(infno=kind.infno).exists():
            raise TaskFailed(f"{kind} 在更新期间被别处写入，本次没有采用。请重新更新。")
        if old != TABLE:
            _execute(f"DROP TABLE {old}")
        _execute(f"ALTER TABLE {fresh} RENAME TO {name}")
        _execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES IN (%s)", [kind.infno])
    _execute(f"ALTER TABLE {name} DROP CONSTRAINT {fresh}_infno_check")


@contextmanager
def _no_readers() -> Iterator[None]:
    """Lock readers out for the block; tries again rather than letting them queue behind a long reader."""
    for _ in range(LOCK_TRIES):
        try:
            with transaction.atomic():
                _execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
                _execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
                _execute("SET LOCAL lock_timeout = 0")
            break
        except OperationalError:
            time.sleep(1)
    else:
        raise TaskFailed("目录一直有人在读取，未能换上新目录。请稍后重新更新。")
    yield


def _partition(infno: str) -> str:
    """Return the partition that holds a catalogue's rows, the whole table when they lie in the one for all others."""
    found = _fetch("SELECT to_regclass(%s)::text", [f"{TABLE}_{infno}"])
    return str(found[0][0]) if found and found[0][0] else TABLE


# the database


def _execute(statement: str, values: list[Any] | None = None) -> None:
    """Run a statement; values are written into it, since DDL takes no parameters."""
    composed = sql.SQL("").join(
        part
        for number, piece in enumerate(statement.split("%s"))
        for part in ([sql.Literal(values[number - 1])] if number and values else []) + [sql.SQL(piece)]
    )
    _execute_plain(composed.as_string(None))


def _execute_plain(statement: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement)


def _fetch(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
