"""What the insured area pays: 1312, 1316, 1318, 1319, page by page (protocol 7).

Of a million items only the numbers are kept; rows are made when a page is asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

from insurance.sandbox.desks import Case, handles
from insurance.sandbox.paging import narrowed, page, since
from insurance.sandbox.seeds.catalogue import BEGIN, Catalogue
from insurance.sandbox.seeds.items import KINDS
from insurance.sandbox.standard import Row, project
from insurance.sandbox.terms import PAYABLE, has_ceiling, is_payable, level_of, terms_of

# Levels of hospital with their tenths of the ceiling (1318), and kinds of person (1319).
LEVELS = (("1", 8), ("2", 9), ("3", 10))
PERSONS = ("310", "390")
# A place is catalogue, item and part of the item in one number.
PART = 8
CATALOGUE = len(PAYABLE)


def opener(row: Row) -> Row:
    """The bureau's own columns around a row."""
    day = row.get("crte_time", f"{BEGIN} 00:00:00")
    clerk = {"crter_id": "gdyb01", "crter_name": "目录管理员", "crte_optins_no": "440000", "optins_no": "440000"}
    return {**clerk, "opter_id": "gdyb01", "opter_name": "目录管理员", "opt_time": day, "crte_time": day, **row}


class Rows(Sequence[Row]):
    """Rows made from their places when they are looked at."""

    def __init__(self, places: Sequence[int], make: Callable[[int], Row]) -> None:
        self.places = places
        self.make = make

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self.make(one) for one in self.places[place]]
        return self.make(self.places[place])

    def __iter__(self) -> Iterator[Row]:
        return (self.make(place) for place in self.places)


def _catalogue(case: Case, place: int) -> tuple[Catalogue, int, int]:
    """The catalogue, item and part that a place names."""
    rest, part = divmod(place, PART)
    index, number = divmod(rest, CATALOGUE)
    return case.platform.catalogues.catalogue(PAYABLE[number]), index, part


def _parts(case: Case, catalogue: Catalogue, index: int) -> int:
    """How many rows an item has in the list that is asked for."""
    if not is_payable(catalogue, index):
        return 0
    if case.infno == "1318":
        return len(LEVELS) if has_ceiling(catalogue, index) else 0
    if case.infno == "1319":
        return len(PERSONS) if level_of(catalogue, index) != "01" else 0
    return 1


def _places(case: Case) -> array[int]:
    """Every place of the list that is asked for; made once for each state of the catalogues."""
    shelf = case.platform.catalogues
    state = tuple(len(shelf.catalogue(infno).editions) for infno in PAYABLE)
    if case.infno not in shelf.places or shelf.places[case.infno][0] != state:
        shelf.places[case.infno] = (state, array("q", _all_places(case)))
    found: array[int] = shelf.places[case.infno][1]
    return found


def _all_places(case: Case) -> Iterator[int]:
    for number, infno in enumerate(PAYABLE):
        catalogue = case.platform.catalogues.catalogue(infno)
        for index in range(catalogue.total):
            for part in range(_parts(case, catalogue, index)):
                yield (index * CATALOGUE + number) * PART + part


def _places_of(case: Case, codg: str) -> array[int]:
    """The places of one national code."""
    found = case.platform.catalogues.kind_of(codg)
    if found is None or found[0] not in PAYABLE:
        return array("q")
    number, index = PAYABLE.index(found[0]), found[1]
    parts = range(_parts(case, case.platform.catalogues.catalogue(found[0]), index))
    return array("q", ((index * CATALOGUE + number) * PART + part for part in parts))


def _area_row(case: Case, place: int) -> Row:
    catalogue, index, part = _catalogue(case, place)
    item, found = catalogue.item(index), terms_of(catalogue, index) or {}
    name = next((item[n] for n in ("drug_prodname", "tcmherb_name", "servitem_name", "mcs_name") if item.get(n)), "")
    row = {
        **opener({}),
        **found,
        "hilist_code": item["med_list_codg"],
        "med_list_codg": item["med_list_codg"],
        "hilist_name": name,
        "pinyin": item.get("pinyin"),
        "insu_admdvs": case.options.admdvs,
        "poolarea_no": case.options.admdvs,
        "begndate": item["begndate"],
        "enddate": item["enddate"],
        "list_type": KINDS[catalogue.infno].list_type,
        "med_use_flag": "1",
        "hilist_use_type": "1",
        "lmt_cpnd_type": "1",
        "vali_flag": item["vali_flag"],
        "updt_time": catalogue.paid_updated(index),
        "rid": item["rid"],
        "tabname": "HILIST",
    }
    return row | _part(case.infno, row, part)


def _part(infno: str, row: Row, part: int) -> Row:
    """What a row of 1318 or 1319 says of its level or kind of person."""
    if infno == "1318":
        level, tenths = LEVELS[part]
        amount = f"{row['pric_uplmt_amt'] * tenths / 10:.2f}"
        own = {"hilist_lmtpric_type": level, "overlmt_dspo_way": "1", "hilist_pric_uplmt_amt": amount}
        return own | {"rid": f"{row['rid']}{level}"}
    if infno == "1319":
        kind, share = PERSONS[part], float(row["selfpay_prop"])
        own_share = {"selfpay_prop_psn_type": kind, "selfpay_prop_type": "10", "selfpay_prop": share}
        return own_share | {"rid": f"{row['rid']}{kind}"}
    return {}


def _answer(case: Case, given: Row, filters: Iterable[str]) -> Row:
    """A page of what agrees with the filters; where only a code and the time are asked for, without making all rows."""
    start, code = since(given), str(given.get("hilist_code") or given.get("med_list_codg") or "")
    kind = str(given.get("list_type") or "")
    places: Sequence[int] = _narrow(case, _places_of(case, code), start, kind) if code else _since(case, start, kind)
    rows: Sequence[Row] = Rows(places, lambda place: _area_row(case, place))
    if _asks_more(case, given, filters):
        rows = narrowed(rows, given, filters)
    names = case.standard.output_fields(case.infno, "data")
    found = page(rows, given)
    return found | {"data": [project(row, names) for row in found["data"]]}


def _since(case: Case, start: str, kind: str) -> array[int]:
    """The places changed since a moment, of one kind of items or ("") all; kept, because it is asked page by page."""
    places = _places(case)
    if start <= f"{BEGIN} 00:00:00" and not kind:
        return places
    shelf, asked = case.platform.catalogues, (start, kind)
    kept = shelf.narrowed.get(case.infno)
    if kept is None or kept[0] is not places or kept[1] != asked:
        kept = shelf.narrowed[case.infno] = (places, asked, _narrow(case, places, start, kind))
    found: array[int] = kept[2]
    return found


def _narrow(case: Case, places: array[int], start: str, kind: str) -> array[int]:
    catalogues = [case.platform.catalogues.catalogue(infno) for infno in PAYABLE]
    meant = [kind in ("", KINDS[infno].list_type) for infno in PAYABLE]
    told = ((place, *divmod(place // PART, CATALOGUE)) for place in places)
    return array(
        "q",
        (place for place, index, number in told if meant[number] and catalogues[number].paid_updated(index) >= start),
    )


def _asks_more(case: Case, given: Row, filters: Iterable[str]) -> bool:
    """Whether rows must be looked at to know whether they are meant."""
    own_area = given.get("insu_admdvs") in (None, "", case.options.admdvs)
    rest: set[Any] = {name for name in filters if given.get(name) not in (None, "")} - {
        "insu_admdvs",
        "hilist_code",
        "list_type",
    }
    return bool(rest) or not own_area or given.get("query_date") not in (None, "")


@handles("1312")
def insurance_list(case: Case) -> Row:
    """What the insured area pays for."""
    filters = (
        "hilist_code", "insu_admdvs", "begndate", "hilist_name", "med_chrgitm_type", "chrgitm_lv", "lmt_used_flag",
        "list_type", "med_use_flag", "matn_used_flag", "hilist_use_type", "lmt_cpnd_type", "vali_flag",
    )  # fmt: skip
    return _answer(case, case.row(), filters)


@handles("1316")
def area_relations(case: Case) -> Row:
    """National code to the area's code."""
    given = dict(case.row())
    given["med_list_codg"] = given.pop("medins_list_codg", None) or given.get("med_list_codg")
    filters = ("med_list_codg", "hilist_code", "hilist_name", "list_type", "insu_admdvs", "begndate", "vali_flag")
    return _answer(case, given, filters)


@handles("1318")
def ceilings(case: Case) -> Row:
    """Price ceilings by level of hospital."""
    filters = ("hilist_code", "hilist_lmtpric_type", "overlmt_dspo_way", "insu_admdvs", "begndate", "vali_flag", "rid")
    return _answer(case, case.row(), filters)


@handles("1319")
def own_shares(case: Case) -> Row:
    """First own share by kind of person."""
    filters = (
        "hilist_code", "selfpay_prop_psn_type", "selfpay_prop_type", "insu_admdvs", "begndate", "vali_flag", "rid",
    )  # fmt: skip
    return _answer(case, case.row(), filters)
