"""安全保护: which requirement of 等保三级 and 密评 is met where, judged by what is there now.

Each requirement is a function that looks (settings, rows, the database's own catalogue) and returns a Finding; no
state is written down. What lies outside of the portal says so and is never called met.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from portal.lists.states import States
from portal.people.actor import Actor
from portal.privacy.traces import frames_of

log = logging.getLogger(__name__)


class Met(States):
    """How a requirement stands."""

    YES = "yes", "green", "符合"
    PARTLY = "partly", "yellow", "部分符合"
    NO = "no", "red", "不符合"
    OUTSIDE = "outside", "secondary", "平台之外"


@dataclass(frozen=True)
class Finding:
    """What a look found: what shows it now, how the requirement stands, and what is left to do ("" for nothing)."""

    evidence: Sequence[str]
    state: Met
    todo: str = ""


@dataclass(frozen=True)
class Requirement:
    """One requirement: its group, its name, how the portal meets it, where that is, and the function that looks."""

    group: str
    name: str
    how: str
    url_name: str
    where: str
    look: Callable[[Actor], Finding]

    @property
    def url(self) -> str:
        """Return where it is, "" when that is no page or its room is not installed."""
        try:
            return reverse(self.url_name) if self.url_name else ""
        except NoReverseMatch:
            return ""


@dataclass(frozen=True)
class Item:
    """One line of the page."""

    asked: Requirement
    found: Finding


Look = Callable[[Actor], Finding]
GROUPS = ("身份鉴别", "访问控制", "安全审计", "数据与个人信息", "密码应用（密评）", "可用与恢复")
_asked: dict[str, Requirement] = {}


def requirement(group: str, name: str, how: str, url_name: str = "", where: str = "") -> Callable[[Look], Look]:
    """Register one requirement under a group of GROUPS."""
    if group not in GROUPS:
        raise ValueError(f"unknown group {group!r}")

    def register(look: Look) -> Look:
        _asked[name] = Requirement(group, name, how, url_name, where, look)
        return look

    return register


def items(actor: Actor) -> list[Item]:
    """Look at every requirement, in the order of the page. One that cannot be looked at is not met."""
    from portal.system import protection_crypto, protection_people, protection_records  # noqa: F401 (they register)

    found = [Item(asked, _look(asked, actor)) for asked in _asked.values()]
    return sorted(found, key=lambda item: GROUPS.index(item.asked.group))


def _look(asked: Requirement, actor: Actor) -> Finding:
    try:
        return asked.look(actor)
    except Exception as error:
        log.error("protection %s: %s", asked.name, frames_of(error))
        return Finding(["检查没有完成"], Met.NO, "检查程序出错，请联系信息科查看日志。")


def worst(*states: Met) -> Met:
    """Return the worst of several."""
    order = [Met.NO, Met.PARTLY, Met.YES]
    return next(state for state in order if state in states)
