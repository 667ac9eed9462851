"""Kinds of items as offices know them: who keeps which, and the words by which their systems name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from insurance.mapping.choices import ListType

# The words of hospitals' systems for the platform's 目录类别; what is not here waits in 值对照.
WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("西药", "西成药", "中成药", "成药", "西药费", "中成药费", "药品", "化学药品", "化药", "生物制品", "疫苗",
         "西药及中成药"), ListType.DRUG.value,
    ),
    **dict.fromkeys(
        ("中草药", "草药", "中药", "饮片", "中草药费", "中药饮片费", "草药饮片", "中药材"), ListType.SLICE.value
    ),
    **dict.fromkeys(("院内制剂", "医院制剂", "制剂", "医疗机构制剂", "院制剂"), ListType.PREPARATION.value),
    **dict.fromkeys(("民族药品", "藏药", "蒙药"), ListType.ETHNIC.value),
    **dict.fromkeys(("配方颗粒", "中药颗粒", "免煎颗粒", "颗粒饮片", "中药配方颗粒剂"), ListType.GRANULE.value),
    **dict.fromkeys(
        ("诊疗", "诊疗项目", "医疗服务", "服务项目", "收费项目", "检查", "检查费", "化验", "检验", "化验费", "手术",
         "手术费", "治疗", "治疗费", "护理", "护理费", "床位", "床位费", "诊查费", "麻醉", "输血", "放射", "B超"),
        ListType.SERVICE.value,
    ),
    **dict.fromkeys(
        ("材料", "耗材", "卫材", "卫生材料", "材料费", "医用材料", "卫生材料费", "高值耗材", "低值耗材", "一次性材料",
         "植入材料", "一次性耗材", "试剂耗材"), ListType.CONSUMABLE.value,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Kinds that one office keeps in one list: which they are, and which one is meant where a file does not say."""

    code: str
    label: str
    action: str
    list_types: tuple[str, ...]

    @property
    def default(self) -> str:
        """The kind that is meant where a file does not say."""
        return self.list_types[0]


DRUGS = Group("mapping.item_drugs", "院内药品", "mapping.drugs", ("101", "103", "104", "105"))
HERBS = Group("mapping.item_herbs", "院内饮片与配方颗粒", "mapping.drugs", ("102", "106"))
SERVICES = Group("mapping.item_services", "院内医疗服务项目", "mapping.services", ("201",))
SUPPLIES = Group("mapping.item_supplies", "院内耗材", "mapping.supplies", ("301",))
GROUPS = (DRUGS, HERBS, SERVICES, SUPPLIES)
ALL = tuple(ListType.values)
