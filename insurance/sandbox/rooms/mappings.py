"""Mappings of hospital items to national codes: 3301 3302 3360, and the queries 1317 and 5163."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from insurance.sandbox.books import Books
from insurance.sandbox.clock import CHINA, Clock, end_moment, moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.options import Options
from insurance.sandbox.paging import narrowed, page
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.fees import BOOK as FEES
from insurance.sandbox.standard import Row, project

BOOK = "mappings"
# No source gives the codes of chk_stas: 0 waiting, 1 passed, 2 refused, 3 returned, as this sandbox uses them.
WAITING, PASSED, FAILED, RETURNED = "0", "1", "2", "3"
TURNED_DOWN = (FAILED, RETURNED)
FAILED_WORDS = "编码与院内项目的规格、生产企业不一致，请核对后重新对照"
LETTERS = {"101": "XZ", "102": "T", "103": "HXZ", "104": "XZ", "201": "0123456789", "301": "C"}
PAGE = 100


def key_of(row: Row) -> str:
    """The key of a relation: institution, item, kind, code and begin."""
    names = ("fixmedins_code", "fixmedins_hilist_id", "list_type", "med_list_codg", "begndate")
    return "|".join(str(row[name])[:30] for name in names)


def complete(row: Row, clock: Clock, number: int) -> Row:
    """A relation as put on the bureau's own website: what it does not say is as if passed just now."""
    known = {"fixmedins_hilist_name": row.get("fixmedins_hilist_id"), "enddate": "2099-12-31", "vali_flag": "1"}
    known |= {"chk_stas": PASSED, "told_at": clock.epoch(), "updt_time": clock.text(), "crte_time": clock.text()}
    return {**known, "rid": f"B{number:030d}", "opter_name": "经办机构", "words": "", **row}


def review(books: Books, keys: Any, chk_stas: str, words: str = "", at: str = "") -> int:
    """Write the bureau's verdict on these relations ("all" = every waiting one); returns how many."""
    count = 0
    for key, row in books.items(BOOK):
        if (keys == "all" and row["chk_stas"] == WAITING) or (keys != "all" and key in keys):
            said = words or (FAILED_WORDS if chk_stas in TURNED_DOWN else "")
            books.put(BOOK, key, row | {"chk_stas": chk_stas, "words": said, "updt_time": at or row["updt_time"]})
            count += 1
    return count


def verdict(options: Options, clock: Clock, row: Row) -> str:
    """The bureau's verdict: by hand, or by itself when the time of review has passed; it refuses each so many-th."""
    if row["chk_stas"] != WAITING or options.review_seconds < 0:
        return str(row["chk_stas"])
    if clock.epoch() < row["told_at"] + options.review_seconds:
        return WAITING
    every = options.review_refuse_every
    return FAILED if every and int(str(row["rid"])[1:]) % every == 0 else PASSED


def _name(row: Row) -> str:
    return f"机构目录[{row['fixmedins_hilist_id']}]"


def _period(row: Row) -> tuple[datetime, datetime]:
    begin, end = moment(row["begndate"]), end_moment(row["enddate"])
    if begin is None or end is None or end < begin:
        raise Refusal(f"{_name(row)}的结束日期早于开始日期或日期格式不正确")
    return begin, end


def _check_code(case: Case, row: Row) -> None:
    kind, codg = str(row["list_type"]), str(row["med_list_codg"])
    if kind in LETTERS and codg[:1] not in LETTERS[kind]:
        raise Refusal(f"{_name(row)}的目录类别[{kind}]与医疗目录编码[{codg}]不符")
    item = case.platform.catalogues.find(kind, codg)
    if item is None:
        raise Refusal(f"{_name(row)}的医疗目录编码[{codg}]不在国家目录中，请先更新目录")
    if item["vali_flag"] != "1":
        raise Refusal(f"{_name(row)}的医疗目录编码[{codg}]已停用")
    if moment(row["begndate"]) < moment(item["begndate"]):  # type: ignore[operator]
        raise Refusal(f"{_name(row)}的开始日期早于医疗目录编码的生效日期{item['begndate']}")
    until = end_moment(item.get("enddate"))
    if until is not None and until < end_moment(row["enddate"]):  # type: ignore[operator]
        raise Refusal(f"{_name(row)}的结束日期晚于医疗目录编码的失效日期{item['enddate']}")


def _check_past(case: Case, row: Row, begin: datetime) -> None:
    days = case.options.mapping_past_days
    if days >= 0 and begin < case.clock.now() - timedelta(days=days + 1):
        raise Refusal(f"{_name(row)}的开始日期早于允许的补录期限（{days}天）")


def _live(case: Case, item: object, list_type: object) -> list[tuple[str, Row]]:
    prefix = f"{case.hospital}|{str(item)[:30]}|{list_type}|"
    return [(key, row) for key, row in case.books.items(BOOK, prefix=prefix) if row["vali_flag"] == "1"]


@handles("3301")
def upload(case: Case) -> None:
    """Take relations; of a batch all or none. The same relation with another end is a change of its end."""
    for row in case.rows():
        begin, end = _period(row)
        _check_code(case, row)
        told = {**row, "fixmedins_code": case.hospital}
        known = case.books.get(BOOK, key_of(told))
        if known is None or known["vali_flag"] != "1":
            _check_past(case, row, begin)
        for key, other in _live(case, row["fixmedins_hilist_id"], row["list_type"]):
            other_begin, other_end = _period(other)
            turned_down = verdict(case.options, case.clock, other) in TURNED_DOWN
            changes = key == key_of(told) and str(other["enddate"]) != str(row["enddate"])
            if not turned_down and not changes and begin <= other_end and other_begin <= end:
                raise Refusal(f"{_name(row)}在该期间已有对照，请先终止原对照")
        told |= {"vali_flag": "1", "chk_stas": WAITING, "words": ""}
        told |= {"told_at": case.clock.epoch(), "updt_time": case.clock.text(), "crte_time": case.clock.text()}
        told |= {"rid": f"M{case.books.number('mapping'):030d}", "opter_name": case.envelope["opter_name"]}
        case.books.put(BOOK, key_of(told), told)


def _found(case: Case, row: Row) -> tuple[str, Row]:
    found = _live(case, row["fixmedins_hilist_id"], row["list_type"])
    same = [(key, other) for key, other in found if other["med_list_codg"] == row["med_list_codg"]]
    if not same:
        raise Refusal(f"未找到{_name(row)}与[{row['med_list_codg']}]的有效对照")
    # Of several periods the one that ends last is meant.
    return max(same, key=lambda pair: str(pair[1]["enddate"]))


def _check_used(case: Case, row: Row) -> None:
    """A relation by which charged but unsettled fees were priced cannot be taken away."""
    for fee in case.books.rows(FEES):
        mine = fee.get("fixmedins_code") == case.hospital and not fee.get("setl_id")
        if mine and str(fee.get("medins_list_codg")) == str(row["fixmedins_hilist_id"]):
            raise Refusal(f"{_name(row)}的对照已被未结算的费用使用，不能删除")


@handles("3302")
def withdraw(case: Case) -> None:
    """Remove relations altogether."""
    for row in case.rows():
        if str(row.get("fixmedins_code") or case.hospital) != case.hospital:
            raise Refusal("只能撤销本机构的目录对照")
        key, other = _found(case, row)
        _check_used(case, row)
        case.books.put(BOOK, key, other | {"vali_flag": "0", "updt_time": case.clock.text()})


@handles("3360")
def end(case: Case) -> None:
    """End relations by a date."""
    for row in case.rows():
        key, other = _found(case, row)
        begin, until = moment(other["begndate"]), end_moment(row["enddate"])
        if begin is None or until is None or until < begin - timedelta(days=1):
            raise Refusal(f"{_name(row)}的终止日期早于对照开始日期")
        case.books.put(BOOK, key, other | {"enddate": row["enddate"], "updt_time": case.clock.text()})


def _told(case: Case, row: Row) -> Row:
    chk_stas = verdict(case.options, case.clock, row)
    words = row.get("words") or (FAILED_WORDS if chk_stas == FAILED else "")
    return {
        **row,
        "medins_list_codg": row["fixmedins_hilist_id"],
        "medins_list_name": row["fixmedins_hilist_name"],
        "medins_hilist_id": row["fixmedins_hilist_id"],
        "medins_hilist_name": row["fixmedins_hilist_name"],
        "exept_cont": row.get("exct_cont") or row.get("exept_cont"),
        "exct_cont": row.get("exct_cont") or row.get("exept_cont"),
        "insu_admdvs": case.options.admdvs,
        "poolarea_no": case.options.admdvs,
        "chk_stas": chk_stas,
        "memo": words or row.get("memo"),
        "updt_time": _changed(case, row, chk_stas),
    }


def _changed(case: Case, row: Row, chk_stas: str) -> str:
    """When a relation changed last: a review that came by itself is a change too."""
    if chk_stas == row["chk_stas"]:
        return str(row["updt_time"])
    at = datetime.fromtimestamp(row["told_at"] + case.options.review_seconds, CHINA)
    return max(str(row["updt_time"]), at.strftime("%Y-%m-%d %H:%M:%S"))


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
    wanted = str(given.get("medins_list_name") or "")
    passed = [r for r in rows if r["chk_stas"] == PASSED and wanted in str(r["medins_list_name"])]
    found = page(narrowed(passed, given, filters), given)
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
