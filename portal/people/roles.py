"""Roles are code: each names the actions it may take. An action is `room.verb`; `room.*` stands for all of a room's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """One role: its code, its word on the screen, and the actions it grants."""

    code: str
    label: str
    actions: frozenset[str]

    def grants(self, action: str) -> bool:
        """Say whether this role may take `action` (`room.verb`)."""
        return action in self.actions or f"{action.split('.', 1)[0]}.*" in self.actions


# Words for the two halves of an action, for messages about rights.
ROOMS = {
    "desk": "工作台",
    "directory": "科室与人员",
    "catalogue": "医保目录",
    "mapping": "目录对照",
    "visits": "就诊与结算",
    "filings": "备案",
    "inventory": "进销存",
    "reconciliation": "对账",
    "collection": "结算清单与病案上传",
    "prescriptions": "处方流转与线上支付",
    "exchange": "交易",
    "onboarding": "联调与验收",
    "tasks": "任务中心",
    "sheets": "表格导入导出",
    "people": "人员与权限",
    "audit": "审计",
}
VERBS = {
    "view": "查看",
    "edit": "修改",
    "submit": "上传",
    "decide": "核实处理",
    "import": "导入",
    "export": "导出",
    "manage": "管理",
}


def describe(action: str) -> str:
    """Return an action in words: `directory.edit` → 「科室与人员 · 修改」; a word not listed stands as it is."""
    room, _, verb = action.partition(".")
    return f"「{ROOMS.get(room, room)} · {VERBS.get(verb, verb)}」"


def roles_with(action: str) -> list[Role]:
    """Return the roles that grant `action`, for telling a person which one to ask for."""
    return [role for role in ROLES.values() if role.grants(action)]


def _role(code: str, label: str, *actions: str) -> Role:
    return Role(code, label, frozenset(actions))


# Verbs: view, edit (change our own records), submit (say it to the platform), decide (settle an unknown or a
# difference), import, export, manage.
ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        _role(
            "insurance_office",
            "医保办",
            "desk.view",
            "directory.*",
            "exchange.view",
            "exchange.submit",
            "exchange.decide",
            "tasks.*",
            "sheets.*",
        ),
        _role("reviewer", "审核", "desk.view", "directory.view", "exchange.view", "exchange.decide", "tasks.view"),
        _role("pharmacy", "药房", "desk.view", "directory.view", "tasks.view", "sheets.view"),
        _role("price_supply", "物价耗材", "desk.view", "directory.view", "tasks.view", "sheets.view"),
        _role("cashier", "收费", "desk.view", "directory.view", "tasks.view"),
        _role("records", "病案采集", "desk.view", "directory.view", "tasks.view", "sheets.view"),
        _role("manager", "管理者", "desk.view", "directory.view", "directory.export", "exchange.view", "tasks.view"),
        _role(
            "it",
            "信息科",
            "desk.view",
            "directory.view",
            "exchange.view",
            "exchange.manage",
            "tasks.*",
            "people.manage",
        ),
    )
}
ROLE_CHOICES = [(role.code, role.label) for role in ROLES.values()]
