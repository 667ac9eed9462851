"""The first connection: made from the settings, following them, and never crossing environments."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from insurance.exchange.connections import first_connection
from insurance.exchange.models import Connection
from portal.people.models import Institution

pytestmark = pytest.mark.django_db


def test_it_is_made_once_and_follows_the_settings(settings) -> None:  # type: ignore[no-untyped-def]
    made = first_connection()
    assert (made.institution.fixmedins_code, made.environment) == (settings.INSTITUTION_CODE, settings.ENVIRONMENT)
    settings.PLATFORM_URL = "http://127.0.0.1:9/other"
    settings.PLATFORM_SECRET = "another-secret"
    again = first_connection()
    again.refresh_from_db()
    assert (again.pk, again.base_url, again.secret) == (made.pk, "http://127.0.0.1:9/other", "another-secret")
    assert Institution.objects.count() == 1


def test_what_the_portal_changed_stays(settings) -> None:  # type: ignore[no-untyped-def]
    made = first_connection()
    Connection.objects.filter(pk=made.pk).update(base_url="http://127.0.0.1:9/kept", follows_environment=False)
    settings.PLATFORM_URL = "http://127.0.0.1:9/other"
    assert first_connection().base_url == "http://127.0.0.1:9/kept"


def test_a_database_belongs_to_one_environment(settings) -> None:  # type: ignore[no-untyped-def]
    first_connection()
    settings.ENVIRONMENT = "测试"
    with pytest.raises(ImproperlyConfigured, match="一个数据库只属于一个环境"):
        first_connection()
