"""`manage.py dispatcher`: sweeps what is due, once a second, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from portal.tasks.dispatcher import Dispatcher


class Command(BaseCommand):
    """Runs the dispatcher. Two of them do no harm."""

    help = "运行调度进程：到期的定时、等待的任务、失去租约的工作"

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once` makes one round, for tests and cron."""
        parser.add_argument("--once", action="store_true", help="只做一轮")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop until told to stop."""
        # a sweep that waits for a lock would hold up all the others
        options_of_database = connection.settings_dict.setdefault("OPTIONS", {})
        options_of_database.setdefault("options", "-c statement_timeout=30000 -c application_name=dispatcher")
        dispatcher = Dispatcher(pause=settings.DISPATCH_SECONDS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: dispatcher.stop())
        if options["once"]:
            dispatcher.step()
        else:
            dispatcher.run()
