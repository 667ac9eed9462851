"""The audit as a syslog stream: every committed event, in order, masked, also after the collector was away."""

from __future__ import annotations

import re
import socket
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from portal.audit import streaming
from portal.audit.models import AuditStream
from portal.audit.services import record
from portal.audit.streaming import line_of, stream, waiting
from portal.people.actor import Actor
from portal.people.models import Institution
from tests.people.factories import make_actor
from tests.system.listening import datagrams, tcp, udp

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "SETTLE", timedelta(0))


def numbers(lines: list[str]) -> list[int]:
    return [int(found[1]) for line in lines if (found := re.search(r' id="(\d+)"', line))]


def made(institution: Institution, number: int) -> list[int]:
    actor = Actor.system(institution)
    return [record(actor, "tasks.start", label=f"第 {n} 件").pk for n in range(number)]


def test_udp_in_order_and_once(institution: Institution, settings: Any) -> None:
    with udp() as server:
        settings.AUDIT_SYSLOG = f"udp://127.0.0.1:{server.getsockname()[1]}"
        keys = made(institution, 5)
        assert stream() == 5
        assert stream() == 0
        keys += made(institution, 2)
        assert stream() == 2
        assert numbers(datagrams(server)) == keys
    assert AuditStream.objects.get().sent == 7
    assert waiting(settings.AUDIT_SYSLOG) == 0


def test_the_form_is_rfc_5424(institution: Institution) -> None:
    event = record(make_actor(), "people.grant", ["people.person:7"], label='授予 "x]"', reason="原因\n两行")
    line = line_of(event).encode().decode()
    head = r"<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ yibao-portal \d+ audit \[audit@\d+ "
    assert re.match(head, line)
    assert 'subjects="people.person:7"' in line
    assert "\n" not in line
    assert "授予角色" in line
    assert event.actor_name not in line


def test_persons_are_masked(institution: Institution) -> None:
    event = record(make_actor(), "tasks.start", label="证件 999900190001011234", reason="电话 13800001111")
    line = line_of(event).encode().decode()
    assert "999900190001011234" not in line
    assert "13800001111" not in line


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_nothing_is_lost_while_nobody_listens(institution: Institution, settings: Any, scheme: str) -> None:
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    settings.AUDIT_SYSLOG = f"{scheme}://127.0.0.1:{port}"
    keys = made(institution, 3)
    assert (stream(), stream()) == (0, 0)
    state = AuditStream.objects.get()
    assert (state.failures, state.last_id, state.words) == (2, 0, "连接失败（ConnectionRefusedError）")
    assert waiting(settings.AUDIT_SYSLOG) == 3
    with udp() as server:
        AuditStream.objects.update(target=f"udp://127.0.0.1:{server.getsockname()[1]}")
        settings.AUDIT_SYSLOG = f"udp://127.0.0.1:{server.getsockname()[1]}"
        stream()
        assert numbers(datagrams(server)) == keys
    assert AuditStream.objects.get().failures == 0


def test_tcp_counts_octets_and_a_broken_line_is_sent_again(institution: Institution, settings: Any) -> None:
    with tcp() as server:
        settings.AUDIT_SYSLOG = f"tcp://127.0.0.1:{server.port}"
        keys = made(institution, 3)
        server.rude = True
        assert stream() == 0
        server.rude = False
        assert stream() == 3
        assert numbers(server.lines) == keys


def test_a_host_that_nobody_knows(institution: Institution, settings: Any) -> None:
    settings.AUDIT_SYSLOG = "udp://collector.invalid:514"
    made(institution, 1)
    assert stream() == 0
    assert AuditStream.objects.get().words == "找不到主机"


def test_what_is_committed_late_is_sent_too(institution: Institution, settings: Any) -> None:
    """A transaction takes its numbers first and commits last, long after others were sent."""
    inside, go = threading.Event(), threading.Event()
    late: list[int] = []

    def slow() -> None:
        with transaction.atomic():
            late.extend(made(institution, 3))
            inside.set()
            go.wait(10)
        connection.close()

    with udp() as server:
        settings.AUDIT_SYSLOG = f"udp://127.0.0.1:{server.getsockname()[1]}"
        before = made(institution, 1)
        stream()
        thread = threading.Thread(target=slow)
        thread.start()
        inside.wait(10)
        fast = made(institution, 2)
        stream()
        assert [gap[:2] for gap in AuditStream.objects.get().gaps] == [[late[0], late[-1]]]
        go.set()
        thread.join()
        stream()
        assert numbers(datagrams(server)) == [*before, *fast, *late]
    assert AuditStream.objects.get().gaps == []


def test_what_is_being_written_now_waits_so_that_the_order_is_kept(
    institution: Institution, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "SETTLE", timedelta(seconds=60))
    with udp() as server:
        settings.AUDIT_SYSLOG = f"udp://127.0.0.1:{server.getsockname()[1]}"
        made(institution, 2)
        assert stream() == 0


def test_numbers_that_were_rolled_back_are_forgotten_in_the_end(
    institution: Institution, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with udp() as server:
        settings.AUDIT_SYSLOG = f"udp://127.0.0.1:{server.getsockname()[1]}"
        made(institution, 1)
        stream()
        with transaction.atomic():
            (gone,) = made(institution, 1)
            transaction.set_rollback(True)
        made(institution, 1)
        stream()
        assert [gap[:2] for gap in AuditStream.objects.get().gaps] == [[gone, gone]]
        monkeypatch.setattr(streaming, "GAPS_KEPT", timedelta(seconds=-5))
        made(institution, 1)
        stream()
        assert AuditStream.objects.get().gaps == []


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ([], [(3, 7)]),
        ([3], [(4, 7)]),
        ([7], [(3, 6)]),
        ([5], [(3, 4), (6, 7)]),
        ([3, 4, 5, 6, 7], []),
        ([1, 9], [(3, 7)]),
    ],
)
def test_what_is_left_of_a_range(keys: list[int], left: list[tuple[int, int]]) -> None:
    assert [gap[:2] for gap in streaming._without((3, 7, 0), keys)] == left


def test_without_a_collector_nothing_happens(institution: Institution, settings: Any) -> None:
    settings.AUDIT_SYSLOG = ""
    made(institution, 1)
    assert stream() == 0
    assert not AuditStream.objects.exists()
