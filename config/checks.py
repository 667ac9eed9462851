"""What must hold of the settings, said in Chinese before anything runs. Each value is named with what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from config.trigrams import faults

ENVIRONMENTS = ("沙箱", "测试", "正式")
SIGN_IN = ("required", "tolerant", "off")
FILE_BYTES = ("signed", "unsigned", "base64")
FACTOR = ("required", "optional")
DICTIONARY_FORM = ("query", "file")
NOT_NEGATIVE = (
    "IDLE_LOCK_MINUTES", "LOGINS_AT_ONCE", "PASSWORD_AGE_DAYS", "PASSWORD_INITIAL_DAYS", "ACCOUNT_SILENT_DAYS",
    "FACTOR_SHIFT_HOURS", "CATALOGUE_OVERLAP_DAYS",
)  # fmt: skip
SHORTEST_KEY = 16
# With none of these nothing would ever be sent, or everything be sent in vain.
AT_LEAST_ONE = ("DELIVERY_THREADS", "BATCH_ROWS", "BREAKER_FAILURES", "VERIFY_LOOKS", "CATALOGUE_PAGE_SIZE")
ABOVE_ZERO = (
    "CONNECT_SECONDS",
    "DEADLINE_QUERY",
    "DEADLINE_SUBMIT",
    "DEADLINE_FILE",
    "LEASE_SECONDS",
    "FILE_MAX_MB",
    "SESSION_IDLE_MINUTES",
    "NIGHT_RETRY_SECONDS",
    "NIGHT_UPLOAD_SECONDS",
)


def check_keys(app_configs: Any = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Keys can be read, and are long enough to be keys."""
    from portal.privacy.keys import parse

    found: list[CheckMessage] = []
    try:
        parse(settings.FIELD_KEYS)
    except ImproperlyConfigured as error:
        found.append(Error(str(error), id="config.E001"))
    if len(settings.INDEX_KEY) < SHORTEST_KEY:
        found.append(Error(f"INDEX_KEY：至少 {SHORTEST_KEY} 个字符", id="config.E002"))
    return found


def check_platform(app_configs: Any = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """The platform's address, its way there and the words of its settings make sense together."""
    return [*_environment(), *_address(), *_way(), *_words(), *_files(), *_numbers(), *_leases()]


def check_outward(app_configs: Any = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """What leaves the portal besides messages to the platform: logs and the audit's stream."""
    from config.logs import FORMATS
    from portal.system.targets import BadTarget, read_syslog

    found: list[CheckMessage] = []
    if settings.LOG_FORMAT not in FORMATS:
        found.append(
            Error(f"LOG_FORMAT：应为 {'、'.join(FORMATS)} 之一，实际为 {settings.LOG_FORMAT}", id="config.E030")
        )
    try:
        if settings.AUDIT_SYSLOG:
            read_syslog(settings.AUDIT_SYSLOG)
    except BadTarget as error:
        found.append(Error(f"AUDIT_SYSLOG：{error}", id="config.E031"))
    return found


def check_database(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """The database is new enough and finds Chinese. Django runs this where it may use the database: at `migrate`."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            found.extend(Error(words, id="config.E020") for words in faults(cursor))
    return found


def register_all() -> None:
    """Let Django run the checks."""
    register(check_keys, Tags.security)
    register(check_platform)
    register(check_outward)
    register(check_database, Tags.database)


def _environment() -> Iterator[CheckMessage]:
    if settings.ENVIRONMENT not in ENVIRONMENTS:
        yield Error(
            f"ENVIRONMENT：应为 {'、'.join(ENVIRONMENTS)} 之一，实际为 {settings.ENVIRONMENT}", id="config.E003"
        )
    if settings.ENVIRONMENT == "沙箱":
        return
    if settings.SECRETS.sandbox_url == settings.PLATFORM_URL:
        yield Error(f"ENVIRONMENT 为 {settings.ENVIRONMENT} 时须设置 PLATFORM_URL（平台地址）", id="config.E004")
    if settings.PLATFORM_ACCOUNT == "sandbox" or settings.PLATFORM_SECRET == "sandbox-secret":
        yield Error(
            f"ENVIRONMENT 为 {settings.ENVIRONMENT} 时须设置 PLATFORM_ACCOUNT 与 PLATFORM_SECRET", id="config.E005"
        )


def _address() -> Iterator[CheckMessage]:
    parts = urlsplit(settings.PLATFORM_URL)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Error(f"PLATFORM_URL：应为 http(s)://主机/路径，实际为 {settings.PLATFORM_URL}", id="config.E006")
    elif parts.query or parts.fragment or settings.PLATFORM_URL.endswith("/"):
        yield Error("PLATFORM_URL：末尾不带斜杠，也不带问号、井号（交易编号接在后面）", id="config.E007")


def _way() -> Iterator[CheckMessage]:
    if settings.PLATFORM_RESOLVE:
        from insurance.exchange.transport import bound_address

        try:
            bound_address(settings.PLATFORM_RESOLVE, urlsplit(settings.PLATFORM_URL).hostname or "")
        except ValueError as error:
            yield Error(str(error), id="config.E008")
    proxy = urlsplit(settings.PLATFORM_PROXY)
    if settings.PLATFORM_PROXY and (proxy.scheme not in {"http", "https"} or not proxy.hostname):
        yield Error(f"PLATFORM_PROXY：应为 http://主机:端口，实际为 {proxy.hostname or '无主机名'}", id="config.E009")


def _words() -> Iterator[CheckMessage]:
    for name, allowed in (
        ("PLATFORM_SIGN_IN", SIGN_IN), ("PLATFORM_FILE_BYTES", FILE_BYTES), ("FACTOR", FACTOR),
        ("DICTIONARY_FORM", DICTIONARY_FORM),
    ):  # fmt: skip
        if getattr(settings, name) not in allowed:
            yield Error(f"{name}：应为 {'、'.join(allowed)} 之一，实际为 {getattr(settings, name)}", id="config.E010")


def _files() -> Iterator[CheckMessage]:
    if settings.PLATFORM_CA_FILE and not Path(settings.PLATFORM_CA_FILE).is_file():
        yield Error(f"PLATFORM_CA_FILE：没有文件 {settings.PLATFORM_CA_FILE}", id="config.E011")
    if settings.PLATFORM_EDITION_DIR and not Path(settings.PLATFORM_EDITION_DIR).is_dir():
        yield Error(f"PLATFORM_EDITION_DIR：没有目录 {settings.PLATFORM_EDITION_DIR}", id="config.E012")


def _numbers() -> Iterator[CheckMessage]:
    for name in AT_LEAST_ONE:
        if getattr(settings, name) < 1:
            yield Error(f"{name}：至少为 1，实际为 {getattr(settings, name)}", id="config.E013")
    for name in ABOVE_ZERO:
        if getattr(settings, name) <= 0:
            yield Error(f"{name}：应大于 0，实际为 {getattr(settings, name):g}", id="config.E014")
    for name in NOT_NEGATIVE:
        if getattr(settings, name) < 0:
            yield Error(f"{name}：不能小于 0，实际为 {getattr(settings, name):g}", id="config.E015")


def _leases() -> Iterator[CheckMessage]:
    if settings.LEASE_RENEW_SECONDS * 2 > settings.LEASE_SECONDS:
        yield Warning(
            "LEASE_RENEW_SECONDS 应不大于 LEASE_SECONDS 的一半，否则一次续租失败就会丢掉正在进行的工作",
            id="config.W001",
        )
