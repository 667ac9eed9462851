"""Messages as a page may show them: personal data masked by the field's name (data/personal.csv) and by its look."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal.privacy.masks import mask_document, mask_name, mask_phone

DATA = Path(__file__).resolve().parent / "data"
HIDDEN = "（已隐去）"
NONE = "none"
# Deeper than any table of the specification; what lies below is damage and is not shown.
MOST_DEEP = 20

DOCUMENT = re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])")
MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
# Field and value in a text that is not whole JSON (cut off, doubly wrapped), and in XML.
JSON_PAIR = re.compile(r'\\*"([A-Za-z_][\w.-]*)\\*"\s*:\s*(\\*)"((?:[^"\\]|\\(?!"))*)')
XML_PAIR = re.compile(r"<([A-Za-z_][\w.-]*)>([^<]*)")


def mask_address(text: str) -> str:
    """广东省阳江市江城区某路 1 号 → 广东省阳江市****: province and city stay."""
    return f"{text[:6]}****" if text else ""


def mask_day(text: str) -> str:
    """1990-01-02 → 1990-**-**."""
    return f"{text[:4]}-**-**" if text else ""


MASKS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "document": mask_document,
    "phone": mask_phone,
    "address": mask_address,
    "day": mask_day,
    "secret": lambda text: HIDDEN if text else "",
}


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[str, str], ...]:
    with open(DATA / "personal.csv", encoding="utf-8") as file:
        return tuple((row["field"], row["mask"]) for row in csv.DictReader(file))


@lru_cache(maxsize=4096)
def mask_of(field: str) -> str:
    """Return how a field is masked (a key of MASKS, or `none`), "" when its values are judged by their look alone.

    The first fitting row of data/personal.csv decides, whatever the case of the name.
    """
    name = field.lower()
    return next((mask for pattern, mask in _rules() if fnmatchcase(name, pattern)), "")


def mask_text(text: str) -> str:
    """Mask what looks like a document number or a mobile number anywhere in a text."""
    text = DOCUMENT.sub(lambda found: mask_document(found.group()), text)
    return MOBILE.sub(lambda found: mask_phone(found.group()), text)


def mask_value(field: str, value: Any, depth: int = 0) -> Any:
    """Return the JSON value of a field with all personal data in it masked; objects and lists are gone through.

    JSON inside a text is opened, masked and put back as text.
    """
    if depth > MOST_DEEP:
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): mask_value(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_value(field, item, depth + 1) for item in value]
    if value is None or isinstance(value, bool):
        return value
    mask = mask_of(field)
    if mask == NONE:
        return value
    if isinstance(value, int | float | Decimal) and not mask:
        masked = mask_text(str(value))
        return value if masked == str(value) else masked
    text = str(value)
    return MASKS[mask](text) if mask else _mask_free(text, depth)


def _mask_free(text: str, depth: int) -> str:
    if text.lstrip()[:1] in ("{", "["):
        try:
            opened = json.loads(text)
        except (ValueError, RecursionError):
            return mask_broken(text)
        return json.dumps(mask_value("", opened, depth + 1), ensure_ascii=False)
    return mask_text(text)


def mask_broken(text: str) -> str:
    """Mask a text that should have been JSON or is XML: by the names of its fields as far as they can be seen."""

    def json_pair(found: re.Match[str]) -> str:
        mask, value = mask_of(found[1]), found[3]
        if mask in ("", NONE):
            return found[0]
        return f"{found[0][: len(found[0]) - len(value)]}{MASKS[mask](value)}"

    def xml_pair(found: re.Match[str]) -> str:
        mask = mask_of(found[1])
        return found[0] if mask in ("", NONE) else f"<{found[1]}>{MASKS[mask](found[2])}"

    return mask_text(XML_PAIR.sub(xml_pair, JSON_PAIR.sub(json_pair, text)))
