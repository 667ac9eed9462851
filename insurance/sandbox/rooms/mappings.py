"""Mappings of hospital items to national codes: 3301 3302 3360, and the queries 1317 and 5163."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from insurance.sandbox.books import Books
from insurance.sandbox.clock import end_moment, moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.paging import narrowed, page
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row, project

BOOK = "mappings"
# No source gives the codes of chk_stas: 0 waiting, 1 passed, 2 refused, as this sandbox uses them.
WAITING, PASSED, FAILED = "0", "1", "2"
LETTERS = {"101": "XZ", "102": "T", "103": "HXZ", "104": "XZ", "201": "0123456789", "301": "C"}
PAGE = 100


def key_of(row: Row) -> str:
    """The key of a relation: institution, item, kind, code and begin."""
    names = ("fixmedins_code", "fixmedins_hilist_id", "list_type", "med_list_codg", "begndate")
    return "|".join(str(row[name])[:30] for name in names)


def review(books: Books, keys: Any, chk_stas: str) -> int:
    """Write the bureau's verdict on these relations ("all" = every waiting one); returns how many."""
    count = 0
    for key, row in books.items(BOOK):
        if (keys == "all" and row["chk_stas"] == WAITING) or (keys != "all" and key in keys):
            books.put(BOOK, key, row | {"chk_stas": chk_stas})
            count += 1
    return count


def verdict(case: Case, row: Row) -> str:
    """The bureau's verdict: by hand, or by itself when the time of review has passed."""
    if row["chk_stas"] != WAITING or case.options.review_seconds < 0:
        return str(row["chk_stas"])
    return PASSED if case.clock.epoch() >= row["told_at"] + case.options.review_seconds else WAITING


def _period(row: Row) -> tuple[datetime, datetime]:
    begin, end = moment(row["begndate"]), end_moment(row["enddate"])
    if begin is None or end is None or end < begin:
        raise Refusal(f"机构目录[{row['fixmedins_hilist_id']}]的结束日期早于开始日期或日期格式不正确")
    return begin, end


def _check_code(case: Case, row: Row) -> None:
    name, kind, codg = f"机构目录[{row['fixmedins_hilist_id']}]", str(row["list_type"]), str(row["med_list_codg"])
    if kind in LETTERS and codg[:1] not in LETTERS[kind]:
        raise Refusal(f"{name}的目录类别[{kind}]与医疗目录编码[{codg}]不符")
    item = case.platform.catalogues.find(kind, codg)
    if item is None:
        raise Refusal(f"{name}的医疗目录编码[{codg}]不在国家目录中，请先更新目录")
    if item["vali_flag"] != "1":
        raise Refusal(f"{name}的医疗目录编码[{codg}]已停用")
    if moment(row["begndate"]) < moment(item["begndate"]):  # type: ignore[operator]
        raise Refusal(f"{name}的开始日期早于医疗目录编码的生效日期{item['begndate']}")


def _live(case: Case, item: object, list_type: object) -> list[tuple[str, Row]]:
    prefix = f"{case.hospital}|{str(item)[:30]}|{list_type}|"
    return [(key, row) for key, row in case.books.items(BOOK, prefix=prefix) if row["vali_flag"] == "1"]


@handles("3301")
def upload(case: Case) -> None:
    """Take relations; of a batch all or none."""
    for row in case.rows():
        begin, end = _period(row)
        _check_code(case, row)
        for _, other in _live(case, row["fixmedins_hilist_id"], row["list_type"]):
            other_begin, other_end = _period(other)
            if verdict(case, other) != FAILED and begin <= other_end and other_begin <= end:
                raise Refusal(f"机构目录[{row['fixmedins_hilist_id']}]在该期间已有对照，请先终止原对照")
        told = {**row, "fixmedins_code": case.hospital, "vali_flag": "1", "chk_stas": WAITING}
        told |= {"told_at": case.clock.epoch(), "updt_time": case.clock.text(), "crte_time": case.clock.text()}
        told |= {"rid": f"M{case.books.number('mapping'):030d}", "opter_name": case.envelope["opter_name"]}
        case.books.put(BOOK, key_of(told), told)


def _found(case: Case, row: Row) -> tuple[str, Row]:
    for key, other in _live(case, row["fixmedins_hilist_id"], row["list_type"]):
        if other["med_list_codg"] == row["med_list_codg"]:
            return key, other
    raise Refusal(f"未找到机构目录[{row['fixmedins_hilist_id']}]与[{row['med_list_codg']}]的有效对照")


@handles("3302")
def withdraw(case: Case) -> None:
    """Remove relations altogether."""
    for row in case.rows():
        if str(row.get("fixmedins_code") or case.hospital) != case.hospital:
            raise Refusal("只能撤销本机构的目录对照")
        key, other = _found(case, row)
        case.books.put(BOOK, key, other | {"vali_flag": "0", "updt_time": case.clock.text()})


@handles("3360")
def end(case: Case) -> None:
    """End relations by a date."""
    for row in case.rows():
        key, other = _found(case, row)
        begin, until = moment(other["begndate"]), end_moment(row["enddate"])
        if begin is None or until is None or until < begin - timedelta(days=1):
            raise Refusal(f"机构目录[{row['fixmedins_hilist_id']}]的终止日期早于对照开始日期")
        case.books.put(BOOK, key, other | {"enddate": row["enddate"], "updt_time": case.clock.text()})


def _told(case: Case, row: Row) -> Row:
    return {
        **row,
        "medins_list_codg": row["fixmedins_hilist_id"],
        "medins_list_name": row["fixmedins_hilist_name"],
        "medins_hilist_id": row["fixmedins_hilist_id"],
        "medins_hilist_name": row["fixmedins_hilist_name"],
        "exept_cont": row.get("exct_cont"),
        "insu_admdvs": case.options.admdvs,
        "poolarea_no": case.options.admdvs,
        "chk_stas": verdict(case, row),
    }


@handles("1317")
def in_force(case: Case) -> Row:
    """What passed the review, and what was removed since; page by page."""
    given = case.row()
    rows = [_told(case, row) for row in case.books.rows(BOOK, prefix=f"{case.hospital}|")]
    filters = (
        "fixmedins_code",
        "medins_list_codg",
        "insu_admdvs",
        "list_type",
        "med_list_codg",
        "begndate",
        "vali_flag",
    )
    found = page(narrowed([r for r in rows if r["chk_stas"] == PASSED], given, filters), given)
    names = case.standard.output_fields("1317", "data")
    return found | {"data": [project(row, names) for row in found["data"]]}


@handles("5163")
def with_verdict(case: Case) -> Row:
    """Relations with the bureau's verdict, a hundred from begnrow on."""
    given = case.row()
    names = ("fixmedins_hilist_id", "fixmedins_hilist_name", "list_type", "med_list_codg", "chk_stas")
    wanted = {name: str(given[name]) for name in names if given.get(name) not in (None, "")}
    rows = [_told(case, row) for row in case.books.rows(BOOK, prefix=f"{case.hospital}|") if row["vali_flag"] == "1"]
    rows = [row for row in rows if all(str(row.get(name) or "") == value for name, value in wanted.items())]
    start = max(1, int(given.get("begnrow") or 1)) - 1
    node = case.standard.book.transactions["5163"].output.children["result"].children["catalogmatchinfo"]
    shown = [project(row, list(node.fields), seq=start + n) for n, row in enumerate(rows[start : start + PAGE], 1)]
    return {"result": {"totlcnt": len(rows), "catalogmatchinfo": shown}}
