"""Where the database, Redis and the secrets come from: the environment, or the embedded servers of `script/server`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from config import env


@dataclass(frozen=True)
class Secrets:
    """Addresses and secrets of this installation.

    `field_keys` is `id:algorithm:material` (comma-separated, the first one writes) or one bare material;
    `index_key` is any text of 16 characters or more.
    """

    database_url: str
    redis_url: str
    sandbox_url: str
    secret_key: str
    field_keys: str
    index_key: str


def load(run_dir: Path) -> Secrets:
    """Read the environment; without DATABASE_URL and REDIS_URL, read `.run/embedded.json` that script/server writes.

    Raises SettingError when a real database is named and a key is missing: keys are never invented for it.
    """
    database_url, redis_url = env.text("DATABASE_URL", ""), env.text("REDIS_URL", "")
    if database_url:
        return Secrets(
            database_url=database_url,
            redis_url=redis_url or "redis://127.0.0.1:6379/0",
            sandbox_url="http://127.0.0.1:8001/ebus/sandbox/hsa/hgs",
            secret_key=env.text("SECRET_KEY"),
            field_keys=env.text("FIELD_KEYS"),
            index_key=env.text("INDEX_KEY"),
        )
    embedded = run_dir / "embedded.json"
    if not embedded.exists():
        raise env.SettingError(
            "没有数据库：请先运行 script/server（内置数据库），或设置 DATABASE_URL、REDIS_URL、SECRET_KEY、FIELD_KEYS、INDEX_KEY"
        )
    kept = json.loads(embedded.read_text(encoding="utf-8"))
    return Secrets(**kept)
