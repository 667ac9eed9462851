"""Settings: read from the environment, never guessed for a real database, checked in Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config import checks, env, keys
from tests.settings import redis_of_worker

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = {
    "database_url": "postgres://postgres:p@127.0.0.1:1/portal",
    "redis_url": "redis://:p@127.0.0.1:2/0",
    "sandbox_url": "http://127.0.0.1:3/ebus/sandbox/hsa/hgs",
    "secret_key": "kept-secret-key",
    "field_keys": "k1:aes:kept-material-kept",
    "index_key": "kept-index-key",
}
NAMES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_KEYS", "INDEX_KEY")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)

    def given(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return given


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    (tmp_path / "embedded.json").write_text(json.dumps(EMBEDDED | {"postgres_port": 1}), encoding="utf-8")
    return tmp_path


def test_without_database_says_what_to_do(environment: Callable[..., None], tmp_path: Path) -> None:
    with pytest.raises(env.SettingError, match="script/server"):
        keys.load(tmp_path)


def test_embedded_servers_are_read(environment: Callable[..., None], embedded: Path) -> None:
    assert keys.load(embedded) == keys.Secrets(**EMBEDDED)


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FIELD_KEYS", "INDEX_KEY"])
def test_keys_are_never_taken_over_for_a_real_database(
    environment: Callable[..., None], embedded: Path, missing: str
) -> None:
    given = dict.fromkeys(["SECRET_KEY", "FIELD_KEYS", "INDEX_KEY"], "given-given-given")
    del given[missing]
    environment(DATABASE_URL="postgres://real/portal", **given)
    with pytest.raises(env.SettingError, match=missing):
        keys.load(embedded)


def test_real_database_with_the_embedded_redis(environment: Callable[..., None], embedded: Path) -> None:
    environment(DATABASE_URL="postgres://real/portal", SECRET_KEY="s", FIELD_KEYS="f", INDEX_KEY="i")
    found = keys.load(embedded)
    assert (found.database_url, found.redis_url) == ("postgres://real/portal", EMBEDDED["redis_url"])
    assert (found.secret_key, found.field_keys, found.index_key) == ("s", "f", "i")


def test_unreadable_embedded_file_is_said(environment: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "embedded.json").write_text("{", encoding="utf-8")
    with pytest.raises(env.SettingError, match=r"embedded\.json"):
        keys.load(tmp_path)


def test_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-file\n", encoding="utf-8")
    monkeypatch.setenv("ANY_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("ANY_SECRET", "from-environment")
    assert env.text("ANY_SECRET") == "from-file"
    monkeypatch.setenv("ANY_SECRET_FILE", str(tmp_path / "absent"))
    with pytest.raises(env.SettingError, match="ANY_SECRET_FILE"):
        env.text("ANY_SECRET")


@pytest.mark.parametrize(
    ("word", "meaning"), [("1", True), ("yes", True), ("ON", True), ("0", False), ("no", False), ("", False)]
)
def test_flags(monkeypatch: pytest.MonkeyPatch, word: str, meaning: bool) -> None:
    monkeypatch.setenv("ANY_FLAG", word)
    assert env.flag("ANY_FLAG", not meaning) is meaning


@pytest.mark.parametrize(("read", "word"), [(env.flag, "maybe"), (env.number, "ten"), (env.whole, "1,5")])
def test_unreadable_value_names_the_setting(monkeypatch: pytest.MonkeyPatch, read: Any, word: str) -> None:
    monkeypatch.setenv("ANY_VALUE", word)
    with pytest.raises(env.SettingError, match=f"ANY_VALUE.*{word}"):
        read("ANY_VALUE", 1)


def test_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANY_VALUE", "0.25")
    assert Decimal(str(env.number("ANY_VALUE", 1))) == Decimal("0.25")
    assert env.words("ABSENT_VALUE", "a, ,b") == ["a", "b"]


def test_database_address_is_unquoted() -> None:
    found = env.database("postgres://us%40er:p%2Fw@db.invalid:5433/yi%20bao?sslmode=require")
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("us@er", "p/w", "yi bao")
    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("db.invalid", "5433", {"sslmode": "require"})


@pytest.mark.parametrize("address", ["mysql://a/b", "postgres://host", "postgres://host/", "nonsense"])
def test_wrong_database_address_is_said(address: str) -> None:
    with pytest.raises(env.SettingError, match="DATABASE_URL"):
        env.database(address)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("FIELD_KEYS", "short", "config.E001"),
        ("FIELD_KEYS", "a:des:long-enough-material", "config.E001"),
        ("INDEX_KEY", "short", "config.E002"),
    ],
)
def test_unreadable_keys_are_errors(settings: Any, name: str, value: str, code: str) -> None:
    assert checks.check_keys() == []
    setattr(settings, name, value)
    assert [message.id for message in checks.check_keys()] == [code]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"PLATFORM_RESOLVE": "10.0.0.2:443", "PLATFORM_PROXY": "http://10.0.0.3:3128"}, []),
        ({"ENVIRONMENT": "production"}, ["config.E003", "config.E005"]),
        ({"ENVIRONMENT": "正式", "PLATFORM_ACCOUNT": "a", "PLATFORM_SECRET": "b"}, []),
        ({"ENVIRONMENT": "正式"}, ["config.E005"]),
        ({"PLATFORM_URL": "platform.invalid/hgs"}, ["config.E006"]),
        ({"PLATFORM_URL": "http://platform.invalid/hgs/"}, ["config.E007"]),
        ({"PLATFORM_RESOLVE": "10.0.0.2:port"}, ["config.E008"]),
        ({"PLATFORM_PROXY": "10.0.0.3:3128"}, ["config.E009"]),
        ({"PLATFORM_SIGN_IN": "never"}, ["config.E010"]),
        ({"PLATFORM_FILE_BYTES": "hex"}, ["config.E010"]),
        ({"PLATFORM_CA_FILE": "/absent/ca.pem"}, ["config.E011"]),
        ({"PLATFORM_EDITION_DIR": "/absent"}, ["config.E012"]),
        ({"BREAKER_FAILURES": 0, "DELIVERY_THREADS": 0}, ["config.E013", "config.E013"]),
        ({"DEADLINE_SUBMIT": 0.0}, ["config.E014"]),
        ({"LEASE_SECONDS": 10, "LEASE_RENEW_SECONDS": 6}, ["config.W001"]),
    ],
)
def test_platform_settings_are_checked(settings: Any, changes: dict[str, Any], codes: list[str]) -> None:
    settings.PLATFORM_URL = "http://platform.invalid/ebus/hospital/hsa/hgs"
    for name, value in changes.items():
        setattr(settings, name, value)
    found = checks.check_platform()
    assert [message.id for message in found] == codes
    assert all(re.search("[一-龥]", message.msg) for message in found)


def test_production_without_platform_is_an_error(settings: Any) -> None:
    settings.ENVIRONMENT, settings.PLATFORM_URL = "正式", settings.SECRETS.sandbox_url
    assert "config.E004" in [message.id for message in checks.check_platform()]


@pytest.mark.django_db
def test_this_database_finds_chinese() -> None:
    assert checks.check_database(databases=["default"]) == []


@pytest.mark.parametrize(
    ("url", "worker", "given", "number"),
    [
        ("redis://h:1/4", "", True, 4),
        ("redis://h:1/4", "gw0", True, 4),
        ("redis://h:1/4", "gw1", True, 14),
        ("redis://h:1/0", "", False, 15),
        ("redis://h:1/0", "gw1", False, 14),
    ],
)
def test_no_worker_empties_anothers_redis(url: str, worker: str, given: bool, number: int) -> None:
    assert redis_of_worker(url, worker, given) == f"redis://h:1/{number}"


def test_every_setting_is_documented() -> None:
    """docs/settings.md names what config/ reads, and nothing that nobody reads."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "config").glob("*.py"))
    read = set(re.findall(r'env\.(?:text|flag|number|whole|words)\(\s*"([A-Z_]+)"', source))
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert read - documented == set()
    elsewhere = {"HOST", "PORT", "BROWSER_PATH", "TEST_TEMPLATE", "LC_CTYPE"}
    values = {"HIS", "DEBUG", "INFO", "WARNING", "ERROR"}
    sandbox = {"SANDBOX_ACCOUNT", "SANDBOX_SECRET", "SANDBOX_EDITION", "SANDBOX_EDITION_DIR"}
    assert documented - read - elsewhere - values - sandbox == {"NAME_FILE"}
