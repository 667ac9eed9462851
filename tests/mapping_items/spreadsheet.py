"""Lists of items as a hospital's system exports them: drugs, services, supplies. All invented."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from openpyxl import Workbook

DRUG_HEADERS = (
    "药品编码", "药品名称", "规格", "剂型", "单位", "零售价", "生产厂家", "国药准字", "类别", "近12个月收入", "库存",
    "在院人数",
)  # fmt: skip
DRUGS: list[list[Any]] = [
    ["0001001", "(甲)演示青霉素胶囊", "0.25g*24粒/盒", "胶囊剂", "盒", "12.50", "演示制药", "国药准字H00000001", "西药",
     "182,000.00", "320", "12"],
    ["0001002", "(乙10%)演示清热颗粒", "10g*9袋/盒", "颗粒剂", "盒", "28.8", "演示药业", "国药准字Z00000002", "中成药",
     "96000", "85", "3"],
    ["0002001", "演示草(净制)", "统货", "", "g", "0.1234", "演示饮片", "", "草药", "1200.5", "5000", "0"],
    ["0003001", "演示止咳合剂", "100ml/瓶", "合剂", "瓶", "9", "本院制剂室", "粤药制字Z00000003", "院内制剂",
     "800", "", ""],
    ["0001003", "演示注射液", "2ml:0.1g*10支/盒", "注射剂", "支", "1.16", "演示三联", "国药准字H00000004", "", "5000",
     "900", "30"],
]  # fmt: skip
SERVICE_HEADERS = ("收费项目编码", "收费项目名称", "计价单位", "收费标准", "项目内涵", "除外内容", "收入")
SERVICES: list[list[Any]] = [
    ["110200001", "演示诊查费", "次", "8", "指医师提供的诊疗服务", "", "300000"],
    ["0250101001", "演示血常规", "次", "18.00", "", "", "250000"],
]
SUPPLY_HEADERS = ("物资编码", "物资名称", "规格型号", "单位", "单价(元)", "生产企业", "注册证号", "类别")
SUPPLIES: list[list[Any]] = [
    ["W00001", "演示导管", "5Fr*100cm", "根", "320", "演示医疗", "国械注准00000000001", "高值耗材"],
    ["W00002", "演示敷料", "10cm*10cm", "片", "2.5", "演示卫材", "粤械备00000002", "材料"],
]


def workbook(headers: tuple[str, ...], lines: list[list[Any]], title: str = "") -> bytes:
    """Return the lines as .xlsx under a title, every cell text as a HIS writes it."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    if title:
        sheet.append([title])
    for line in (list(headers), *lines):
        sheet.append(line)
    file = BytesIO()
    book.save(file)
    return file.getvalue()
