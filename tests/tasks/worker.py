"""`manage.py` with the tests' task kinds known: what the tests start as a real worker or dispatcher."""

from __future__ import annotations

import sys

import django
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    django.setup()
    from tests.tasks import kinds  # noqa: F401 (registers the kinds)

    execute_from_command_line(["manage.py", *sys.argv[1:], "--skip-checks"])
