"""Catalogue and item files as they come from a bureau, a warehouse or a hospital: columns by header, any encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from insurance.mapping.matching import plain
from insurance.mapping.matching.engine import suggest
from insurance.mapping.matching.facts import CodeRow, ItemRow, Result
from insurance.mapping.matching.index import Index

DRUGS, SERVICES, SUPPLIES = "drugs", "services", "supplies"
# Which column says what, the first that a file has; of a code, then of an item.
CODE = {
    "code": ("nat_code", "med_list_codg", "code"),
    "name": ("reg_name", "generic_name", "drug_genname", "name"),
    "form": ("dosage_form", "drug_dosform_name", "dosform"),
    "spec": ("spec", "drug_spec"),
    "pack": ("min_pack_qty", "pacspec"),
    "unit": ("min_pack_unit", "minpacunt_name", "unit"),
    "maker": ("manufacturer", "prodentp_name", "maker"),
    "aprvno": ("approval_no", "aprvno"),
}
ITEM = {
    "name": ("local_name", "fixmedins_hilist_name", "name"),
    "form": ("dosage_form", "dosform"),
    "spec": ("spec",),
    "pack": ("pacspec",),
    "unit": ("unit", "prcunt"),
    "maker": ("manufacturer", "prodentp_name"),
    "aprvno": ("approval_no", "aprvno"),
    "price": ("price", "price_l3", "pric"),
}
RIGHT = ("expected", "nat_code", "med_list_codg")
LOCAL = ("local_code", "fixmedins_hilist_id")
# How a row of services-sample.csv was matched; others are not known to be right.
KNOWN = ("same", "near")


def table(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file in UTF-8 (with or without BOM) or GB18030, with headers without spaces."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [cell.strip().lower() for cell in next(reader, [])]
    for cells in reader:
        if any(cells):
            yield {name: cell.strip() for name, cell in zip(header, cells, strict=False)}


def _pick(row: dict[str, str], names: Sequence[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def read_catalogue(path: Path) -> tuple[str, list[CodeRow]]:
    """Return the kind of catalogue and its rows; a row without a code is left out."""
    rows, kind = [], SERVICES
    for number, row in enumerate(table(path)):
        if not number:
            kind = SUPPLIES if "generic_class" in row or "level1" in row else DRUGS if "reg_name" in row or (
                "approval_no" in row or "dosage_form" in row or "drug_genname" in row
            ) else SERVICES  # fmt: skip
        values = {what: _pick(row, names) for what, names in CODE.items()}
        if kind == SUPPLIES:
            values["spec"] = "/".join(row.get(name, "").partition("-")[2] for name in ("material", "spec_feature"))
            values["form"] = row.get("level3", "").partition("-")[2]
        if values["code"]:
            rows.append(CodeRow(**values))
    return kind, rows


def read_items(path: Path, kind: str) -> list[tuple[str, ItemRow, str]]:
    """Return (local code, item, right code) of each row whose right code is known."""
    found = []
    for row in table(path):
        right = _pick(row, RIGHT)
        if not right or row.get("name_match", KNOWN[0]) not in KNOWN:
            continue
        values = {what: _pick(row, names) for what, names in ITEM.items()}
        local = _pick(row, LOCAL)
        found.append((local, ItemRow(**values, code=local), right))
    return found


def answerer(kind: str, rows: Sequence[CodeRow]) -> Callable[[ItemRow], Result]:
    """Return what suggests codes of this kind of catalogue."""
    if kind == DRUGS:
        drugs = Index(rows)
        return lambda item: suggest(drugs, item)
    others = plain.PlainIndex(rows, plain.SUPPLY if kind == SUPPLIES else plain.SERVICE)
    return lambda item: plain.suggest(others, item)
