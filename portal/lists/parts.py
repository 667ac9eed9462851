"""The small parts that a room names for its list page, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q


@dataclass(frozen=True)
class Tab:
    """One tab: its key in the address, its word, and the rows under it (an empty Q is all)."""

    key: str
    label: str
    rows: Q = field(default_factory=Q)
    empty: str = ""
    """Why it is empty, e.g. 没有待处理的科室。"""
    order: tuple[str, ...] = ()
    """Its own order, where the page's does not fit (what a person must see to first)."""


@dataclass(frozen=True)
class Link:
    """A button that opens a page. Without the right `action` it shows disabled and says so."""

    label: str
    url_name: str
    action: str = ""
    query: bool = False
    """Hand the list's query over (导出)."""
    drawer: bool = False


@dataclass(frozen=True)
class Batch:
    """A button that sends the chosen rows to a BatchPage. `tabs`: only under these, with `reason` said elsewhere."""

    label: str
    url_name: str
    action: str
    tabs: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Empty:
    """What an empty list says when nothing was asked for: why, and the next step as a button."""

    text: str
    step: Link | None = None


@dataclass(frozen=True)
class Button:
    """A Link or Batch as shown to this person."""

    label: str
    url: str
    reason: str = ""
    drawer: bool = False


@dataclass(frozen=True)
class ShownTab:
    """A Tab with its number of rows and its address."""

    label: str
    count: str
    url: str
    current: bool


@dataclass(frozen=True)
class ShownView:
    """A saved view as the drop-down shows it; `changed`: laid over the list, but the query is another by now."""

    name: str
    holder: str
    url: str
    current: bool
    changed: bool
    default: bool
