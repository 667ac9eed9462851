"""Large files at rest: sealed in frames, so that neither writing nor reading holds a whole file in memory.

Each frame is a ciphertext of its own that says which file it belongs to, which place it has, and whether it is the
last: frames that were changed, swapped, left out or taken from another file are noticed.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings

from portal.privacy.keys import Undecipherable, seal, unseal
from portal.sheets.errors import SheetError

FOLDER = "exports"
FRAME_BYTES = 1024 * 1024
HEAD = struct.Struct(">16sQ?")
LENGTH = struct.Struct(">I")


def keep(file: IO[bytes]) -> str:
    """Seal what `file` holds from its beginning into a new file and return its name; whole, or not there at all."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = secrets.token_hex(16)
    part = folder / f"{name}.part"
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target:
            _write(name, file, target)
            target.flush()
            os.fsync(target.fileno())
        part.rename(folder / name)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return name


def _write(name: str, file: IO[bytes], target: IO[bytes]) -> None:
    file.seek(0)
    place, piece = 0, file.read(FRAME_BYTES)
    while True:
        following = file.read(FRAME_BYTES)
        sealed = seal(HEAD.pack(bytes.fromhex(name), place, not following) + piece)
        target.write(LENGTH.pack(len(sealed)) + sealed)
        if not following:
            return
        place, piece = place + 1, following


def pieces(name: str) -> Iterator[bytes]:
    """Yield what `keep` kept under `name`. Raises SheetError when it is gone, Undecipherable when it was changed."""
    try:
        file = (_folder() / Path(name).name).open("rb")
    except FileNotFoundError as error:
        raise SheetError("服务器上找不到导出的文件，可能已过保留期被清理。请重新导出。") from error
    return _read(name, file)


def _read(name: str, file: IO[bytes]) -> Iterator[bytes]:
    place, last = 0, False
    with file:
        while not last:
            head = file.read(LENGTH.size)
            if len(head) < LENGTH.size:
                raise Undecipherable("文件不完整")
            plain = unseal(file.read(LENGTH.unpack(head)[0]))
            owner, number, last = HEAD.unpack_from(plain)
            if owner.hex() != name or number != place:
                raise Undecipherable("文件内容的次序被改动")
            yield plain[HEAD.size :]
            place += 1
        if file.read(1):
            raise Undecipherable("文件末尾有多余的内容")


def drop(name: str) -> None:
    """Remove a kept file; harmless when it is gone."""
    (_folder() / Path(name).name).unlink(missing_ok=True)


def names() -> list[str]:
    """Return the names of all kept files, unfinished ones included, for the sweep that looks for strays."""
    folder = _folder()
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def age_seconds(name: str, now: float) -> float:
    """Return how long ago a kept file was written; 0 when it is gone."""
    try:
        return now - (_folder() / Path(name).name).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _folder() -> Path:
    return Path(settings.FILES_DIR) / FOLDER
