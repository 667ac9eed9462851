"""What this room gives to the shell: menu lines, work lines, the words of its acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.overview import Line, lines_of
from portal.audit.words import register_words
from portal.desk.registry import Count, MenuEntry, Panel, Work, WorkLine, add_menu, add_panel, add_work
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.system.alarms import AlarmKind, AlarmSource, register_source

VIEW, MANAGE = "catalogue.view", "catalogue.manage"
GROUP = "医保目录"
WORDS = {
    "catalogue.refresh": "更新医保目录",
    "catalogue.accept": "确认采用目录下载",
    "catalogue.export": "导出医保目录",
}


def _lines(institution: Institution) -> list[Line]:
    return lines_of(institution, timezone.now())


def catalogues_panel(actor: Actor) -> Mapping[str, Any]:
    """Return how the catalogues stand: all, never downloaded, not up to date, being refreshed."""
    lines, url = _lines(actor.institution), reverse("catalogue:loads")
    never = sum(line.good is None for line in lines)
    stale = sum(bool(line.trouble) and line.good is not None for line in lines)
    running = sum(line.task is not None for line in lines)
    return {
        "counts": [
            Count("目录", len(lines), url),
            Count("从未下载", never, url, "red"),
            Count("未更新", stale, url, "yellow"),
            Count("下载中", running, url, "blue"),
        ]
    }


def lines_to_see_to(actor: Actor) -> list[WorkLine]:
    """Return the catalogues that were never downloaded, whose last refresh failed, or that are out of date."""
    lines, url = _lines(actor.institution), reverse("catalogue:loads")
    never = [line for line in lines if line.good is None and not line.task]
    failed = [line for line in lines if line.good and line.newest and line.newest.state == LoadState.FAILED]
    old = [line for line in lines if line.trouble and line.good and line not in failed]
    since = min((line.newest.started_at for line in failed if line.newest), default=None)
    oldest = min((line.good.started_at for line in old if line.good), default=None)
    return [
        WorkLine(
            "医保目录从未下载", len(never), url, "danger", "点「更新全部」；下载完成前查不到这些目录的编码。",
            duty=MANAGE,
        ),
        WorkLine(
            "医保目录更新未完成", len(failed), url, "warning", "打开该次记录看原因，处理后点「更新」。", since,
            duty=MANAGE,
        ),
        WorkLine("医保目录长时间没有更新", len(old), url, "warning", "点「更新」。", oldest, duty=MANAGE),
    ]  # fmt: skip


def look_at_catalogues(institution: Institution | None) -> tuple[str, str] | None:
    """Say that catalogues are out of date, once there is any: codes are then checked against an old version."""
    if institution is None:
        return None
    lines = _lines(institution)
    trouble = [line for line in lines if line.trouble and not line.task]
    if not trouble or not any(line.good for line in lines):
        return None  # a hospital that has not begun with catalogues has nothing to be alarmed about
    names = "、".join(line.kind.label for line in trouble[:3])
    more = f"等 {len(trouble)} 个" if len(trouble) > 3 else ""
    return f"医保目录没有更新：{names}{more}", "warning"


def register_shell() -> None:
    """Hand over the menu lines and what the desk shows of this room."""
    register_words(WORDS)
    codes = ("1301", "1302", "1305", "1306", "目录", "国家编码", "查编码", "药品编码", "诊断编码", "手术编码")
    add_menu(MenuEntry("医保编码目录", "catalogue:items", GROUP, 10, VIEW, codes))
    terms = ("1312", "1316", "1318", "1319", "限价", "甲乙丙", "自付比例", "支付标准")
    add_menu(MenuEntry("医保目录与限价", "catalogue:terms", GROUP, 20, VIEW, terms))
    add_menu(MenuEntry("平台字典", "catalogue:dictionaries", GROUP, 30, VIEW, ("1901", "字典")))
    add_menu(MenuEntry("更新记录", "catalogue:loads", GROUP, 40, VIEW, ("下载目录", "9102", "目录版本", "更新目录")))
    add_panel(Panel(GROUP, catalogues_panel, order=30, action=VIEW))
    add_work(Work("catalogue", lines_to_see_to, action=VIEW, order=50))
    register_source(AlarmSource(AlarmKind("catalogue.old", "医保目录没有更新", "exchange"), look_at_catalogues))
