"""Files in a message (9101): kept beside the draft, named in the form by `file:<digest>`, bytes only when sent."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from insurance.exchange.files import FileError, decode_bytes
from insurance.specification.model import Node

MARK = "file:"
# 9101 carries each byte as a number, about four characters: larger files belong to the room that makes them.
MOST_BYTES = 5 * 1024 * 1024


class FileMissing(Exception):
    """A file named in the message cannot be had; `place` is its input, the words are Chinese."""

    def __init__(self, place: str, words: str) -> None:
        super().__init__(words)
        self.place = place


@dataclass(frozen=True)
class KeptFile:
    """One uploaded file: its name, its size in bytes, and its content as base64."""

    name: str
    size: int
    content: str

    @property
    def data(self) -> bytes:
        """Return the bytes."""
        return base64.b64decode(self.content)


def keep(kept: Mapping[str, KeptFile], name: str, data: bytes) -> tuple[dict[str, KeptFile], str]:
    """Return the files with one more, and the text that names it in a form. Raises FileError when it is too large."""
    if len(data) > MOST_BYTES:
        raise FileError(f"文件 {len(data) / 1048576:.1f} MB，超过上限 {MOST_BYTES // 1048576} MB")
    if not data:
        raise FileError("文件是空的")
    mark = f"{MARK}{hashlib.sha256(data).hexdigest()[:16]}"
    return {**kept, mark: KeptFile(name[:100], len(data), base64.b64encode(data).decode())}, mark


def load(text: str) -> dict[str, KeptFile]:
    """Return the files kept with a draft."""
    return {mark: KeptFile(**values) for mark, values in json.loads(text or "{}").items()}


def dump(kept: Mapping[str, KeptFile], used: str) -> str:
    """Return the files as a draft keeps them, only those whose mark stands in `used`."""
    found = {mark: asdict(file) for mark, file in kept.items() if mark in used}
    return json.dumps(found, ensure_ascii=False) if found else ""


def filled(node: Node, value: Any, kept: Mapping[str, KeptFile], place: str = "") -> Any:
    """Return a message with its files as bytes: marks, base64 text and arrays of numbers. Raises FileMissing.

    A path (`@…`) is never followed: what stands on the server is not for a browser to send.
    """
    if isinstance(value, list):
        return [filled(node, row, kept, f"{place}.{number}") for number, row in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    made: dict[Any, Any] = dict(value)
    for name, item in value.items():
        where = f"{place}.{name}" if place else str(name)
        if name in node.children:
            made[name] = filled(node.children[name], item, kept, where)
        elif name in node.fields and node.fields[name].type == "binary" and item not in ("", None, []):
            made[name] = _bytes(item, kept, where)
    return made


def _bytes(item: Any, kept: Mapping[str, KeptFile], place: str) -> bytes:
    if isinstance(item, str) and item.startswith(MARK):
        if item not in kept:
            raise FileMissing(place, "文件已不在草稿中，请重新选择文件")
        return kept[item].data
    if isinstance(item, str) and item.startswith("@"):
        raise FileMissing(place, "不能引用服务器上的文件，请选择文件上传")
    try:
        return decode_bytes(item)
    except FileError as error:
        raise FileMissing(place, str(error)) from None


def as_text(value: Any) -> Any:
    """Return a message in which bytes are base64 text, so that it can be kept as JSON."""
    if isinstance(value, Mapping):
        return {name: as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
