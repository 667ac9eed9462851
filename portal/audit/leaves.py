"""The leaves of a seal: for each row its key and its keyed digest, packed to about 17 bytes.

A part holds up to LEAVES_A_PART leaves: varint of the distance to the key before, then DIGEST_BYTES of digest. So a
million rows a day cost 17 MB, and verifying reads them part by part.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from portal.privacy.keys import Key, parse

DIGEST_BYTES = 16
LEAVES_A_PART = 20_000
# 密评 wants SM3 where SM4 encrypts; both are HMACs of OpenSSL.
HASHES = {"aes": "sha256", "sm4": "sm3"}

Leaf = tuple[int, bytes]


class NoKey(Exception):
    """The key that a seal was made with is not among FIELD_KEYS; the message is Chinese."""


@dataclass(frozen=True)
class Sealer:
    """A named algorithm with a key derived from one of FIELD_KEYS; both names are written with each seal."""

    algorithm: str
    key_id: str
    secret: bytes = field(repr=False)

    def leaf(self, key: int, content: bytes) -> bytes:
        """Return the digest of one row."""
        return hmac.digest(self.secret, key.to_bytes(8, "big", signed=True) + content, self.algorithm)[:DIGEST_BYTES]

    def mac(self, *parts: bytes) -> str:
        """Return the keyed digest of some bytes as hex; each part stands with its length, so that none can move."""
        return hmac.digest(
            self.secret, b"".join(len(part).to_bytes(8, "big") + part for part in parts), self.algorithm
        ).hex()


class Root:
    """The digest over a whole day: the head, then each leaf, then how many there were."""

    def __init__(self, sealer: Sealer, *head: str) -> None:
        self._work = hmac.new(sealer.secret, "\x1f".join(head).encode(), sealer.algorithm)
        self.count = 0

    def add(self, leaf: Leaf) -> None:
        """Take in one leaf."""
        key, digest = leaf
        self._work.update(key.to_bytes(8, "big", signed=True) + digest)
        self.count += 1

    def hex(self) -> str:
        """Return the root of what was taken in so far."""
        work = self._work.copy()
        work.update(b"#" + self.count.to_bytes(8, "big"))
        return work.hexdigest()


def current_sealer() -> Sealer:
    """Return what seals now: by the first of FIELD_KEYS, aes → sha256, sm4 → sm3."""
    return _sealer(parse(settings.FIELD_KEYS)[0])


def sealer_of(algorithm: str, key_id: str) -> Sealer:
    """Return what made a seal. Raises NoKey."""
    for key in parse(settings.FIELD_KEYS):
        if key.id == key_id and HASHES[key.algorithm] == algorithm:
            return _sealer(key)
    raise NoKey(f"缺少密钥 {key_id}（{algorithm}），无法核验。请把此密钥放回 FIELD_KEYS 后重试。")


@lru_cache(maxsize=8)
def _sealer(key: Key) -> Sealer:
    secret = HKDF(hashes.SHA256(), 32, salt=None, info=b"seal").derive(key.secret)
    return Sealer(HASHES[key.algorithm], key.id, secret)


def pack(leaves: Iterable[Leaf]) -> bytes:
    """Pack leaves in ascending order of their keys. Raises ValueError when they are not."""
    packed, before = bytearray(), 0
    for place, (key, digest) in enumerate(leaves):
        if key < 0 or (place and key <= before):
            raise ValueError(f"keys must ascend: {key} after {before}")
        packed += _varint(key - before) + digest
        before = key
    return bytes(packed)


def unpack(packed: bytes) -> Iterator[Leaf]:
    """Return what `pack` packed. A broken end gives a broken leaf, which matches nothing."""
    key, place = 0, 0
    while place < len(packed):
        step, place = _read_varint(packed, place)
        key += step
        yield key, packed[place : place + DIGEST_BYTES]
        place += DIGEST_BYTES


def pack_keys(keys: Iterable[int]) -> bytes:
    """Pack ascending keys alone."""
    packed, before = bytearray(), 0
    for key in keys:
        packed += _varint(key - before)
        before = key
    return bytes(packed)


def unpack_keys(packed: bytes) -> Iterator[int]:
    """Return what `pack_keys` packed."""
    key, place = 0, 0
    while place < len(packed):
        step, place = _read_varint(packed, place)
        key += step
        yield key


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _read_varint(packed: bytes, place: int) -> tuple[int, int]:
    number, shift = 0, 0
    while place < len(packed):
        byte = packed[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return number, place
