"""The browser fixture itself: what it must catch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browsing import watch

pytestmark = pytest.mark.browser


@pytest.fixture
def watched(browser: Any) -> Any:
    context = browser.new_context()
    yield context, watch(context, "127.0.0.1:1")
    context.close()


def test_script_error_and_foreign_host_are_faults(watched: Any) -> None:
    context, faults = watched
    page = context.new_page()
    page.set_content("<img src='http://cdn.invalid/a.png'><script>throw new Error('broken')</script>")
    page.wait_for_timeout(200)
    assert any("broken" in fault for fault in faults)
    assert any("cdn.invalid" in fault for fault in faults)


def test_broken_policy_is_a_fault(watched: Any) -> None:
    context, faults = watched
    page = context.new_page()
    policy = "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\">"
    page.set_content(f"{policy}<script>window.ran = 1</script>")
    page.wait_for_timeout(200)
    assert any("content security policy" in fault for fault in faults)


def test_chinese_is_drawn_with_a_chinese_font(watched: Any) -> None:
    """Without one every character is the same box: two different characters would look alike."""
    context, _ = watched
    page = context.new_page()
    page.set_content("<body style='font:40px sans-serif'><span id=a>阳</span><br><span id=b>江</span>")
    assert page.locator("#a").screenshot() != page.locator("#b").screenshot()
