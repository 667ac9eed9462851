"""The registry is global: tests put their own things in and take them out again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from portal.desk import registry
from portal.people.models import Person


@pytest.fixture
def shelf() -> Iterator[None]:
    """Whatever a test registers is forgotten afterwards."""
    stores = [registry._menu, registry._panels, registry._banners, registry._alarms, registry._work, registry._charts]
    kept = [dict(store) for store in stores]
    yield
    for store, before in zip(stores, kept, strict=True):
        store.clear()
        store.update(before)  # type: ignore[arg-type]


@pytest.fixture
def office(client: Client, member: Person) -> Client:
    """A browser in which somebody of the insurance office is logged in."""
    client.force_login(member)
    return client
