"""Action codes of the audit in words, in one place, so that no raw code shows.

The shell's own stand here; a room registers its own when it loads:

    register_words({"exchange.submit": "提交上传", "exchange.resend": "重新上传"})
"""

from __future__ import annotations

from collections.abc import Mapping

from portal.people.roles import ROOMS, VERBS

_words: dict[str, str] = {
    "people.login": "登录",
    "people.logout": "退出登录",
    "people.locked_out": "登录锁定",
    "people.login_refused": "登录被拒",
    "people.create": "新建人员",
    "people.rename": "更正姓名",
    "people.grant": "授予角色",
    "people.revoke": "收回角色",
    "people.set_password": "重置密码",
    "people.change_password": "修改密码",
    "people.lock": "停用账号",
    "people.unlock": "启用账号",
    "people.switch": "切换机构",
    "people.operator": "更改经办人编号",
    "people.end_login": "结束登录",
    "people.factor_on": "设置验证码",
    "people.factor_off": "取消验证码",
    "people.recovery_codes": "换发备用码",
    "people.delegate": "设置代办",
    "people.delegate_end": "结束代办",
    "approvals.propose": "提出申请",
    "approvals.approve": "审核通过",
    "approvals.refuse": "审核退回",
    "approvals.withdraw": "撤回申请",
    "approvals.expire": "申请过期",
    "approvals.handover": "移交待办",
    "approvals.handover_seen": "接收移交",
    "approvals.roster": "修改值班表",
    "values.propose": "提出值对照",
    "values.submit": "提交值对照",
    "values.send_back": "退回值对照",
    "values.in_force": "值对照生效",
    "values.end": "结束值对照",
    "values.discard": "作废值对照草稿",
    "privacy.grant": "批准批量明文",
    "privacy.use": "使用批量明文",
    "privacy.end": "结束批量明文",
    "tasks.hand_over": "移交任务",
    "tasks.start": "发起任务",
    "tasks.cancel": "取消任务",
    "tasks.schedule": "修改定时",
    "sheets.upload": "上传表格",
    "sheets.confirm": "确认导入",
    "sheets.abandon": "放弃导入",
    "sheets.export": "导出表格",
    "sheets.download": "下载导出文件",
    "sheets.columns": "记住列对应",
    "sheets.forget_columns": "取消列对应",
    "sheets.hand_over": "移交导入",
    "audit.read": "查看审计",
    "audit.open": "查看审计明细",
    "audit.export": "导出审计",
    "audit.history": "查看记录经过",
    "audit.verify": "核验封存",
    "system.route": "新建告警去向",
    "system.route_switch": "启用或停用告警去向",
    "system.route_test": "测试告警去向",
    "system.alarm_clear": "关闭告警",
    "privacy.uncover": "查看明文",
    "privacy.opened": "明文打开",
    "onboarding.filled": "填充演示医院",
    "onboarding.logins": "建立演示账号",
}
# What stands in `detail`, for the drawer.
_details: dict[str, str] = {
    "role": "角色",
    "institution": "机构",
    "opter": "经办人编号",
    "kind": "种类",
    "every": "间隔秒数",
    "daily": "每天",
    "rows": "行数",
    "count": "条数",
    "query": "查询条件",
    "finding": "核实结果",
    "fields": "栏目",
    "purpose": "用途",
    "until": "有效至",
    "file": "文件",
    "days": "天数",
}


def register_words(words: Mapping[str, str], details: Mapping[str, str] | None = None) -> None:
    """Give action codes (`room.verb`) their words, and the keys of their details theirs."""
    _words.update(words)
    _details.update(details or {})


def words_of(action: str) -> str:
    """Return an action in words; one that nobody registered by its room and verb, never the code."""
    if action in _words:
        return _words[action]
    room, _, verb = action.partition(".")
    return f"{ROOMS.get(room, '其他')} · {VERBS.get(verb, '其他操作')}"


def room_words(room: str) -> str:
    """Return a room in words."""
    return ROOMS.get(room, "其他")


def detail_words(key: str) -> str:
    """Return what a key of `detail` means, "" for one that nobody registered."""
    return _details.get(key, "")


def known_actions() -> dict[str, str]:
    """Return every registered code with its words, by words."""
    return dict(sorted(_words.items(), key=lambda item: item[1]))


def actions_like(word: str) -> list[str]:
    """Return the codes whose words contain `word`, for a search."""
    return [code for code, words in _words.items() if word in words]
