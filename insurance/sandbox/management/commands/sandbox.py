"""manage.py sandbox: run the stand-in platform."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from insurance.sandbox.options import add_arguments, from_arguments
from insurance.sandbox.server import serve


class Command(BaseCommand):
    """Runs without a database of ours and without the portal's checks."""

    help = "运行沙箱平台（国家医保平台的替身，仅供演示、联调与测试）"
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The sandbox's own options."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until stopped."""
        asyncio.run(serve(from_arguments(argparse.Namespace(**options))))
