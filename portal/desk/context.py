"""What every page shows around its content; made once a request, and only when a template asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from portal.desk import registry
from portal.desk.registry import GROUPS, MenuEntry, Notice
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks import bells, notices
from portal.tasks.models import Notice as Ring

DRAWER = "drawer-body"
# A menu longer than a screen of 768 points shows only the group at hand unfolded.
MOST_OPEN_LINES = 18
ENVIRONMENT_TONES = {"沙箱": "sandbox", "测试": "test", "正式": "production"}


def address(url_name: str) -> str:
    """Return the address of a page, or "" where the room that has it is not installed."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


@lru_cache(maxsize=512)
def initials(entry: MenuEntry) -> str:
    """Return 拼音码 of an entry's name and everyday words: 目录对照 → mldz."""
    # Its phrase book takes 55 MB: only who shows a menu pays, not every worker.
    from pypinyin import Style, lazy_pinyin

    return " ".join("".join(lazy_pinyin(word, style=Style.FIRST_LETTER)) for word in (entry.label, *entry.words))


@dataclass
class Line:
    """One line of the menu as shown."""

    label: str
    url: str
    words: str = ""
    initials: str = ""
    current: bool = False


@dataclass
class Group:
    """One group of the menu as shown; a group of one line with its own name is shown as that line."""

    label: str
    icon: str
    lines: list[Line] = field(default_factory=list)
    open: bool = True

    @property
    def single(self) -> bool:
        """Say whether the group is just a link."""
        return len(self.lines) == 1 and self.lines[0].label == self.label

    @property
    def current(self) -> bool:
        """Say whether the page at hand is in this group."""
        return any(line.current for line in self.lines)


class Shell:
    """The frame around a page: who, where, what the person may go to, and what must be seen on each page."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def person(self) -> Person | None:
        """The person logged in."""
        user = getattr(self.request, "user", None)
        return user if isinstance(user, Person) else None

    @cached_property
    def actor(self) -> Actor | None:
        """The person at the current institution, as the middleware found it."""
        return getattr(self.request, "actor", None)

    @cached_property
    def institution(self) -> Institution | None:
        """The institution worked in now."""
        return self.actor.institution if self.actor else None

    @cached_property
    def institutions(self) -> list[Institution]:
        """Every institution the person may switch to, by code."""
        found = (
            {member.institution_id: member.institution for member in self.person.all_memberships} if self.person else {}
        )
        return list(found.values())

    @property
    def hospital(self) -> str:
        """The hospital's name, also before anybody has logged in."""
        return self.institution.fixmedins_name if self.institution else settings.INSTITUTION_NAME

    @property
    def environment(self) -> str:
        """沙箱, 测试 or 正式."""
        return str(settings.ENVIRONMENT)

    @property
    def tone(self) -> str:
        """The environment's class name; an unknown one looks like a test so that nobody takes it for the real one."""
        return ENVIRONMENT_TONES.get(self.environment, "test")

    @cached_property
    def menu(self) -> list[Group]:
        """What the person may open, by group; the entry with the longest fitting address is the current one."""
        groups = {label: Group(label, ICONS.get(label, "dot")) for label in GROUPS}
        for entry in registry.menu():
            url = address(entry.url_name) if self._may(entry) else ""
            if url:
                groups[entry.group].lines.append(Line(entry.label, url, " ".join(entry.words), initials(entry)))
        shown = [group for group in groups.values() if group.lines]
        lines = [line for group in shown for line in group.lines]
        self._mark_current(lines)
        for group in shown:
            group.open = group.current or len(lines) <= MOST_OPEN_LINES
        return shown

    @cached_property
    def banners(self) -> list[Notice]:
        """The bands over this page."""
        if self.actor is None:
            return []
        return [notice for banner in registry.banners() if (notice := banner.notice(self.actor))]

    @cached_property
    def trail(self) -> list[Line]:
        """Group and entry of the page at hand, for the breadcrumb."""
        for group in self.menu:
            for line in group.lines:
                if line.current:
                    return [line] if line.label == group.label else [Line(group.label, ""), line]
        return []

    @cached_property
    def unseen(self) -> int:
        """How many times the bell rang since the person looked."""
        return notices.unseen(self.actor) if self.actor else 0

    @cached_property
    def notices(self) -> list[Ring]:
        """The newest rings of the bell."""
        return list(notices.notices_of(self.actor)[: bells.SHOWN]) if self.actor else []

    @property
    def tasks_url(self) -> str:
        """Where 任务中心 is, "" where the person may not."""
        return next((group.lines[0].url for group in self.menu if group.label == "任务中心"), "")

    @property
    def home_url(self) -> str:
        """The 工作台."""
        return address("desk:home")

    @property
    def switch_url(self) -> str:
        """Where the institution is switched (POST institution=<pk>)."""
        return address("people:switch")

    @property
    def logout_url(self) -> str:
        """Where one logs out (POST)."""
        return address("people:logout")

    @property
    def password_url(self) -> str:
        """Where one changes one's password."""
        return address("people:password")

    @property
    def lock_minutes(self) -> int:
        """After how many minutes without an act the screen locks, 0 for never."""
        return int(settings.IDLE_LOCK_MINUTES)

    @property
    def narrow(self) -> bool:
        """Say whether this browser keeps the menu folded."""
        return self.request.COOKIES.get("menu") == "narrow"

    def _may(self, entry: MenuEntry) -> bool:
        return self.actor is not None and self.actor.may(entry.action)

    def _mark_current(self, lines: list[Line]) -> None:
        path = self.request.path
        fitting = [line for line in lines if path == line.url or (line.url != "/" and path.startswith(line.url))]
        if fitting:
            max(fitting, key=lambda line: len(line.url)).current = True


ICONS = {
    "工作台": "home", "科室与人员": "people", "医保目录": "book", "目录对照": "swap", "就诊与结算": "card",
    "备案": "stamp", "进销存": "box", "对账": "scales", "结算清单与病案上传": "list", "处方流转与线上支付": "pill",
    "交易": "send", "联调与验收": "check", "任务中心": "clock", "系统": "gear",
}  # fmt: skip


def in_drawer(request: HttpRequest) -> bool:
    """Say whether the answer goes into the drawer of a page that stays open."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Target") == DRAWER


def shell(request: HttpRequest) -> dict[str, object]:
    """Give templates `shell`, and `layout`: what a page extends, so that the same page fits into a drawer."""
    kept = getattr(request, "_shell", None)
    if kept is None:
        kept = request._shell = Shell(request)  # type: ignore[attr-defined]
    return {"shell": kept, "layout": "lists/drawer.html" if in_drawer(request) else "base.html"}
