"""Where uploaded files rest: sealed, under random names, below FILES_DIR."""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from portal.privacy.keys import Undecipherable, seal, unseal
from portal.sheets.errors import SheetError

FOLDER = "sheets"
FRAME_BYTES = 1024 * 1024
FRAMES = b"frames:"
# Which file a frame belongs to, which place it has, and whether it is the last.
HEAD = struct.Struct(">16sQ?")
LENGTH = struct.Struct(">I")
LEFT_OVER_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Kept:
    """A file that was kept: its name in the store, its size and digest in clear."""

    name: str
    size: int
    sha256: str


class Writer:
    """Seals a file as it comes, a frame at a time, so that no more of it than a frame is ever in memory."""

    def __init__(self) -> None:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = secrets.token_hex(16)
        self.part = folder / f"{self.name}.part"
        handle = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.file = os.fdopen(handle, "wb")
        self.file.write(FRAMES)
        self.digest, self.size, self.place, self.pending = hashlib.sha256(), 0, 0, bytearray()

    def write(self, piece: bytes) -> None:
        """Take the next piece of the file."""
        self.digest.update(piece)
        self.size += len(piece)
        self.pending += piece
        while len(self.pending) > FRAME_BYTES:
            self._frame(bytes(self.pending[:FRAME_BYTES]), last=False)
            del self.pending[:FRAME_BYTES]

    def _frame(self, piece: bytes, *, last: bool) -> None:
        sealed = seal(HEAD.pack(bytes.fromhex(self.name), self.place, last) + piece)
        self.file.write(LENGTH.pack(len(sealed)) + sealed)
        self.place += 1

    def close(self) -> Kept:
        """End the file: from now on it is there as a whole."""
        self._frame(bytes(self.pending), last=True)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.part.rename(self.part.with_suffix(""))
        return Kept(self.name, self.size, self.digest.hexdigest())

    def abandon(self) -> None:
        """Remove what was written."""
        self.file.close()
        self.part.unlink(missing_ok=True)


def keep(data: bytes) -> str:
    """Seal `data` into a new file and return its name. The file is whole or not there at all."""
    return keep_whole(data).name


def keep_whole(data: bytes) -> Kept:
    """Seal `data` into a new file."""
    writer = Writer()
    try:
        writer.write(data)
        return writer.close()
    except BaseException:
        writer.abandon()
        raise


def fetch(name: str) -> bytes:
    """Return what was kept under `name`. Raises SheetError when the file is gone, Undecipherable when changed."""
    try:
        sealed = (_folder() / Path(name).name).read_bytes()
    except FileNotFoundError as error:
        raise SheetError("服务器上找不到上传的文件，可能已被清理。请重新上传。") from error
    if sealed.startswith(FRAMES):
        return b"".join(_frames(Path(name).name, memoryview(sealed)[len(FRAMES) :]))
    return unseal(sealed)  # kept as one piece, before files were sealed in frames


def _frames(name: str, rest: memoryview) -> Iterator[bytes]:
    place, last = 0, False
    while not last:
        if len(rest) < LENGTH.size:
            raise Undecipherable("文件不完整")
        end = LENGTH.size + LENGTH.unpack(rest[: LENGTH.size])[0]
        plain = unseal(bytes(rest[LENGTH.size : end]))
        owner, number, last = HEAD.unpack_from(plain)
        if owner.hex() != name or number != place:
            raise Undecipherable("文件内容的次序被改动")
        yield plain[HEAD.size :]
        place, rest = place + 1, rest[end:]
    if rest:
        raise Undecipherable("文件末尾有多余的内容")


def drop(name: str) -> None:
    """Remove a kept file; harmless when it is gone."""
    (_folder() / Path(name).name).unlink(missing_ok=True)


def drop_left_over() -> int:
    """Remove files whose upload was cut off more than a day ago; return how many."""
    folder, before = _folder(), time.time() - LEFT_OVER_SECONDS
    old = [part for part in folder.glob("*.part") if part.stat().st_mtime < before] if folder.is_dir() else []
    for part in old:
        part.unlink(missing_ok=True)
    return len(old)


def _folder() -> Path:
    return Path(settings.FILES_DIR) / FOLDER
