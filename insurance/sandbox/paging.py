"""Pages of rows, as 1304 1312 1316 1317 1318 1319 give them (protocol 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from insurance.sandbox.clock import end_moment, moment
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row

GREATEST_PAGE = 1000


def page(rows: Sequence[Row], given: Row) -> Row:
    """One page of the rows: output.data with recordCounts beside it."""
    number, size = _count(given.get("page_num"), "当前页数"), _count(given.get("page_size"), "本页数据量")
    if size > GREATEST_PAGE:
        raise Refusal(f"本页数据量[page_size]不能超过{GREATEST_PAGE}")
    start = (number - 1) * size
    return {
        "data": list(rows[start : start + size]),
        "recordCounts": len(rows),
        "pages": -(-len(rows) // size),
        "pageNum": number,
        "pageSize": size,
    }


def _count(value: Any, label: str) -> int:
    text = str(value).strip()
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(f"{label}应为不小于1的整数")
    return int(text)


def since(given: Row) -> str:
    """The given updt_time as yyyy-MM-dd HH:mm:ss; raises Refusal."""
    found = moment(given.get("updt_time"))
    if found is None:
        raise Refusal("更新时间[updt_time]格式应为yyyy-MM-dd")
    return f"{found:%Y-%m-%d %H:%M:%S}"


def valid_on(row: Row, given: Row) -> bool:
    """Whether the row is in force at the given query_date, if one was given."""
    day = moment(given.get("query_date"))
    if day is None:
        return True
    begin, end = moment(row.get("begndate")), end_moment(row.get("enddate"))
    return (begin is None or begin <= day) and (end is None or day <= end)


def narrowed(rows: Iterable[Row], given: Row, names: Iterable[str]) -> list[Row]:
    """The rows changed since updt_time that agree with every filter that was given."""
    wanted = {name: str(given[name]) for name in names if given.get(name) not in (None, "")}
    start = since(given)
    return [
        row
        for row in rows
        if row["updt_time"] >= start
        and valid_on(row, given)
        and all(str(row.get(name) or "") == value for name, value in wanted.items())
    ]
