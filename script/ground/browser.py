"""A Chromium and a Chinese font for the tests: what is installed, else Playwright's own, else Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from ground.places import Fault, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ADVICE = "sudo apt-get install --no-install-recommends chromium fonts-noto-cjk"


def ensure() -> str:
    """Return the path of a browser that starts, installing one when there is none. Raises Fault with what to do."""
    _ensure_font()
    for find in (_installed, _from_playwright, _from_debian):
        path = find()
        if path and _starts(path):
            return path
    raise Fault(f"没有可用的浏览器。请运行：{ADVICE}")


def _installed() -> str | None:
    if os.environ.get("BROWSER_PATH"):
        return os.environ["BROWSER_PATH"]
    return next(filter(None, map(shutil.which, NAMES)), None)


def _from_playwright() -> str | None:
    """Return the path of Playwright's own Chromium, downloading it when it is not there."""
    say("没有找到已安装的 Chromium，下载 Playwright 自带的……")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=300)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    code = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _from_debian() -> str | None:
    return _installed() if _apt("chromium") else None


def _starts(path: str) -> bool:
    """Say whether the browser runs at all: Playwright's own may lack the machine's libraries, a snap its daemon."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [path, "--headless", "--disable-gpu", "--disable-dev-shm-usage", *root, "--dump-dom", "about:blank"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"<html" in done.stdout


def _ensure_font() -> None:
    """Without a Chinese font every character is the same box, and no screenshot can be judged."""
    if _has_font():
        return
    if not (_apt("fontconfig", "fonts-noto-cjk") and _has_font()):
        raise Fault(f"没有中文字体，浏览器测试中的汉字会是方框。请运行：{ADVICE}")


def _has_font() -> bool:
    if sys.platform == "darwin":
        return True
    try:
        listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return bool(listed.stdout.strip())


def _apt(*packages: str) -> bool:
    """Install Debian packages as root; say whether that was done."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"安装 {' '.join(packages)} ……")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return done.returncode == 0
