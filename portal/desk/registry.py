"""What the rooms hand to the shell when they load, so that the shell imports no room.

In a room's `AppConfig.ready()`:

    from portal.desk.registry import Banner, MenuEntry, Notice, Panel, add_banner, add_menu, add_panel

    add_menu(MenuEntry("科室", "directory:departments", group="科室与人员", order=10, action="directory.view"))
    add_panel(Panel("科室上传", counts_of_departments, order=20, action="directory.view"))
    add_banner(Banner("exchange.sandbox", sandbox_notice))
    add_alarm(Alarm("exchange.breaker", breaker_notice))

A panel's function takes the Actor and returns the context of its template, or None to stay away; the usual template
shows `{"counts": [Count("待上传", 12, "/directory/?tab=queued", "azure"), …]}`. A banner stands on every page, so its
function must be cheap (one indexed query); an alarm stands on the desk. Both take the Actor and give a Notice or None.
Handing over the same key (of a menu entry its url_name, of a panel its label) twice replaces the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.people.actor import Actor

# The menu of ui.md, in its order. A group shows only when a room put something into it that the person may.
GROUPS = (
    "工作台", "科室与人员", "医保目录", "目录对照", "就诊与结算", "备案", "进销存", "对账", "结算清单与病案上传",
    "处方流转与线上支付", "交易", "联调与验收", "任务中心", "系统",
)  # fmt: skip


@dataclass(frozen=True)
class MenuEntry:
    """One line of the menu. `group` is one of GROUPS; `action` the right (`room.verb`) without which it is hidden."""

    label: str
    url_name: str
    group: str
    order: int = 100
    action: str = "desk.view"
    words: tuple[str, ...] = ()
    """Everyday words under which a person would look for it (对码, 门特 …)."""

    def __post_init__(self) -> None:
        """Refuse a group that the menu does not know."""
        if self.group not in GROUPS:
            raise ValueError(f"unknown menu group {self.group!r}")


@dataclass(frozen=True)
class Count:
    """One number of a panel with the list behind it; `colour` is a state's colour, grey when the number is 0."""

    label: str
    number: int
    url: str = ""
    colour: str = "secondary"


@dataclass(frozen=True)
class Notice:
    """A sentence with what to do: `level` is info, warning or danger; `url` and `link` lead to the remedy."""

    text: str
    level: str = "warning"
    url: str = ""
    link: str = "查看"


@dataclass(frozen=True)
class Panel:
    """One card of the 工作台. `data` is called for each view of the desk; `wide` takes the whole row."""

    label: str
    data: Callable[[Actor], Mapping[str, Any] | None]
    template: str = "desk/panels/counts.html"
    order: int = 100
    action: str = "desk.view"
    wide: bool = False


@dataclass(frozen=True)
class Banner:
    """A band over every page."""

    key: str
    notice: Callable[[Actor], Notice | None]
    order: int = 100


@dataclass(frozen=True)
class Alarm:
    """Something on the desk that a person must see to."""

    key: str
    notice: Callable[[Actor], Notice | None]
    action: str = "desk.view"
    order: int = 100


_menu: dict[str, MenuEntry] = {}
_panels: dict[str, Panel] = {}
_banners: dict[str, Banner] = {}
_alarms: dict[str, Alarm] = {}


def add_menu(entry: MenuEntry) -> None:
    """Put one line into the menu."""
    _menu[entry.url_name] = entry


def add_panel(panel: Panel) -> None:
    """Put one card on the desk."""
    _panels[panel.label] = panel


def add_banner(banner: Banner) -> None:
    """Put one band over every page."""
    _banners[banner.key] = banner


def add_alarm(alarm: Alarm) -> None:
    """Let the desk watch one thing."""
    _alarms[alarm.key] = alarm


def menu() -> list[MenuEntry]:
    """Return all entries in the order of the screen."""
    return sorted(_menu.values(), key=lambda entry: (GROUPS.index(entry.group), entry.order, entry.label))


def panels() -> list[Panel]:
    """Return all cards in the order of the screen."""
    return sorted(_panels.values(), key=lambda panel: (panel.order, panel.label))


def banners() -> list[Banner]:
    """Return all bands in the order of the screen."""
    return sorted(_banners.values(), key=lambda banner: (banner.order, banner.key))


def alarms() -> list[Alarm]:
    """Return all alarms in the order of the screen."""
    return sorted(_alarms.values(), key=lambda alarm: (alarm.order, alarm.key))
