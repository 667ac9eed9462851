"""The bytes of messages, encrypted by a key of their month: rotation rewraps a few keys, never the bodies."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from insurance.exchange.models import CallBody, DataKey
from portal.privacy.keys import NONCE_BYTES, seal, unseal


@dataclass(frozen=True)
class Sealed:
    """A body ready for its row."""

    month: dt.date
    sealed: bytes
    digest: str
    size: int


def month_of(moment: dt.datetime) -> dt.date:
    """Return the first day of the local month of `moment`."""
    return timezone.localtime(moment).date().replace(day=1)


@lru_cache(maxsize=24)
def _cipher(month: dt.date) -> AESGCM:
    key, _ = DataKey.objects.get_or_create(month=month, defaults={"wrapped": seal(os.urandom(32))})
    return AESGCM(unseal(bytes(key.wrapped)))


def forget_keys() -> None:
    """Drop the cached month keys (after a rotation, and between tests that empty the database)."""
    _cipher.cache_clear()


def seal_body(body: bytes) -> Sealed:
    """Encrypt a body by this month's key."""
    month = month_of(timezone.now())
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + _cipher(month).encrypt(nonce, body, month.isoformat().encode())
    return Sealed(month, sealed, hashlib.sha256(body).hexdigest(), len(body))


def open_body(row: CallBody) -> bytes:
    """Decrypt a stored body. Raises cryptography's InvalidTag when it was changed."""
    sealed = bytes(row.sealed)
    return _cipher(row.month).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row.month.isoformat().encode())


def body_of(call_id: int, part: str) -> bytes | None:
    """Return the newest stored body of a call (`request`, `answer`, `late`), or None."""
    row = CallBody.objects.filter(call_id=call_id, part=part).order_by("-id").first()
    return open_body(row) if row else None


def make_months(ahead: int = 1) -> list[str]:
    """Create the partitions of this month and the next `ahead`; returns the names made. Harmless if repeated."""
    made = []
    month = month_of(timezone.now())
    for _ in range(ahead + 1):
        following = (month + dt.timedelta(days=32)).replace(day=1)
        name = f"exchange_callbody_{month:%Y%m}"
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('exchange_callbody'))")
            cursor.execute(
                "SELECT to_regclass(%s), EXISTS (SELECT 1 FROM exchange_callbody_other"
                " WHERE month >= %s AND month < %s)",
                [name, month, following],
            )
            exists, strays = cursor.fetchone()
            # A month whose first rows already fell into the default partition stays there.
            if not exists and not strays:
                # In the order in which delivery takes them; the other way round either could wait for the other.
                cursor.execute("LOCK TABLE exchange_call IN SHARE ROW EXCLUSIVE MODE")
                cursor.execute(
                    f"CREATE TABLE {name} PARTITION OF exchange_callbody FOR VALUES FROM ('{month}') TO ('{following}')"
                )
                made.append(name)
        month = following
    return made
