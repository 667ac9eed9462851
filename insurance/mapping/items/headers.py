"""Under which headers hospitals' systems export their items, what templates show as an example and as help."""

from __future__ import annotations

from insurance.mapping.items.kinds import DRUGS, HERBS, SERVICES, SUPPLIES

_BASE = ("list_type", "fixmedins_hilist_id", "fixmedins_hilist_name")
_TAIL = ("begndate", "enddate", "stopped", "since", "revenue", "stock", "inpatients", "usage_as_of", "memo")
# Group → columns in the order of its template.
SHEETS: dict[str, tuple[str, ...]] = {
    DRUGS.code: (*_BASE, "spec", "dosform", "pacspec", "prodentp_name", "aprvno", "prcunt", "pric", *_TAIL),
    HERBS.code: (*_BASE, "spec", "dosform", "pacspec", "prodentp_name", "aprvno", "prcunt", "pric", *_TAIL),
    SERVICES.code: (
        *_BASE, "prcunt", "pric", "item_cont", "exct_cont", "spec", *(name for name in _TAIL if name != "stock"),
    ),
    SUPPLIES.code: (*_BASE, "spec", "pacspec", "prodentp_name", "aprvno", "prcunt", "pric", *_TAIL),
}  # fmt: skip
ALIASES: dict[str, tuple[str, ...]] = {
    "list_type": ("类别", "项目类别", "收费类别", "费用类别", "药品类别", "材料类别", "大类", "类型", "目录类型"),
    "fixmedins_hilist_id": (
        "项目编码", "编码", "院内编码", "本院编码", "HIS编码", "收费项目编码", "收费编码", "项目代码", "代码",
        "院内项目编码", "机构目录编码", "医院编码",
    ),
    "fixmedins_hilist_name": (
        "名称", "项目名称", "收费项目名称", "院内名称", "本院名称", "HIS名称", "收费名称", "院内项目名称",
        "机构目录名称", "医院名称",
    ),
    "spec": ("规格型号", "型号规格", "型号", "药品规格", "项目规格"),
    "dosform": ("药品剂型", "剂型名称"),
    "pacspec": ("包装", "包装规格数量", "包装数量", "转换比", "包装量"),
    "prodentp_name": (
        "生产厂家", "厂家", "厂商", "生产商", "制造商", "生产厂商", "产地", "生产单位", "厂家名称", "生产企业名称",
        "药企", "品牌厂家",
    ),
    "aprvno": (
        "国药准字", "国药准字号", "批文", "批准文号/注册证号", "批号文号", "药品批准文号", "准字号", "注册证号",
        "注册备案号", "备案号",
    ),
    "prcunt": ("单位", "计量单位", "收费单位", "零售单位", "销售单位"),
    "pric": (
        "零售价", "价格", "售价", "零售单价", "收费标准", "执行价格", "执行价", "现价", "销售价", "收费价格",
        "单价(元)", "价格(元)", "三甲价格", "三级价格",
    ),
    "item_cont": ("内涵", "服务内涵", "项目内容", "项目说明"),
    "exct_cont": ("除外", "除外材料", "可另收费内容"),
    "begndate": ("开始日期", "启用时间", "建档日期", "开始时间"),
    "enddate": ("结束日期", "停用时间", "结束时间", "失效日期"),
    "stopped": ("是否停用", "停用", "停用否", "使用状态", "启用状态"),
    "since": ("生效日期", "调价日期", "执行日期", "变更日期", "生效时间"),
    "revenue": (
        "金额", "年收入", "近一年收入", "销售金额", "收入金额", "本年收入", "近12个月收入", "收费金额", "收入(元)",
    ),
    "stock": ("库存数量", "库存量", "当前库存", "库存数", "结存"),
    "inpatients": ("在院人数", "在院使用", "在用人数", "在院患者数", "在院病人数"),
    "usage_as_of": ("截止日期", "截至日期", "统计截止", "统计日期", "用量截至", "统计截止日期"),
    "memo": ("说明",),
}  # fmt: skip
GROUP_ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    group: {"fixmedins_hilist_id": codes, "fixmedins_hilist_name": names}
    for group, codes, names in (
        (
            DRUGS.code,
            ("药品编码", "药品代码", "药品编号", "药品ID", "药品码"),
            ("药品名称", "药名"),
        ),
        (
            HERBS.code,
            ("饮片编码", "药品编码", "草药编码", "药品代码", "颗粒编码"),
            ("饮片名称", "药品名称", "草药名称", "药名", "颗粒名称"),
        ),
        (SERVICES.code, ("诊疗编码", "诊疗项目编码", "服务项目编码"), ("诊疗名称", "诊疗项目名称", "服务项目名称")),
        (
            SUPPLIES.code,
            ("材料编码", "耗材编码", "物资编码", "耗材代码", "物资代码", "材料代码"),
            ("材料名称", "耗材名称", "物资名称", "产品名称"),
        ),
    )
}
HELPS = {
    "list_type": "填代码或名称，也可填西药、草药、材料、诊疗等；留空按文件种类",
    "fixmedins_hilist_id": "本院系统中的编码，前面的 0 要保留（设为文本格式）",
    "aprvno": "药品填国药准字，耗材填注册证或备案号；填了推荐更准",
    "begndate": "留空：已有项目保持不变，新项目取变更生效日期",
    "enddate": "最后一个收费日，长期使用留空",
    "since": "这一行的变更从哪天起，留空为今天；可填以后的日期，到期自动生效",
    "revenue": "近 12 个月收入（元），用来排定对照的先后",
    "stopped": "是：从变更生效日期起停用",
}
_DRUG = {
    "list_type": "101", "fixmedins_hilist_id": "0012345", "fixmedins_hilist_name": "(甲)演示胶囊",
    "spec": "0.25g*24粒/盒", "dosform": "胶囊剂", "prodentp_name": "演示制药", "aprvno": "国药准字H00000000",
    "prcunt": "盒", "pric": "12.5", "begndate": "2020-01-01", "revenue": "182000.00", "stock": "320",
    "inpatients": "12", "usage_as_of": "2026-10-31",
}  # fmt: skip
SAMPLES: dict[str, dict[str, str]] = {
    DRUGS.code: _DRUG,
    HERBS.code: {
        "list_type": "102", "fixmedins_hilist_id": "C00012", "fixmedins_hilist_name": "演示草（净制）", "spec": "统货",
        "prcunt": "g", "pric": "0.12", "begndate": "2020-01-01", "usage_as_of": "2026-10-31",
    },
    SERVICES.code: {
        "list_type": "201", "fixmedins_hilist_id": "110200000", "fixmedins_hilist_name": "演示诊查费", "prcunt": "次",
        "pric": "8", "item_cont": "指医师提供的诊疗服务", "begndate": "2020-01-01", "usage_as_of": "2026-10-31",
    },
    SUPPLIES.code: {
        "list_type": "301", "fixmedins_hilist_id": "W000123", "fixmedins_hilist_name": "演示导管", "spec": "5Fr*100cm",
        "prodentp_name": "演示医疗", "aprvno": "国械注准00000000000", "prcunt": "根", "pric": "320",
        "begndate": "2020-01-01", "usage_as_of": "2026-10-31",
    },
}  # fmt: skip
