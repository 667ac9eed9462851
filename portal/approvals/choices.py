"""States of an approval."""

from __future__ import annotations

from portal.lists.states import States


class ApprovalState(States):
    """Where a proposal stands; only 待审核 can still change."""

    WAITING = "waiting", "yellow", "待审核"
    APPROVED = "approved", "green", "已通过"
    REFUSED = "refused", "red", "已退回"
    WITHDRAWN = "withdrawn", "dark", "已撤销"
    EXPIRED = "expired", "secondary", "已过期"
