"""How personal data looks until it is uncovered (ui.md, Words)."""

from __future__ import annotations

import re

# What looks like a document number (15, 18 digits, the last perhaps X) or a mobile telephone inside of running text.
DOCUMENT = re.compile(r"(?<![0-9A-Za-z])\d{14,17}[0-9Xx](?![0-9A-Za-z])")
# Transactions, departments, 拼音码: shorter than any telephone or document number.
SHORT_CODE = 8
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")


def mask_name(name: str) -> str:
    """李某某 → 李*."""
    return f"{name[:1]}*" if name else ""


def mask_document(number: str) -> str:
    """441702199001011234 → 4417**********1234; short numbers keep their last two characters."""
    if len(number) >= 12:
        return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}"
    return f"{'*' * max(len(number) - 2, 0)}{number[-2:]}"


def mask_phone(number: str) -> str:
    """13812345678 → 138****5678; other lengths keep the last four digits."""
    if len(number) == 11:
        return f"{number[:3]}****{number[-4:]}"
    return f"{'*' * max(len(number) - 4, 0)}{number[-4:]}"


def mask_text(text: str) -> str:
    """Mask document numbers and mobile telephones inside of a sentence, for what leaves the portal."""
    masked = DOCUMENT.sub(lambda found: mask_document(found[0]), text)
    return PHONE.sub(lambda found: mask_phone(found[0]), masked)


def mask_typed(text: str) -> str:
    """Mask what a person typed into a query: it may be a name or a number; a short code stays readable."""
    if not text.isascii():
        return mask_name(text)
    return text if len(text) < SHORT_CODE else mask_document(text)
