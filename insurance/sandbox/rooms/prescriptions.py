"""E-prescriptions 7101 7104 7201–7205 and online orders 6101 (prescriptions)."""

from __future__ import annotations

import hashlib
import json

from insurance.sandbox.clock import end_moment
from insurance.sandbox.desks import Case, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.persons import about, person_of
from insurance.sandbox.rooms.visits import new_number
from insurance.sandbox.standard import Row, project

BOOK = "prescriptions"
VALID, WITHDRAWN = "1", "3"
# Words that differ each time the same prescription is sent are not part of its content.
MOVING = ("rx_file", "dr_sign_info", "phar_sign_info", "fixmedins_sign_info")


def _digest(nodes: dict[str, list[Row]]) -> str:
    still = {name: [{k: v for k, v in row.items() if k not in MOVING} for row in rows] for name, rows in nodes.items()}
    return hashlib.sha256(json.dumps(still, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@handles("7101")
def upload(case: Case) -> Row:
    """Take a prescription; the same hosp_rxno with the same content gives the same hi_rxno, with another is refused."""
    nodes = case.standard.input_rows("7101", case.input)
    head = nodes["data"][0]
    visit = next(iter(nodes.get("mdtrtinfo", [])), {})
    person_of(case, visit.get("psn_no"))
    key, digest = f"{case.hospital}|{head['hosp_rxno']}", _digest(nodes)
    known = case.books.get("prescription_numbers", key)
    if known is not None and known["digest"] != digest:
        raise Refusal(f"处方编号[{head['hosp_rxno']}]已上传，内容不一致")
    if known is None:
        number = new_number(case, "prescription")
        case.books.put("prescription_numbers", key, {"hi_rxno": number, "digest": digest})
        body: Row = {
            "hi_rxno": number,
            "nodes": nodes,
            "rx_stas_codg": VALID,
            "rx_used_stas_codg": "1",
            "rx_chk_stas_codg": "",
        }
        body |= {"psn_no": visit.get("psn_no"), "fixmedins_code": case.hospital, "reviews": [], "deliveries": []}
        case.books.put(BOOK, number, body | {"fixmedins_name": case.envelope["fixmedins_name"]})
        known = {"hi_rxno": number}
    names = case.standard.output_fields("7101", "data")
    return {"data": project(known, names)}


def _prescription(case: Case, number: object) -> Row:
    found = case.books.get(BOOK, str(number))
    if found is None:
        raise Refusal(f"医保处方编号[{number}]不存在")
    return found


@handles("7104")
def withdraw(case: Case) -> None:
    """Withdraw a prescription of the institution's own that was not bought."""
    row = case.row()
    found = _prescription(case, row["hi_rxno"])
    if found["fixmedins_code"] != case.hospital:
        raise Refusal("只能撤销本机构上传的处方")
    if found["rx_stas_codg"] == WITHDRAWN:
        raise Refusal(f"处方[{row['hi_rxno']}]已撤销，不能重复撤销")
    if found["rx_used_stas_codg"] == "2":
        raise Refusal(f"处方[{row['hi_rxno']}]已使用，不能撤销")
    case.books.put(BOOK, found["hi_rxno"], found | {"rx_stas_codg": WITHDRAWN, "undo": row})


def _usable(case: Case, psn_no: str) -> list[Row]:
    now = case.clock.now()
    found = []
    for row in case.books.rows(BOOK, psn_no=psn_no):
        end = end_moment(row["nodes"]["data"][0].get("valid_end_time"))
        if row["rx_stas_codg"] == VALID and row["rx_used_stas_codg"] == "1" and (end is None or end >= now):
            found.append(row)
    return found


def _person_by(case: Case, kind: str, number: object) -> Row:
    known = case.books.get("credentials", f"{kind}|{number}")
    person = case.books.get("persons", known["psn_no"]) if known else None
    if person is None:
        raise Refusal("未查询到该凭证对应的参保人员")
    return person


@handles("7201")
def read_code(case: Case) -> Row:
    """A QR code to a token: the code is the person's electronic credential."""
    person = _person_by(case, "01", case.row()["epc_qrcd"])
    told = about(case, person) | {"epc_token": f"T{person['token']}", "cert_type": person["psn_cert_type"]}
    told |= {"name": person["psn_name"], "insuplc_admdvs": person["insuinfo"][0]["insuplc_admdvs"]}
    return {"data": project(told, case.standard.output_fields("7201", "data"))}


@handles("7202")
def usable(case: Case) -> Row:
    """The person's usable prescriptions."""
    given = case.row()
    person = _person_by(case, str(given["mdtrt_cert_type"]), given["mdtrt_cert_no"])
    names = case.standard.output_fields("7202", "data")
    shown = []
    for row in _usable(case, person["psn_no"]):
        visit: Row = next(iter(row["nodes"].get("mdtrtinfo", [])), {})
        more = {"auth_rxno": f"A{row['hi_rxno']}", "fixmedins_code": row["fixmedins_code"]}
        more |= {"fixmedins_name": row["fixmedins_name"], "dept_name": visit.get("prsc_dept_name")}
        shown.append(project({**visit, **row["nodes"]["data"][0], **more}, names))
    return {"data": shown}


@handles("7203")
def fetch(case: Case) -> Row:
    """A whole prescription, by the number of 7202 or the token of 7201."""
    given = case.row()
    number, token = str(given.get("auth_rxno") or ""), str(given.get("epc_token") or "")
    if number:
        row = _prescription(case, number.removeprefix("A"))
    else:
        usable_rows = _usable(case, str(_person_by(case, "01", token.removeprefix("T"))["psn_no"]))
        if not usable_rows:
            raise Refusal("该人员没有可用的电子处方")
        row = usable_rows[0]
    root = case.standard.book.transactions["7203"].output
    shown: Row = {}
    for name, node in root.children.items():
        told = [project({"rept_flag": "0", **row, **part}, list(node.fields)) for part in row["nodes"].get(name, [])]
        shown[name] = told if node.many else (told[0] if told else {})
    return shown


@handles("7204", "7205")
def dispense(case: Case) -> None:
    """The dispenser's verdict (7204) or the delivery's state (7205)."""
    row = case.row()
    found = _prescription(case, row["hi_rxno"])
    if found["rx_stas_codg"] != VALID:
        raise Refusal(f"处方[{row['hi_rxno']}]已失效或已撤销")
    if case.infno == "7204":
        changes = {"rx_chk_stas_codg": str(row["rx_chk_stas_codg"]), "reviews": [*found["reviews"], row]}
    else:
        changes = {"deliveries": [*found["deliveries"], row]}
    case.books.put(BOOK, found["hi_rxno"], found | changes)


@handles("6101")
def order(case: Case) -> Row:
    """Take an online order; the same order number with the same content gives the same answer."""
    nodes = case.standard.input_rows("6101", case.input)
    head = nodes["data"][0]
    person_of(case, head["psnNo"])
    key, digest = f"{case.hospital}|{head['medOrgOrd']}", _digest(nodes)
    known = case.books.get("orders", key)
    if known is not None and known["digest"] != digest:
        raise Refusal(f"医疗机构订单号[{head['medOrgOrd']}]已上传，内容不一致")
    if known is None:
        number = new_number(case, "order")
        token = hashlib.sha256(f"{case.options.seed}{number}".encode()).hexdigest()[:32]
        known = {"digest": digest, "payOrdId": number, "payToken": token, "psn_no": head["psnNo"], "nodes": nodes}
        case.books.put("orders", key, known | {"ordStas": "0"})
    return {"data": project(known, case.standard.output_fields("6101", "data"))}
