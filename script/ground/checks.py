"""The checks of `script/test`, each a command that fails when something is wrong."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from ground.places import ROOT

# A production that exists nowhere: only its shape is checked.
PRODUCTION = {
    "ENVIRONMENT": "正式",
    "HTTPS": "1",
    "ALLOWED_HOSTS": "portal.invalid",
    "PLATFORM_URL": "https://platform.invalid/ebus/hospital/hsa/hgs",
    "PLATFORM_ACCOUNT": "account-of-check",
    "PLATFORM_SECRET": "secret-of-check",
}
OURS = ["portal", "insurance", "config"]


@dataclass(frozen=True)
class Check:
    """One command; it passes when it ends with 0."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def all_checks() -> list[Check]:
    """Return every check, the longest first."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    script = str(ROOT / "script")
    styles = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[1]); from ground.styles import faults;"
        "sys.exit('\\n'.join(faults(pathlib.Path.cwd())) or None)"
    )
    return [
        Check("mypy", _module("mypy", *OURS, "script/main.py", "script/ground"), {"MYPYPATH": script}),
        Check("ruff check", _module("ruff", "check", ".")),
        Check("ruff format", _module("ruff", "format", "--check", ".")),
        Check("djlint", _module("djlint", "templates", "--lint", "--quiet")),
        Check("import-linter", [sys.executable, "-c", "import importlinter.cli as c; c.lint_imports_command()"]),
        Check("makemigrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        Check("check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
        Check("specification", [*manage, "specification", "check"]),
        Check("styles", [sys.executable, "-c", styles, script]),
    ]


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]
