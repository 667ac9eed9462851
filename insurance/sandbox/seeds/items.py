"""One catalogue item from its number: the same seed and number give the same item, so that nothing need be kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from insurance.sandbox.seeds import words

Row = dict[str, Any]
Maker = Callable[[Random, int], Row]


def _code(letter: str, index: int, length: int) -> str:
    """A national code that carries the item's number, so that it can be found again by its code."""
    return letter + f"{index + 1:0{length - len(letter)}d}"


def drug(random: Random, index: int) -> Row:
    """A western or patent medicine (1301), or one of an ethnic kind (1304)."""
    name, form = random.choice(words.DRUGS), random.choice(words.FORMS)
    spec, maker = random.choice(words.SPECS), random.choice(words.MAKERS)
    return {
        "med_list_codg": _code("XJ01CA", index, 23),
        "drug_prodname": f"{name}{form}",
        "genname_codg": f"G{index % 997:05d}",
        "drug_genname": f"{name}{form}",
        "reg_name": f"{name}{form}",
        "drug_dosform_name": form,
        "dosform": form,
        "drug_spec": spec,
        "reg_spec": spec,
        "pacspec": random.choice(words.PACKS),
        "min_prcunt": "盒",
        "prodentp_name": maker,
        "aprvno": f"示例准字H{index + 1:08d}",
        "otc_flag": "1" if index % 9 == 0 else "0",
        "mkt_stas": "1",
        "lmt_used_flag": "1" if index % 23 == 0 else "0",
        "lmt_usescp": "限产前使用" if index % 23 == 0 else None,
    }


def herb(random: Random, index: int) -> Row:
    """A slice (1302)."""
    name = random.choice(words.HERBS)
    return {"med_list_codg": _code("T", index, 10), "tcmherb_name": name, "mlms_name": name, "cpnd_flag": "1"}


def preparation(random: Random, index: int) -> Row:
    """A preparation of a hospital (1303)."""
    name = random.choice(words.PREPARATIONS)
    return {
        "med_list_codg": _code("H4417", index, 23),
        "drug_prodname": name,
        "reg_name": name,
        "aprvno": f"粤示制字Z{index + 1:08d}",
        "selfprep_pmtno": f"粤示制字Z{index + 1:08d}",
        "prodentp_name": "阳江示例医院制剂室",
    }


def ethnic(random: Random, index: int) -> Row:
    """An ethnic medicine (1304)."""
    name = random.choice(words.ETHNIC)
    return drug(random, index) | {
        "med_list_codg": _code("ZM", index, 23),
        "drug_prodname": name,
        "drug_genname": name,
        "ethdrug_type": None,
    }


def service(random: Random, index: int) -> Row:
    """A medical service (1305)."""
    name = random.choice(words.SERVICES) + random.choice(words.PLACES)
    return {
        "med_list_codg": _code("0011", index, 15),
        "prcunt": "次",
        "prcunt_name": "次",
        "servitem_name": name,
        "trt_item_cont": f"{name}的全部操作",
        "trt_exct_cont": "特殊耗材" if index % 5 == 0 else None,
    }


def consumable(random: Random, index: int) -> Row:
    """A consumable (1306)."""
    name, spec = random.choice(words.GOODS), f"{random.randint(1, 30)}号"
    return {
        "med_list_codg": _code("C", index, 27),
        "mcs_name": name,
        "hi_genname": name,
        "spec": spec,
        "spec_mol": spec,
        "pacspec": "1个/包",
        "min_useunt": "个",
        "prodentp_name": random.choice(words.MAKERS),
        "reg_fil_no": f"示例械注准{index + 1:08d}",
        "lmt_used_flag": "0",
    }


def diagnosis(random: Random, index: int) -> Row:
    """A diagnosis (1307); the code has the shape of ICD-10 but belongs to the sandbox."""
    name = f"{random.choice(words.DISEASES)}{index % 90 + 1}型"
    code = f"{words.LETTERS[index // 9000 % 24]}{index // 90 % 100:02d}.{index % 90 + 10:02d}x001"
    group = f"{words.LETTERS[index // 9000 % 24]}{index // 90 % 100:02d}"
    return {
        "diag_list_id": f"D{index + 1:09d}",
        "cpr": "15",
        "cpr_name": "示例章",
        "cgy_code": group,
        "diag_code": code,
        "diag_name": name,
    }


def operation(random: Random, index: int) -> Row:
    """An operation (1308)."""
    name = f"{random.choice(words.OPERATIONS)}{index % 100 + 1}式"
    code = f"{index // 1000 % 100:02d}.{index // 10 % 100:02d}0{index % 10}"
    return {"oprn_std_list_id": f"O{index + 1:09d}", "oprn_oprt_code": code, "oprn_oprt_name": name}


def chronic(random: Random, index: int) -> Row:
    """A chronic disease with an outpatient benefit (1309)."""
    name = words.CHRONIC[index % len(words.CHRONIC)]
    return {
        "opsp_dise_code": f"M{index + 1:05d}",
        "opsp_dise_name": name,
        "opsp_dise_majcls_name": name,
        "admdvs": "441700",
    }


def flat_rate(random: Random, index: int) -> Row:
    """A disease paid by the case (1310)."""
    name = words.DISEASES[index % len(words.DISEASES)]
    return {
        "dise_setl_list_id": f"B{index + 1:09d}",
        "bydise_setl_list_code": f"B{index + 1:05d}",
        "bydise_setl_dise_name": name,
    }


def day_surgery(random: Random, index: int) -> Row:
    """A disease of day surgery (1311)."""
    name = words.OPERATIONS[index % len(words.OPERATIONS)]
    return {
        "daysrg_trt_list_id": f"R{index + 1:09d}",
        "daysrg_dise_list_code": f"R{index + 1:05d}",
        "daysrg_dise_name": name,
    }


def tumour(random: Random, index: int) -> Row:
    """A tumour's form (1313)."""
    return {
        "tmor_mpy_id": f"U{index + 1:09d}",
        "mpy_type_code": f"M8{index % 1000:03d}/{index % 4}",
        "mpy_type": f"示例肿瘤形态{index + 1}",
    }


def chinese_disease(random: Random, index: int) -> Row:
    """A disease of Chinese medicine (1314)."""
    return {
        "tcm_diag_id": f"Y{index + 1:09d}",
        "dise_type_code": f"A{index + 1:07d}",
        "dise_type_name": f"示例中医病{index + 1}",
    }


def chinese_pattern(random: Random, index: int) -> Row:
    """A pattern of Chinese medicine (1315)."""
    return {
        "tcmsymp_id": f"W{index + 1:09d}",
        "sds_type_code": f"B{index + 1:07d}",
        "sds_type_name": f"示例证候{index + 1}",
    }


@dataclass(frozen=True)
class Kind:
    """A catalogue: how many items the demo has, how one is made, which list_type its codes belong to."""

    rows: int
    make: Maker
    list_type: str = ""


KINDS = {
    "1301": Kind(2600, drug, "101"),
    "1302": Kind(300, herb, "102"),
    "1303": Kind(20, preparation, "103"),
    "1304": Kind(40, ethnic, "104"),
    "1305": Kind(4100, service, "201"),
    "1306": Kind(1800, consumable, "301"),
    "1307": Kind(2200, diagnosis),
    "1308": Kind(800, operation),
    "1309": Kind(56, chronic),
    "1310": Kind(90, flat_rate),
    "1311": Kind(40, day_surgery),
    "1313": Kind(80, tumour),
    "1314": Kind(200, chinese_disease),
    "1315": Kind(200, chinese_pattern),
}
FILE_BORNE = tuple(infno for infno in KINDS if infno != "1304")
