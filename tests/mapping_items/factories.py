"""Hospital items and catalogue rows for tests. All names, codes and numbers are invented."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count
from typing import Any

from django.conf import settings

from insurance.catalogue.choices import LoadState
from insurance.catalogue.models import Item, Load
from insurance.directory.pinyin import initials
from insurance.mapping.models import HospitalItem
from insurance.specification.books import open_book
from insurance.specification.errors import SpecificationError
from portal.people.models import Institution

INFNOS = {"101": "1301", "102": "1302", "103": "1303", "104": "1304", "105": "1301", "106": "1320", "201": "1305",
          "301": "1306"}  # fmt: skip
# Where the columns of Item stand in each catalogue's row.
NAMES = {"1301": "reg_name", "1302": "tcmherb_name", "1303": "drug_prodname", "1305": "servitem_name",
         "1306": "mcs_name"}  # fmt: skip
CELLS = {
    "code": ("med_list_codg",), "generic": ("drug_genname", "hi_genname"), "spec": ("drug_spec", "spec"),
    "dosform": ("drug_dosform_name", "dosform_name"), "pacspec": ("pacspec",), "maker": ("prodentp_name",),
    "unit": ("minpacunt_name", "prcunt_name", "pacunt"), "aprvno": ("aprvno", "reg_fil_no"),
    "limits": ("lmt_usescp", "hi_lmt_scp"), "vali_flag": ("vali_flag",), "rid": ("rid",), "ver": ("ver",),
    "begndate": ("begndate", "begntime"), "enddate": ("enddate", "endtime"),
}  # fmt: skip
VERSION = "1301_20261101_1.0.0"
_numbers = count(1)


def make_item(institution: Institution, **changes: Any) -> HospitalItem:
    """An item of a hospital, a drug in use since 2020 unless said otherwise."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "list_type": "101",
        "fixmedins_hilist_id": f"{number:06}",
        "fixmedins_hilist_name": f"演示药品{number}片",
        "spec": "0.25g*24片/盒",
        "dosform": "片剂",
        "prodentp_name": "演示制药",
        "prcunt": "盒",
        "pric": Decimal("12.5"),
        "begndate": dt.date(2020, 1, 1),
        **changes,
    }
    values.setdefault("pinyin", initials(values["fixmedins_hilist_name"]))
    made: HospitalItem = HospitalItem.objects.create(institution=institution, **values)
    return made


def make_load(infno: str = "1301", institution: Institution | None = None, **changes: Any) -> Load:
    """A download of a catalogue, done; of some institution when none is given."""
    institution = institution or Institution.objects.order_by("pk").first()
    if institution is None:
        institution = Institution.objects.create(
            fixmedins_code="H44170200009", fixmedins_name="目录用（演示）", admdvs="441700"
        )
    values: dict[str, Any] = {
        "infno": infno, "institution": institution, "state": LoadState.DONE, "ver_to": VERSION,
        "ended_at": dt.datetime(2026, 11, 1, 1, 30, tzinfo=dt.UTC), **changes,
    }  # fmt: skip
    made: Load = Load.objects.create(**values)
    return made


def make_code(list_type: str, code: str, **changes: Any) -> Item:
    """A valid row of the national catalogue that a kind of item takes its codes from, with its load."""
    infno = INFNOS[list_type]
    load = changes.pop("load", None) or Load.objects.filter(infno=infno).order_by("-pk").first() or make_load(infno)
    values: dict[str, Any] = {
        "infno": infno,
        "rid": f"rid-{next(_numbers)}",
        "code": code,
        "name": f"目录项目{code[-4:]}",
        "begndate": dt.date(2020, 1, 1),
        "enddate": None,
        "vali_flag": "1",
        "ver": VERSION,
        "load": load,
        "current": True,
        **changes,
    }
    values.setdefault("pinyin", initials(values["name"]))
    values.setdefault("cells", _cells(infno, values))
    made: Item = Item.objects.create(**values)
    return made


def _cells(infno: str, values: dict[str, Any]) -> list[str | None]:
    """The row as the file would bear it: what Item has columns for, the rest null."""
    try:
        columns = open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR).layout(infno).columns
    except SpecificationError:  # a catalogue whose rows the base edition does not describe
        return [str(values["code"]), str(values["name"])]
    said = {name: values.get(ours) for ours, names in CELLS.items() for name in names}
    said[NAMES.get(infno, "name")] = values["name"]
    return [_text(said.get(column.name)) for column in columns]


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)
