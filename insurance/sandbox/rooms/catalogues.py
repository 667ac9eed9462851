"""Catalogues and dictionaries: 13xx and 1901 (protocol 7)."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Iterator
from typing import Any

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.paging import narrowed, page
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.files import CATALOGUE_OWNER, keep, keep_made
from insurance.sandbox.seeds.catalogue import BEGIN, Catalogue
from insurance.sandbox.seeds.items import FILE_BORNE, KINDS
from insurance.sandbox.standard import Row, project
from insurance.sandbox.terms import PAYABLE, terms_of

FIRST_LOAD = ("0", "v0000")


@handles(*FILE_BORNE)
def file_borne(case: Case) -> Row:
    """Name a file with everything newer than the version that the hospital holds; no file when there is nothing."""
    ver = str(case.row()["ver"])
    catalogue: Catalogue = case.platform.catalogues.catalogue(case.infno)
    since = "" if ver in FIRST_LOAD else ver
    count = sum(1 for _ in catalogue.newer(since))
    if not count:
        return {"file_qury_no": None, "filename": None, "dld_end_time": None, "data_cnt": 0}
    number = f"fsi/plc/{secrets.token_hex(15)}"
    filename = f"{case.clock.now():%Y%m%d%H%M%S}{case.infno}{secrets.randbelow(10**6):06d}.txt.zip"
    recipe = {"infno": case.infno, "ver": since, "upto": catalogue.greatest()}
    expires = keep(case, number, filename, CATALOGUE_OWNER, recipe, None)
    return {"file_qury_no": number, "filename": filename, "dld_end_time": f"{expires:%Y-%m-%d}", "data_cnt": count}


def _opener(row: Row) -> Row:
    """The bureau's own columns around a row."""
    day = row.get("crte_time", f"{BEGIN} 00:00:00")
    clerk = {"crter_id": "gdyb01", "crter_name": "目录管理员", "crte_optins_no": "440000", "optins_no": "440000"}
    return {**clerk, "opter_id": "gdyb01", "opter_name": "目录管理员", "opt_time": day, "crte_time": day, **row}


@handles("1304")
def ethnic(case: Case) -> Row:
    """Ethnic medicines, page by page."""
    given, catalogue = case.row(), case.platform.catalogues.catalogue("1304")
    names = case.standard.output_fields("1304", "data")
    filters = ("med_list_codg", "genname_codg", "drug_genname", "drug_prodname", "vali_flag", "rid", "ver")
    rows = narrowed((catalogue.item(index) for index in range(catalogue.total)), given, filters)
    return page([project(_opener(row), names) for row in rows], given)


def _payable(case: Case) -> list[Row]:
    """Every payable item with its terms, as the insured area lists it; made once for each version of the catalogues."""
    shelf = case.platform.catalogues
    versions = tuple(shelf.catalogue(infno).greatest() for infno in PAYABLE)
    if shelf.payable is None or shelf.payable[0] != versions:
        shelf.payable = (versions, list(_area_rows(case)))
    found: list[Row] = shelf.payable[1]
    return found


def _area_rows(case: Case) -> Iterator[Row]:
    for infno in PAYABLE:
        catalogue = case.platform.catalogues.catalogue(infno)
        for index in range(catalogue.total):
            found = terms_of(infno, index)
            if found is not None:
                yield _area_row(case, infno, catalogue.item(index), found)


def _area_row(case: Case, infno: str, item: Row, found: Row) -> Row:
    name = next((item[n] for n in ("drug_prodname", "tcmherb_name", "servitem_name", "mcs_name") if item.get(n)), "")
    return {
        **_opener({}),
        **found,
        "hilist_code": item["med_list_codg"],
        "med_list_codg": item["med_list_codg"],
        "hilist_name": name,
        "insu_admdvs": case.options.admdvs,
        "poolarea_no": case.options.admdvs,
        "begndate": item["begndate"],
        "enddate": item["enddate"],
        "list_type": KINDS[infno].list_type,
        "med_use_flag": "1",
        "hilist_use_type": "1",
        "lmt_cpnd_type": "1",
        "vali_flag": item["vali_flag"],
        "updt_time": item["updt_time"],
        "rid": item["rid"],
        "tabname": "HILIST",
    }


def _paged(case: Case, rows: list[Row]) -> Row:
    names = case.standard.output_fields(case.infno, "data")
    found = page(rows, case.row())
    return found | {"data": [project(row, names) for row in found["data"]]}


@handles("1312")
def insurance_list(case: Case) -> Row:
    """What the insured area pays for."""
    filters = (
        "hilist_code", "insu_admdvs", "begndate", "hilist_name", "med_chrgitm_type", "chrgitm_lv", "lmt_used_flag",
        "list_type", "med_use_flag", "matn_used_flag", "hilist_use_type", "lmt_cpnd_type", "vali_flag",
    )  # fmt: skip
    return _paged(case, narrowed(_payable(case), case.row(), filters))


@handles("1316")
def area_relations(case: Case) -> Row:
    """National code to the area's code."""
    given = dict(case.row())
    given["med_list_codg"] = given.pop("medins_list_codg", None) or given.get("med_list_codg")
    filters = ("med_list_codg", "hilist_code", "hilist_name", "list_type", "insu_admdvs", "begndate", "vali_flag")
    return _paged(case, narrowed(_payable(case), given, filters))


@handles("1318")
def ceilings(case: Case) -> Row:
    """Price ceilings by level of hospital."""
    rows = [
        {**row, "hilist_lmtpric_type": level, "overlmt_dspo_way": "1", "rid": f"{row['rid']}{level}",
         "hilist_pric_uplmt_amt": f"{row['pric_uplmt_amt'] * share / 10:.2f}"}
        for row in _payable(case)
        if row["pric_uplmt_amt"] is not None
        for level, share in (("1", 8), ("2", 9), ("3", 10))
    ]  # fmt: skip
    filters = ("hilist_code", "hilist_lmtpric_type", "overlmt_dspo_way", "insu_admdvs", "begndate", "vali_flag", "rid")
    return _paged(case, narrowed(rows, case.row(), filters))


@handles("1319")
def own_shares(case: Case) -> Row:
    """First own share by kind of person."""
    rows = [
        {**row, "selfpay_prop_psn_type": kind, "selfpay_prop_type": "10", "rid": f"{row['rid']}{kind}",
         "selfpay_prop": float(row["selfpay_prop"])}
        for row in _payable(case)
        if row["selfpay_prop"]
        for kind in ("310", "390")
    ]  # fmt: skip
    filters = (
        "hilist_code",
        "selfpay_prop_psn_type",
        "selfpay_prop_type",
        "insu_admdvs",
        "begndate",
        "vali_flag",
        "rid",
    )
    return _paged(case, narrowed(rows, case.row(), filters))


@handles("1901")
def dictionary(case: Case) -> Row:
    """A dictionary as rows, or all of them as a file, as the sandbox was started."""
    return _dictionary_file(case) if case.options.dictionary_form == "file" else _dictionary_rows(case)


def _entry(case: Case, kind: str, number: int, value: str, label: str) -> Row:
    return {
        "type": kind,
        "label": label,
        "value": value,
        "parentValue": "",
        "sort": number,
        "valiFlag": "1",
        "createUser": "admin",
        "createDate": BEGIN.isoformat(),
        "version": 1,
    }


def _dictionary_rows(case: Case) -> Row:
    kind = str(case.row()["type"])
    known = case.standard.book.dictionary(kind) if kind in _codes(case) else {}
    told = case.books.rows("dictionaries", prefix=f"{kind}|")
    if not known and not told:
        raise Refusal(f"字典类型[{kind}]不存在")
    rows = [_entry(case, kind, number, *pair) for number, pair in enumerate(known.items(), 1)]
    return {"list": rows + [_entry(case, kind, len(rows) + 1, e["value"], e["label"]) for e in told]}


def _codes(case: Case) -> set[str]:
    """Every dictionary that a field of some transaction names."""
    return {
        field.code
        for transaction in case.standard.book.transactions.values()
        for side in (transaction.input, transaction.output)
        for field in _fields(side)
        if field.code
    }


def _fields(node: Any) -> Iterator[Any]:
    yield from node.fields.values()
    for child in node.children.values():
        yield from _fields(child)


def _dictionary_file(case: Case) -> Row:
    lines = [
        "\t".join((kind, value, label, "null", "1"))
        for kind in sorted(_codes(case))
        for value, label in case.standard.book.dictionary(kind).items()
    ]
    filename = f"{case.clock.now():%Y%m%d%H%M%S}1901.txt.zip"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(filename.removesuffix(".zip"), "\n".join(lines) + "\n")
    return {"fileinfo": keep_made(case, filename, made.getvalue())}
