"""What can be done with an item now, and if not, why: the same words on the list, in the drawer and in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from insurance.mapping.items.rights import may_keep
from portal.people.actor import Actor

NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权"
NOT_THEIRS = "这类项目由其他科室维护"


@dataclass(frozen=True)
class ItemAct:
    """One act: its word, the right it needs, the page behind it, on which items it shows, and why one refuses it."""

    key: str
    label: str
    action: str
    url_name: str
    reason: Callable[[Any], str]
    fits: Callable[[Any], bool]
    batch: bool = True


def _always(item: Any) -> bool:
    return True


def _nothing(item: Any) -> str:
    return ""


def _no_code(item: Any) -> str:
    if not item.in_use:
        return "已停用，无需再标"
    if item.no_code:
        return "已标为不需对照"
    if item.relation:
        return "已有对照，请先终止对照"
    return "有一条对照未审结，请先撤回" if item.undecided else ""


def _stop(item: Any) -> str:
    return "" if item.in_use else f"已于 {item.enddate} 停用"


def _check(item: Any) -> str:
    return "" if item.changed else "对照之后没有变更，无需复核"


ACTS = (
    ItemAct("edit", "修改", "mapping.edit", "mapping:item_edit", _nothing, _always, batch=False),
    ItemAct(
        "check", "复核无误", "mapping.view", "mapping:items_check", _check, lambda i: bool(i.changed and i.relation)
    ),
    ItemAct("no_code", "不需对照", "mapping.edit", "mapping:items_no_code", _no_code, lambda i: not i.no_code),
    ItemAct(
        "need_code", "恢复对照", "mapping.edit", "mapping:items_need_code",
        lambda i: "" if i.no_code else "没有标为不需对照", lambda i: i.no_code,
    ),
    ItemAct("stop", "停用", "mapping.edit", "mapping:items_stop", _stop, lambda i: i.in_use),
    ItemAct(
        "resume", "恢复使用", "mapping.edit", "mapping:items_resume",
        lambda i: "" if i.enddate else "没有停用", lambda i: i.enddate is not None,
    ),
)  # fmt: skip


def act(key: str) -> ItemAct:
    """Return an act by its key."""
    return next(one for one in ACTS if one.key == key)


def refusal_of(actor: Actor | None, one: ItemAct, item: Any) -> str:
    """Return why the actor cannot do this with a row of `with_relations` that `attach` saw, "" when they can."""
    if actor is None or not actor.may(one.action):
        return NO_RIGHT
    return one.reason(item) if may_keep(actor, item.list_type) else NOT_THEIRS
