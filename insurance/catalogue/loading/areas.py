"""Rows of 1312, 1316, 1318 and 1319 from their pages to their tables: judged whole, taken in one transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection, models

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind
from insurance.catalogue.loading.door import finish
from insurance.catalogue.loading.pages import Stale
from insurance.catalogue.loading.problems import Problems
from insurance.catalogue.models import AreaItem, AreaRelation, AreaRow, Ceiling, Load, OwnShare
from insurance.specification.clock import SHANGHAI
from insurance.specification.parsing import parse_moment

MODELS: dict[str, type[AreaRow]] = {"1312": AreaItem, "1316": AreaRelation, "1318": Ceiling, "1319": OwnShare}
# Columns without which a row says nothing.
NEEDED = {
    "1312": ("rid", "hilist_code"),
    "1316": ("rid", "hilist_code", "med_list_codg"),
    "1318": ("rid", "hilist_code", "hilist_pric_uplmt_amt"),
    "1319": ("rid", "hilist_code", "selfpay_prop"),
}
STAGE = "area_stage"
TODO = "请把原话告诉平台；数据改正后重新更新。"
ASK = "请与医保局核实；确实如此时可在更新记录中确认采用。"


def columns_of(model: type[AreaRow]) -> list[models.Field[Any, Any]]:
    """Return the columns that a row of the platform fills."""
    return [field for field in model._meta.concrete_fields if field.name not in ("id", "load")]


def merge(load: Load, kind: Kind, since: Mapping[str, dt.date], problems: Problems, *, firm: bool) -> None:
    """Judge what rests for a load and take it; call it in a transaction.

    `since` says from which day on each area was asked. Raises Rejected, or Stale when what came looks older than what
    is held and this is not `firm` (asked a second time).
    """
    model = MODELS[kind.infno]
    _stage(load, kind, model, problems)
    _leave_out_other_areas(problems)
    _repeated(problems)
    missing = _older(model, since, problems, firm)
    accepted = load.place.get("accept")
    if accepted:
        problems.accept(str(load.requested_by or "系统"))
    problems.reject(str(kind))
    counts = _take(load, model)
    if accepted and missing:
        counts["rows_ended"] += _end_missing(load, model, since)
    changed = counts["rows_new"] + counts["rows_changed"] + counts["rows_ended"]
    state = LoadState.DONE if changed else LoadState.NOTHING
    finish(load, state, ver_to=_newest() or load.ver_from, remarks=problems.as_json(), **counts)


def _stage(load: Load, kind: Kind, model: type[AreaRow], problems: Problems) -> None:
    fields = columns_of(model)
    names = ", ".join(field.column or "" for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {STAGE}")
        cursor.execute(
            f"CREATE TEMP TABLE {STAGE} ON COMMIT DROP AS "
            f"SELECT 0::bigint AS line, {names} FROM {model._meta.db_table} WITH NO DATA"
        )
        for page in staged_pages(load):  # read before the COPY: the connection does one thing at a time
            with cursor.copy(f"COPY {STAGE} (line, {names}) FROM STDIN") as copy:
                for line, area, row in page:
                    copy.write_row([line, *_cells(kind.infno, fields, area, row, line, problems)])
        cursor.execute(f"CREATE INDEX ON {STAGE} (insu_admdvs, rid)")
        cursor.execute(f"ANALYZE {STAGE}")


def staged_pages(load: Load) -> Iterator[list[tuple[int, str, dict[str, Any]]]]:
    """Yield page by page what rests for a load: (number over all pages, area, row)."""
    line = 0
    for page in load.staged.order_by("area", "what", "number").iterator(chunk_size=20):
        yield [(number, page.area, row) for number, row in enumerate(page.rows, line + 1)]
        line += len(page.rows)


def _cells(
    infno: str, fields: list[models.Field[Any, Any]], area: str, row: dict[str, Any], line: int, problems: Problems
) -> list[Any]:
    for name in NEEDED[infno]:
        if row.get(name) in (None, ""):
            problems.add("error", f"缺少 {name}", TODO, column=name, line=line)
    known = {**row, "insu_admdvs": area, "raw": row}
    cells = [_cell(field, known.get(field.name), line, problems) for field in fields]
    _judge(infno, {field.name: cell for field, cell in zip(fields, cells, strict=True)}, line, problems)
    return cells


def _cell(field: models.Field[Any, Any], value: Any, line: int, problems: Problems) -> Any:
    if isinstance(field, models.JSONField):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(field, models.DateTimeField | models.DateField):
        return moment_of(field, value, line, problems)
    if isinstance(field, models.DecimalField):
        return _amount(field, value, line, problems)
    return "" if value is None else str(value)


def moment_of(field: models.Field[Any, Any], value: Any, line: int, problems: Problems) -> dt.date | None:
    """Return the day or moment of a cell; what is none is noted as an error."""
    if value in (None, ""):
        return None
    try:
        moment = parse_moment(str(value))
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        problems.add("error", f"{field.verbose_name}不是日期", TODO, column=field.name, line=line, found=str(value))
        return None
    return moment.replace(tzinfo=SHANGHAI) if isinstance(field, models.DateTimeField) else moment.date()


def _amount(field: models.DecimalField[Any, Any], value: Any, line: int, problems: Problems) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if value in (None, ""):
        return None
    if not number.is_finite() or number.adjusted() >= field.max_digits - field.decimal_places:
        problems.add("error", f"{field.verbose_name}不是数字", TODO, column=field.name, line=line, found=str(value))
        return None
    return number


def _judge(infno: str, cells: Mapping[str, Any], line: int, problems: Problems) -> None:
    """Note what cannot be true of a row that could be read."""
    begin, end = cells["begndate"], cells["enddate"]
    if begin and end and end < begin:
        words = "结束日期早于开始日期，这一行不在任何一天有效"
        problems.add("remark", words, "照原样保存。", column="enddate", line=line, found=f"{begin} 至 {end}")
    if cells["vali_flag"] not in ("0", "1"):
        problems.add("ask", "有效标志不是 0 或 1", ASK, column="vali_flag", line=line, found=cells["vali_flag"])
    share = cells.get("selfpay_prop")
    if infno == "1319" and share is not None and not 0 <= share <= 1:
        problems.add("ask", "先自付比例不在 0 与 1 之间", ASK, column="selfpay_prop", line=line, found=str(share))
    price = cells.get("hilist_pric_uplmt_amt")
    if infno == "1318" and price is not None and price < 0:
        problems.add("ask", "限价小于 0", ASK, column="hilist_pric_uplmt_amt", line=line, found=str(price))


def _leave_out_other_areas(problems: Problems) -> None:
    """Leave out rows of other insured areas where the area asked for has rows of its own.

    Where it has none, the platform names the area otherwise than it was asked (a province for its cities), and what it
    answered is taken.
    """
    told = "coalesce(nullif(s.raw ->> 'insu_admdvs', ''), s.insu_admdvs)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH own AS (SELECT DISTINCT insu_admdvs FROM {STAGE} s WHERE {told} = insu_admdvs),"
            f" gone AS (DELETE FROM {STAGE} s USING own WHERE s.insu_admdvs = own.insu_admdvs"
            f" AND {told} <> s.insu_admdvs RETURNING s.insu_admdvs, {told} AS told)"
            " SELECT insu_admdvs, told, count(*) FROM gone GROUP BY 1, 2 ORDER BY 1, 2"
        )
        for area, other, count in cursor.fetchall():
            words = f"查询的参保地是 {area}，平台另外答了 {other} 的 {count:,} 行"
            problems.add("remark", words, "没有采用。", column="insu_admdvs")
        cursor.execute(
            f"SELECT insu_admdvs, {told}, count(*) FROM {STAGE} s WHERE {told} <> insu_admdvs"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
        for area, other, count in cursor.fetchall():
            words = f"查询的参保地是 {area}，平台答的是 {other}（{count:,} 行）"
            problems.add("remark", words, "按查询的参保地采用。", column="insu_admdvs")


def _repeated(problems: Problems) -> None:
    """Keep one row of each rid: the newest. Two that are equally new and differ cannot be judged."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT min(a.line), a.rid, bool_or(a.raw <> b.raw AND a.updt_time IS NOT DISTINCT FROM b.updt_time) "
            f"FROM {STAGE} a JOIN {STAGE} b USING (insu_admdvs, rid) WHERE a.line <> b.line AND rid <> '' "
            f"GROUP BY insu_admdvs, rid ORDER BY 1"
        )
        for line, rid, unclear in cursor.fetchall():
            if unclear:
                problems.add("error", "唯一记录号重复而内容不同", TODO, column="rid", line=line, found=rid)
            else:
                problems.add("remark", "唯一记录号重复", "已取更新时间最新的一行。", column="rid", line=line, found=rid)
        cursor.execute(
            f"DELETE FROM {STAGE} a USING (SELECT line, row_number() OVER (PARTITION BY insu_admdvs, rid "
            f"ORDER BY updt_time DESC NULLS LAST, line DESC) AS place FROM {STAGE}) b "
            f"WHERE a.line = b.line AND b.place > 1"
        )


def _older(model: type[AreaRow], since: Mapping[str, dt.date], problems: Problems, firm: bool) -> int:
    """Note rows that came older than they are held, and rows held that should have come; returns how many are missing.

    A platform that answers from a stale copy gives both: an answer of the rows changed since a day holds
    every row that we hold with a later change.
    """
    table, missing = model._meta.db_table, 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), min(s.rid) FROM {STAGE} s JOIN {table} t USING (insu_admdvs, rid) "
            f"WHERE t.updt_time > s.updt_time"
        )
        older, example = cursor.fetchone()
        gaps: list[tuple[int, str]] = []
        for area, day in since.items():
            cursor.execute(f"SELECT count(*), min(t.rid) FROM {_missing(table)}", _missing_values(area, day))
            gaps.append(cursor.fetchone())
    missing = sum(count for count, _ in gaps)
    if (older or missing) and not firm:
        raise Stale("平台给出的内容比本地保存的旧，")
    if older:
        words = f"有 {older:,} 行的更新时间早于本地保存的，平台可能答了旧数据"
        problems.add("ask", words, ASK, column="updt_time", found=example)
    if missing:
        words = f"本地有 {missing:,} 行平台这次没有给出（两次查询都没有），平台可能答了旧数据或删了行"
        problems.add("ask", words, f"{ASK}确认采用后这些行记为无效。", found=next(rid for n, rid in gaps if n))
    return missing


def _missing(table: str) -> str:
    return (
        f"{table} t WHERE t.insu_admdvs = %s AND t.vali_flag = '1' AND t.updt_time >= %s "
        f"AND NOT EXISTS (SELECT FROM {STAGE} s WHERE s.insu_admdvs = t.insu_admdvs AND s.rid = t.rid)"
    )


def _missing_values(area: str, day: dt.date) -> list[Any]:
    return [area, dt.datetime.combine(day, dt.time(), SHANGHAI)]


def _take(load: Load, model: type[AreaRow]) -> dict[str, int]:
    """Upsert by area and rid; returns the load's counts."""
    table = model._meta.db_table
    names = [field.column or "" for field in columns_of(model)]
    listed = ", ".join(names)
    changes = ", ".join(f"{name} = excluded.{name}" for name in (*names, "load_id"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {STAGE} s JOIN {table} t USING (insu_admdvs, rid) "
            f"WHERE t.vali_flag = '1' AND s.vali_flag <> '1'"
        )
        ended = cursor.fetchone()[0]
        cursor.execute(
            f"WITH told AS (INSERT INTO {table} ({listed}, load_id) SELECT {listed}, %s FROM {STAGE} "
            f"ON CONFLICT (insu_admdvs, rid) DO UPDATE SET {changes} WHERE {table}.raw IS DISTINCT FROM excluded.raw "
            f"RETURNING (xmax = 0) AS fresh) SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh), "
            f"(SELECT count(*) FROM {STAGE}) FROM told",
            [load.pk],
        )
        new, touched, all_rows = cursor.fetchone()
    same = all_rows - new - touched
    return {"rows_new": new, "rows_changed": touched - ended, "rows_ended": ended, "rows_same": same}


def _end_missing(load: Load, model: type[AreaRow], since: Mapping[str, dt.date]) -> int:
    """Mark as no longer valid what the platform gives no more, once a person has confirmed it."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        count = 0
        for area, day in since.items():
            cursor.execute(
                f"UPDATE {table} SET vali_flag = '0', load_id = %s WHERE id IN (SELECT t.id FROM {_missing(table)})",
                [load.pk, *_missing_values(area, day)],
            )
            count += cursor.rowcount
    return count


def _newest() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(updt_time) AT TIME ZONE 'Asia/Shanghai' FROM {STAGE}")
        found = cursor.fetchone()[0]
    return f"{found:%Y-%m-%d %H:%M:%S}" if found else ""
