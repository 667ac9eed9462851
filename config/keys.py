"""Where the database, Redis and the secrets come from: the environment, or the embedded servers of `script/server`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from config import env

REDIS_URL = "redis://127.0.0.1:6379/0"
SANDBOX_URL = "http://127.0.0.1:8001/ebus/sandbox/hsa/hgs"


@dataclass(frozen=True, repr=False)
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
    """Read the environment; without DATABASE_URL, read `embedded.json` in `run_dir`, which script/server writes.

    Redis and the sandbox may be the embedded ones beside a real database. Raises SettingError when a real database is
    named and a key is missing: keys are never invented for it.
    """
    database_url = env.text("DATABASE_URL", "")
    kept = _kept(run_dir)
    if not database_url and not kept:
        raise env.SettingError(
            "没有数据库：请先运行 script/server（内置数据库），"
            "或设置 DATABASE_URL、REDIS_URL、SECRET_KEY、FIELD_KEYS、INDEX_KEY"
        )
    return Secrets(
        database_url=database_url or kept["database_url"],
        redis_url=env.text("REDIS_URL", "") or kept.get("redis_url", REDIS_URL),
        sandbox_url=kept.get("sandbox_url", SANDBOX_URL),
        secret_key=env.text("SECRET_KEY", None if database_url else kept["secret_key"]),
        field_keys=env.text("FIELD_KEYS", None if database_url else kept["field_keys"]),
        index_key=env.text("INDEX_KEY", None if database_url else kept["index_key"]),
    )


def _kept(run_dir: Path) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads((run_dir / "embedded.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise env.SettingError(f"{run_dir / 'embedded.json'} 读不出来（{error}）") from error
    return kept
