"""Which room has a form of its own for a transaction; rooms register theirs in `AppConfig.ready()`."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class RoomForm:
    """A room's own page for a transaction: where it stands, and what the link says."""

    infno: str
    url_name: str
    label: str

    @property
    def url(self) -> str:
        """Return the page's address, "" where its room is not installed."""
        try:
            return reverse(self.url_name)
        except NoReverseMatch:
            return ""


_forms: dict[str, RoomForm] = {}


def register_form(infno: str, url_name: str, label: str) -> None:
    """Say that `url_name` is where a person does what `infno` tells the platform; a later one replaces it."""
    _forms[infno] = RoomForm(infno, url_name, label)


def form_of(infno: str) -> RoomForm | None:
    """Return the room's form of a transaction, None where no room has one yet."""
    return _forms.get(infno)
