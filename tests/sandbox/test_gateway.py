"""The gateway and the envelope, by headers and messages written by hand (protocol 1–4)."""

from __future__ import annotations

import ast
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.client import CODE, Hospital, envelope, headers, msgid, sign
from tests.sandbox_fixture import RunningSandbox, running_sandbox


def post(sandbox: RunningSandbox, infno: str = "5101", body: Any = None, **changes: str) -> httpx.Response:
    data = json.dumps(envelope(infno, {}) if body is None else body).encode()
    with httpx.Client(trust_env=False) as http:
        return http.post(f"{sandbox.url}/{infno}", content=data, headers=headers(**changes))


def refused(reply: httpx.Response, status: int) -> str:
    """The gateway's own wrapper: no envelope."""
    assert reply.status_code == status
    found = reply.json()
    assert set(found) == {"code", "type", "message", "data"}
    assert found["code"] == status
    assert found["data"] is None
    assert reply.headers["x-sandbox"] == "1"
    return str(found["message"])


def test_these_tests_share_no_code_with_the_product() -> None:
    names: list[str] = []
    for path in [*Path(__file__).parent.glob("*.py"), Path(__file__).parent.parent / "sandbox_fixture.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
    assert names
    assert not [name for name in names if name.split(".")[0] in ("insurance", "portal", "config")]


def test_the_vector_of_the_protocol() -> None:
    assert sign("1700000000", "SECRET", "abc") == "564c612bdc074f3e46c6882868affe89e08c95c19b1bd67755b563adfcb4af6c"


def test_a_right_request_is_answered_with_an_envelope(sandbox: RunningSandbox) -> None:
    found = post(sandbox).json()
    assert found["infcode"] == 0
    assert re.fullmatch(r"441700\d{14}\d{10}", found["inf_refmsgid"])
    assert re.fullmatch(r"\d{17}", found["refmsg_time"])
    assert re.fullmatch(r"\d{17}", found["respond_time"])
    assert found["output"] == {"feedetail": []}


def test_wrong_headers_are_refused(sandbox: RunningSandbox) -> None:
    assert "账户" in refused(post(sandbox, account="other"), 401)
    assert "签名" in refused(post(sandbox, secret="other"), 401)
    assert "签名" in refused(post(sandbox, **{"x-tif-nonce": "other"}), 401)
    for name in ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature"):
        assert "缺少" in refused(post(sandbox, **{name: ""}), 401)
    upper = headers()["x-tif-signature"].upper()
    assert "签名" in refused(post(sandbox, **{"x-tif-signature": upper}), 401)


@pytest.mark.parametrize(("offset", "status"), [(-170, 200), (170, 200), (-190, 401), (190, 401)])
def test_the_clock_may_differ_by_three_minutes(sandbox: RunningSandbox, offset: int, status: int) -> None:
    timestamp = str(int(time.time()) + offset)
    given = {
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": "n1",
        "x-tif-signature": sign(timestamp, "sandbox-secret", "n1"),
    }
    assert post(sandbox, **given).status_code == status


def test_milliseconds_are_no_timestamp(sandbox: RunningSandbox) -> None:
    timestamp = str(int(time.time() * 1000))
    given = {
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": "n2",
        "x-tif-signature": sign(timestamp, "sandbox-secret", "n2"),
    }
    assert "时间戳" in refused(post(sandbox, **given), 401)


def test_a_request_caught_and_sent_again_is_refused(sandbox: RunningSandbox) -> None:
    given = headers()
    assert post(sandbox, **given).status_code == 200
    assert "重复" in refused(post(sandbox, **given), 401)


def test_addresses(sandbox: RunningSandbox, hospital: Hospital) -> None:
    assert "不存在" in refused(post(sandbox, "9999"), 404)
    assert refused(post(sandbox, "6201"), 404), "6201 is called by the platform, not by the hospital"
    with httpx.Client(trust_env=False) as http:
        assert refused(http.post(f"{sandbox.root}/other/5101", content=b"{}", headers=headers()), 404)
        assert refused(http.get(f"{sandbox.url}/5101", headers=headers()), 405)
    real = f"{sandbox.root}/ebus/gdyb_inf/poc/hsa/hgs"
    assert Hospital(real).call("5101", {}) == {"feedetail": []}


def test_the_numbers_in_address_and_envelope_must_agree(hospital: Hospital) -> None:
    found = hospital.send("5101", envelope("3401", {})).json()
    assert found["infcode"] == -1
    assert "不一致" in found["err_msg"]


REQUIRED = (
    "infno", "msgid", "mdtrtarea_admvs", "recer_sys_code", "infver", "opter_type", "opter", "opter_name", "inf_time",
    "fixmedins_code", "fixmedins_name",
)  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", ["", None])
def test_required_fields_of_the_envelope(hospital: Hospital, name: str, value: str | None) -> None:
    found = hospital.send("5101", envelope("5101", {}) | {name: value}).json()
    assert found["infcode"] == -1
    assert name in found["err_msg"]


WRONG = (
    ("msgid", "1" * 31),
    ("mdtrtarea_admvs", "4417000"),
    ("opter_type", "9"),
    ("infver", "1.0.0.0"),
    ("inf_time", "now"),
    ("inf_time", "2020-01-01 00:00:00"),
    ("fixmedins_code", "H99999999999"),
    ("opter", 7),
    ("input", "text"),
    ("input", None),
    ("input", {"data": "长" * 40001}),
    ("sign_no", "unknown"),
    ("fixmedins_name", "名" * 21),
)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_is_wrong_in_the_envelope_is_refused(hospital: Hospital, name: str, value: Any) -> None:
    found = hospital.send("5101", envelope("5101", {}) | {name: value}).json()
    assert found["infcode"] == -1, found
    assert found["err_msg"]


def test_a_msgid_is_taken_once_also_after_a_refusal_and_a_restart(hospital: Hospital, sandbox: RunningSandbox) -> None:
    number = msgid()
    hospital.call("5101", {}, msgid=number)
    assert "重复" in hospital.refused("5101", {}, msgid=number)
    second = msgid()
    hospital.refused("3403", {"data": {}}, msgid=second)
    assert "重复" in hospital.refused("5101", {}, msgid=second)
    sandbox.stop()
    sandbox.start()
    assert "重复" in Hospital(sandbox.url).refused("5101", {}, msgid=number)


def test_what_is_not_a_message(sandbox: RunningSandbox, hospital: Hospital) -> None:
    for text in (b"", b"[]", b"{", b'"x"', b"\xff\xfe"):
        found = hospital.http.post(f"{sandbox.url}/5101", content=text, headers=headers()).json()
        assert found["infcode"] == -1
        assert "JSON" in found["err_msg"]


def test_a_person_wants_the_insured_area(hospital: Hospital) -> None:
    question = {"data": {"psn_no": "44170000000000000001"}}
    assert "insuplc_admdvs" in hospital.refused("5301", question, insuplc_admdvs="")
    assert hospital.call("5301", question) == {"feedetail": []}


def test_sign_in_by_operator_and_day() -> None:
    with running_sandbox(sign_in="strict") as sandbox:
        hospital = Hospital(sandbox.url)
        assert "签到" in hospital.refused("5101", {})
        asked = {"signIn": {"opter_no": "0001", "mac": "00-00-00-00-00-01", "ip": "192.0.2.1"}}
        number = hospital.call("9001", asked)["signinoutb"]["sign_no"]
        assert 0 < len(number) <= 30
        assert hospital.call("9001", asked)["signinoutb"]["sign_no"] == number, "one sign_no per operator and day"
        assert hospital.call("5101", {}, sign_no=number) == {"feedetail": []}
        assert "签到" in hospital.refused("5101", {}, sign_no=number, opter="0002")
        out = {"signOut": {"sign_no": number, "opter_no": "0001"}}
        assert "签到" in hospital.refused("9002", {"signOut": {"sign_no": "1", "opter_no": "0001"}}, sign_no=number)
        assert hospital.call("9002", out, sign_no=number)["signoutoutb"]["sign_time"]
        assert "签到" in hospital.refused("5101", {}, sign_no=number)
        assert hospital.call("9001", asked)["signinoutb"]["sign_no"] != number


def test_the_log_tells_every_request(hospital: Hospital, sandbox: RunningSandbox) -> None:
    number = msgid()
    hospital.call("5101", {}, msgid=number)
    hospital.refused("3403", {"data": {"hosp_dept_codg": "A", "hosp_dept_name": "B", "begntime": "2020-01-01"}})
    post(sandbox, secret="other")
    first, second, third = sandbox.log()
    assert (first["infno"], first["msgid"], first["committed"], first["infcode"]) == ("5101", number, True, "0")
    assert (second["committed"], second["infcode"]) == (False, "-1")
    assert second["input"]["data"]["hosp_dept_codg"] == "A"
    assert (third["committed"], third["infcode"]) == (False, "401")
    assert sandbox.log(msgid=number) == [first]
    assert sandbox.home()["sandbox"] is True
    assert "sandbox-secret" not in json.dumps(sandbox.log())


def test_many_requests_on_one_connection_and_in_one_packet(sandbox: RunningSandbox) -> None:
    def raw() -> bytes:
        body = json.dumps(envelope("5101", {})).encode()
        lines = ["POST /ebus/sandbox/hsa/hgs/5101 HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers().items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    with socket.create_connection(("127.0.0.1", sandbox.port)) as link:
        link.settimeout(5)
        link.sendall(b"".join(raw() for _ in range(5)))
        found = b""
        while found.count(b"HTTP/1.1 200") < 5:
            part = link.recv(65536)
            assert part, found
            found += part
    assert len(sandbox.log("5101")) == 5


def test_broken_http_is_answered_and_closed(sandbox: RunningSandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port)) as link:
        link.settimeout(5)
        link.sendall(b"NOT HTTP\r\n\r\n")
        assert link.recv(65536).startswith(b"HTTP/1.1 400")
    with socket.create_connection(("127.0.0.1", sandbox.port)) as link:
        link.settimeout(5)
        link.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"b" * 100000 + b"\r\n\r\n")
        assert link.recv(65536).startswith(b"HTTP/1.1 4")


def test_another_institution_has_its_own_books(hospital: Hospital, sandbox: RunningSandbox) -> None:
    from tests.sandbox.client import department

    hospital.call("3401", {"deptinfo": department()})
    assert hospital.call("5101", {}, fixmedins_code="H44170200003")["feedetail"] == []
    assert sandbox.books("departments")[0]["fixmedins_code"] == CODE


def test_a_state_file_serves_another_institution_too(sandbox: RunningSandbox, hospital: Hospital) -> None:
    assert hospital.refused("5101", {}, fixmedins_code="H44990000001")
    sandbox.stop()
    sandbox.options["institution"] = "H44990000001=另一示例医院"
    sandbox.start()
    del sandbox.options["institution"]
    assert Hospital(sandbox.url).call("5101", {}, fixmedins_code="H44990000001") == {"feedetail": []}


def test_the_command_needs_no_database() -> None:
    import os
    import subprocess
    import sys

    root = Path(__file__).resolve().parents[2]
    unreachable = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    given = dict.fromkeys(("SECRET_KEY", "INDEX_KEY"), "none-of-these-is-used-none-of-these-is-used-none-of")
    command = [sys.executable, "manage.py", "sandbox", "--port", "0", "--persons", "10"]
    environ = {**os.environ, **unreachable, **given, "FIELD_KEYS": "dev:aes:none-of-these-is-used"}
    with subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/\S+", process.stdout.readline())
        assert found
        assert Hospital(found.group(0)).call("5101", {}) == {"feedetail": []}
        process.terminate()
