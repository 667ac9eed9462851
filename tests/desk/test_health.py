"""/healthz for a monitor, without login."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from portal.tasks.models import Heartbeat


@pytest.fixture
def silent_server() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def beat(age: float = 0) -> None:
    for name in ("dispatcher", "worker:tasks", "worker:interactive", "worker:bulk"):
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": timezone.now() - timedelta(seconds=age)})


@pytest.mark.django_db
def test_ok(client: Client, redis_url: str) -> None:
    beat(2)
    answer = client.get("/healthz")
    found = answer.json()
    assert (answer.status_code, found["status"], found["database"], found["redis"]) == (200, "ok", True, True)
    assert 2 <= found["dispatcher_seconds"] < 10
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.django_db
def test_each_queue_has_its_worker(client: Client, redis_url: str) -> None:
    beat(1)
    Heartbeat.objects.filter(name="worker:bulk").delete()
    found = client.get("/healthz").json()
    assert found["status"] == "degraded"
    assert found["workers"]["bulk"] is None
    assert found["workers"]["interactive"] < 10
    assert "bulk" in found["words"]


@pytest.mark.django_db
def test_rooms_say_their_numbers(client: Client, redis_url: str) -> None:
    beat(1)
    assert client.get("/healthz").json()["numbers"] == {"outbox_seconds": 0, "unknown": 0}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_a_monitor_may_ask_for_the_head_alone(client: Client, redis_url: str, address: str) -> None:
    beat(1)
    answer = client.head(address)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.django_db
def test_ready(client: Client, settings: Any, tmp_path: Any) -> None:
    assert client.get("/readyz").json() == {"ready": True, "missing": {}}
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    answer = client.get("/readyz")
    assert (answer.status_code, list(answer.json()["missing"])) == (503, ["static"])


@pytest.mark.django_db
def test_not_ready_while_migrations_are_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit' AND name LIKE '0003%'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]["migrations"][:4]) == (503, "还有 1")


@pytest.mark.django_db
def test_silent_dispatcher_degrades(client: Client, redis_url: str) -> None:
    beat(3600)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "调度进程没有运行" in answer.json()["words"]


@pytest.mark.django_db
def test_silent_redis_costs_no_more_than_its_time(client: Client, settings: Any, silent_server: str) -> None:
    beat()
    settings.REDIS_URL = silent_server
    began = time.monotonic()
    answer = client.get("/healthz")
    assert time.monotonic() - began < 1.5
    assert (answer.status_code, answer.json()["status"], answer.json()["redis"]) == (200, "degraded", False)


@pytest.mark.django_db
def test_absent_redis_degrades(client: Client, settings: Any) -> None:
    beat()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/healthz").json()["redis"] is False


@pytest.mark.django_db
def test_no_database_is_down(client: Client, redis_url: str) -> None:
    with mock.patch.object(connection, "ensure_connection", side_effect=OperationalError("gone")):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (503, "down", False)
