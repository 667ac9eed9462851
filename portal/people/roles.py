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
    "values": "值对照",
    "approvals": "双人审核",
    "privacy": "个人信息",
    "people": "人员",
    "security": "安全管理",
    "audit": "审计",
    "system": "系统",
}
VERBS = {
    "view": "查看",
    "edit": "修改",
    "submit": "上传",
    "decide": "核实处理",
    "import": "导入",
    "export": "导出",
    "manage": "管理",
    "approve": "审核",
    "grant": "授权",
    "debug": "接口调试",
    "uncover": "查看明文",
    "request": "申请批量明文",
    "handover": "代人交接",
    "drugs": "对药品",
    "services": "对医疗服务",
    "supplies": "对耗材",
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
# difference), import, export, approve (as the second person), debug (接口调试), manage.
# privacy.uncover shows one record in clear, privacy.request asks for many, privacy.approve allows it.
# mapping.drugs, .services, .supplies tie items of those kinds to codes (who maps does not approve); mapping.edit makes
# and changes items themselves; catalogue.manage downloads.
# people.manage makes and locks accounts (系统管理员), people.grant gives roles (安全管理员), audit.* reads what all of
# them did (审计管理员): 等保三级 wants three persons for these.
ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        _role(
            "insurance_office",
            "医保办",
            "desk.view",
            "directory.*",
            "catalogue.*",
            "mapping.*",
            "exchange.view",
            "exchange.submit",
            "exchange.decide",
            "exchange.debug",
            "exchange.export",
            "values.view",
            "values.edit",
            "approvals.view",
            "privacy.uncover",
            "privacy.request",
            "tasks.*",
            "sheets.*",
        ),
        _role(
            "reviewer",
            "审核",
            "desk.view",
            "directory.view",
            "directory.export",
            "catalogue.view",
            "catalogue.export",
            "mapping.view",
            "mapping.approve",
            "mapping.export",
            "exchange.view",
            "exchange.decide",
            "exchange.approve",
            "exchange.export",
            "values.view",
            "values.approve",
            "approvals.view",
            "privacy.uncover",
            "privacy.approve",
            "tasks.view",
            "sheets.view",
        ),
        _role(
            "pharmacy",
            "药房",
            "desk.view",
            "directory.view",
            "catalogue.view",
            "catalogue.export",
            "mapping.view",
            "mapping.drugs",
            "mapping.edit",
            "mapping.import",
            "mapping.export",
            "values.view",
            "values.edit",
            "approvals.view",
            "tasks.view",
            "sheets.view",
        ),
        _role(
            "price_supply",
            "物价耗材",
            "desk.view",
            "directory.view",
            "catalogue.view",
            "catalogue.export",
            "mapping.view",
            "mapping.services",
            "mapping.supplies",
            "mapping.edit",
            "mapping.import",
            "mapping.export",
            "values.view",
            "values.edit",
            "approvals.view",
            "tasks.view",
            "sheets.view",
        ),
        _role(
            "cashier", "收费", "desk.view", "directory.view", "catalogue.view", "mapping.view", "approvals.view",
            "tasks.view",
        ),
        _role(
            "records", "病案采集", "desk.view", "directory.view", "catalogue.view", "values.view", "approvals.view",
            "tasks.view", "sheets.view",
        ),
        _role(
            "manager",
            "管理者",
            "desk.view",
            "directory.view",
            "directory.export",
            "catalogue.view",
            "mapping.view",
            "mapping.export",
            "exchange.view",
            "exchange.export",
            "values.view",
            "approvals.view",
            "approvals.handover",
            "privacy.approve",
            "tasks.view",
            "sheets.view",
        ),
        _role(
            "it",
            "信息科",
            "desk.view",
            "directory.view",
            "catalogue.view",
            "catalogue.manage",
            "mapping.view",
            "exchange.view",
            "exchange.manage",
            "exchange.debug",
            "values.view",
            "approvals.view",
            "tasks.*",
            "sheets.view",
            "system.view",
        ),
        _role(
            "system_admin",
            "系统管理员",
            "desk.view",
            "people.view",
            "people.manage",
            "system.*",
            "approvals.view",
            "tasks.*",
        ),
        _role(
            "security_admin",
            "安全管理员",
            "desk.view",
            "people.view",
            "people.grant",
            "security.*",
            "system.view",
            "approvals.view",
            "approvals.handover",
        ),
        _role("audit_admin", "审计管理员", "desk.view", "audit.*", "security.view", "system.view", "approvals.view"),
    )
}  # fmt: skip
# 三员分立: no person holds two of these, and none of them may act for another.
THREE_OFFICERS = frozenset({"system_admin", "security_admin", "audit_admin"})
ROLE_CHOICES = [(role.code, role.label) for role in ROLES.values()]
