"""`script/ground` as the scripts see it."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPT = str(Path(__file__).resolve().parents[2] / "script")
if SCRIPT not in sys.path:
    sys.path.append(SCRIPT)
