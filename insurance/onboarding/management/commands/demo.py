"""`manage.py demo`: the demo hospital's logins and its fill, beside a sandbox and in an empty database only."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from insurance.onboarding.errors import DemoRefused
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.queries import latest_fill, shown_logins
from insurance.onboarding.services import SIZES, Size, make_logins, start_fill
from portal.tasks.choices import TaskState


class Command(BaseCommand):
    """`--logins` and `--start`, both when none is given. Exit 1 where demo data may not exist."""

    help = "演示医院：创建并显示各角色的演示登录，填充演示数据（只在沙箱和空库中）"

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and how much."""
        parser.add_argument("--logins", action="store_true", help="创建（只一次）并显示演示登录")
        parser.add_argument("--start", action="store_true", help="开始填充演示数据（只一次，后台任务）")
        sizes = "规模：full 全部人员和约 8,500 个院内项目，small 约 60 人、400 项；不填为全部人员、400 项"
        parser.add_argument("--size", choices=SIZES, default=None, help=sizes)
        parser.add_argument("--without-items", action="store_true", help="只填科室和人员，不下载目录、不导入院内项目")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for; a refusal is printed and ends with exit code 1."""
        both = options["logins"] == options["start"]
        try:
            if options["logins"] or both:
                make_logins()
                self._print_logins()
            if options["start"] or both:
                items: Size | None = None if options["without_items"] else options["size"] or "small"
                self._print_fill(*start_fill(options["size"] or "full", items))
        except DemoRefused as error:
            self.stderr.write(str(error))
            sys.exit(1)

    def _print_logins(self) -> None:
        lines = [("角色", "登录名", "密码")]
        lines += [(shown.role, shown.username, shown.password) for shown in shown_logins()]
        self.stdout.write(table(lines))

    def _print_fill(self, demo: DemoHospital, begun: bool) -> None:
        task = latest_fill(demo)
        if begun:
            words = "开始填充演示数据，一般两分钟左右；进度见「任务中心」的「填充演示医院」。"
        elif demo.filled_at:
            words = "演示数据此前已填充，没有新增。"
        elif task is not None and task.state in (TaskState.QUEUED, TaskState.RUNNING):
            words = "演示数据正在填充，进度见「任务中心」的「填充演示医院」。"
        else:
            why = f"：{task.message}" if task is not None and task.message else ""
            words = f"演示数据上次没有填完{why}。可在「任务中心」打开「填充演示医院」，按「重新运行」，会接着做。"
        self.stdout.write(words)


def table(lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as aligned columns, the first line underlined; a Chinese character is two places wide."""
    widths = [max(_width(line[place]) for line in lines) for place in range(len(lines[0]))]
    rows = ["  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(line, widths, strict=True)) for line in lines]
    rows.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(f"  {row.rstrip()}" for row in rows)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
