"""A small shelf of catalogue rows for the pages' tests, of several kinds. All names, codes and numbers are invented."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.models import AreaItem, AreaRelation, Ceiling, DictionaryEntry, Item, Load, OwnShare
from insurance.directory.pinyin import initials
from insurance.specification.books import open_book
from portal.people.models import Institution

TODAY = timezone.localdate
AREA = "441700"
# Where the typed columns of Item stand in a row of the file.
COLUMNS = {
    "1301": {"code": "med_list_codg", "name": "reg_name", "generic": "drug_genname", "spec": "drug_spec",
             "dosform": "drug_dosform_name", "maker": "prodentp_name", "aprvno": "aprvno", "limits": "lmt_usescp"},
    "1305": {"code": "med_list_codg", "name": "servitem_name"},
    "1306": {"code": "med_list_codg", "name": "mcs_name", "spec": "spec", "maker": "prodentp_name"},
    "1307": {"code": "diag_code", "name": "diag_name"},
    "1308": {"code": "oprn_oprt_code", "name": "oprn_oprt_name"},
}  # fmt: skip


def load_of(institution: Institution, infno: str = "1301", version: str = "20261101", **changes: Any) -> Load:
    """A download that ended well."""
    values = {"state": LoadState.DONE, "ver_to": f"{infno}_{version}_1.0.0", "ended_at": timezone.now(), **changes}
    made: Load = Load.objects.create(institution=institution, infno=infno, **values)
    return made


def row(load: Load, code: str, name: str, **changes: Any) -> Item:
    """A row that a download brought, its line filled from the typed columns."""
    values: dict[str, Any] = {
        "infno": load.infno, "rid": f"r-{code}", "code": code, "name": name, "pinyin": initials(name),
        "begndate": dt.date(2020, 1, 1), "vali_flag": "1", "ver": load.ver_to, "load": load, **changes,
    }  # fmt: skip
    values.setdefault("cells", _cells(values))
    made: Item = Item.objects.create(**values)
    return made


def _cells(values: dict[str, Any]) -> list[str | None]:
    place = {name: ours for ours, name in COLUMNS[values["infno"]].items()}
    own = {"rid", "ver", "vali_flag", "begndate", "enddate", "pinyin"}
    found: list[str | None] = []
    for column in open_book().layout(values["infno"]).columns:
        said = values.get(place.get(column.name, column.name if column.name in own else ""))
        found.append(str(said) if said else None)
    return found


def replaced(before: Item, load: Load, **changes: Any) -> Item:
    """The same row in a later version: the one before stays, named by the download that replaced it."""
    Item.objects.filter(pk=before.pk).update(current=False, replaced_by=load)
    names = ("name", "generic", "spec", "maker", "aprvno", "limits", "begndate", "enddate", "dosform")
    values = {name: getattr(before, name) for name in names}
    return row(load, before.code, **{**values, "rid": before.rid, **changes})


def shelf(institution: Institution) -> dict[str, Item]:
    """Six drugs, a service, a consumable, a diagnosis and an operation."""
    drugs = load_of(institution, rows_new=6)
    day = TODAY()

    def drug(code: str, name: str, spec: str, maker: str, aprvno: str, **more: Any) -> Item:
        return row(
            drugs, code, name, generic=name, spec=spec, maker=maker, aprvno=aprvno, dosform="胶囊剂", **more
        )  # fmt: skip

    return {
        "a": drug("XJ01CAA040E001", "阿莫西林胶囊", "0.25g", "演示北方制药有限公司", "国药准字H99990001"),
        "b": drug("XJ01CAA040E002", "阿莫西林胶囊", "0.5g", "演示南方制药有限公司", "国药准字H99990002"),
        "c": drug("XJ01CAA040E003", "头孢氨苄胶囊", "0.25g", "演示北方制药有限公司", "国药准字H99990003",
                  limits="限儿童"),
        "soon": drug("XB01AAA001A001", "华法林钠片", "2.5mg", "演示东方药业", "国药准字H99990004",
                     enddate=day + dt.timedelta(days=9)),
        "gone": drug("XB01AAA001A002", "双香豆素片", "50mg", "演示东方药业", "国药准字H99990005",
                     enddate=day - dt.timedelta(days=9)),
        "wide": drug("XA11GAA001A001", "维生素Ｃ片（糖衣）", "100mg", "演示西方药业", "国药准字H99990006"),
        "service": row(load_of(institution, "1305"), "001102000000100", "普通门诊诊查费"),
        "thing": row(load_of(institution, "1306"), "C0101010011303801", "演示气管支架", maker="演示器械", spec="覆膜"),
        "diagnosis": row(load_of(institution, "1307"), "S72.000", "股骨颈骨折"),
        "operation": row(load_of(institution, "1308"), "79.3501", "股骨骨折切开复位内固定术"),
    }  # fmt: skip


def paid(institution: Institution, code: str, **changes: Any) -> AreaItem:
    """What the area pays for a code: 乙类, ceilings of three levels, shares of two kinds of person."""
    loads = {infno: load_of(institution, infno) for infno in ("1312", "1316", "1318", "1319")}
    common = {"insu_admdvs": AREA, "vali_flag": "1", "begndate": dt.date(2020, 1, 1), "hilist_code": f"L{code}"}
    AreaRelation.objects.create(
        **common, rid=f"m{code}", med_list_codg=code, list_type=changes.get("list_type", "101"), load=loads["1316"]
    )
    for level, amount in (("1", "10"), ("2", "12"), ("3", "15.5")):
        Ceiling.objects.create(
            **common, rid=f"p{level}{code}", hilist_lmtpric_type=level, hilist_pric_uplmt_amt=Decimal(amount),
            load=loads["1318"],
        )  # fmt: skip
    for person, share in (("310", "0.1"), ("390", "0.125")):
        OwnShare.objects.create(
            **common, rid=f"s{person}{code}", selfpay_prop_psn_type=person, selfpay_prop_type="10",
            selfpay_prop=Decimal(share), load=loads["1319"],
        )  # fmt: skip
    raw = {"hilist_code": f"L{code}", "hilist_name": "阿莫西林口服常释剂型", "chrgitm_lv": "02"}
    values = {
        "list_type": "101",
        "chrgitm_lv": "02",
        "hilist_name": "阿莫西林口服常释剂型",
        "pinyin": "AMXL",
        **changes,
    }
    made: AreaItem = AreaItem.objects.create(**common, rid=f"i{code}", raw=raw, load=loads["1312"], **values)
    return made


def entry(institution: Institution, kind: str, value: str, label: str) -> DictionaryEntry:
    """A code of a dictionary as 1901 told it."""
    load = Load.objects.filter(infno="1901").first() or load_of(institution, "1901")
    made: DictionaryEntry = DictionaryEntry.objects.create(
        type=kind, value=value, label=label, vali_flag="1", version="1", load=load
    )
    return made
