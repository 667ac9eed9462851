"""How tests start the browser, and what they do not let pass in any page."""

from __future__ import annotations

import os
import shutil
from typing import Any
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip

Faults = list[str]


def launch_options(playwright: Any) -> dict[str, Any]:
    """Return the options of `chromium.launch`: BROWSER_PATH, else an installed Chromium, else Playwright's own."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    installed = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, NAMES)), None)
    path = installed or playwright.chromium.executable_path
    return {"executable_path": path, "args": [*root, *QUIET]}


def watch(context: Any, host: str) -> Faults:
    """Return a list that fills with what went wrong in the pages of `context`; other hosts are not reached at all."""
    faults: Faults = []

    def only_ours(route: Any) -> None:
        address = route.request.url
        if urlsplit(address).netloc == host or address.startswith(("data:", "blob:", "about:")):
            route.continue_()
        else:
            faults.append(f"a page asked another host: {address}")
            route.abort()

    def hear(message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            faults.append(f"content security policy: {message.text}")

    context.route("**/*", only_ours)
    context.on("console", hear)
    context.on("weberror", lambda error: faults.append(f"script error: {error.error}"))
    return faults
