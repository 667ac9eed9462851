"""What can be done with a department now, and if not, why: the same words on the list, in the drawer and in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from insurance.directory.choices import DepartmentState, Verdict
from insurance.directory.models import Department
from insurance.directory.services.submitting import ALREADY, LEVEL
from insurance.exchange.choices import OPEN_STATES


@dataclass(frozen=True)
class DepartmentAct:
    """One act: its word, the right it needs, the page behind it, and why a department does not allow it."""

    key: str
    label: str
    action: str
    url_name: str
    reason: Callable[[Any], str]
    batch: bool = True


def _on_its_way(department: Any) -> str:
    """`department` is one of `queries.with_delivery`."""
    return "正在上传，请等结果" if department.delivery in OPEN_STATES else ""


def _upload(department: Any) -> str:
    if department.delivery in OPEN_STATES:
        return ALREADY
    return LEVEL if department.held and department.verdict == Verdict.SAME else ""


def _end(department: Any) -> str:
    if not department.held:
        return "还没有上传到平台，无需停用；草稿可直接作废"
    return "已经停用" if department.state == DepartmentState.ENDED else _on_its_way(department)


def _withdraw(department: Any) -> str:
    return _on_its_way(department) if department.held else "平台没有这个科室，无需撤销"


def _discard(department: Department) -> str:
    if department.state != DepartmentState.DRAFT:
        return "只有草稿可以作废；平台已有的科室请用「停用」或「撤销」"
    return _on_its_way(department)


ACTS = (
    DepartmentAct("edit", "修改", "directory.edit", "directory:department_edit", _on_its_way, batch=False),
    DepartmentAct("upload", "上传", "directory.submit", "directory:department_upload", _upload),
    DepartmentAct("end", "停用", "directory.submit", "directory:department_end", _end),
    DepartmentAct("withdraw", "撤销", "directory.submit", "directory:department_withdraw", _withdraw),
    DepartmentAct("discard", "作废草稿", "directory.edit", "directory:department_discard", _discard),
)
NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权"


def act(key: str) -> DepartmentAct:
    """Return an act by its key."""
    return next(one for one in ACTS if one.key == key)
