"""What travels and what comes back, without a database: signature, transport, answers."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insurance.exchange.answers import classify
from insurance.exchange.choices import CallState
from insurance.exchange.signing import signature, signed_headers
from insurance.exchange.transport import JSON_LIMIT, NoAnswer, NotConnected, Transport, bound_address
from tests.exchange.raw_platform import RawPlatform, good, http
from tests.exchange.tls_server import TlsServer, make_certificate


def test_signature_is_the_vector_of_the_protocol() -> None:
    assert signature("SECRET", "1700000000", "abc") == (
        "564c612bdc074f3e46c6882868affe89e08c95c19b1bd67755b563adfcb4af6c"
    )


def test_headers_hash_the_very_strings_they_carry() -> None:
    headers = signed_headers("account", "S", now=1700000000.9)
    assert headers["x-tif-timestamp"] == "1700000000"
    assert headers["x-tif-signature"] == signature("S", "1700000000", headers["x-tif-nonce"])
    assert signed_headers("a", "S")["x-tif-nonce"] != headers["x-tif-nonce"]


# --- answers (protocol.md, section 4) ---


def envelope(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, envelope(infcode=0), CallState.ACCEPTED),
        (200, envelope(infcode="0", err_msg="success"), CallState.ACCEPTED),
        (200, envelope(infcode=0.0, output=None), CallState.ACCEPTED),
        (200, envelope(INFCODE="0"), CallState.ACCEPTED),
        (200, b"\xef\xbb\xbf" + envelope(infcode=0), CallState.ACCEPTED),
        (200, '{"infcode":0,"err_msg":"成功"}'.encode("gb18030"), CallState.ACCEPTED),
        (200, envelope(infcode=-1, err_msg="不行"), CallState.REFUSED),
        (200, envelope(infcode="-1"), CallState.REFUSED),
        (200, envelope(infcode="abc"), CallState.REFUSED),
        (200, envelope(code=0, data={"infcode": 0, "output": {}}), CallState.ACCEPTED),
        (200, envelope(code="0", data='{"infcode": -1, "err_msg": "x"}'), CallState.REFUSED),
        (200, envelope(code=401, message="签名错误"), CallState.REFUSED),
        (200, envelope(code=500, message="后端超时"), CallState.UNKNOWN),
        (200, envelope(code=0, data=None), CallState.UNKNOWN),
        (200, envelope(infcode=None), CallState.UNKNOWN),
        (200, envelope(infcode=True), CallState.UNKNOWN),
        (200, b"", CallState.UNKNOWN),
        (200, b"<html>busy</html>", CallState.UNKNOWN),
        (200, b"[]", CallState.UNKNOWN),
        (200, b"[" * 100_000, CallState.UNKNOWN),
        (401, b"", CallState.REFUSED),
        (403, envelope(message="no"), CallState.REFUSED),
        (404, b"<html>", CallState.REFUSED),
        (400, envelope(infcode=-1), CallState.UNKNOWN),
        (500, envelope(infcode=-1), CallState.UNKNOWN),
        (502, b"<html>", CallState.UNKNOWN),
        (302, b"", CallState.UNKNOWN),
    ],
)
def test_only_the_platforms_own_no_is_a_refusal(status: int, body: bytes, state: CallState) -> None:
    assert classify(status, body).state is state


def test_words_of_a_refusal_are_the_platforms_own() -> None:
    assert classify(200, envelope(infcode=-1, err_msg="科室编码重复")).words == "科室编码重复"
    assert classify(200, envelope(code=403, message="无权限")).words == "无权限"
    assert classify(200, envelope(infcode=-1)).words


def test_document_numbers_do_not_rest_in_words() -> None:
    words = classify(200, envelope(infcode=-1, err_msg="证件 441700190001010000 无参保")).words
    assert "441700190001010000" not in words
    assert "4417**********0000" in words


@given(st.integers(100, 599), st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_no_answer_raises(status: int, body: bytes) -> None:
    assert classify(status, body).state in (CallState.ACCEPTED, CallState.REFUSED, CallState.UNKNOWN)


# --- transport ---


def post(platform: RawPlatform, *, deadline: float = 5.0, left: list[float] | None = None, **options: str) -> bytes:
    transport = Transport(platform.url, **options)
    try:
        return transport.post(
            f"{platform.url}/5101",
            {},
            b"{}",
            deadline=deadline,
            connect=1.0,
            first_byte=lambda: left.append(time.monotonic()) if left is not None else None,
        ).body
    finally:
        transport.close()


def test_an_answer_comes_back_whole() -> None:
    platform = RawPlatform(lambda sock, headers, body: sock.sendall(http(b"x" * 300_000)))
    assert post(platform) == b"x" * 300_000


def test_a_closed_port_means_that_nothing_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    left: list[float] = []
    transport = Transport(f"http://127.0.0.1:{port}")
    with pytest.raises(NotConnected):
        transport.post(
            f"http://127.0.0.1:{port}/1", {}, b"", deadline=2, connect=1, first_byte=lambda: left.append(1.0)
        )
    assert left == []


def test_a_cut_after_the_first_byte_is_no_answer() -> None:
    platform = RawPlatform(lambda sock, headers, body: sock.close())
    left: list[float] = []
    with pytest.raises(NoAnswer):
        post(platform, left=left)
    assert len(left) == 1


def test_half_an_answer_is_no_answer() -> None:
    def half(sock: socket.socket, headers: dict[str, str], body: bytes) -> None:
        sock.sendall(good()[:-5])
        sock.close()

    with pytest.raises(NoAnswer):
        post(RawPlatform(half))


@pytest.mark.parametrize("part", ["head", "body"])
def test_the_deadline_is_total_whatever_drips(part: str) -> None:
    def drip(sock: socket.socket, headers: dict[str, str], body: bytes) -> None:
        whole = http(b"y" * 200)
        start = 0 if part == "head" else len(whole) - 200
        sock.sendall(whole[:start])
        for place in range(start, len(whole)):
            sock.sendall(whole[place : place + 1])
            time.sleep(0.1)

    begun = time.monotonic()
    with pytest.raises(NoAnswer):
        post(RawPlatform(drip), deadline=1.0)
    assert time.monotonic() - begun < 2.0


def test_more_than_the_answer_is_never_the_next_messages_answer() -> None:
    """A gateway that answers twice: the second one lies ready when the next message is written."""
    answers = [http(b"first") + http(b"first again"), http(b"second")]
    platform = RawPlatform(lambda sock, headers, body: sock.sendall(answers.pop(0)))
    transport = Transport(platform.url)
    got = [
        transport.post(f"{platform.url}/1", {}, b"{}", deadline=3, connect=1, first_byte=lambda: None).body
        for _ in range(2)
    ]
    assert got == [b"first", b"second"]
    assert platform.connections == 2


def test_a_clean_answer_keeps_its_connection() -> None:
    platform = RawPlatform(lambda sock, headers, body: sock.sendall(good()))
    transport = Transport(platform.url)
    for _ in range(3):
        transport.post(f"{platform.url}/1", {}, b"{}", deadline=3, connect=1, first_byte=lambda: None)
    assert platform.connections == 1


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_an_answer_packed_unasked_is_unpacked(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b"x" * 300_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {'gzip' if pack is gzip.compress else 'deflate'}\r\n"
    whole = head.encode() + b"Content-Length: %d\r\n\r\n" % len(packed) + packed
    assert post(RawPlatform(lambda sock, headers, body: sock.sendall(whole))) == b"x" * 300_000
    broken = head.encode() + b"Content-Length: %d\r\n\r\n" % (len(packed) - 9) + packed[:-9]
    with pytest.raises(NoAnswer):
        post(RawPlatform(lambda sock, headers, body: sock.sendall(broken)))


def test_a_packed_bomb_meets_the_limit() -> None:
    packed = gzip.compress(b"0" * (JSON_LIMIT + 1))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with pytest.raises(NoAnswer):
        post(RawPlatform(lambda sock, headers, body: sock.sendall(head + packed)))


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("igb.example.cn/ebus", {}, "PLATFORM_URL"),
        ("http://h", {"resolve": "127.0.0.1:x"}, "PLATFORM_RESOLVE"),
        ("http://h", {"proxy": "socks5://u:geheim@127.0.0.1:1"}, "PLATFORM_PROXY"),
        ("http://h", {"proxy": "http://"}, "PLATFORM_PROXY"),
        ("https://h", {"ca_file": "/nowhere/ca.pem"}, "PLATFORM_CA_FILE"),
    ],
)
def test_settings_that_cannot_be_read_are_said_and_nothing_leaves(
    url: str, options: dict[str, str], words: str
) -> None:
    transport = Transport(url, **options)
    with pytest.raises(NotConnected, match=words) as raised:
        transport.post(f"{url}/1", {}, b"{}", deadline=1, connect=1, first_byte=lambda: None)
    assert "geheim" not in str(raised.value)


def test_what_first_byte_raises_stops_the_message() -> None:
    platform = RawPlatform(lambda sock, headers, body: sock.sendall(good()))

    class Taken(Exception):
        pass

    def refuse() -> None:
        raise Taken

    transport = Transport(platform.url)
    with pytest.raises(Taken):
        transport.post(f"{platform.url}/1", {}, b"{}", deadline=2, connect=1, first_byte=refuse)
    time.sleep(0.1)
    assert platform.requests == []


def test_a_bound_address_keeps_the_hosts_name() -> None:
    platform = RawPlatform(lambda sock, headers, body: sock.sendall(good()))
    transport = Transport("http://igb.example.cn/ebus", resolve=f"127.0.0.1:{platform.port}")
    reply = transport.post("http://igb.example.cn/ebus/5101", {}, b"{}", deadline=3, connect=1, first_byte=lambda: None)
    assert reply.status == 200
    assert platform.requests[0][0] == "/ebus/5101"
    assert platform.requests[0][1]["host"] == "igb.example.cn"


def test_a_proxy_gets_the_whole_address() -> None:
    proxy = RawPlatform(lambda sock, headers, body: sock.sendall(good()))
    transport = Transport("http://igb.example.cn/ebus", proxy=f"http://127.0.0.1:{proxy.port}")
    transport.post("http://igb.example.cn/ebus/5101", {}, b"{}", deadline=3, connect=1, first_byte=lambda: None)
    assert proxy.requests[0][0] == "http://igb.example.cn/ebus/5101"
    assert proxy.requests[0][1]["host"] == "igb.example.cn"


def test_a_proxy_gets_its_login() -> None:
    proxy = RawPlatform(lambda sock, headers, body: sock.sendall(good()))
    transport = Transport("http://igb.example.cn/ebus", proxy=f"http://user:p%40ss@127.0.0.1:{proxy.port}")
    transport.post("http://igb.example.cn/ebus/5101", {}, b"{}", deadline=3, connect=1, first_byte=lambda: None)
    assert proxy.requests[0][1]["proxy-authorization"] == "Basic dXNlcjpwQHNz"


def test_a_proxy_is_told_the_bound_address_and_the_platform_its_name() -> None:
    proxy = RawPlatform(lambda sock, headers, body: sock.sendall(good()))
    options = {"proxy": f"127.0.0.1:{proxy.port}", "resolve": "192.0.2.7:8080"}
    transport = Transport("http://igb.example.cn/ebus", **options)
    transport.post("http://igb.example.cn/ebus/5101", {}, b"{}", deadline=3, connect=1, first_byte=lambda: None)
    assert proxy.requests[0][0] == "http://192.0.2.7:8080/ebus/5101"
    assert proxy.requests[0][1]["host"] == "igb.example.cn"


def test_the_tls_name_through_a_proxy_is_the_hosts(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "igb.example.cn")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    asked: list[bytes] = []

    def tunnel(sock: socket.socket) -> None:
        asked.append(sock.recv(65536))
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with context.wrap_socket(sock, server_side=True) as tls:
            received = b""
            while not received.endswith(b"{}"):
                received += tls.recv(65536)
            asked.append(received)
            tls.sendall(good())

    proxy = TlsServer(tunnel)
    transport = Transport(
        "https://igb.example.cn/ebus",
        proxy=f"http://127.0.0.1:{proxy.port}", resolve="192.0.2.7", ca_file=str(certificate),
    )  # fmt: skip
    transport.post("https://igb.example.cn/ebus/1", {}, b"{}", deadline=5, connect=2, first_byte=lambda: None)
    assert asked[0].startswith(b"CONNECT 192.0.2.7:443 ")
    assert b"Host: igb.example.cn\r\n" in asked[1]
    assert names == ["igb.example.cn"]


def test_the_tls_name_is_the_hosts_and_not_the_address(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "igb.example.cn")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    def wrapped(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            received = b""
            while not received.endswith(b"{}"):
                received += tls.recv(65536)
            tls.sendall(good())

    server = TlsServer(wrapped)
    transport = Transport("https://igb.example.cn/ebus", resolve=f"127.0.0.1:{server.port}", ca_file=str(certificate))
    reply = transport.post("https://igb.example.cn/ebus/1", {}, b"{}", deadline=5, connect=2, first_byte=lambda: None)
    assert reply.status == 200
    assert names == ["igb.example.cn"]
    wrong = Transport("https://other.example.cn/ebus", resolve=f"127.0.0.1:{server.port}", ca_file=str(certificate))
    with pytest.raises(NotConnected):
        wrong.post("https://other.example.cn/ebus/1", {}, b"{}", deadline=5, connect=2, first_byte=lambda: None)


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ("", None),
        ("10.1.2.3", ("h", "10.1.2.3", None)),
        ("10.1.2.3:8443", ("h", "10.1.2.3", 8443)),
        ("front:80", ("h", "front", 80)),
        ("::1", ("h", "::1", None)),
        ("[::1]:443", ("h", "::1", 443)),
        ("h:443:10.1.2.3", ("h", "10.1.2.3", 443)),
        ("other:443:10.1.2.3", None),
    ],
)
def test_resolve_reads_its_forms(given: str, bound: object) -> None:
    assert bound_address(given, "h") == bound


def test_network_failures_are_said_in_chinese() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    closed = Transport(f"http://127.0.0.1:{port}")
    with pytest.raises(NotConnected, match="没有开放这个端口") as refused:
        closed.post(f"http://127.0.0.1:{port}/1", {}, b"", deadline=2, connect=1, first_byte=lambda: None)
    nowhere = Transport("http://nowhere.invalid")
    with pytest.raises(NotConnected, match="找不到平台的主机名"):
        nowhere.post("http://nowhere.invalid/1", {}, b"", deadline=5, connect=4, first_byte=lambda: None)
    with pytest.raises(NoAnswer, match="中断") as cut:
        post(RawPlatform(lambda sock, headers, body: sock.close()))
    for caught in (refused, cut):
        assert not re.search("[A-Za-z]{3}", str(caught.value))
