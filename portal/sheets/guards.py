"""What is looked at before a file is opened: what it really is, and whether it may be opened at all."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from portal.sheets.book import MAX_BYTES
from portal.sheets.errors import SheetError

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SUFFIXES = (".xlsx", ".xls", ".csv")
MAX_MEMBERS = 2_000
MAX_UNPACKED = 500 * 1024 * 1024
# A sheet of repeated words packs about 1:40; what packs far better than that was made to burst.
MAX_RATIO = 300
RATIO_FROM = 8 * 1024 * 1024

SAVE_AS = "请用 Excel 或 WPS 打开后另存为 .xlsx（不启用宏），再上传"
# BIFF8: the FILEPASS record stands right behind the workbook's BOF, at most a WRITEPROT between.
FILEPASS = re.compile(rb"\x09\x08\x10\x00\x00\x06\x05\x00.{12}(?:\x86\x00\x00\x00)?\x2f\x00", re.DOTALL)
# Signs of other formats that are often given a wrong suffix.
OTHERS = (
    (b"%PDF", " PDF 文档"), (b"\x89PNG", "图片"), (b"\xff\xd8\xff", "图片"), (b"GIF8", "图片"),
    (b"Rar!", " RAR 压缩包"), (b"7z\xbc\xaf", " 7z 压缩包"), (b"\x1f\x8b", " gzip 压缩包"), (b"MZ", "程序文件"),
    (b"\x7fELF", "程序文件"), (b"{\\rtf", " RTF 文档"), (b"SQLite format", "数据库文件"),
)  # fmt: skip


def check_name(name: str, size: int) -> None:
    """Refuse a file by its suffix or size. Raises SheetError."""
    if not name.lower().endswith(SUFFIXES):
        suffix = "." + name.rsplit(".", 1)[-1] if "." in name else ""
        if suffix.lower() in (".xlsm", ".xlsb", ".xltm", ".xlam"):
            raise SheetError(f"{suffix} 是带宏或二进制的工作簿，不能导入。{SAVE_AS}。")
        raise SheetError(
            f"只能导入 .xlsx、.xls、.csv 文件，此文件{f'为 {suffix[:20]}' if suffix else '没有后缀'}。{SAVE_AS}。"
        )
    if size == 0:
        raise SheetError("文件是空的（0 字节）。请重新导出后上传。")
    if size > MAX_BYTES:
        raise SheetError(f"文件太大，最多 {MAX_BYTES // 1048576} MB。请分成几个文件上传，或删除图片后再上传。")


def kind_of(data: bytes) -> str:
    """Return what the bytes are: "xlsx", "xls", "markup" or "text". Raises SheetError for anything else."""
    if data.startswith(ZIP):
        check_zip(data)
        return "xlsx"
    if data.startswith(OLE):
        check_ole(data)
        return "xls"
    for sign, what in OTHERS:
        if data.startswith(sign):
            raise SheetError(f"这不是电子表格，而是{what}。请上传 .xlsx、.xls 或 .csv 文件。")
    head = data[:4096].lower().replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    if re.match(rb"<(!doctype html|html|table|head|meta|body|style|div|\?xml|!--)", head):
        return "markup"
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetError(f"认不出文件内容（二进制数据），后缀与内容可能不符。{SAVE_AS}。")
    return "text"


def check_zip(data: bytes) -> None:
    """Refuse bombs, macros and zips that are no workbook, from the zip's directory alone. Raises SheetError."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError, zlib.error) as error:
        raise SheetError(f"文件已损坏或没有传完，打不开。{SAVE_AS}。") from error
    names = [member.filename for member in members]
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or any(map(_bursts, members)):
        raise SheetError("文件解压后异常地大（压缩炸弹的特征），已拒绝读取。请重新导出，并删除多余的空行和格式。")
    if any(member.flag_bits & 1 for member in members):
        raise SheetError(f"文件是加密的压缩包，读不出内容。{SAVE_AS}。")
    if any("vbaproject" in name.lower() for name in names):
        raise SheetError(f"工作簿带有宏（VBA），不能导入。{SAVE_AS}。")
    if "xl/workbook.xml" not in names:
        what = "二进制工作簿（.xlsb）" if "xl/workbook.bin" in names else "普通压缩包或其他文档"
        raise SheetError(f"这不是 .xlsx 工作簿，而是{what}。{SAVE_AS}。")
    if len(names) != len(set(names)):
        raise SheetError(f"文件结构异常（同名部件重复），已拒绝读取。{SAVE_AS}。")


def _bursts(member: zipfile.ZipInfo) -> bool:
    return member.file_size > RATIO_FROM and member.file_size > MAX_RATIO * max(member.compress_size, 1)


def check_ole(data: bytes) -> None:
    """Refuse encrypted workbooks, macros and Word files by the names in the OLE directory. Raises SheetError."""
    if _named(data, "EncryptedPackage") or _named(data, "EncryptionInfo") or FILEPASS.search(data):
        raise SheetError("工作簿设有打开密码，读不出内容。请在 Excel 或 WPS 中取消密码（文件 → 信息 → 保护）后再上传。")
    if _named(data, "_VBA_PROJECT"):
        raise SheetError(f"工作簿带有宏（VBA），不能导入。{SAVE_AS}。")
    if not _named(data, "Workbook") and not _named(data, "Book"):
        raise SheetError(f"这不是 Excel 工作簿，可能是 Word 或其他文档。{SAVE_AS}。")


def _named(data: bytes, name: str) -> bool:
    return name.encode("utf-16-le") in data
