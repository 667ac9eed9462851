"""Where uploaded files rest: sealed, under random names, below FILES_DIR."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.conf import settings

from portal.privacy.keys import seal, unseal
from portal.sheets.errors import SheetError

FOLDER = "sheets"


def keep(data: bytes) -> str:
    """Seal `data` into a new file and return its name. The file is whole or not there at all."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = secrets.token_hex(16)
    part = folder / f"{name}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(seal(data))
        file.flush()
        os.fsync(file.fileno())
    part.rename(folder / name)
    return name


def fetch(name: str) -> bytes:
    """Return what `keep` kept under `name`. Raises SheetError when the file is gone, Undecipherable when changed."""
    try:
        return unseal((_folder() / Path(name).name).read_bytes())
    except FileNotFoundError as error:
        raise SheetError("服务器上找不到上传的文件，可能已被清理。请重新上传。") from error


def drop(name: str) -> None:
    """Remove a kept file; harmless when it is gone."""
    (_folder() / Path(name).name).unlink(missing_ok=True)


def _folder() -> Path:
    return Path(settings.FILES_DIR) / FOLDER
