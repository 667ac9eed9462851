"""`manage.py rekey [--check]`: encrypt everything under an older key of FIELD_KEYS by the first one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.privacy.keys import Undecipherable
from portal.privacy.rekeying import left_over, rekey

# Files at rest and seals name their key and are not written anew.
KEEP_OLD = "旧密钥请留在 FIELD_KEYS 的后面：文件目录里的文件、归档和以前的封存仍由它打开和核验。"


class Command(BaseCommand):
    """Rewraps keys and re-encrypts columns; can be stopped and started again."""

    help = "用 FIELD_KEYS 的第一个密钥重新加密所有旧密钥加密的内容。可随时中断，再次运行时接着做。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --check: only count."""
        parser.add_argument("--check", action="store_true", help="只统计还有多少由旧密钥加密，不改动")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or count; exit 1 when --check finds some left."""
        if options["check"]:
            left = left_over()
            for where, number in left.items():
                self.stdout.write(f"{where}：{number:,} 项仍由旧密钥加密")
            if left:
                raise CommandError("还有内容由旧密钥加密，请运行 manage.py rekey。")
            self.stdout.write(f"数据库各列都由第一个密钥加密。{KEEP_OLD}")
            return
        try:
            done = rekey(lambda where, number: self.stdout.write(f"{where}：已重新加密 {number:,} 项"))
        except Undecipherable as error:
            raise CommandError(f"{error}。请把对应的旧密钥放回 FIELD_KEYS 的后面，再次运行。") from error
        total = sum(done.values())
        self.stdout.write(f"完成：重新加密 {total:,} 项，可用 manage.py rekey --check 核对。{KEEP_OLD}")
