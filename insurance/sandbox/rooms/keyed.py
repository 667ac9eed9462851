"""The keyed store: documents of chapter 4 (and 3103) kept under their business keys, withdrawn only if they exist."""

from __future__ import annotations

from insurance.sandbox.clock import end_moment, moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.visits import new_number
from insurance.sandbox.standard import Row, as_rows, project

# What tells one document (or row) of a transaction from another; those present in the row make the key.
KEYS = (
    "setl_id", "mdtrt_sn", "fixmedins_mdtrt_id", "appy_no", "rpotc_no", "ipt_medcas_hmpg_sn", "feedetl_sn", "bkkp_sn",
    "medcas_drord_detl_id", "oprn_oprt_sn", "adm_rec_no", "warn_rslt_id", "bacteria_code", "drug_codg", "vital_time",
    "bld_no", "exam_time", "rpt_no", "drord_no", "msr_time", "warn_type",
)  # fmt: skip
LISTS = "4101"


def book_of(infno: str) -> str:
    """Both forms of a transaction share a book, except where they are different documents."""
    return infno if infno in ("4201A", "4402A") else infno.rstrip("A")


def key_of(case: Case, row: Row) -> str:
    """The key of a document: institution and every business key that its head bears."""
    return "|".join([case.hospital, *(f"{name}={row[name]}" for name in KEYS if row.get(name) not in (None, ""))])


def _documents(case: Case) -> list[tuple[Row, Row]]:
    """(head, nodes) of each document: one for a message with a head, one for each row of a message of rows."""
    nodes = case.standard.input_rows(case.infno, case.input)
    tops = case.standard.book.transactions[case.infno].input.children
    first = next((name for name in tops if nodes[name]), ".")
    if first in tops and tops[first].many:
        return [(row, {first: [row]}) for row in nodes[first]]
    return [(nodes[first][0], nodes)]


def keep(case: Case) -> list[Row]:
    """Keep the message's documents; the same key again replaces what stood there."""
    kept = []
    for head, nodes in _documents(case):
        marks = {name: head[name] for name in ("psn_no", "mdtrt_id", "setl_id") if head.get(name)}
        body = {"infno": case.infno, "head": head, "nodes": nodes, "at": case.clock.text(), **marks}
        known = case.books.get(book_of(case.infno), key_of(case, head))
        body["number"] = known["number"] if known else new_number(case, "document")
        case.books.put(book_of(case.infno), key_of(case, head), body)
        kept.append(body)
    return kept


@handles(
    "3103", "4201", "4201A", "4202", "4205", "4301", "4302", "4401", "4402", "4402A", "4501", "4502", "4503", "4504",
    "4505", "4506", "4601", "4602", "4701",
)  # fmt: skip
def take(case: Case) -> None:
    """Take documents; sent again they replace themselves."""
    keep(case)


@handles("4203")
def complete(case: Case) -> None:
    """Close a self-paying patient's stay of which something was told."""
    row = case.row()
    visit = str(row["fixmedins_mdtrt_id"])
    if not any(_about_visit(case, book, visit) for book in ("4201A", "4202")):
        raise Refusal(f"未找到医药机构就诊ID[{visit}]的自费就医信息")
    case.books.put("4203", f"{case.hospital}|{visit}", row)


def _about_visit(case: Case, book: str, visit: str) -> list[tuple[str, Row]]:
    found = case.books.items(book, prefix=f"{case.hospital}|")
    return [(key, row) for key, row in found if str(row["head"].get("fixmedins_mdtrt_id")) == visit]


@handles("4204", "4206")
def withdraw(case: Case) -> None:
    """Take away what 4201A or 4205 told of a visit; 4204 with bkkp_sn one row of it."""
    row = {
        name: value
        for rows in case.standard.input_rows(case.infno, case.input).values()
        for r in rows
        for name, value in r.items()
    }
    visit, number = str(row["fixmedins_mdtrt_id"]), str(row.get("bkkp_sn") or "")
    book = "4201A" if case.infno == "4204" else "4205"
    found = [(k, r) for k, r in _about_visit(case, book, visit) if number in ("", str(r["head"].get("bkkp_sn") or ""))]
    if not found:
        raise Refusal(f"未找到医药机构就诊ID[{visit}]可删除的数据")
    if case.infno == "4204" and case.books.get("4203", f"{case.hospital}|{visit}") is not None:
        raise Refusal(f"医药机构就诊ID[{visit}]已办理就诊完成，不能删除费用明细")
    for key, _ in found:
        case.books.remove(book, key)


@handles("4101", "4101A")
def settlement_list(case: Case) -> Row:
    """Take a settlement list of a settlement that exists; answers the list's number, the same when sent again."""
    setl_id = str(_documents(case)[0][0]["setl_id"])
    settled = case.books.get("settlements", setl_id)
    if settled is None or settled["fixmedins_code"] != case.hospital:
        raise Refusal(f"结算ID[{setl_id}]不存在，不能上传结算清单")
    known = next(iter(case.books.rows(LISTS, setl_id=setl_id)), None)
    if known is not None and known.get("stas_type") == "1":
        raise Refusal("该结算清单已提交，请先修改状态")
    (kept,) = keep(case)
    return {"data": {"setl_list_id": kept["number"]}}


def _list_of(case: Case, row: Row) -> tuple[str, Row]:
    for key, known in case.books.items(LISTS, setl_id=row["setl_id"]):
        if key.startswith(f"{case.hospital}|"):
            return key, known
    raise Refusal(f"未找到结算ID[{row['setl_id']}]的结算清单")


@handles("4102")
def list_state(case: Case) -> None:
    """Change the state of lists; the rows stand under data.stastinfo, in older tables under stastinfo itself."""
    rows = [part for row in case.rows() for part in as_rows(row.get("stastinfo", row)) if part.get("setl_id")]
    if not rows:
        raise Refusal("没有要修改状态的结算清单")
    for row in rows:
        key, known = _list_of(case, row)
        case.books.put(LISTS, key, known | {"stas_type": str(row["stas_type"])})


@handles("4103")
def list_query(case: Case) -> Row:
    """A list as it was told, with its state."""
    row = case.row()
    _, known = _list_of(case, row)
    root = case.standard.book.transactions["4103"].output
    more = {"setl_list_sn": known["number"], "stas_type": known.get("stas_type"), "dcla_time": known["at"]}
    shown: Row = {}
    for name, node in root.children.items():
        rows = [known["head"] | more] if name == "setlinfo" else known["nodes"].get(name, [])
        marks = {mark: row.get(mark) for mark in ("setl_id", "psn_no")}
        told = [project(marks | r, list(node.fields)) for r in rows]
        shown[name] = told if node.many else (told[0] if told else {})
    return shown


@handles("4104")
def list_quality(case: Case) -> list[Row]:
    """Findings about lists: those that were put into the book "quality" for a setl_id."""
    given = case.row()
    names = case.standard.output_fields("4104", "")
    found = case.books.rows("quality", setl_id=given.get("setl_id"))
    month = str(given.get("setl_ym") or "")
    return [project(row, names) for row in found if month in ("", str(row.get("setl_ym") or month))]


@handles("4105")
def list_counts(case: Case) -> Row:
    """How many settlements of the time want a list, and how many have one."""
    given = case.row()
    begin, end = moment(given.get("stt_begntime")), end_moment(given.get("stt_endtime"))
    wanted = set()
    for row in case.books.rows("settlements"):
        at = moment(row["setl_time"])
        live = row["fixmedins_code"] == case.hospital and row["refd_setl_flag"] == "0" and row["kind"] != "drug"
        if live and at is not None and (begin is None or at >= begin) and (end is None or at <= end):
            wanted.add(row["setl_id"])
    told = {row.get("setl_id") for row in case.books.rows(LISTS)}
    return {"needUploadCnt": len(wanted), "uploadedCnt": len(wanted & told)}


def _reports(case: Case, given: Row, books: tuple[str, ...]) -> list[Row]:
    wanted = str(given.get("rpotc_no") or "")
    rows = [row for book in books for row in case.books.rows(book, psn_no=given["psn_no"])]
    rows = [row for row in rows if str(row["head"].get("vali_flag", "1")) != "0"]
    return [row for row in rows if wanted in ("", str(row["head"].get("rpotc_no") or ""))]


@handles("5401")
def recognised(case: Case) -> Row:
    """Reports of a person that were told by 4501 and 4502."""
    names = case.standard.output_fields("5401", "bilgiteminfo")
    more = {"fixmedins_code": case.hospital}
    rows = [row["head"] for row in _reports(case, case.row(), ("4501", "4502"))]
    return {"bilgiteminfo": [project(r | more, names, examCcls=r.get("exam_ccls")) for r in rows]}


@handles("5402")
def report_details(case: Case) -> Row:
    """One report with its items."""
    given, root = case.row(), case.standard.book.transactions["5402"].output
    exams, labs = _reports(case, given, ("4501",)), _reports(case, given, ("4502",))
    items = [item for lab in labs for item in lab["nodes"].get("iteminfo", [])]
    told = {
        "checkreportdetails": [r["head"] for r in exams],
        "inspectionreportinformation": [r["head"] for r in labs],
        "inspectiondetails": items,
    }
    return {name: [project(row, list(root.children[name].fields)) for row in rows] for name, rows in told.items()}
