"""Every refusal that mapping.md names leads to a step, whatever the wording; and a page where it is taken."""

from __future__ import annotations

import pytest

from insurance.mapping.delivery.advice import UNKNOWN, advice_for


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("机构目录[Y1]的医疗目录编码[X1]不在国家目录中，请先更新目录", "编码不在平台现行目录"),
        ("医疗目录编码不存在", "编码不在平台现行目录"),
        ("机构目录[Y1]的医疗目录编码[X1]已停用", "编码已停用"),
        ("机构目录[Y1]的目录类别[301]与医疗目录编码[X1]不符", "目录类别与编码不符"),
        ("机构目录[Y1]在该期间已有对照，请先终止原对照", "平台在这段期间已有对照"),
        ("该对照信息已存在，请勿重复上传", "平台在这段期间已有对照"),
        ("机构目录[Y1]的开始日期早于允许的补录期限（30天）", "开始日期早于医保局允许的范围"),
        ("机构目录[Y1]的开始日期早于医疗目录编码的生效日期2025-01-01", "开始日期早于编码生效日期"),
        ("机构目录[Y1]的结束日期晚于医疗目录编码的失效日期2026-01-01", "结束日期晚于编码失效日期"),
        ("机构目录[Y1]的结束日期早于开始日期或日期格式不正确", "结束日期早于开始日期"),
        ("节点 data 第 1 行 批准文号（aprvno）：必填", "缺批准文号"),
        ("名称（fixmedins_hilist_name）：最多 200 个字", "有字段超过长度（名称 200、编码 30）"),
        ("机构目录[Y1]的对照已被未结算的费用使用，不能删除", "还有没结算的费用用着这条对照"),
        ("只能撤销本机构的目录对照", "平台认为不是本机构的对照"),
        ("未找到机构目录[Y1]与[X1]的有效对照", "平台没有这条对照"),
        ("该目录正在审核中", "平台正在审核这一项"),
    ],
)
def test_each_typical_rejection(words: str, cause: str) -> None:
    advice = advice_for(words)
    assert advice is not None
    assert advice.cause == cause
    assert advice.step
    assert advice.url


def test_words_that_nobody_knows_still_say_what_to_do() -> None:
    assert advice_for("ORA-00001") is UNKNOWN
    assert UNKNOWN.step
    assert advice_for(" ") is None
