"""What pages and other rooms read of the catalogues. Nothing half-loaded is visible to any of it."""

from __future__ import annotations

from insurance.catalogue.codes import (
    CODE_COLUMNS,
    catalogue_stamp,
    changes_of,
    code_row,
    code_rows,
    in_force,
    is_loading,
    latest_loads,
    merged_loads,
    stream_codes,
    validity,
)
from insurance.catalogue.searching import search_codes
from insurance.catalogue.terms import Terms, terms_for, terms_of

__all__ = [
    "CODE_COLUMNS",
    "Terms",
    "catalogue_stamp",
    "changes_of",
    "code_row",
    "code_rows",
    "in_force",
    "is_loading",
    "latest_loads",
    "merged_loads",
    "search_codes",
    "stream_codes",
    "terms_for",
    "terms_of",
    "validity",
]
