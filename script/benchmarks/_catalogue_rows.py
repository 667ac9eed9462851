"""A believable 1301 file of any size: invented drugs, each with its forms, strengths, packs and makers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random

FIRST = "阿头奥氯甲乙左复盐硫葡维布地克罗丙双益康磷苯异氨环曲替瑞恩托"
SECOND = "莫孢美化硝酰氧方酸萄生洛塞拉红他黄母宫胺西林沙星唑啶芬定平坦"
THIRD = "林素嗪唑啉胺酮醇酯肽苷碱钠钙锌片"
FORMS = ("片剂", "胶囊剂", "颗粒剂", "注射液", "口服溶液剂", "软膏剂", "滴眼剂", "栓剂", "糖浆剂", "缓释片剂")
PLACES = "华东北西南江河湖海山川云岭康宁安泰瑞祥福禄寿健民众生同仁和济世长春"
KINDS = ("制药有限公司", "药业股份有限公司", "生物科技有限公司", "药业集团有限公司", "制药厂", "医药有限责任公司")
UNITS = ("盒", "瓶", "支", "袋")
STRENGTHS = ("0.1g", "0.125g", "0.25g", "0.5g", "1g", "5mg", "10mg", "20mg", "25mg", "40mg", "50mg", "80mg", "1ml:5mg",
             "2ml:50mg", "10ml:0.1g", "100ml:0.2g", "100mg", "150mg", "0.3g", "75mg")  # fmt: skip
TEXT = "用于治疗由敏感菌所致的轻中度感染，如呼吸道、泌尿道、皮肤软组织等部位的感染"


def rows(columns: list[str], count: int, seed: int = 1301) -> Iterator[list[str]]:
    """Yield `count` rows of the given columns, "null" for nothing."""
    random = Random(seed)
    names = ["".join(three) for three in product(FIRST, SECOND, THIRD)]
    random.shuffle(names)
    makers = [f"演示{a}{b}{kind}" for a, b, kind in product(PLACES, PLACES, KINDS) if a != b]
    pairs = [(maker, f"P{number:06d}") for number, maker in enumerate(makers)]
    for number in range(count):
        yield _row(random, columns, number, names, pairs)


def _row(random: Random, columns: list[str], number: int, names: list[str], makers: list[tuple[str, str]]) -> list[str]:
    drug = number // 24
    # a drug has two or three forms, a form a few strengths
    name, form = names[drug % len(names)], FORMS[(drug * 7 + number % 5 // 2) % len(FORMS)]
    (maker, maker_code), unit = random.choice(makers), random.choice(UNITS)
    strength = f"{STRENGTHS[(drug + number % 4) % len(STRENGTHS)]}"
    pack = random.choice((6, 7, 10, 12, 14, 20, 24, 30, 36, 48, 60, 100))
    year = 2003 + number % 20
    day = f"{year}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    version = f"1301_{20240101 + number % 3 * 300}_1.0.{number % 3}"
    full = f"{name}{form.removesuffix('剂')}"
    given = {
        "med_list_codg": f"XJ{number % 90 + 10}CA{number:06d}A{number % 900 + 100:03d}010{number % 90000:05d}",
        "drug_prodname": full if number % 5 else f"{name[:2]}宁", "genname_codg": f"G{number // 24:06d}",
        "drug_genname": full, "chemname": name, "reg_name": full, "drugstdcode": f"8690{number:010d}",
        "drug_dosform": f"{number % 40:03d}", "drug_dosform_name": form, "drug_type": "101", "drug_type_name": "西药",
        "drug_spec": f"{strength}×{pack}{'片' if '片' in form else unit}", "drug_spec_code": f"{number % 9999:04d}",
        "reg_dosform": form, "reg_spec": strength, "each_dos": strength, "used_frqu": "一日3次", "used_mtd": "口服",
        "nat_drug_no": f"{number % 700}", "tcmpat_flag": "0", "prodplac_type": "1", "prodplac_type_name": "国产",
        "prcunt_type": "1", "otc_flag": "0", "otc_flag_name": "处方药", "pacmatl_name": "铝塑泡罩包装",
        "pacspec": f"{strength}*{pack}/{unit}", "pac_cnt": str(pack), "efcc_atd": TEXT[: 12 + number % 26],
        "rute": "口服", "begndate": f"{day} 00:00:00", "enddate": "2099-12-31 00:00:00", "min_useunt": "片",
        "min_salunt": unit, "min_unt": "片", "min_pac_cnt": str(pack), "min_pacunt": unit, "minpacunt_name": unit,
        "min_prepunt": "片", "min_prepunt_name": "片", "convrat": str(pack), "drug_expy": "24", "min_prcunt": unit,
        "prodentp_code": maker_code, "prodentp_name": maker, "sp_drug_flag": "0",
        "lmt_usescp": "限二级及以上医疗机构使用" if number % 11 == 0 else "null", "lmt_used_flag": "0",
        "drug_regno": "null", "aprvno": f"示例准字H{year}{number % 10000:04d}", "aprvno_begndate": f"{day} 00:00:00",
        "mkt_stas": "1", "mkt_stas_name": "正常", "bas_medn_flag": "0", "bas_medn_flag_name": "否",
        "hi_nego_drug_flag": "0", "vali_flag": "0" if number % 97 == 0 else "1", "rid": f"1301{number:026d}",
        "crte_time": f"Mon Jan 08 {number % 24:02d}:00:00 CST 2024", "updt_time": f"{day} {number % 24:02d}:15:00",
        "ver": version, "ver_name": version[5:13], "co_name": maker, "lstd_lic_holder": maker, "isu_flag": "1",
        "nat_hi_druglist_chrgitm_lv": "甲" if number % 3 else "乙", "tram_data_id": f"{number:020d}",
    }  # fmt: skip
    return [given.get(column, "null") for column in columns]


def write_text(path: Path, columns: list[str], count: int) -> None:
    """Write the unpacked file."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines("\t".join(row) + "\n" for row in rows(columns, count))


def pack(text: Path, archive: Path) -> None:
    """Write the ZIP as the platform does: one member, named like the archive without `.zip`."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made:
        made.write(text, text.name)


def main(arguments: list[str]) -> None:
    """Write text and archive: paths of both, number of rows, columns."""
    text, archive, count, *columns = arguments
    write_text(Path(text), columns, int(count))
    pack(Path(text), Path(archive))
