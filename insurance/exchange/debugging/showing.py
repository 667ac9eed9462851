"""A message that a person wrote, as every page shows it: by label and raw, personal data masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from insurance.exchange.debugging import files
from insurance.exchange.debugging.jsontext import dumps
from insurance.exchange.masking import mask_value
from insurance.exchange.pages.messages import MOST_RAW, Shown, labelled, shorten
from insurance.specification.books import Book
from insurance.specification.model import Transaction


def request_shown(what: Transaction, message: Mapping[str, Any], book: Book) -> Shown:
    """Return the message for a page."""
    plain = shorten(files.as_text(message))
    raw = dumps(mask_value("", plain))
    note = "" if len(raw) <= MOST_RAW else "报文过长，原文只显示开头。"
    return Shown("请求", groups=labelled(what, "input", plain, book), raw=raw[:MOST_RAW], size=len(raw), note=note)
