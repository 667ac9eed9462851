"""`.venv` with the pinned requirements: by uv where it can be had, by pip otherwise."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ground import wheels
from ground.places import ROOT, Fault, digest, lock, run_dir, say

VENV = ROOT / ".venv"
UV = "uv==0.13.9"
# Settings of pip that uv does not read, and uv's word for each.
PIP_TO_UV = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}


def python() -> Path:
    """Return the interpreter of the checkout's own environment."""
    return VENV / "bin" / "python"


def is_inside() -> bool:
    """Say whether this process runs in the checkout's own environment."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def ensure(*locks: str) -> None:
    """Make `.venv` and install the lock files named, unless that has been done for just these contents."""
    wanted = {name: digest([ROOT / name]) for name in locks}
    if _is_usable() and not _missing(wanted):
        return
    with lock(run_dir() / "setup.lock", wait=True):
        if not _is_usable():
            _make()
        if not _has("pip"):
            _add_pip()
        missing = _missing(wanted)
        if missing:
            say(f"安装依赖（{'、'.join(missing)}）……")
            install(*[part for name in missing for part in ("-r", str(ROOT / name))])
            _stamp().write_text(json.dumps(_installed() | wanted), encoding="utf-8")


def install(*arguments: str) -> None:
    """Install with uv, or with pip when uv cannot be had or fails. Raises Fault with pip's last words."""
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    if _has_uv():
        command = [
            str(python()),
            "-m",
            "uv",
            "pip",
            "install",
            "--compile-bytecode",
            "--python",
            str(python()),
            *_uv_options(),
            *arguments,
        ]
        done = subprocess.run(command, env=_uv_environment(), check=False, **quiet)  # type: ignore[call-overload]
        if done.returncode == 0:
            return
        say("uv 安装未成功，改用 pip（较慢）……")
    done = subprocess.run([str(python()), "-m", "pip", "install", *arguments], check=False, **quiet)  # type: ignore[call-overload]
    if done.returncode:
        raise Fault(f"依赖安装失败。请检查网络或 pip 镜像设置后重试：\n{done.stdout[-2000:]}")


def _is_usable() -> bool:
    if is_inside():
        return True
    try:
        return subprocess.run([str(python()), "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _has(module: str) -> bool:
    return any(VENV.glob(f"lib/python*/site-packages/{module}/__init__.py"))


def _base() -> str:
    """Return the interpreter that `.venv` is made from."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _stamp() -> Path:
    return VENV / "installed.json"


def _installed() -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(_stamp().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept


def _missing(wanted: dict[str, str]) -> list[str]:
    installed = _installed()
    return [name for name, body in wanted.items() if installed.get(name) != body]


def _make() -> None:
    """Make `.venv`, with pip in it where the machine can: Debian without python3-venv has no ensurepip."""
    say("建立 Python 环境 .venv ……")
    shutil.rmtree(VENV, ignore_errors=True)
    whole = subprocess.run([_base(), "-m", "venv", str(VENV)], capture_output=True, check=False)
    if whole.returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    bare = subprocess.run(
        [_base(), "-m", "venv", "--without-pip", str(VENV)], capture_output=True, text=True, check=False
    )
    if bare.returncode:
        raise Fault(f"无法建立 .venv：{bare.stderr[-500:]}\nDebian/Ubuntu 请先运行：sudo apt-get install python3-venv")


def _add_pip() -> None:
    """Put pip into an environment made without it: by the machine's own pip, else by pip's wheel from the index."""
    own = subprocess.run(
        [_base(), "-m", "pip", "--python", str(python()), "install", "pip"], capture_output=True, check=False
    )
    if own.returncode == 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        wheel = wheels.fetch("pip", Path(folder))
        done = subprocess.run(
            [str(python()), f"{wheel}/pip", "install", str(wheel)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise Fault(f"无法安装 pip：{done.stderr[-500:]}\nDebian/Ubuntu 请先运行：sudo apt-get install python3-venv")


def _has_uv() -> bool:
    if _has("uv"):
        return True
    done = subprocess.run([str(python()), "-m", "pip", "install", "-q", UV], capture_output=True, check=False)
    return done.returncode == 0


def _pip_settings() -> dict[str, str]:
    """Return what pip.conf and PIP_* say, the environment last; pip itself is asked, so that all its files count."""
    listed = subprocess.run(
        [str(python()), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    pairs = [line.partition("=") for line in listed.splitlines() if "=" in line]
    ranks = ("global.", "install.", ":env:.")
    found: dict[str, str] = {}
    for rank in ranks:
        for name, _, value in pairs:
            if name.startswith(rank):
                found[name.removeprefix(rank)] = str(ast.literal_eval(value))
    return found


def _uv_options() -> list[str]:
    settings = _pip_settings()
    options = [
        part for name, word in PIP_TO_UV.items() for one in settings.get(name, "").split() for part in (word, one)
    ]
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        options.append("--no-index")
    # pip takes the best version of all indexes; uv would stop at the first that knows the name.
    return [*options, "--index-strategy", "unsafe-best-match"]


def _uv_environment() -> dict[str, str]:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1"}
    settings = _pip_settings()
    if "cert" in settings:
        environment.setdefault("SSL_CERT_FILE", settings["cert"])
    if not os.access(Path.home(), os.W_OK):
        environment.setdefault("UV_CACHE_DIR", str(run_dir() / "cache" / "uv"))
    return environment
