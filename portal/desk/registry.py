"""What the rooms hand to the shell when they load, so that the shell imports no room.

In a room's `AppConfig.ready()`:

    from portal.desk.registry import Banner, MenuEntry, Notice, Panel, add_banner, add_menu, add_panel

    add_menu(MenuEntry("科室", "directory:departments", group="科室与人员", order=10, action="directory.view"))
    add_panel(Panel("科室上传", counts_of_departments, order=20, action="directory.view"))
    add_banner(Banner("exchange.sandbox", sandbox_notice))
    add_alarm(Alarm("exchange.breaker", breaker_notice))
    add_work(Work("directory.drafts", lines_of_departments, action="directory.view"))

Work is what somebody has to see to today: each line is a number, the list of exactly those rows, since when, until
when, who, and the next step. A panel shows how things stand; its function takes the Actor and returns the context of
its template, or None to stay away; the usual template shows `{"counts": [Count("待上传", 12, "/directory/?tab=queued",
"azure"), …]}`. A banner stands on every page, so its function must be cheap (one indexed query); an alarm stands on
the desk. Both take the Actor and give a Notice or None.
Handing over the same key (of a menu entry its url_name, of a panel or chart its label) twice replaces the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True)
class WorkLine:
    """One thing to see to: `number` rows stand under `url`, and no others.

    `level` is danger (money or a deadline hangs on it), warning or info. `since` is the oldest row's moment, `due` the
    moment until when it must be done. `who` names who sees to it; empty, those whose role has `duty` (an action).
    """

    label: str
    number: int
    url: str
    level: str = "warning"
    step: str = ""
    since: datetime | None = None
    due: datetime | None = None
    who: str = ""
    duty: str = ""


@dataclass(frozen=True)
class Work:
    """What a room has for people to see to. `lines` is asked at each view of the desk and must be quick (indexed)."""

    key: str
    lines: Callable[[Actor], Sequence[WorkLine]]
    action: str = "desk.view"
    order: int = 100


@dataclass(frozen=True)
class Series:
    """One colour of a chart: a value for each of its labels (None: nothing was measured), and the list behind each."""

    label: str
    colour: str
    values: Sequence[float | None]
    urls: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """A small chart: bars that stand on each other, or lines. `unit` stands behind the numbers (次, ms)."""

    labels: Sequence[str]
    series: Sequence[Series]
    kind: str = "bars"
    unit: str = ""


@dataclass(frozen=True)
class Chart:
    """One chart of the 工作台, with its numbers as a table under it. `picture` gives None to stay away."""

    label: str
    picture: Callable[[Actor], Picture | None]
    action: str = "desk.view"
    order: int = 100


_work: dict[str, Work] = {}
_charts: dict[str, Chart] = {}
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


def add_work(work: Work) -> None:
    """Let the desk list what a room has to be seen to."""
    _work[work.key] = work


def add_chart(chart: Chart) -> None:
    """Put one chart on the desk."""
    _charts[chart.label] = chart


def work() -> list[Work]:
    """Return everything that hands in work, in the order of the screen."""
    return sorted(_work.values(), key=lambda one: (one.order, one.key))


def charts() -> list[Chart]:
    """Return all charts in the order of the screen."""
    return sorted(_charts.values(), key=lambda chart: (chart.order, chart.label))


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
