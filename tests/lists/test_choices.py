"""How fields that choose look in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

FIELD = '<input type="radio" class="form-check-input" name="code" required>'


def test_nothing_looks_chosen_before_anything_is(page: Any) -> None:
    """A browser calls radio buttons of which none is chosen indeterminate: they must not look filled."""
    style = (Path(settings.BASE_DIR) / "static/css/portal.css").read_text(encoding="utf-8")
    page.set_content(f"<style>{style}</style>{FIELD}{FIELD}")
    colour = "getComputedStyle(document.querySelector('input')).backgroundColor"
    before = page.evaluate(colour)
    page.locator("input").first.check()
    assert page.evaluate(colour) != before
