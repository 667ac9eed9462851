"""How personal data looks until it is uncovered (ui.md, Words)."""

from __future__ import annotations


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
