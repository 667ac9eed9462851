"""After FIELD_KEYS got a new first key: everything under an older one is encrypted anew, in chunks, as often as wanted.

Encrypted columns are found by their field. A room adds what it seals otherwise (`seal`, bytes) when it loads:

    register_sealed("exchange.datakey", "wrapped")
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from portal.privacy.fields import EncryptedTextField
from portal.privacy.keys import parse, seal, unseal

CHUNK = 500
Progress = Callable[[str, int], None]
_sealed: dict[tuple[str, str], None] = {}


@dataclass(frozen=True)
class Column:
    """One column of ciphertexts; `text` when they rest as base64."""

    model: type[models.Model]
    field: models.Field[Any, Any]
    text: bool

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"


def register_sealed(label: str, field: str) -> None:
    """Let a binary column that holds what `keys.seal` made be encrypted anew too."""
    _sealed[label, field] = None


def columns() -> list[Column]:
    """Return every column of ciphertexts of the installed apps, in a stable order."""
    found = [
        Column(model, field, text=True)
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy and model._meta.managed
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]
    for label, name in _sealed:
        model = apps.get_model(label)
        found.append(Column(model, model._meta.get_field(name), text=False))
    return sorted(found, key=str)


def rekey(note: Progress = lambda where, number: None) -> dict[str, int]:
    """Encrypt everything under an older key by the first one; returns how many values were changed, by column.

    Stopped and started again it goes on with what is left. What is changed by somebody meanwhile stays theirs: they
    wrote it by the first key. Raises Undecipherable when a key is missing, with everything before it done.
    """
    return {str(column): _rekey(column, note) for column in columns()}


def left_over() -> dict[str, int]:
    """Return how many values of each column are under an older key; only columns that have some."""
    counted = {str(column): sum(1 for _ in _old(column)) for column in columns()}
    return {where: number for where, number in counted.items() if number}


def _rekey(column: Column, note: Progress) -> int:
    done = 0
    chunk: list[tuple[Any, Any]] = []
    for row in _old(column):
        chunk.append(row)
        if len(chunk) == CHUNK:
            done += _write(column, chunk)
            note(str(column), done)
            chunk = []
    return done + _write(column, chunk)


def _old(column: Column) -> Iterator[tuple[Any, Any]]:
    """Yield (key, ciphertext) of the rows that the first key did not write, chunk by chunk by primary key."""
    table, pk, name = _names(column)
    head = _head(column.text)
    last: Any = None
    while True:
        after = f"AND {pk} > %s" if last is not None else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {pk}, {name} FROM {table} WHERE {name} IS NOT NULL AND length({name}) > 0"
                f" AND substr({name}, 1, %s) <> %s {after} ORDER BY {pk} LIMIT %s",
                [len(head), head, *([last] if last is not None else []), CHUNK],
            )
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < CHUNK:
            return
        last = rows[-1][0]


def _write(column: Column, chunk: list[tuple[Any, Any]]) -> int:
    """Write a chunk; a value that is no longer what was read is left alone."""
    table, pk, name = _names(column)
    done = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for key, old in chunk:
            cursor.execute(
                f"UPDATE {table} SET {name} = %s WHERE {pk} = %s AND {name} = %s", [_anew(column, old), key, old]
            )
            done += cursor.rowcount
    return done


def _anew(column: Column, old: Any) -> str | bytes:
    if column.text:
        return base64.b64encode(seal(unseal(base64.b64decode(str(old))))).decode()
    return seal(unseal(bytes(old)))


def _head(text: bool) -> str | bytes:
    """Return how every ciphertext of the first key begins: of base64 the part that no following byte can change."""
    key = parse(settings.FIELD_KEYS)[0]
    head = f"{key.algorithm}:{key.id}:".encode()
    if not text:
        return head
    return base64.b64encode(head).decode().rstrip("=")[: len(head) * 8 // 6]


def _names(column: Column) -> tuple[str, str, str]:
    quote = connection.ops.quote_name
    meta = column.model._meta
    assert meta.pk is not None
    return quote(meta.db_table), quote(str(meta.pk.column)), quote(str(column.field.column))
