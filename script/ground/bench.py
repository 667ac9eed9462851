"""`script/bench NAME`: one module of script/benchmarks, on servers of its own that are as safe as a hospital's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from ground import commands, throwaway
from ground.places import ROOT, Busy, Fault, lock, run_dir

FOLDER = ROOT / "script" / "benchmarks"
RUN = (
    "import importlib, sys; sys.path[:0] = sys.argv[1:3]; import django; django.setup();"
    "importlib.import_module(f'benchmarks.{sys.argv[3]}').main(sys.argv[4:])"
)


def main(arguments: list[str]) -> int:
    """Run the benchmark that is named first, with the other arguments; return its exit code. Raises Fault."""
    names = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
    if not arguments or arguments[0] not in names:
        raise Fault(f"用法：script/bench 名称 [参数]。名称：{'、'.join(names)}")
    os.environ.setdefault("RUN_DIR", str(ROOT / ".run" / "bench"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    signal.signal(signal.SIGTERM, _stop)
    folder = run_dir()
    try:
        with lock(folder / "bench.lock", wait=False), throwaway.servers(folder, safe=True):
            commands.manage("migrate", "--verbosity", "0")
            command = [sys.executable, "-c", RUN, str(ROOT), str(ROOT / "script"), *arguments]
            return subprocess.run(command, cwd=ROOT, check=False).returncode
    except Busy as busy:
        raise Fault(f"{folder} 里已有 script/bench 在运行（进程 {busy.holder}）。两个一起跑，谁也测不准。") from busy


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
