"""`manage.py seal close | verify [--from DAY] [--to DAY]`: the daily seal of audit and ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.audit.seals import close_all
from portal.audit.verifying import keep, verify


class Command(BaseCommand):
    """Seals closed days, or verifies what was sealed. Exit code 1 when a row was changed, taken away or added."""

    help = "封存：close 封存到昨天为止的每一天；verify 核验，指出第一条被改动、缺少或多出的记录"

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and from which day to which."""
        parser.add_argument("what", choices=["close", "verify"], help="close 封存，verify 核验")
        parser.add_argument("--from", dest="first", type=day, help="从哪一天（YYYY-MM-DD）")
        parser.add_argument("--to", dest="last", type=day, help="到哪一天（YYYY-MM-DD）")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; CommandError makes the exit code 1."""
        if options["what"] == "close":
            made = close_all(options["last"], self.stdout.write)
            self.stdout.write(f"封存 {len(made)} 天。" if made else "没有需要封存的日期。")
            return
        report = verify(options["first"], options["last"])
        keep(report, "命令行")
        if report.faults:
            for fault in report.faults[1:]:
                self.stdout.write(fault.words)
            raise CommandError(f"核验不一致，共 {len(report.faults)} 处。第一处：{report.faults[0].words}")
        self.stdout.write(f"核验一致：{report.days} 个封存日，{report.rows:,} 条记录。")


def day(text: str) -> date:
    """Read a day of the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"日期应写作 2026-11-23，实际为 {text}") from None
