"""Model fields that rest encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models

from portal.privacy.keys import seal_text, unseal_text

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


class EncryptedTextField(TextField):
    """A text column that is ciphertext in the database and clear in Python. Search it by a `_digest` column."""

    def get_prep_value(self, value: Any) -> Any:
        return seal_text(value) if value else ""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str:
        return unseal_text(value) if value else ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse to compare: the same text is another ciphertext each time, so a search would find nothing."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: search its _digest column instead of {lookup_name}")
        return super().get_lookup(lookup_name)
