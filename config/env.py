"""Typed readers for the environment; every setting of the portal comes through one of them."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit


class SettingError(Exception):
    """A setting is missing or unreadable; the message names it and says what it should look like."""


def text(name: str, default: str | None = None) -> str:
    """Return setting `name`; `NAME_FILE` may point at a file that holds it. Raises SettingError without a value."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE：读不到文件 {path}（{error.strerror}）") from error
    value = os.environ.get(name)
    if value is not None:
        return value.strip()
    if default is None:
        raise SettingError(f"缺少设置 {name}（也可用 {name}_FILE 指向一个文件）")
    return default


def flag(name: str, default: bool) -> bool:
    """Return a yes/no setting: 1 true yes on / 0 false no off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise SettingError(f"{name}：应为 1 或 0，实际为 {value!r}")


def number(name: str, default: float) -> float:
    """Return a number (seconds, counts)."""
    value = text(name, str(default))
    try:
        return float(Decimal(value))
    except InvalidOperation as error:
        raise SettingError(f"{name}：应为数字，实际为 {value!r}") from error


def whole(name: str, default: int) -> int:
    """Return a whole number."""
    return int(number(name, default))


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list without its empty members."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, object]:
    """Turn `postgres://user:password@host:port/name?option=value` into Django's DATABASES entry."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise SettingError("DATABASE_URL：应为 postgres://用户:口令@主机:端口/库名")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
