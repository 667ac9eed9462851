"""One catalogue item from its number: the same seed and number give the same item, so that nothing need be kept.

Items come in families of near siblings (one drug by several makers, in several strengths and packs), as the national
catalogues have them. Names, makers and numbers are invented.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from insurance.sandbox.seeds import words
from insurance.sandbox.seeds.dice import Dice
from insurance.sandbox.seeds.pinyin import initials

Row = dict[str, Any]
Maker = Callable[[Dice, int], Row]

GOODS = tuple(words.GOODS)
# A family of drugs: so many makers, each with so many strengths, each in so many packs.
STRENGTHS, PACKS, MAKERS_OF = 3, 2, 3
SIZES = 4
FAMILY = STRENGTHS * PACKS * MAKERS_OF


def _code(letter: str, index: int, length: int) -> str:
    """A national code that carries the item's number, so that it can be found again by its code."""
    return letter + f"{index + 1:0{length - len(letter)}d}"


@lru_cache(maxsize=64)
def _family(dice: Dice, family: int) -> Row:
    """What all drugs of a family share."""
    plain, form = words.DRUGS[family % len(words.DRUGS)]
    name = words.FORMS[form][0].format(plain)
    limited = dice.throw(family, 1, 8) == 0
    return {
        "drug_prodname": name,
        "genname_codg": f"G{family % 99991:05d}",
        "drug_genname": name,
        "chemname": plain,
        "reg_name": name,
        "drug_type": "1",
        "drug_type_name": "西药",
        "drug_dosform_name": form,
        "dosform": form,
        "reg_dosform": form,
        "otc_flag": "1" if family % 9 == 0 else "0",
        "prodplac_type": "1",
        "prodplac_type_name": "国产",
        "mkt_stas": "1",
        "mkt_stas_name": "正常",
        "bas_medn_flag": "1" if family % 3 == 0 else "0",
        "chld_medc": "1" if form in ("颗粒剂", "干混悬剂", "口服溶液剂") else "0",
        "hi_nego_drug_flag": "1" if family % 29 == 3 else "0",
        "lmt_used_flag": "1" if limited else "0",
        "lmt_usescp": dice.pick(family, 2, words.LIMITS) if limited else None,
        "isu_flag": "1",
        "pinyin": initials(name),
    }


def drug(dice: Dice, index: int) -> Row:
    """A western or patent medicine (1301)."""
    family, member = divmod(index, FAMILY)
    shared = _family(dice, family)
    _, strengths, packs = words.FORMS[shared["dosform"]]
    pack, unit = packs[(member % PACKS + family) % len(packs)]
    spec = strengths[member // PACKS % STRENGTHS]
    place = (family * MAKERS_OF + member // (PACKS * STRENGTHS) + dice.throw(family, 0, 7)) % len(words.MAKERS)
    maker = words.MAKERS[place]
    number = index // PACKS + 1  # one approval number for all packs of a strength, as in life
    count = _leading(pack)
    return {
        **shared,
        "med_list_codg": _code("XJ01CA", index, 23),
        "drug_spec": spec,
        "reg_spec": spec,
        "pacspec": pack,
        "pac_cnt": count,
        "pacmatl_name": "玻璃瓶" if unit in ("瓶", "支") else "铝塑包装",
        "min_useunt": pack[len(count) : pack.index("/")],
        "min_pac_cnt": count,
        "min_pacunt": unit,
        "minpacunt_name": unit,
        "min_prcunt": unit,
        "convrat": count,
        "prodentp_code": f"{place + 1:06d}",
        "prodentp_name": maker,
        "co_name": maker,
        "lstd_lic_holder": maker,
        "aprvno": f"示例准字H{number:08d}",
        "drugstdcode": f"86{number:012d}",
    }


@cache
def _leading(pack: str) -> str:
    """The number with which a pack begins."""
    return pack[: next(place for place, sign in enumerate(pack) if not sign.isdigit())]


def herb(dice: Dice, index: int) -> Row:
    """A slice (1302): one medicine in several ways of processing."""
    plain = words.HERBS[index // len(words.PROCESSED) % len(words.HERBS)]
    way = words.PROCESSED[index % len(words.PROCESSED)]
    round_ = index // (len(words.PROCESSED) * len(words.HERBS))
    return {
        "med_list_codg": _code("T", index, 10),
        "tcmherb_name": f"{way}{plain}",
        "mlms_name": plain,
        "cpnd_flag": "1",
        "qlt_lv": ("统货", "一级", "二级")[round_ % 3],
        "med_part": dice.pick(index // len(words.PROCESSED), 0, words.HERB_PARTS),
        "psdg_mtd": f"{way}制" if way else "净制、切制",
        "std_name": "示例中药饮片炮制规范",
        "std_pagen": str(index % 500 + 1),
        "nat_hi_pay_pol": "单方不予支付" if index % 31 == 0 else None,
    }


def preparation(dice: Dice, index: int) -> Row:
    """A preparation of a hospital (1303)."""
    name = words.PREPARATIONS[index % len(words.PREPARATIONS)]
    return {
        "med_list_codg": _code("H4417", index, 23),
        "drug_prodname": name,
        "reg_name": name,
        "drug_spec": ("100ml", "10g", "200ml", "20g")[index // len(words.PREPARATIONS) % 4],
        "pacspec": "1瓶/瓶",
        "min_pacunt": "瓶",
        "minpacunt_name": "瓶",
        "aprvno": f"粤示制字Z{index + 1:08d}",
        "selfprep_pmtno": f"粤示制字Z{index + 1:08d}",
        "prodentp_name": "阳江示例医院制剂室",
    }


def ethnic(dice: Dice, index: int) -> Row:
    """An ethnic medicine (1304)."""
    name = words.ETHNIC[index % len(words.ETHNIC)]
    return drug(dice, index) | {
        "chemname": None,
        "drug_type": "3",
        "drug_type_name": "民族药",
        "med_list_codg": _code("ZM", index, 23),
        "drug_prodname": name,
        "drug_genname": name,
        "reg_name": name,
        "ethdrug_type": None,
        "pinyin": initials(name),
    }


def service(dice: Dice, index: int) -> Row:
    """A medical service (1305): what is done once in a few ways, behind it what is done at a part of the body."""
    plain, site, name = _act(index)
    apart = dice.throw(index, 0, 15) == 0
    unit = "日" if "床位" in plain or "护理" in plain else "次"
    return {
        "med_list_codg": _code("0011", index, 15),
        "prcunt": unit,
        "prcunt_name": unit,
        "servitem_name": name,
        "servitem_type": "1",
        "trt_item_dscr": f"用于{site or '全身'}",
        "trt_item_cont": f"含{plain}所需的人员、设备与一般耗材" + (f"，{site}均按此计" if site else ""),
        "trt_exct_cont": "特殊耗材、一次性探头套" if apart else None,
        "item_dscr": "加收须写明原因" if "加收" in name else None,
        "isu_flag": "1",
    }


def _act(index: int) -> tuple[str, str, str]:
    """What is done, at which part of the body, and the name of both; no two numbers have the same name."""
    once = len(words.SERVICES) * len(words.WAYS)
    if index < once:
        act, way = divmod(index, len(words.WAYS))
        return words.SERVICES[act], "", f"{words.SERVICES[act]}{words.WAYS[way]}"
    act, way = divmod(index - once, len(words.PLACES))
    round_, plain = act // len(words.SITED), words.SITED[act % len(words.SITED)]
    level, site = divmod(round_, len(words.SITES))
    name = f"{words.SITES[site]}{plain}{words.PLACES[way]}{f'（{level + 1}级）' if level else ''}"
    return plain, words.SITES[site], name


def consumable(dice: Dice, index: int) -> Row:
    """A consumable (1306): one thing in four sizes by several makers; after all makers, in another make."""
    group, member = divmod(index, SIZES)
    round_, good = divmod(group, len(GOODS))
    name, make = GOODS[good], round_ // len(words.MAKERS)
    material, sizes = words.GOODS[name]
    spec = f"{sizes[member]}{f' {make + 1}型' if make else ''}"
    maker = words.MAKERS[(round_ + good * 7 + dice.throw(good, 0, 7)) % len(words.MAKERS)]
    maker = maker.replace("制药", "医疗器械").replace("药业", "医疗用品")
    return {
        "med_list_codg": _code("C", index, 27),
        "mcs_name": name,
        "hi_genname": name,
        "hi_genname_code": f"{good + 1:06d}",
        "spec": spec,
        "spec_mol": spec,
        "prod_mol": f"SL{good + 1:02d}-{member + 1}{f'-{make + 1}' if make else ''}",
        "mcs_matl": material,
        "pacspec": "1个/包",
        "pacunt": "包",
        "min_useunt": "个",
        "min_salunt": "个",
        "prodentp_name": maker,
        "reger_name": maker,
        "reg_fil_no": f"示例械注准{group + 1:08d}",
        "reg_fil_prod_name": name,
        "dspo_used_flag": "1" if "一次性" in name else "0",
        "highval_mcs_flag": "1" if "钉仓" in name else "0",
        "med_equ_mgt_type": "3" if "钉仓" in name or "节育器" in name else "2",
        "lmt_used_flag": "0",
    }


def diagnosis(dice: Dice, index: int) -> Row:
    """A diagnosis (1307); the code has the shape of ICD-10 but belongs to the sandbox."""
    name = f"{words.DISEASES[index // 90 % len(words.DISEASES)]}{index % 90 + 1}型"
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


def operation(dice: Dice, index: int) -> Row:
    """An operation (1308)."""
    name = f"{words.OPERATIONS[index // 100 % len(words.OPERATIONS)]}{index % 100 + 1}式"
    code = f"{index // 1000 % 100:02d}.{index // 10 % 100:02d}0{index % 10}"
    return {"oprn_std_list_id": f"O{index + 1:09d}", "oprn_oprt_code": code, "oprn_oprt_name": name}


def chronic(dice: Dice, index: int) -> Row:
    """A chronic disease with an outpatient benefit (1309)."""
    name = words.CHRONIC[index % len(words.CHRONIC)]
    return {
        "opsp_dise_code": f"M{index + 1:05d}",
        "opsp_dise_name": name,
        "opsp_dise_majcls_name": name,
        "admdvs": "441700",
    }


def flat_rate(dice: Dice, index: int) -> Row:
    """A disease paid by the case (1310)."""
    name = words.DISEASES[index % len(words.DISEASES)]
    return {
        "dise_setl_list_id": f"B{index + 1:09d}",
        "bydise_setl_list_code": f"B{index + 1:05d}",
        "bydise_setl_dise_name": name,
    }


def day_surgery(dice: Dice, index: int) -> Row:
    """A disease of day surgery (1311)."""
    name = words.OPERATIONS[index % len(words.OPERATIONS)]
    return {
        "daysrg_trt_list_id": f"R{index + 1:09d}",
        "daysrg_dise_list_code": f"R{index + 1:05d}",
        "daysrg_dise_name": name,
    }


def tumour(dice: Dice, index: int) -> Row:
    """A tumour's form (1313)."""
    return {
        "tmor_mpy_id": f"U{index + 1:09d}",
        "mpy_type_code": f"M8{index % 1000:03d}/{index % 4}",
        "mpy_type": f"示例肿瘤形态{index + 1}",
    }


def chinese_disease(dice: Dice, index: int) -> Row:
    """A disease of Chinese medicine (1314)."""
    return {
        "tcm_diag_id": f"Y{index + 1:09d}",
        "dise_type_code": f"A{index + 1:07d}",
        "dise_type_name": f"示例中医病{index + 1}",
    }


def chinese_pattern(dice: Dice, index: int) -> Row:
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
