"""Named keys. A key is `id:algorithm:material`; the cipher key is derived from the material, any long text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = {"aes": 32, "sm4": 16}


class Undecipherable(Exception):
    """The text was encrypted with a key this installation does not have, or was changed."""


@dataclass(frozen=True)
class Key:
    """One field key: `id` and `algorithm` are written beside every ciphertext."""

    id: str
    algorithm: str
    secret: bytes = field(repr=False)


@lru_cache(maxsize=4)
def parse(text: str) -> tuple[Key, ...]:
    """Read FIELD_KEYS: the first key writes, all can read. Raises ImproperlyConfigured with the place of the fault."""
    keys: list[Key] = []
    for place, part in enumerate((p.strip() for p in text.split(",") if p.strip()), start=1):
        try:
            key = _key(part)
        except ValueError as error:
            raise ImproperlyConfigured(f"FIELD_KEYS 第 {place} 个密钥：{error}") from None
        if any(known.id == key.id for known in keys):
            raise ImproperlyConfigured(f"FIELD_KEYS 第 {place} 个密钥：编号 {key.id} 重复")
        keys.append(key)
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS：至少需要一个密钥")
    return tuple(keys)


def _key(text: str) -> Key:
    """Read one key. A bare material is named after itself, so that it keeps its name when another is put before it."""
    bits = text.split(":", 2)
    key_id, algorithm, material = bits if len(bits) == 3 else ("", "aes", text)
    if algorithm not in KEY_BYTES:
        raise ValueError(f"算法应为 {' 或 '.join(KEY_BYTES)}，实际为 {algorithm}")
    if len(material) < 16:
        raise ValueError("至少 16 个字符")
    secret = HKDF(hashes.SHA256(), KEY_BYTES[algorithm], salt=None, info=b"field-key").derive(material.encode())
    return Key(key_id or hashlib.sha256(secret).hexdigest()[:8], algorithm, secret)


def _cipher(key: Key, nonce: bytes, tag: bytes | None = None) -> Cipher[modes.GCM]:
    """AES-256-GCM, or SM4-GCM where the hospital must use 国密."""
    block = algorithms.AES(key.secret) if key.algorithm == "aes" else algorithms.SM4(key.secret)
    return Cipher(block, modes.GCM(nonce, tag))


def seal(plain: bytes, key: Key | None = None) -> bytes:
    """Encrypt `plain`: `algorithm:key id:` in clear (and authenticated), then nonce, ciphertext and tag."""
    key = key or parse(settings.FIELD_KEYS)[0]
    head, nonce = f"{key.algorithm}:{key.id}:".encode(), os.urandom(NONCE_BYTES)
    work = _cipher(key, nonce).encryptor()
    work.authenticate_additional_data(head)
    return head + nonce + work.update(plain) + work.finalize() + work.tag


def unseal(sealed: bytes, key: Key | None = None) -> bytes:
    """Decrypt what `seal` made, with `key` or the one of FIELD_KEYS that it names. Raises Undecipherable."""
    algorithm, _, rest = bytes(sealed).partition(b":")
    key_id, _, body = rest.partition(b":")
    for known in (key,) if key else parse(settings.FIELD_KEYS):
        if known.id.encode() == key_id and known.algorithm.encode() == algorithm:
            return _open(known, algorithm + b":" + key_id + b":", body)
    raise Undecipherable(f"缺少密钥 {key_id.decode(errors='replace')}")


def _open(key: Key, head: bytes, body: bytes) -> bytes:
    nonce, text, tag = body[:NONCE_BYTES], body[NONCE_BYTES:-TAG_BYTES], body[-TAG_BYTES:]
    try:
        work = _cipher(key, nonce, tag).decryptor()
        work.authenticate_additional_data(head)
        return work.update(text) + work.finalize()
    except (InvalidTag, ValueError) as error:
        raise Undecipherable("密文已损坏或被改动") from error


def seal_text(plain: str) -> str:
    """Encrypt a text for a text column."""
    return base64.b64encode(seal(plain.encode())).decode() if plain else ""


def unseal_text(sealed: str) -> str:
    """Decrypt what `seal_text` made. Raises Undecipherable."""
    try:
        return unseal(base64.b64decode(sealed, validate=True)).decode() if sealed else ""
    except ValueError as error:
        raise Undecipherable("密文已损坏或被改动") from error


def digest(value: str) -> str:
    """Return the keyed digest of `value` by INDEX_KEY, for exact search on an encrypted column."""
    return hmac.new(settings.INDEX_KEY.encode(), value.strip().upper().encode(), hashlib.sha256).hexdigest()
