"""What this corner refuses, in words for the person."""

from __future__ import annotations

from insurance.mapping.errors import MappingError


class SwitchingError(MappingError):
    """A change of codes cannot be made, prepared or decided like that; the message is Chinese and says what to do."""
