"""`manage.py call INFNO`: one transaction through check, ledger and recovery rules (design 10)."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from insurance.exchange.choices import CallState
from insurance.exchange.connections import first_connection
from insurance.exchange.direct import Result, default_patience, send
from insurance.exchange.envelope import json_ready
from insurance.exchange.errors import MessageInvalid
from insurance.exchange.files import FileError, decode_bytes
from insurance.exchange.lines import open_line
from insurance.exchange.models import Connection
from insurance.specification.errors import SpecificationError
from portal.people.actor import Actor

EXIT = {CallState.ACCEPTED: 0, CallState.REFUSED: 1, CallState.UNKNOWN: 3, CallState.UNDELIVERED: 4}
INVALID = 2
UNDELIVERED = EXIT[CallState.UNDELIVERED]


class Command(BaseCommand):
    """Exit 0 accepted, 1 refused, 2 the message failed its check, 3 outcome unknown, 4 not delivered."""

    # A faulty setting must not end with 1, which means that the platform refused; each is said when it is used.
    requires_system_checks = []
    help = "发送一个交易并打印答复报文（退出码：0 成功 1 被拒 2 报文有误 3 结果未知 4 未发出）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("infno", help="交易编号，如 5101")
        parser.add_argument("--input", default="{}", help="交易输入（JSON 对象）或 @文件")
        parser.add_argument("--insuplc", default="", metavar="ADMDVS", help="参保地医保区划")
        parser.add_argument("--output", metavar="FILE", help="9102：文件存到此处")
        parser.add_argument("--patience", type=float, default=None, help="结果未知时最多查证多少秒")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = known_connection()
        actor = Actor.system(connection.institution, "命令行")
        patience = default_patience() if options["patience"] is None else options["patience"]
        try:
            message = prepared_input(options["infno"], read_input(options["input"]))
            check_output(options["output"])
            with open_line(connection) as line:
                result = send(
                    line, actor, options["infno"], message, insuplc_admdvs=options["insuplc"], patience=patience
                )
                self._finish(result, options["output"])
        except MessageInvalid as error:
            self._invalid([str(problem) for problem in error.problems])
        except (SpecificationError, FileError) as error:
            self._invalid([str(error)])

    def _invalid(self, problems: list[str]) -> None:
        for problem in problems:
            self.stderr.write(problem)
        sys.exit(INVALID)

    def _finish(self, result: Result, output: str | None) -> None:
        envelope = dict(result.envelope)
        if result.file:
            if output:
                shutil.move(result.file, output)
                envelope["file"] = output
            else:
                Path(result.file).unlink(missing_ok=True)
        if envelope:
            self.stdout.write(json.dumps(envelope, ensure_ascii=False, indent=2, default=json_ready))
        if result.words:
            self.stderr.write(result.words)
        sys.exit(EXIT[result.state])


def known_connection() -> Connection:
    """Return the first connection. Raises CommandError in Chinese, as not delivered, when there can be none."""
    try:
        return first_connection()
    except ImproperlyConfigured as error:
        raise CommandError(f"未发送：{error}", returncode=UNDELIVERED) from error
    except DatabaseError as error:
        words = "未发送：数据库不可用。请检查 DATABASE_URL，并先运行 manage.py migrate"
        raise CommandError(words, returncode=UNDELIVERED) from error


def read_input(given: str) -> dict[str, Any]:
    """Read `--input`: a JSON object or @file. Raises CommandError in Chinese."""
    if given.startswith("@"):
        try:
            given = Path(given[1:]).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"--input：读不到文件 {given[1:]}（应为 UTF-8 的 JSON）", returncode=INVALID) from error
    try:
        value = json.loads(given, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--input：不是有效的 JSON（{error}）", returncode=INVALID) from error
    if not isinstance(value, dict):
        raise CommandError('--input：应为 JSON 对象，如 {"data": {…}}', returncode=INVALID)
    inner = value.get("input")
    return inner if isinstance(inner, dict) and (len(value) == 1 or "infno" in value) else value


def check_output(output: str | None) -> None:
    """Refuse, before anything is sent, a place that cannot take a file. Raises CommandError in Chinese."""
    if output and (Path(output).is_dir() or not Path(output).absolute().parent.is_dir()):
        raise CommandError(f"--output：{output} 不能存文件（目录不存在，或它本身是目录）", returncode=INVALID)


def prepared_input(infno: str, message: dict[str, Any]) -> dict[str, Any]:
    """Turn the bytes of 9101 (array, base64 or @path) into bytes; other messages pass unchanged."""
    node = message.get("fsUploadIn")
    if infno == "9101" and isinstance(node, dict) and node.get("in") not in (None, "", []):
        return message | {"fsUploadIn": node | {"in": decode_bytes(node["in"])}}
    return message
