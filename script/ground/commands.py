"""`manage.py` commands, run to their end, alone or beside other work."""

from __future__ import annotations

import os
import subprocess
import sys

from ground.places import ROOT, Fault


class Command:
    """One `manage.py` command that runs already; `finish` waits for it."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.arguments = arguments
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def finish(self) -> str:
        """Return what the command printed. Raises Fault with its last words when it failed."""
        try:
            words = self.process.communicate()[0].decode(errors="replace")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        if self.process.returncode:
            raise Fault(f"manage.py {' '.join(self.arguments)} 未成功：\n{words[-2000:]}")
        return words


def manage(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run one command and return what it printed. Raises Fault."""
    return Command(*arguments, environment=environment).finish()


def exists(name: str) -> bool:
    """Say whether the project has a command of this name, without starting Django."""
    return any(ROOT.glob(f"*/*/management/commands/{name}.py"))
