"""python -m insurance.sandbox: the same as manage.py sandbox, without Django."""

from __future__ import annotations

import asyncio
import sys

from insurance.sandbox.options import parse
from insurance.sandbox.server import serve

if __name__ == "__main__":
    asyncio.run(serve(parse(sys.argv[1:])))
