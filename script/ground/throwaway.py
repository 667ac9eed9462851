"""Servers for one run of the tests or of a benchmark, thrown away afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ground import kept, postgres, processes, valkey
from ground.processes import Child

DATABASE = "portal"


@contextmanager
def servers(folder: Path, *, safe: bool = False) -> Iterator[str]:
    """Provide PostgreSQL and Redis by the environment; what is named there already is used as it is.

    Yields the name of the database that we made and nobody else uses; empty when one was named.
    `safe` keeps PostgreSQL's guarantees against a power cut, as a hospital would, at the price of speed.
    """
    processes.end_leftovers()
    children: list[Child] = []
    made = kept.make()
    own = "" if os.environ.get("DATABASE_URL") else DATABASE
    try:
        if not os.environ.get("REDIS_URL"):
            children.append(valkey.start(folder / "valkey", made.redis_port, made.redis_password, folder / "log"))
            valkey.wait(made.redis_port, children[-1])
            os.environ["REDIS_URL"] = made.redis_url
        if own:
            shutil.rmtree(folder / "postgres", ignore_errors=True)
            account = postgres.prepare(folder / "postgres", made.postgres_password)
            child = postgres.start(
                folder / "postgres", account, made.postgres_port, folder / "log", throw_away=not safe
            )
            children.append(child)
            postgres.make_database(made.database_url, child)
            os.environ["DATABASE_URL"] = made.database_url
        for name in ("secret_key", "field_keys", "index_key"):
            os.environ.setdefault(name.upper(), getattr(made, name))
        postgres.assert_fit(os.environ["DATABASE_URL"])
        yield own
    finally:
        processes.stop(reversed(children))
        processes.forget()
        if own:
            shutil.rmtree(folder / "postgres", ignore_errors=True)
