"""Everything that can go wrong with the specification, as one family of errors."""

from __future__ import annotations


class SpecificationError(Exception):
    """Base of all errors of this package. The text is a Chinese sentence for a person."""


class UnknownTransaction(SpecificationError):
    """No transaction has this number in the edition."""


class UnknownRoute(SpecificationError):
    """The edition's routes.csv has no such purpose."""


class UnknownDictionary(SpecificationError):
    """Neither a dictionary nor a listed exception has this name."""


class UnknownLayout(SpecificationError):
    """No file layout has this name."""


class UnknownNode(SpecificationError):
    """The transaction has no node with this path."""


class UnknownEdition(SpecificationError):
    """No edition has this name, or the site's folder is missing."""


class TableUnreadable(SpecificationError):
    """A table is not a readable CSV file with the columns it needs."""


class Unwritable(SpecificationError):
    """A message or a file row holds something that cannot travel."""
