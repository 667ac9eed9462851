"""Alarms: one row while they stand, told once, again after the quiet period, and when they are over."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.people.models import Institution
from portal.system import alarms, sending
from portal.system.alarms import AlarmKind, AlarmSource, clear_alarm, raise_alarm
from portal.system.models import AlarmDelivery, AlarmEvent, AlarmRoute
from portal.system.targets import BadTarget, read_syslog, read_webhook, refuse_inner, shown_target
from tests.system.listening import Gateway, datagrams, gateway, udp

pytestmark = pytest.mark.django_db
CODE = "test.fault"


@pytest.fixture(autouse=True)
def _own_kinds(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(alarms, "_kinds", {})
    monkeypatch.setattr(alarms, "_sources", {})
    settings.ALARM_LOCAL_TARGETS = True  # the servers of these tests stand on this machine


@pytest.fixture
def server() -> Iterator[Gateway]:
    with gateway() as running:
        yield running


def route(institution: Institution, address: str, kind: str = "json", **fields: Any) -> AlarmRoute:
    return AlarmRoute.objects.create(institution=institution, name="值班", kind=kind, address=address, **fields)


def later(minutes: float) -> None:
    """Let time pass for every alarm."""
    gone = timedelta(minutes=minutes)
    for event in AlarmEvent.objects.all():
        for name in ("raised_at", "last_at", "window_at", "notified_at", "cleared_at"):
            if moment := getattr(event, name):
                setattr(event, name, moment - gone)
        event.save()


def told() -> list[tuple[str, str]]:
    return list(AlarmDelivery.objects.order_by("pk").values_list("what", "level"))


class TestRaising:
    def test_it_stands_once_and_counts(self, institution: Institution) -> None:
        for number in range(3):
            raise_alarm(institution, CODE, f"第 {number} 次")
        event = AlarmEvent.objects.get()
        assert (event.count, event.words, event.level) == (3, "第 2 次", "warning")

    def test_one_for_each_institution_and_one_for_the_portal(
        self, institution: Institution, other_institution: Institution
    ) -> None:
        for place in (institution, other_institution, None, None):
            raise_alarm(place, CODE, "出错")
        assert sorted(AlarmEvent.objects.values_list("count", flat=True)) == [1, 1, 2]

    def test_it_is_told_once_in_its_quiet_period(self, institution: Institution) -> None:
        route(institution, "http://x.example/")
        raise_alarm(institution, CODE, "出错")
        raise_alarm(institution, CODE, "出错")
        assert told() == [("raised", "warning")]
        later(61)
        raise_alarm(institution, CODE, "还在出错")
        assert told() == [("raised", "warning")] * 2

    def test_worse_is_told_at_once(self, institution: Institution) -> None:
        route(institution, "http://x.example/")
        raise_alarm(institution, CODE, "出错")
        raise_alarm(institution, CODE, "更糟", "danger")
        raise_alarm(institution, CODE, "好些", "warning")
        assert told() == [("raised", "warning"), ("raised", "danger")]

    def test_what_comes_and_goes_is_told_once(self, institution: Institution) -> None:
        route(institution, "http://x.example/")
        raise_alarm(institution, CODE, "出错")
        clear_alarm(institution, CODE)
        raise_alarm(institution, CODE, "出错")
        clear_alarm(institution, CODE)
        assert told() == [("raised", "warning"), ("cleared", "warning")]
        assert clear_alarm(institution, CODE) is None

    def test_n_in_m_minutes(self, institution: Institution) -> None:
        alarms.register_alarm(AlarmKind(CODE, "出错", at_least=3, within=timedelta(minutes=10)))
        route(institution, "http://x.example/")
        raise_alarm(institution, CODE, "一")
        raise_alarm(institution, CODE, "二")
        later(11)
        raise_alarm(institution, CODE, "三")
        raise_alarm(institution, CODE, "四")
        assert told() == []
        raise_alarm(institution, CODE, "五")
        assert told() == [("raised", "warning")]

    def test_only_what_stands_long_enough(self, institution: Institution) -> None:
        alarms.register_alarm(AlarmKind(CODE, "出错", after=timedelta(minutes=5)))
        route(institution, "http://x.example/")
        raise_alarm(institution, CODE, "出错")
        assert told() == []
        later(6)
        raise_alarm(institution, CODE, "出错")
        assert told() == [("raised", "warning")]

    def test_routes_take_level_duty_and_institution(
        self, institution: Institution, other_institution: Institution
    ) -> None:
        alarms.register_alarm(AlarmKind(CODE, "出错", duty="exchange"))
        route(institution, "http://x.example/", level="danger")
        route(institution, "http://x.example/", duties=["audit"])
        route(institution, "http://x.example/", active=False)
        route(other_institution, "http://x.example/")
        raise_alarm(institution, CODE, "出错")
        assert told() == []
        wanted = route(institution, "http://x.example/", duties=["exchange", "audit"])
        raise_alarm(institution, CODE, "更糟", "danger")
        assert AlarmDelivery.objects.filter(route=wanted).count() == 1
        assert AlarmDelivery.objects.count() == 2

    def test_what_concerns_the_portal_goes_to_every_institution(
        self, institution: Institution, other_institution: Institution
    ) -> None:
        route(institution, "http://x.example/")
        route(other_institution, "http://x.example/")
        raise_alarm(None, CODE, "出错")
        assert len(told()) == 2

    def test_numbers_of_persons_are_masked(self, institution: Institution) -> None:
        event = raise_alarm(
            institution, CODE, "证件 999900190001011234，电话 13800001111，报文 H99990000001202611231200001234"
        )
        assert "9999**********1234" in event.words
        assert "138****1111" in event.words
        assert "H99990000001202611231200001234" in event.words

    def test_a_level_that_is_none(self, institution: Institution) -> None:
        with pytest.raises(ValueError, match="level"):
            raise_alarm(institution, CODE, "出错", "fatal")


class TestWatching:
    def test_what_is_wrong_is_raised_and_what_is_well_is_cleared(self, institution: Institution) -> None:
        found: list[tuple[str, str] | None] = [("停了", "danger")]
        alarms.register_source(AlarmSource(AlarmKind(CODE, "停止"), lambda place: found[0]))
        alarms.watch()
        alarms.watch()
        event = AlarmEvent.objects.get()
        assert (event.institution, event.count, event.cleared_at) == (institution, 1, None)
        found[0] = None
        alarms.watch()
        event.refresh_from_db()
        assert event.cleared_at is not None

    def test_one_that_fails_keeps_no_other(self, institution: Institution) -> None:
        def broken(place: Institution | None) -> tuple[str, str] | None:
            raise LookupError

        alarms.register_source(AlarmSource(AlarmKind("test.broken", "坏"), broken))
        alarms.register_source(AlarmSource(AlarmKind(CODE, "停止"), lambda place: ("停了", "danger"), everywhere=False))
        alarms.watch()
        assert AlarmEvent.objects.get().institution is None


class TestSending:
    def test_json(self, institution: Institution, server: Gateway) -> None:
        alarms.register_alarm(AlarmKind(CODE, "平台停止", duty="exchange"))
        route(institution, f"{server.url}/sms?key=k")
        raise_alarm(institution, CODE, "平台没有响应", "danger")
        assert sending.send_due() == 1
        assert sending.send_due() == 0
        (got,) = server.got
        assert (got["code"], got["level"], got["title"], got["words"]) == (CODE, "danger", "平台停止", "平台没有响应")
        assert (got["institution"], got["type"], server.paths) == (institution.fixmedins_code, "raised", ["/sms?key=k"])
        delivery = AlarmDelivery.objects.get()
        assert (delivery.state, delivery.attempts, delivery.outcome) == ("sent", 1, "对方已接受（HTTP 200）")

    def test_wecom(self, institution: Institution, server: Gateway) -> None:
        route(institution, f"{server.url}/cgi-bin/webhook/send?key=k", kind="wecom")
        raise_alarm(institution, CODE, "平台没有响应", "danger")
        sending.send_due()
        (got,) = server.got
        assert got["msgtype"] == "markdown"
        assert "平台没有响应" in got["markdown"]["content"]
        assert AlarmDelivery.objects.get().state == "sent"

    def test_wecom_that_says_no_is_tried_again(self, institution: Institution, server: Gateway) -> None:
        server.answer = b'{"errcode": 93000, "errmsg": "invalid webhook url"}'
        route(institution, f"{server.url}/x", kind="wecom")
        raise_alarm(institution, CODE, "出错")
        sending.send_due()
        delivery = AlarmDelivery.objects.get()
        assert (delivery.state, delivery.outcome) == ("waiting", "企业微信没有接受（errcode 93000），请核对机器人地址")
        assert delivery.not_before > timezone.now() + timedelta(seconds=20)

    def test_it_is_given_up_after_the_last_attempt(self, institution: Institution) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            route(institution, f"http://127.0.0.1:{closed.getsockname()[1]}/")
            raise_alarm(institution, CODE, "出错")
            for _ in range(len(sending.PAUSES) + 1):
                assert AlarmDelivery.objects.get().state == "waiting"
                AlarmDelivery.objects.update(not_before=timezone.now())
                sending.send_due()
        delivery = AlarmDelivery.objects.get()
        assert (delivery.state, delivery.attempts) == ("failed", 7)
        assert "连接失败" in delivery.outcome

    def test_no_redirect_is_followed(self, institution: Institution, server: Gateway) -> None:
        server.status = 307
        route(institution, f"{server.url}/")
        raise_alarm(institution, CODE, "出错")
        sending.send_due()
        assert (len(server.got), AlarmDelivery.objects.get().outcome) == (1, "对方答复 HTTP 307")

    def test_a_server_that_drips_holds_nothing_up(
        self, institution: Institution, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "SECONDS", 1.0)
        with socket.create_server(("127.0.0.1", 0)) as slow:

            def drip() -> None:
                line, _ = slow.accept()
                with line:
                    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
                        try:
                            line.send(bytes([byte]))
                        except OSError:
                            return
                        time.sleep(0.1)

            thread = threading.Thread(target=drip, daemon=True)
            thread.start()
            route(institution, f"http://127.0.0.1:{slow.getsockname()[1]}/")
            raise_alarm(institution, CODE, "出错")
            began = time.monotonic()
            sending.send_due()
            assert time.monotonic() - began < 3
            thread.join()
        assert AlarmDelivery.objects.get().outcome == "对方没有在规定时间内答复"

    def test_syslog_over_udp(self, institution: Institution) -> None:
        with udp() as server:
            route(institution, f"udp://127.0.0.1:{server.getsockname()[1]}", kind="syslog")
            raise_alarm(institution, CODE, "平台没有响应", "danger")
            sending.send_due()
            (line,) = datagrams(server)
        assert line.startswith("<130>1 ")  # local0, critical
        assert f'code="{CODE}"' in line
        assert line.endswith("平台没有响应")

    def test_two_senders_send_once(self, institution: Institution, server: Gateway) -> None:
        route(institution, server.url)
        raise_alarm(institution, CODE, "出错")
        pk = AlarmDelivery.objects.get().pk
        assert (sending._send_one(pk), sending._send_one(pk)) == (1, 0)
        assert len(server.got) == 1

    def test_a_route_switched_off_meanwhile_is_not_used(self, institution: Institution, server: Gateway) -> None:
        way = route(institution, server.url)
        raise_alarm(institution, CODE, "出错")
        AlarmRoute.objects.filter(pk=way.pk).update(active=False)
        sending.send_due()
        assert (server.got, AlarmDelivery.objects.get().state) == ([], "failed")


class TestTargets:
    @pytest.mark.parametrize(
        "number", ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:127.0.0.1",
            "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.5", "255.255.255.255",
                   "100.100.100.200", "fd00:ec2::254"]
    )  # fmt: skip
    def test_inner_addresses_are_refused(self, number: str, settings: Any) -> None:
        settings.ALARM_LOCAL_TARGETS = False
        with pytest.raises(BadTarget, match="不允许"):
            refuse_inner(number)

    @pytest.mark.parametrize("number", ["10.1.2.3", "192.168.1.1", "172.16.0.9", "114.114.114.114"])
    def test_private_networks_are_allowed(self, number: str) -> None:
        refuse_inner(number)

    def test_allowed_local_targets_still_exclude_metadata(self) -> None:
        refuse_inner("127.0.0.1")
        with pytest.raises(BadTarget):
            refuse_inner("169.254.169.254")

    def test_a_name_that_leads_inside_is_refused_when_sending(
        self, institution: Institution, settings: Any, server: Gateway
    ) -> None:
        settings.ALARM_LOCAL_TARGETS = False
        route(institution, server.url.replace("127.0.0.1", "localhost"))
        raise_alarm(institution, CODE, "出错")
        sending.send_due()
        assert server.got == []
        assert "不允许" in AlarmDelivery.objects.get().outcome

    @pytest.mark.parametrize(
        "url", ["ftp://x/", "x.example", "http://", "http://u:p@x/", "http://x:99999/", "javascript:1"]
    )
    def test_a_webhook_must_be_an_address(self, url: str) -> None:
        with pytest.raises(BadTarget):
            read_webhook(url)

    @pytest.mark.parametrize("url", ["http://x:514", "udp://", "tcp://x/path", "x:514"])
    def test_a_collector_must_be_one(self, url: str) -> None:
        with pytest.raises(BadTarget):
            read_syslog(url)

    def test_keys_in_addresses_are_not_shown(self) -> None:
        assert shown_target("https://qyapi.example/cgi-bin/send?key=secret") == "https://qyapi.example/…"
        assert shown_target("udp://10.0.0.9:514") == "udp://10.0.0.9:514"

    def test_addresses_rest_encrypted(self, institution: Institution) -> None:
        made = route(institution, "https://qyapi.example/send?key=secret")
        made.refresh_from_db()
        assert made.address.endswith("key=secret")
        raw = AlarmRoute.objects.extra(select={"raw": "address"}).values_list("raw", flat=True)[0]
        assert "secret" not in raw
