"""What this corner refuses."""

from __future__ import annotations

from collections.abc import Sequence

from insurance.directory.errors import Fault
from insurance.mapping.errors import MappingError


class InvalidItem(MappingError):
    """An item's values do not satisfy the rules; `faults` lists everything wrong at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(str(fault) for fault in faults))
        self.faults = list(faults)
