"""Catalogues and dictionaries: file-borne 13xx, 1304 and 1901 (protocol 7)."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Iterator
from typing import Any

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.paging import narrowed, page
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.rooms.areas import opener
from insurance.sandbox.rooms.files import CATALOGUE_OWNER, keep, keep_made
from insurance.sandbox.seeds.catalogue import BEGIN, Catalogue
from insurance.sandbox.seeds.items import FILE_BORNE
from insurance.sandbox.standard import Row, project

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


@handles("1304")
def ethnic(case: Case) -> Row:
    """Ethnic medicines, page by page."""
    given, catalogue = case.row(), case.platform.catalogues.catalogue("1304")
    names = case.standard.output_fields("1304", "data")
    filters = ("med_list_codg", "genname_codg", "drug_genname", "drug_prodname", "vali_flag", "rid", "ver")
    rows = narrowed((catalogue.item(index) for index in range(catalogue.total)), given, filters)
    return page([project(opener(row), names) for row in rows], given)


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
    written = (
        (kind, value, label)
        for kind in sorted(_codes(case))
        for value, label in case.standard.book.written_dictionary(kind).items()
    )
    told = ((kept["type"], kept["value"], kept["label"]) for kept in case.books.rows("dictionaries"))
    lines = ["\t".join((*entry, "null", "1")) for entry in (*written, *told)]
    filename = f"{case.clock.now():%Y%m%d%H%M%S}1901.txt.zip"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(filename.removesuffix(".zip"), "\n".join(lines) + "\n")
    return {"fileinfo": keep_made(case, filename, made.getvalue())}
