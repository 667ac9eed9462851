"""`manage.py archive list | show FILE [--call ID] [--msgid MSGID]`: reading what retention laid aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from insurance.exchange.archiving import digest_of_file, folder, is_whole, read_archive
from insurance.exchange.models import PruneOrder
from portal.audit.services import record
from portal.people.actor import Actor
from portal.privacy.keys import Undecipherable


class Command(BaseCommand):
    """Lists the archives, or what is in one; the messages of one call come whole, and the audit remembers that."""

    help = "归档：list 列出归档文件；show 列出一个归档里的报文，加 --call 或 --msgid 显示原文（记入审计）"

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, with which file, and of which call."""
        parser.add_argument("what", choices=["list", "show"], help="list 列出归档，show 查看一个归档")
        parser.add_argument("file", nargs="?", help="归档文件名（list 给出）或路径")
        parser.add_argument("--call", type=int, help="交易记录编号")
        parser.add_argument("--msgid", help="发送方报文ID")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; CommandError makes the exit code 1."""
        if options["what"] == "list":
            self._list()
            return
        path = _path(options["file"])
        order = _order(path)
        if options["call"] is None and not options["msgid"]:
            self._contents(path)
        else:
            self._show(path, order, options["call"], options["msgid"])

    def _list(self) -> None:
        orders = PruneOrder.objects.exclude(archive="").select_related("rule", "institution").order_by("pk")
        for order in orders:
            state = "已清理" if order.done_at else "尚未清理"
            what = f"{order.institution}\t{order.rule.label}\t早于 {order.before}\t{order.count:,} 份"
            self.stdout.write(f"{order.archive}\t{what}\t{state}")
        if not orders:
            self.stdout.write("没有归档。")

    def _contents(self, path: Path) -> None:
        number = 0
        for line in _lines(path):
            number += 1
            whole = "" if is_whole(line) else "\t与摘要不符"
            self.stdout.write(
                f"{line['call']}\t{line['infno']}\t{line['msgid']}\t{line['part']}\t{line['at']}"
                f"\t{len(line['content']):,} 字节{whole}"
            )
        self.stdout.write(f"共 {number:,} 份报文。显示原文请加 --call 交易记录编号。")

    def _show(self, path: Path, order: PruneOrder | None, call: int | None, msgid: str | None) -> None:
        found = [line for line in _lines(path) if line["call"] == call or line["msgid"] == msgid]
        if not found:
            raise CommandError("归档中没有这笔交易。不带 --call 运行可列出归档里的全部报文。")
        if order is not None:
            numbers = "、".join(sorted({line["msgid"] for line in found}))
            actor = Actor.system(order.institution, "命令行")
            record(actor, "exchange.archive_read", [order], label=f"查看归档报文原文 {numbers}", file=path.name)
        for line in found:
            self.stdout.write(f"# {line['infno']} {line['msgid']} {line['part']} {line['at']}")
            self.stdout.write(line["content"].decode("utf-8", "replace"))


def _path(name: str | None) -> Path:
    if not name:
        raise CommandError("请给出归档文件名，manage.py archive list 可列出。")
    found = [path for path in (Path(name), folder() / name) if path.is_file()]
    if not found:
        raise CommandError(f"没有归档文件 {name}。manage.py archive list 可列出。")
    return found[0]


def _order(path: Path) -> PruneOrder | None:
    """Return the order that made an archive, None for a file brought from elsewhere. Raises CommandError."""
    order = PruneOrder.objects.select_related("institution").filter(archive=path.name).first()
    if order is not None and digest_of_file(path) != order.archive_digest:
        raise CommandError(f"归档文件 {path.name} 与归档时的摘要不符，已被改动或损坏。请从备份恢复。")
    return order


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from read_archive(path)
    except (Undecipherable, ValueError) as error:
        raise CommandError("归档读不出来：密钥（FIELD_KEYS）不对，或文件已损坏。") from error
