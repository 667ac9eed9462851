"""Our own CSS may use nothing that Chrome 86 does not know (research: Windows 7 counters)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

FORBIDDEN = re.compile(r"\boklch\s*\(|\boklab\s*\(|\bcolor-mix\s*\(|:has\s*\(|@container\b", re.IGNORECASE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def faults(root: Path) -> list[str]:
    """Return `path:line: what` for each use of a forbidden feature in our style sheets, scripts' and pages' styles."""
    return [
        fault
        for path in _ours(root)
        for fault in faults_in(path.read_text(encoding="utf-8"), str(path.relative_to(root)))
    ]


def faults_in(text: str, name: str) -> list[str]:
    """Return the faults of one style sheet; comments may name anything."""
    bare = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    return [
        f"{name}:{number}: {found[0].strip()}"
        for number, line in enumerate(bare.splitlines(), start=1)
        for found in FORBIDDEN.finditer(line)
    ]


def _ours(root: Path) -> Iterable[Path]:
    vendor = root / "static" / "vendor"
    folders = [root / name for name in ("static", "templates", "portal", "insurance", "reconciliation")]
    found = (path for folder in folders for kind in ("*.css", "*.js", "*.html") for path in folder.rglob(kind))
    return sorted(path for path in found if vendor not in path.parents)
