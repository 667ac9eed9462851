"""`.run/embedded.json`: the ports, passwords and keys of the embedded servers, made once (read by config/keys.py)."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ground.places import Fault, free_port

NAME = "embedded.json"
SANDBOX_PORT = 8001


@dataclass
class Kept:
    """What one installation keeps. Ports are on 127.0.0.1; the addresses are made from them."""

    postgres_port: int
    postgres_password: str
    redis_port: int
    redis_password: str
    sandbox_port: int
    secret_key: str
    field_keys: str
    index_key: str

    @property
    def database_url(self) -> str:
        """Return the address of the portal's database."""
        return f"postgres://postgres:{self.postgres_password}@127.0.0.1:{self.postgres_port}/portal"

    @property
    def redis_url(self) -> str:
        """Return the address of the Redis-compatible server."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"

    @property
    def sandbox_url(self) -> str:
        """Return the address of the sandbox's gateway."""
        return f"http://127.0.0.1:{self.sandbox_port}/ebus/sandbox/hsa/hgs"


def load_or_make(folder: Path) -> Kept:
    """Read what is kept in `folder`, or make it. Raises Fault for an unreadable file: its keys cannot be replaced."""
    path = folder / NAME
    if not path.exists():
        if (folder / "postgres" / "data").exists():
            raise Fault(
                f"{path} 不见了，而 {folder / 'postgres'} 里还有数据。"
                f"请从备份恢复该文件；若只是演示数据，删除 {folder}。"
            )
        return make()
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Kept(**{part.name: body[part.name] for part in fields(Kept)})
    except (ValueError, KeyError) as error:
        raise Fault(
            f"{path} 已损坏（{error}）。其中有加密字段的密钥，请从备份恢复；若只是演示数据，删除 {folder} 后重新运行。"
        ) from error


def settle_ports(kept: Kept) -> None:
    """Take other ports where something else took ours meanwhile."""
    kept.postgres_port = free_port(kept.postgres_port)
    kept.redis_port = free_port(kept.redis_port)
    kept.sandbox_port = free_port(kept.sandbox_port)


def save(kept: Kept, folder: Path) -> None:
    """Write `kept` with its addresses, readable by its owner only, whole or not at all."""
    addresses = {name: getattr(kept, name) for name in ("database_url", "redis_url", "sandbox_url")}
    draft = folder / f"{NAME}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(kept) | addresses, file, indent=2)
    draft.replace(folder / NAME)


def make() -> Kept:
    """Make ports, passwords and keys for a new installation."""
    return Kept(
        postgres_port=free_port(),
        postgres_password=secrets.token_urlsafe(24),
        redis_port=free_port(),
        redis_password=secrets.token_urlsafe(24),
        sandbox_port=free_port(SANDBOX_PORT),
        secret_key=secrets.token_urlsafe(48),
        field_keys=f"k1:aes:{secrets.token_urlsafe(32)}",
        index_key=secrets.token_urlsafe(32),
    )
