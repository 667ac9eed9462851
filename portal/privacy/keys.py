"""Named keys. A key is `id:algorithm:material`; the cipher key is derived from the material, so any long text will do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12


class Undecipherable(Exception):
    """The text was encrypted with a key this installation does not have, or was changed."""


@dataclass(frozen=True)
class Key:
    """One field key: `id` and `algorithm` are written beside every ciphertext."""

    id: str
    algorithm: str
    secret: bytes


@lru_cache(maxsize=4)
def parse(text: str) -> tuple[Key, ...]:
    """Read FIELD_KEYS: the first key writes, all can read. Raises ImproperlyConfigured with the place of the fault."""
    keys = []
    for place, part in enumerate((p.strip() for p in text.split(",") if p.strip()), start=1):
        bits = part.split(":", 2)
        key_id, algorithm, material = bits if len(bits) == 3 else (str(place), "aes", part)
        if algorithm != "aes":
            raise ImproperlyConfigured(f"FIELD_KEYS 第 {place} 个密钥：算法应为 aes，实际为 {algorithm}")
        if len(material) < 16:
            raise ImproperlyConfigured(f"FIELD_KEYS 第 {place} 个密钥：至少 16 个字符")
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"field-key").derive(material.encode())
        keys.append(Key(key_id, algorithm, derived))
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS：至少需要一个密钥")
    return tuple(keys)


def seal(plain: bytes, key: Key | None = None) -> bytes:
    """Encrypt `plain`: `algorithm:key id:` in clear, then nonce and AES-256-GCM ciphertext."""
    key = key or parse(settings.FIELD_KEYS)[0]
    head = f"{key.algorithm}:{key.id}:".encode()
    nonce = os.urandom(NONCE_BYTES)
    return head + nonce + AESGCM(key.secret).encrypt(nonce, plain, head)


def unseal(sealed: bytes) -> bytes:
    """Decrypt what `seal` made. Raises Undecipherable."""
    algorithm, _, rest = bytes(sealed).partition(b":")
    key_id, _, body = rest.partition(b":")
    for key in parse(settings.FIELD_KEYS):
        if key.id.encode() == key_id and key.algorithm.encode() == algorithm:
            try:
                head = algorithm + b":" + key_id + b":"
                return AESGCM(key.secret).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], head)
            except InvalidTag as error:
                raise Undecipherable("密文已损坏或被改动") from error
    raise Undecipherable(f"缺少密钥 {key_id.decode(errors='replace')}")


def seal_text(plain: str) -> str:
    """Encrypt a text for a text column."""
    return base64.b64encode(seal(plain.encode())).decode() if plain else ""


def unseal_text(sealed: str) -> str:
    """Decrypt what `seal_text` made."""
    return unseal(base64.b64decode(sealed)).decode() if sealed else ""


def digest(value: str) -> str:
    """Return the keyed digest of `value` by INDEX_KEY, for exact search on an encrypted column."""
    return hmac.new(settings.INDEX_KEY.encode(), value.strip().upper().encode(), hashlib.sha256).hexdigest()
