"""A new first key takes over everything, in chunks, and can be stopped at any moment."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from insurance.exchange.bodies import body_of, forget_keys, seal_body
from insurance.exchange.models import Call, CallBody, Connection, DataKey
from portal.people.models import Institution
from portal.privacy import rekeying
from portal.privacy.keys import Undecipherable, parse

pytestmark = pytest.mark.django_db
OLD = "old:aes:the-old-material-of-the-tests"
NEW = "2026:aes:the-new-material-of-the-tests"


@pytest.fixture
def kept(institution: Institution, settings: Any) -> Call:
    """A connection with a secret and a call with a body, written by the old key."""
    settings.FIELD_KEYS = OLD
    forget_keys()
    connection = Connection.objects.create(
        institution=institution, environment="沙箱", base_url="http://127.0.0.1:9", account="a", secret="geheim",
        infver="1", recer_sys_code="H", opter="o", opter_name="o",
    )  # fmt: skip
    call = Call.objects.create(
        institution=institution, connection=connection, infno="1101", effect="query", msgid="m", opter="o",
        opter_name="o", digest="0" * 64,
    )  # fmt: skip
    sealed = seal_body(b"content")
    CallBody.objects.create(
        call=call, part="request", month=sealed.month, sealed=sealed.sealed, digest=sealed.digest, size=sealed.size
    )
    yield call
    forget_keys()


def raw(table: str, column: str) -> Any:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY id LIMIT 1")
        return cursor.fetchone()[0]


def test_everything_is_found_by_its_field() -> None:
    names = {str(column) for column in rekeying.columns()}
    assert {"exchange.Connection.secret", "exchange.Submission.payload", "exchange.DataKey.wrapped"} <= names
    assert any(name.startswith("directory.") for name in names)


def test_after_rekeying_the_old_key_is_not_needed(kept: Call, settings: Any) -> None:
    settings.FIELD_KEYS = f"{NEW},{OLD}"
    body = raw("exchange_callbody", "sealed")
    assert rekeying.left_over() == {"exchange.Connection.secret": 1, "exchange.DataKey.wrapped": 1}
    with pytest.raises(CommandError, match="旧密钥"):
        call_command("rekey", "--check", stdout=StringIO())
    call_command("rekey", stdout=StringIO())
    assert rekeying.left_over() == {}
    assert sum(rekeying.rekey().values()) == 0, "twice changes nothing"
    settings.FIELD_KEYS = NEW
    forget_keys()
    assert Connection.objects.get().secret == "geheim"
    assert body_of(kept.pk, "request") == b"content"
    assert raw("exchange_callbody", "sealed") == body, "bodies are not touched"
    assert bytes(DataKey.objects.get().wrapped).startswith(b"aes:2026:")
    call_command("rekey", "--check", stdout=StringIO())


def test_stopped_half_way_it_goes_on_and_a_missing_key_is_said(
    kept: Call, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "CHUNK", 1)
    settings.FIELD_KEYS = NEW
    with pytest.raises(Undecipherable):
        rekeying.rekey()
    with pytest.raises(CommandError, match="放回"):
        call_command("rekey", stdout=StringIO())
    settings.FIELD_KEYS = f"{NEW},{OLD}"
    first = rekeying.columns()[0]
    rekeying._rekey(next(column for column in rekeying.columns() if "secret" in str(column)), lambda *told: None)
    assert first is not None
    assert rekeying.left_over() == {"exchange.DataKey.wrapped": 1}
    assert rekeying.rekey()["exchange.DataKey.wrapped"] == 1


def test_what_somebody_writes_meanwhile_stays_theirs(kept: Call, settings: Any) -> None:
    settings.FIELD_KEYS = f"{NEW},{OLD}"
    column = next(one for one in rekeying.columns() if "secret" in str(one))
    rows = list(rekeying._old(column))
    Connection.objects.update(secret="newer")
    assert rekeying._write(column, rows) == 0
    assert Connection.objects.get().secret == "newer"


@pytest.mark.parametrize("key", ["a:aes:", "ab:sm4:", "abc:aes:", "abcd:aes:", "k2026:sm4:"])
def test_the_head_of_a_ciphertext_is_told_whatever_the_keys_name(key: str, settings: Any) -> None:
    settings.FIELD_KEYS = f"{key}material-material-material"
    from portal.privacy.keys import seal_text

    head = rekeying._head(text=True)
    assert all(seal_text(text).startswith(str(head)) for text in ("x", "长一点的内容", json.dumps([1])))
    assert len(str(head)) > len(parse(settings.FIELD_KEYS)[0].id)
