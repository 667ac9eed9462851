"""What this room gives to the audit: words for its actions, and records whose history has a page."""

from __future__ import annotations

from django.urls import reverse

from insurance.exchange.histories import register_uploads_of
from portal.audit.histories import register_subject
from portal.audit.words import register_words

VIEW = "directory.view"
WORDS = {
    "directory.create": "新建科室",
    "directory.change": "修改科室",
    "directory.end": "停用科室",
    "directory.withdraw": "撤销科室",
    "directory.discard": "作废科室草稿",
    "directory.import": "导入科室",
    "directory.submit": "上传科室",
    "directory.compare": "核对",
    "directory.practitioners": "更新医保医师护士药师",
    "directory.institution": "更新机构信息",
    "directory.uncover": "查看明文",
    "directory.export": "导出科室与人员",
    "directory.adopt_platform": "以平台为准",
    "directory.keep_ours": "以本院为准",
    "directory.ignore": "不处理差异",
}


def register_recording() -> None:
    """Hand words and records over; a person of the staff is named with a mask."""
    register_words(WORDS)
    register_subject("directory.department", VIEW, lambda one: one.get_absolute_url(), lambda one: one.hosp_dept_name)
    register_subject("directory.practitioner", VIEW, lambda one: reverse("directory:practitioner", args=[one.pk]), str)
    register_uploads_of("directory.department")
