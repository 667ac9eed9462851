"""Which rows a person means: the boxes ticked, or all that match the query as it was counted on the screen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict

MOST = 50_000
MOST_DIGITS = 12


class SelectionRefused(Exception):
    """The selection cannot be carried out; the message is Chinese and says what to do."""


@dataclass(frozen=True)
class Selection:
    """A choice of rows as it travels in forms: `keys` are ticked rows; with `every`, all that match `query`."""

    keys: tuple[str, ...] = ()
    every: bool = False
    query: str = ""
    seen: int = 0

    @classmethod
    def of(cls, data: QueryDict) -> Selection:
        """Read a posted form. `only` (a row's own button) wins over everything ticked."""
        only = data.get("only", "")
        every = data.get("all") == "1" and not only
        keys = (only,) if only else tuple(dict.fromkeys(data.getlist("row")))
        seen = data.get("count", "")
        count = int(seen) if seen.isdecimal() and len(seen) <= MOST_DIGITS else 0
        return cls(() if every else keys, every, data.get("query", ""), count)

    def fields(self) -> list[tuple[str, str]]:
        """Return the hidden fields that carry this choice on."""
        rows = [("row", key) for key in self.keys]
        every = [("all", "1"), ("count", str(self.seen))] if self.every else []
        return [*rows, *every, ("query", self.query)]

    def rows(self, matching: QuerySet[Any], visible: QuerySet[Any]) -> list[Any]:
        """Return the records meant, counted now.

        `matching` is what the query finds now, `visible` whatever the person may touch (for ticked rows).
        Raises SelectionRefused when nothing was chosen, too much, or when the number is no longer the one seen.
        """
        if self.every:
            return self._every(matching)
        if not self.keys:
            raise SelectionRefused("还没有选择记录。请先在列表里勾选，再点按钮。")
        pks = [pk for key in self.keys if (pk := _pk(visible.model, key)) is not None]
        rows = list(visible.filter(pk__in=pks))
        if len(rows) != len(self.keys):
            gone = len(self.keys) - len(rows)
            raise SelectionRefused(
                f"所选 {len(self.keys)} 条中有 {gone} 条已不存在或不属于您的机构。请刷新列表后重新选择。"
            )
        return rows

    def _every(self, matching: QuerySet[Any]) -> list[Any]:
        count = matching.count()
        if count != self.seen:
            raise SelectionRefused(
                f"符合条件的记录已由 {self.seen} 条变为 {count} 条，没有执行。请查看最新列表后重新选择。"
            )
        if count > MOST:
            raise SelectionRefused(f"一次最多处理 {MOST:,} 条，当前 {count:,} 条。请用查询条件分几次处理。")
        return list(matching)


def digest(rows: list[Any]) -> str:
    """Return a short fingerprint of exactly these records, in whatever order."""
    keys = ",".join(sorted(str(row.pk) for row in rows))
    return hashlib.sha256(keys.encode()).hexdigest()[:32]


def promise(rows: list[Any]) -> Mapping[str, Any]:
    """Return what a confirmation panel promises: how many, and exactly which."""
    return {"count": len(rows), "digest": digest(rows)}


def hold(rows: list[Any], payload: Mapping[str, Any]) -> None:
    """Raise SelectionRefused unless `rows` are the very records that were promised."""
    if dict(promise(rows)) != dict(payload):
        raise SelectionRefused(
            f"确认之后记录有变化（确认时 {payload.get('count')} 条，现在 {len(rows)} 条），没有执行。"
            "请回到列表重新选择。"
        )


def _pk(model: type[Model], key: str) -> Any:
    try:
        return model._meta.pk.to_python(key)
    except Exception:  # whatever was typed into the form: no such row
        return None
