"""Files: 9101 takes one, 9102 gives one back (protocol 7, 8)."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from insurance.sandbox.clock import CHINA
from insurance.sandbox.desks import Case, FileAnswer, handles
from insurance.sandbox.refusal import Refusal
from insurance.sandbox.standard import Row

CATALOGUE_OWNER = "plc"


def read_bytes(value: Any) -> bytes:
    """The bytes of `in`: an array of signed or unsigned numbers, or base64 text; raises Refusal."""
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Refusal("文件数据[in]不是有效的base64") from None
    if not isinstance(value, list) or not value:
        raise Refusal("文件数据[in]不能为空")
    try:
        return bytes(number & 0xFF if -128 <= number <= 255 else 256 for number in value)
    except (TypeError, ValueError):
        raise Refusal("文件数据[in]应为字节数组") from None


def keep(case: Case, number: str, filename: str, owner: str, recipe: Row, content: bytes | None) -> datetime:
    """Keep a file (or how to make it) until the day when it can no longer be fetched; returns that time."""
    expires = case.clock.now() + timedelta(days=case.options.file_days)
    case.books.db.execute(
        "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?)",
        (number, filename, owner, expires.timestamp(), json.dumps(recipe), content),
    )
    return expires


def keep_made(case: Case, filename: str, content: bytes) -> Row:
    """Keep a file that the platform made for the hospital; returns the node fileinfo."""
    number = f"fsi/{secrets.token_hex(13)}"
    expires = keep(case, number, filename, case.hospital, {}, content)
    return {"file_qury_no": number, "filename": filename, "dld_endtime": f"{expires:%Y-%m-%d %H:%M:%S}"}


def content_of(case: Case, number: str) -> bytes:
    """The bytes of a file that the hospital uploaded; raises Refusal when there is none."""
    found = case.books.db.execute("SELECT content, owner FROM file WHERE number=?", (number,)).fetchone()
    if found is None or found[1] != case.hospital or found[0] is None:
        raise Refusal(f"未找到文件查询号[{number}]对应的上传文件")
    return bytes(found[0])


@handles("9101")
def upload(case: Case) -> Row:
    """Take a file."""
    row = case.row()
    if str(row["fixmedins_code"]) != case.hospital:
        raise Refusal("医药机构编号与报文头不一致")
    number = f"fsi/up/{secrets.token_hex(11)}"
    expires = keep(case, number, str(row["filename"]), case.hospital, {}, read_bytes(row["in"]))
    return {
        "file_qury_no": number,
        "filename": row["filename"],
        "fixmedins_code": case.hospital,
        "dld_endtime": f"{expires:%Y-%m-%d %H:%M:%S}",
    }


@handles("9102")
def download(case: Case) -> FileAnswer:
    """Give the file itself; number and name as they were told, before it expires, to whom it belongs."""
    row = case.row()
    found = case.books.db.execute(
        "SELECT filename, owner, expires, recipe, content FROM file WHERE number=?", (str(row["file_qury_no"]),)
    ).fetchone()
    if found is None or found[0] != row["filename"]:
        raise Refusal("文件查询号与文件名不存在或不匹配")
    filename, owner, expires, recipe, content = found
    if str(row["fixmedins_code"]) not in {owner, case.hospital} or owner not in {case.hospital, CATALOGUE_OWNER}:
        raise Refusal("无权下载该文件，请核对定点医药机构编号")
    if case.clock.epoch() > expires:
        raise Refusal(f"文件已于{datetime.fromtimestamp(expires, CHINA):%Y-%m-%d %H:%M:%S}过期，请重新申请")
    if content is not None:
        return FileAnswer(bytes(content), filename=filename)
    return FileAnswer(make=case.platform.catalogues.archive(json.loads(recipe), filename), filename=filename)
