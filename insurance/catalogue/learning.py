"""Codes of 1901 for the specification, so that a code that the platform told is not doubted (specification.learned)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from django.db import DatabaseError, connection, transaction
from django.db.models import Max

# For how many seconds the stamp is believed, so that a check of many fields asks the database once.
BELIEVED = 30.0


class Learned:
    """A source of codes: those valid in any division, read anew when a load of 1901 changed them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._stamp = ""
        self._codes: dict[str, dict[str, str]] = {}

    def stamp(self) -> str:
        """Return the number of the newest load that changed an entry."""
        self._refresh()
        return self._stamp

    def codes(self, dictionary: str) -> Mapping[str, str]:
        """Return code → label of one dictionary."""
        self._refresh()
        return self._codes.get(dictionary, {})

    def forget(self) -> None:
        """Ask the database at the next question."""
        self._at = float("-inf")

    def _refresh(self) -> None:
        if time.monotonic() - self._at < BELIEVED or connection.needs_rollback:
            return
        with self._lock:
            if time.monotonic() - self._at < BELIEVED:
                return
            self._at = time.monotonic()
            try:
                self._read()
            except DatabaseError:  # no table yet (migrate), or no database: the tables alone hold
                self._stamp, self._codes = "", {}

    def _read(self) -> None:
        from insurance.catalogue.models import DictionaryEntry

        with transaction.atomic():
            entries = DictionaryEntry.objects.filter(vali_flag="1")
            stamp = str(DictionaryEntry.objects.aggregate(newest=Max("load_id"))["newest"] or "")
            if stamp == self._stamp:
                return
            found: dict[str, dict[str, str]] = {}
            for kind, value, label in entries.order_by("pk").values_list("type", "value", "label"):
                found.setdefault(kind, {})[value] = label
        self._stamp, self._codes = stamp, found


LEARNED = Learned()


def forget() -> None:
    """Let this process see at once what was learned just now; others see it within BELIEVED seconds."""
    LEARNED.forget()
