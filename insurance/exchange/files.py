"""Files of the platform: the ZIP of 9102 checked before it is opened, the bytes of 9101 as the edition writes them."""

from __future__ import annotations

import base64
import binascii
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
# Text of catalogues packs about 10:1; an archive that promises far more is a bomb, not a catalogue.
MAX_RATIO = 200
CHUNK = 1 << 20
# What opening and reading a damaged archive may raise, by the place of the damage and the way it is packed.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)


class FileError(Exception):
    """A file is not what the platform promises; the message says what is wrong with it, in Chinese."""


def looks_like_zip(path: str | Path) -> bool:
    """Say whether a file begins as a ZIP; the answer's headers are not to be believed (protocol.md, section 7)."""
    with open(path, "rb") as file:
        return file.read(4) in (ZIP_MAGIC, EMPTY_ZIP)


def check_zip(path: str | Path, *, max_bytes: int) -> zipfile.ZipInfo:
    """Return the one member of the archive. Raises FileError: not one member, a path in its name, too large, a bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileError("压缩包已损坏，打不开。请重新下载") from error
    if len(members) != 1:
        raise FileError(f"压缩包应只含一个文件，实际有 {len(members)} 个")
    member = members[0]
    name = member.filename
    if name != Path(name).name or "\\" in name or ":" in name or name in {"", ".", ".."} or "\x00" in name:
        raise FileError("压缩包内的文件名带有路径，已拒绝")
    if member.flag_bits & 0x1:
        raise FileError("压缩包有密码，打不开")
    if member.file_size > max_bytes:
        raise FileError(f"压缩包内文件 {member.file_size:,} 字节，超过上限 {max_bytes:,} 字节")
    if member.file_size > max(member.compress_size, 1) * MAX_RATIO and member.file_size > CHUNK:
        raise FileError("压缩包膨胀得不合常理（疑似压缩炸弹），已拒绝")
    return member


@contextmanager
def open_member(path: str | Path, *, max_bytes: int) -> Iterator[IO[bytes]]:
    """Open the archive's one member for reading; reading past what it promised raises FileError."""
    member = check_zip(path, max_bytes=max_bytes)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            yield stream
    except DAMAGED as error:
        raise FileError("压缩包已损坏，内容校验不符。请重新下载") from error


def verify_member(path: str | Path, *, max_bytes: int) -> int:
    """Read the member to its end, so that its checksum is proved; returns its size. Raises FileError."""
    size = 0
    with open_member(path, max_bytes=max_bytes) as stream:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise FileError(f"压缩包内文件超过上限 {max_bytes:,} 字节")
    return size


def encode_bytes(content: bytes, form: str) -> Any:
    """Return `content` as 9101's `in` wants it: `signed` array (-128..127), `unsigned` array, or `base64` text."""
    if form == "signed":
        return [byte - 256 if byte > 127 else byte for byte in content]
    if form == "unsigned":
        return list(content)
    if form == "base64":
        return base64.b64encode(content).decode()
    raise ValueError(f"9101 字节写法应为 signed、unsigned 或 base64，实际为 {form}")


def decode_bytes(given: object) -> bytes:
    """Read bytes given by a person: bytes, a list of numbers (signed or not), base64 text, or `@path`.

    Raises FileError.
    """
    if isinstance(given, bytes):
        return given
    if isinstance(given, list):
        try:
            return bytes(value & 0xFF if -128 <= value <= 255 else 256 for value in given)
        except (TypeError, ValueError) as error:
            raise FileError("文件数据：数组应只含 -128 至 255 的整数") from error
    if isinstance(given, str) and given.startswith("@"):
        try:
            return Path(given[1:]).read_bytes()
        except OSError as error:
            raise FileError(f"文件数据：读不到 {given[1:]}（{error.strerror}）") from error
    if isinstance(given, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", given):
        try:
            return base64.b64decode(given, validate=False)
        except (binascii.Error, ValueError) as error:
            raise FileError("文件数据：不是有效的 base64 文本") from error
    raise FileError("文件数据：应为整数数组、base64 文本或 @文件路径")
