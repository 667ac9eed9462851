"""What this corner gives to the audit: words for its actions, and records whose history has a page."""

from __future__ import annotations

from portal.audit.histories import register_subject
from portal.audit.words import register_words

VIEW = "mapping.view"
WORDS = {
    "mapping.switch_create": "新建目录切换",
    "mapping.switch_change": "修改目录切换",
    "mapping.switch_rows": "导入新旧编码对照表",
    "mapping.switch_prepare": "准备目录切换",
    "mapping.switch_choose": "选择新编码",
    "mapping.switch_approve": "通过目录切换",
    "mapping.switch_return": "退回目录切换",
    "mapping.switch_undo": "整体撤回目录切换",
    "mapping.switch_cancel": "作废目录切换",
    "mapping.finding_ignore": "不处理目录变更影响",
}


def register_recording() -> None:
    """Hand words and records over."""
    register_words(WORDS)
    register_subject("mapping.codeswitch", VIEW, lambda one: one.get_absolute_url(), str)
