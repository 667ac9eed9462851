"""What a browser calls itself, in words a person knows."""

from __future__ import annotations

import re

# First match counts: many browsers also name the ones they descend from.
NAMES = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("360 浏览器", r"(?:QIHU|360SE|360EE)()"),
    ("火狐", r"Firefox/(\d+)"),
    ("Chrome", r"Chrom(?:e|ium)/(\d+)"),
    ("Safari", r"Version/(\d+).*Safari"),
    ("IE", r"(?:MSIE |rv:)(\d+)"),
)
SYSTEMS = (
    ("Windows 7", r"Windows NT 6\.1"),
    ("Windows 8", r"Windows NT 6\.[23]"),
    ("Windows 10/11", r"Windows NT 10"),
    ("Android", r"Android"),
    ("iPhone", r"iPhone|iPad"),
    ("macOS", r"Mac OS X"),
    ("Linux", r"Linux|X11"),
)


def browser_words(agent: str) -> str:
    """Return e.g. 「Chrome 109，Windows 7」 of a User-Agent, "" of an empty one."""
    name = next((f"{word} {found[1]}".strip() for word, mark in NAMES if (found := re.search(mark, agent))), "")
    system = next((word for word, mark in SYSTEMS if re.search(mark, agent)), "")
    return "，".join(filter(None, (name, system)))[:100]
