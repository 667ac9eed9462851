"""What pages and other rooms read of the catalogues."""

from __future__ import annotations

from insurance.catalogue.searching import search_codes

__all__ = ["search_codes"]
