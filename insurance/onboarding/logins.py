"""The demo's people: one login a role, and their passwords, which are made once and kept in a file of this machine."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

FILE = "demo-logins.json"
WORDS = Path(__file__).parent / "data" / "words.txt"
DIGITS = "23456789"


@dataclass(frozen=True)
class Login:
    """One demo person: role code, login name, invented name, operator number for messages."""

    role: str
    username: str
    name: str
    opter: str


LOGINS = (
    Login("insurance_office", "yibao", "周映雪", "90001"),
    Login("reviewer", "shenhe", "蒋文澜", "90002"),
    Login("pharmacy", "yaofang", "苏禾宁", "90003"),
    Login("price_supply", "wujia", "韩致远", "90004"),
    Login("cashier", "shoufei", "潘晓彤", "90005"),
    Login("records", "bingan", "沈书语", "90006"),
    Login("manager", "guanli", "方思远", "90007"),
    Login("it", "xinxi", "卢俊驰", "90008"),
    Login("system_admin", "xitong", "贺一鸣", "90009"),
    Login("security_admin", "anquan", "顾清岚", "90010"),
    Login("audit_admin", "shenji", "唐若水", "90011"),
)
OFFICE = LOGINS[0]


def passwords() -> dict[str, str]:
    """Return login name → password as kept; empty where the file is not there."""
    try:
        kept = json.loads(_path().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(word) for name, word in kept.items()} if isinstance(kept, dict) else {}


def make_passwords() -> dict[str, str]:
    """Return login name → password for all logins, keeping those made before; the file is its owner's alone."""
    kept = passwords()
    words = WORDS.read_text(encoding="utf-8").split()
    made = {login.username: kept.get(login.username) or _password(words) for login in LOGINS}
    if made != kept:
        _keep(made)
    return made


def _password(words: list[str]) -> str:
    """Return three words and two digits: easy to read out and to type, some 27 bits behind a throttled login."""
    number = "".join(secrets.choice(DIGITS) for _ in range(2))
    return "-".join([*(secrets.choice(words) for _ in range(3)), number])


def _path() -> Path:
    return Path(settings.RUN_DIR) / FILE


def _keep(made: dict[str, str]) -> None:
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{secrets.token_hex(4)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(made, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
