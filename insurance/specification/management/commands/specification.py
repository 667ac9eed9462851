"""`manage.py specification check|show INFNO|diff A B|list --json`: the tables, for people and scripts. No database."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from insurance.specification.books import Book, open_book
from insurance.specification.consistency import faults
from insurance.specification.differences import differences
from insurance.specification.display import columns, index_rows, show
from insurance.specification.editions import edition_names, layers_of
from insurance.specification.errors import SpecificationError


class Command(BaseCommand):
    """Reads the tables of the configured edition, or of --edition."""

    help = "交易规范：检查、查看、比较、列出"
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the four verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|show|diff|list")
        check = verbs.add_parser("check", help="检查各表是否互相一致；有错时退出码为 1")
        view = verbs.add_parser("show", help="查看一个交易")
        view.add_argument("infno", help="交易编号，如 3401")
        compare = verbs.add_parser("diff", help="比较两个版本")
        compare.add_argument("before", help=f"版本：{'、'.join(edition_names())}，可用 + 叠加")
        compare.add_argument("after")
        index = verbs.add_parser("list", help="列出全部交易")
        for verb in (compare, index):
            verb.add_argument("--json", action="store_true", help="输出 JSON")
        for verb in (check, view, index):
            verb.add_argument("--edition", default="", help="版本；不写时用 PLATFORM_EDITION")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run one verb; a fault of the tables ends it with exit code 1."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except SpecificationError as error:
            raise CommandError(str(error)) from error

    def _check(self, options: dict[str, Any]) -> None:
        """Print the faults of the edition; without --edition, of every edition that is delivered as well."""
        names = [options["edition"]] if options["edition"] else [settings.PLATFORM_EDITION, *edition_names()]
        lines: dict[str, None] = {}
        for name in dict.fromkeys(names):
            site = settings.PLATFORM_EDITION_DIR if name == settings.PLATFORM_EDITION else ""
            lines.update(dict.fromkeys(str(fault) for fault in faults(layers_of(name, site))))
        for line in lines:
            self.stdout.write(line)
        if lines:
            raise CommandError(f"规范各表有 {len(lines)} 处不一致")
        self.stdout.write(f"规范各表一致：{len(self._book(options).transactions)} 个交易")

    def _show(self, options: dict[str, Any]) -> None:
        book = self._book(options)
        for line in show(book, book.transaction(options["infno"])):
            self.stdout.write(line)

    def _diff(self, options: dict[str, Any]) -> None:
        found = differences(open_book(options["before"]), open_book(options["after"]))
        if options["json"]:
            self._print_json([{name: getattr(one, name) for name in one.__slots__} for one in found])
            return
        for one in found:
            self.stdout.write(str(one))
        self.stdout.write(f"共 {len(found)} 处不同" if found else "两个版本相同")

    def _list(self, options: dict[str, Any]) -> None:
        rows = index_rows(self._book(options))
        if options["json"]:
            self._print_json(rows)
            return
        names = ("infno", "tender", "name", "effect", "direction", "room", "purposes")
        cells = [[", ".join(row[name]) if name == "purposes" else str(row[name]) for name in names] for row in rows]
        for line in columns(("编号", "招标", "名称", "作用", "方向", "归属", "用途"), cells):
            self.stdout.write(line)

    def _print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=1))

    def _book(self, options: dict[str, Any]) -> Book:
        """Return the named edition bare, or the configured one with the site's folder."""
        if options["edition"]:
            return open_book(options["edition"])
        return open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
