"""The portal answers in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.django_db(transaction=True)
def test_login_page_is_chinese_and_quiet(page: Any, look: Any) -> None:
    page.goto("/")
    look("login")
    assert page.locator("input[type=password]").is_visible()
    assert page.evaluate("getComputedStyle(document.body).fontFamily")
