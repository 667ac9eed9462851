"""The digest that ties what is executed to what was approved."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings


def canonical(payload: Mapping[str, Any]) -> str:
    """Return a payload as JSON that is the same text for the same content. Raises TypeError for what is no JSON."""
    return json.dumps(dict(payload), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(institution_id: int, kind: str, label: str, subjects: list[str], payload: str, reason: str) -> str:
    """Return the keyed digest (64 hex digits) of all that the second person says yes to."""
    whole = json.dumps([institution_id, kind, label, subjects, payload, reason], ensure_ascii=False)
    return hmac.new(settings.INDEX_KEY.encode(), whole.encode(), hashlib.sha256).hexdigest()
