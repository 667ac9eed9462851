"""What can be done with a relation now, and if not, why: the same words in the list, on its page and in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from insurance.exchange.choices import OPEN_STATES
from insurance.mapping.choices import MappingState
from insurance.mapping.rules import action_of

NO_RIGHT = "您的角色不对这类项目对码，请联系安全管理员授权"
UNTOLD = "还没有上传成功，平台没有这条对照。上传失败的可「作废」后重新对码"


@dataclass(frozen=True)
class RelationAct:
    """One act: its word, the page behind it, for which relations it is offered, and why it cannot be taken now."""

    key: str
    label: str
    url_name: str
    states: tuple[str, ...]
    reason: Callable[[Any], str]

    def fits(self, record: Any) -> bool:
        """Say whether the act is offered for a relation at all."""
        return record.state in self.states

    def may(self, asker: Any, record: Any) -> bool:
        """Say whether `asker` (an Actor or a ListTable) may take the act for this kind."""
        return bool(asker.may(action_of(record.list_type)))


def _busy(record: Any) -> str:
    """`record` has `delivery` attached."""
    return "正在上传，请等结果" if record.delivery in OPEN_STATES else ""


def _endable(record: Any) -> str:
    if getattr(record, "ending_waits", False) or getattr(record, "ending", None) is not None:
        return "已有一条终止或撤销在处理"
    return _busy(record) or (UNTOLD if record.told_at is None else "")


def _cancellable(record: Any) -> str:
    if record.state == MappingState.APPROVED and record.told_at is not None:
        return "平台已受理，请用「终止」或「撤销」"
    return _busy(record)


def _changeable(record: Any) -> str:
    if getattr(record, "ending_waits", False) or getattr(record, "ending", None) is not None:
        return "已有一条终止或撤销在处理，请先处理它"
    return ""


STANDING = (MappingState.APPROVED, MappingState.IN_FORCE)
ACTS = (
    RelationAct("change", "更换编码", "mapping:review", STANDING, _changeable),
    RelationAct("end", "终止", "mapping:mappings_end", STANDING, _endable),
    RelationAct("remove", "撤销（登记有误）", "mapping:mappings_remove", STANDING, _endable),
    RelationAct(
        "cancel", "作废", "mapping:mappings_cancel",
        (MappingState.PROPOSED, MappingState.RETURNED, MappingState.APPROVED), _cancellable,
    ),
)  # fmt: skip


def act(key: str) -> RelationAct:
    """Return an act by its key."""
    return next(one for one in ACTS if one.key == key)
