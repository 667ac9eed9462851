"""What is sealed can be opened with the same key and in no other way."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import FieldError, ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from insurance.exchange.models import Connection
from portal.privacy import keys
from portal.privacy.fields import EncryptedTextField
from portal.privacy.masks import mask_document, mask_name, mask_phone

OLD, NEW = "old:aes:old-material-old-material", "new:aes:new-material-new-material"


@given(st.binary(), st.sampled_from(["aes", "sm4"]))
def test_bytes_come_back(plain: bytes, algorithm: str) -> None:
    key = keys.parse(f"k:{algorithm}:some-material-some-material")[0]
    sealed = keys.seal(plain, key)
    assert sealed.startswith(f"{algorithm}:k:".encode())
    assert keys.unseal(sealed, key) == plain


def test_it_is_the_standard_ciphers_and_not_our_own() -> None:
    key = keys.parse(OLD)[0]
    sealed = keys.seal(b"plain", key)
    head, body = sealed[:8], sealed[8:]
    assert AESGCM(key.secret).decrypt(body[:12], body[12:], head) == b"plain"


def test_the_hospital_may_go_from_aes_to_sm4(settings) -> None:
    settings.FIELD_KEYS = OLD
    before = keys.seal(b"before")
    settings.FIELD_KEYS = f"next:sm4:new-material-new-material,{OLD}"
    assert keys.seal(b"after").startswith(b"sm4:next:")
    assert keys.unseal(before) == b"before"


def test_a_bare_material_keeps_its_name_when_another_is_put_before_it(settings) -> None:
    settings.FIELD_KEYS = "just-one-long-material"
    before = keys.seal(b"before")
    settings.FIELD_KEYS = "another-long-material,just-one-long-material"
    assert keys.unseal(before) == b"before"


@given(st.text())
def test_text_comes_back(plain: str) -> None:
    sealed = keys.seal_text(plain)
    assert keys.unseal_text(sealed) == plain
    assert not plain or plain not in base64.b64decode(sealed).decode("latin-1") or len(plain) < 4


@given(st.binary(min_size=1))
def test_the_same_twice_looks_different(plain: bytes) -> None:
    assert keys.seal(plain) != keys.seal(plain)


@given(st.binary(), st.data())
def test_one_changed_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(keys.seal(plain))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(keys.Undecipherable):
        keys.unseal(bytes(sealed))


@given(st.binary())
def test_rubbish_raises_only_its_own_error(rubbish: bytes) -> None:
    with pytest.raises(keys.Undecipherable):
        keys.unseal(rubbish)


@given(st.text(min_size=1))
def test_rubbish_text_raises_only_its_own_error(rubbish: str) -> None:
    with pytest.raises(keys.Undecipherable):
        keys.unseal_text(rubbish)


@given(st.binary(), st.data())
def test_a_cut_text_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = keys.seal(plain)
    with pytest.raises(keys.Undecipherable):
        keys.unseal(sealed[: data.draw(st.integers(0, len(sealed) - 1))])


def test_a_key_not_held_is_named(settings) -> None:
    settings.FIELD_KEYS = OLD
    sealed = keys.seal_text("甲")
    settings.FIELD_KEYS = NEW
    with pytest.raises(keys.Undecipherable, match="缺少密钥 old"):
        keys.unseal_text(sealed)


def test_another_key_under_the_same_name_opens_nothing(settings) -> None:
    settings.FIELD_KEYS = OLD
    sealed = keys.seal_text("甲")
    settings.FIELD_KEYS = "old:aes:other-material-other-material"
    with pytest.raises(keys.Undecipherable, match="损坏"):
        keys.unseal_text(sealed)


def test_rotation_writes_with_the_first_and_reads_with_all(settings) -> None:
    settings.FIELD_KEYS = OLD
    before = keys.seal(b"before")
    settings.FIELD_KEYS = f"{NEW},{OLD}"
    after = keys.seal(b"after")
    assert (before.split(b":")[:2], after.split(b":")[:2]) == ([b"aes", b"old"], [b"aes", b"new"])
    assert (keys.unseal(before), keys.unseal(after)) == (b"before", b"after")
    settings.FIELD_KEYS = NEW
    assert keys.unseal(after) == b"after"
    with pytest.raises(keys.Undecipherable):
        keys.unseal(before)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "至少需要一个"),
        ("a:aes:short", "第 1 个密钥：至少 16"),
        (f"{OLD},x:rot13:material-material-material", "第 2 个密钥：算法"),
        (f"{OLD},old:aes:another-material-material", "第 2 个密钥：编号 old 重复"),
    ],
)
def test_a_wrong_setting_says_where(text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        keys.parse(text)


def test_a_bare_material_is_a_key(settings) -> None:
    settings.FIELD_KEYS = "just-one-long-material"
    assert keys.unseal_text(keys.seal_text("甲")) == "甲"


def test_digests_find_the_same_and_depend_on_the_index_key(settings) -> None:
    one = keys.digest(" 44x ")
    assert one == keys.digest("44X") != keys.digest("44Y")
    settings.INDEX_KEY = "another-index-key-entirely"
    assert keys.digest("44X") != one


def test_an_encrypted_column_cannot_be_searched_by_mistake() -> None:
    with pytest.raises(FieldError):
        Connection.objects.filter(secret="clear").exists()
    assert Connection.objects.filter(secret__isnull=False).query is not None


@pytest.mark.django_db
def test_the_database_holds_no_clear_text() -> None:
    from django.db import connection

    from tests.people.factories import make_institution

    kept = Connection.objects.create(
        institution=make_institution(), environment="sandbox", base_url="http://x", account="a", secret="很秘密的东西",
        infver="1.0.0", recer_sys_code="HIS", opter="1", opter_name="甲",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM exchange_connection WHERE id = %s", [kept.pk])
        raw = cursor.fetchone()[0]
    assert base64.b64decode(raw).startswith(b"aes:")
    assert Connection.objects.get(pk=kept.pk).secret == "很秘密的东西"
    assert isinstance(Connection._meta.get_field("secret"), EncryptedTextField)


@pytest.mark.parametrize(
    ("mask", "clear", "shown"),
    [
        (mask_name, "李某某", "李*"),
        (mask_name, "", ""),
        (mask_document, "999999190001010000", "9999**********0000"),
        (mask_document, "12345", "***45"),
        (mask_phone, "13800000000", "138****0000"),
        (mask_phone, "0662123", "***2123"),
    ],
)
def test_masks(mask, clear: str, shown: str) -> None:
    assert mask(clear) == shown


@given(st.text(min_size=3, max_size=40))
def test_masks_hide_most_of_it(clear: str) -> None:
    assert mask_document(clear).count("*") >= 1
    assert len(mask_document(clear)) == len(clear)


def test_a_key_does_not_show_itself() -> None:
    (key,) = keys.parse("k1:aes:material-material")
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)
    assert "k1" in repr(key)
