"""The sets that every hospital needs. Rooms that keep the platform's dictionaries register them again with targets."""

from __future__ import annotations

from portal.people.models import Institution
from portal.values.registry import ValueSet, register_set

# GB/T 2261.1, as the platform's gend knows it.
SEXES = {"0": "未知的性别", "1": "男性", "2": "女性", "9": "未说明的性别"}


def _sexes(institution: Institution) -> dict[str, str]:
    return SEXES


OWN = (
    ValueSet("sex", "性别", target=_sexes, help="系统里写的性别（男、M、01）对应国标代码"),
    ValueSet("unit", "计量单位", money=True, help="院内计价、库存单位对应平台单位，影响数量和金额"),
    ValueSet("icd", "诊断编码", money=True, help="ICD-10 临床版对应医保版，影响结算和分组"),
    ValueSet("operation", "手术操作编码", money=True, help="手术操作临床版对应医保版，影响结算和分组"),
    ValueSet("staff", "医务人员", money=True, personal=True, help="院内工号对应国家医保编码，影响结算"),
    ValueSet("department", "科室", help="各系统里的科室写法对应本院科室编码"),
)


def register_own() -> None:
    """Make them known. This app loads before the rooms, so that theirs replace these."""
    for one in OWN:
        register_set(one)
