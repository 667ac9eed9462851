"""1304, ethnic medicines: a few hundred rows that come page by page and stand among the items of the files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import models

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import DAYS, TEXTS, Kind, Source
from insurance.catalogue.loading.areas import ASK, TODO, moment_of, staged_pages
from insurance.catalogue.loading.door import finish
from insurance.catalogue.loading.pages import Stale
from insurance.catalogue.loading.problems import Problems
from insurance.catalogue.models import Item, Load
from insurance.exchange.connections import book_of
from insurance.exchange.queries import connection_of
from insurance.specification.clock import SHANGHAI

NEEDED = ("rid", "med_list_codg", "vali_flag", "ver")
BATCH = 500
BLANKS = str.maketrans("\t\r\n", "   ")


def columns_of(load: Load) -> list[str]:
    """Return the columns of `Item.cells` of a paged kind: the fields of the answer, in the table's order."""
    transaction = book_of(connection_of(load.institution)).transaction(load.infno)
    return list(next(child for child in transaction.output.children.values() if child.many).fields)


def merge(load: Load, kind: Kind, since: Mapping[str, dt.date], problems: Problems, *, firm: bool) -> None:
    """Judge what rests for a load and take it, old rows kept; call it in a transaction. Raises Rejected, Stale."""
    items = _items(load, kind, problems)
    held = {item.rid: item for item in Item.objects.filter(infno=kind.infno, current=True).defer("load")}
    missing = _older(items, held, since, problems, firm)
    accepted = load.place.get("accept")
    if accepted:
        problems.accept(str(load.requested_by or "系统"))
    problems.reject(str(kind))
    counts = _take(load, items, held, missing if accepted else [])
    changed = counts["rows_new"] + counts["rows_changed"] + counts["rows_ended"]
    newest = max((item.updt_time for item in items.values() if item.updt_time), default=None)
    ver_to = f"{newest.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if newest else load.ver_from
    state = LoadState.DONE if changed else LoadState.NOTHING
    finish(load, state, ver_to=ver_to, remarks=problems.as_json(), **counts)


def _items(load: Load, kind: Kind, problems: Problems) -> dict[str, Item]:
    """Return what came as items by rid, each once."""
    columns = columns_of(load)
    found: dict[str, Item] = {}
    for line, _, row in (one for page in staged_pages(load) for one in page):
        item = _item(load, kind, columns, row, line, problems)
        before = found.get(item.rid)
        if before is not None and not _repeated(before, item, line, problems):
            continue
        found[item.rid] = item
    return found


def _repeated(before: Item, item: Item, line: int, problems: Problems) -> bool:
    """Note that a rid came twice; say whether the second is the one to take."""
    if before.cells != item.cells and before.updt_time == item.updt_time:
        problems.add("error", "唯一记录号重复而内容不同", TODO, column="rid", line=line, found=item.rid)
        return False
    problems.add("remark", "唯一记录号重复", "已取更新时间最新的一行。", column="rid", line=line, found=item.rid)
    return item.updt_time is not None and (before.updt_time is None or item.updt_time > before.updt_time)


def _item(load: Load, kind: Kind, columns: list[str], row: dict[str, Any], line: int, problems: Problems) -> Item:
    for name in NEEDED:
        if row.get(name) in (None, ""):
            problems.add("error", f"缺少 {name}", TODO, column=name, line=line)
    if row.get("vali_flag") not in ("0", "1", None):
        problems.add("ask", "有效标志不是 0 或 1", ASK, column="vali_flag", line=line, found=str(row["vali_flag"]))
    names = [*columns, *sorted(name for name in row if name not in columns)]
    item = Item(infno=kind.infno, rid=str(row.get("rid") or ""), load=load)
    item.cells = [_cell(row.get(name)) for name in names]
    for name in TEXTS:
        setattr(item, name, text_from(kind.sources[name], row))
    for name in (*DAYS, "updt_time"):
        told = row.get(name) if name == "updt_time" else text_from(kind.sources[name], row)
        setattr(item, name, moment_of(_date_field(name), told, line, problems))
    item.vali_flag, item.ver = str(row.get("vali_flag") or ""), str(row.get("ver") or "")
    return item


def _date_field(name: str) -> models.Field[Any, Any]:
    return next(field for field in Item._meta.concrete_fields if field.name == name)


def _cell(value: Any) -> str | None:
    """Return a cell as Item keeps it: on one line."""
    text = "" if value is None else str(value)
    return text.translate(BLANKS) or None


def text_from(source: Source, row: Mapping[str, Any]) -> str:
    """Return what a typed column of Item takes from a row."""
    told = [str(row[name]) for name in source.names if row.get(name) not in (None, "")]
    return " ".join(dict.fromkeys(told)) if source.together else next(iter(told), "")


def _older(
    items: Mapping[str, Item], held: Mapping[str, Item], since: Mapping[str, dt.date], problems: Problems, firm: bool
) -> list[Item]:
    """Note what came older than it is held; return the rows held that should have come. Raises Stale."""
    start = dt.datetime.combine(since.get("", dt.date.min), dt.time(), SHANGHAI)
    older = [rid for rid, item in items.items() if rid in held and _is_older(item, held[rid])]
    missing = [
        item
        for rid, item in held.items()
        if rid not in items and item.vali_flag == "1" and item.updt_time is not None and item.updt_time >= start
    ]
    if (older or missing) and not firm:
        raise Stale("平台给出的内容比本地保存的旧，")
    if older:
        words = f"有 {len(older):,} 行的更新时间早于本地保存的，平台可能答了旧数据"
        problems.add("ask", words, ASK, column="updt_time", found=older[0])
    if missing:
        words = f"本地有 {len(missing):,} 行平台这次没有给出（两次查询都没有），平台可能答了旧数据或删了行"
        problems.add("ask", words, f"{ASK}确认采用后这些行记为无效。", found=missing[0].rid)
    return missing


def _is_older(item: Item, held: Item) -> bool:
    return item.updt_time is not None and held.updt_time is not None and item.updt_time < held.updt_time


def _take(load: Load, items: Mapping[str, Item], held: Mapping[str, Item], gone: list[Item]) -> dict[str, int]:
    """Keep old rows as replaced and add what is new; returns the load's counts."""
    changed = [rid for rid in items if rid in held and held[rid].cells != items[rid].cells]
    new = [rid for rid in items if rid not in held]
    ended = [rid for rid in changed if held[rid].vali_flag == "1" and items[rid].vali_flag != "1"]
    replaced = [*(held[rid].pk for rid in changed), *(item.pk for item in gone)]
    Item.objects.filter(pk__in=replaced).update(current=False, replaced_by=load)
    Item.objects.bulk_create([items[rid] for rid in (*new, *changed)], batch_size=BATCH)
    for item in gone:
        item.pk, item.load, item.vali_flag, item._state.adding = None, load, "0", True
    Item.objects.bulk_create(gone, batch_size=BATCH)
    return {
        "rows_new": len(new),
        "rows_changed": len(changed) - len(ended),
        "rows_ended": len(ended) + len(gone),
        "rows_same": len(items) - len(new) - len(changed),
    }
