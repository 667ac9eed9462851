"""Every fault, seen from the hospital's side."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
import time
import zipfile
from typing import Any

import httpx
import pytest

from tests.sandbox.client import Hospital, department, envelope, headers, msgid
from tests.sandbox_fixture import RunningSandbox, running_sandbox

NEW = {"deptinfo": department()}


def known(sandbox: RunningSandbox) -> int:
    return len(sandbox.books("departments"))


def entry(sandbox: RunningSandbox, infno: str = "3401") -> dict[str, Any]:
    (found,) = sandbox.log(infno)
    return found


def archive(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return made.getvalue()


def test_a_fault_strikes_as_often_and_as_late_as_told(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("refuse", "5101", times=2, after=1, words="医保中心忙")
    codes = [hospital.answer("5101", {})["infcode"] for _ in range(5)]
    assert codes == [0, -1, -1, 0, 0]
    assert sandbox.faults()[0]["hits"] == 2
    sandbox.fault("refuse", "5102,5101", times=0)
    assert [hospital.answer("5101", {})["infcode"] for _ in range(3)] == [-1] * 3
    sandbox.clear_faults()
    assert hospital.answer("5101", {})["infcode"] == 0


def test_unknown_faults_are_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(ValueError, match="没有这种故障"):
        sandbox.fault("explode")


def test_delay_before_and_after_the_work(hospital: Hospital, sandbox: RunningSandbox) -> None:
    for when, count in (("before", 0), ("after", 1)):
        sandbox.reset()
        sandbox.fault("delay", "3401", seconds=0.6, when=when)
        started = time.monotonic()
        sender = threading.Thread(target=hospital.call, args=("3401", NEW))
        sender.start()
        sandbox.wait_for("3401")
        time.sleep(0.2)
        assert known(sandbox) == count
        assert entry(sandbox)["committed"] is (None if when == "before" else True)
        sender.join()
        assert time.monotonic() - started > 0.55
        assert known(sandbox) == 1
        assert entry(sandbox)["committed"] is True


def test_others_are_served_while_one_waits(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("delay", "3401", seconds=1.0)
    sender = threading.Thread(target=Hospital(sandbox.url).call, args=("3401", NEW))
    sender.start()
    sandbox.wait_for("3401")
    started = time.monotonic()
    hospital.call("5101", {})
    assert time.monotonic() - started < 0.5
    sender.join()


def test_work_goes_on_when_the_client_hangs_up(sandbox: RunningSandbox) -> None:
    sandbox.fault("delay", "3401", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{sandbox.url}/3401", json=envelope("3401", NEW), headers=headers(), timeout=0.1, trust_env=False)
    end = time.monotonic() + 3
    while known(sandbox) == 0 and time.monotonic() < end:
        time.sleep(0.02)
    assert known(sandbox) == 1


def test_cut_before_does_nothing_and_cut_after_does_everything(hospital: Hospital, sandbox: RunningSandbox) -> None:
    number = msgid()
    sandbox.fault("cut_before", "3401")
    with pytest.raises(httpx.RemoteProtocolError):
        hospital.post("3401", NEW, msgid=number)
    assert known(sandbox) == 0
    assert (entry(sandbox)["committed"], entry(sandbox)["fault"], entry(sandbox)["msgid"]) == (
        False,
        "cut_before",
        number,
    )
    sandbox.reset()
    sandbox.fault("cut_after", "3401")
    with pytest.raises(httpx.RemoteProtocolError):
        hospital.post("3401", NEW)
    assert known(sandbox) == 1
    assert (entry(sandbox)["committed"], entry(sandbox)["fault"]) == (True, "cut_after")


def test_cut_by_reset(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("cut_after", "3401", reset=True)
    with pytest.raises(httpx.ReadError):
        hospital.post("3401", NEW)
    assert known(sandbox) == 1


def test_cut_midway_sends_a_part(sandbox: RunningSandbox) -> None:
    sandbox.fault("cut_midway", "3401")
    body = json.dumps(envelope("3401", NEW)).encode()
    lines = [f"{name}: {value}" for name, value in headers().items()]
    head = f"POST /ebus/sandbox/hsa/hgs/3401 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n" + "\r\n".join(
        lines
    )
    with socket.create_connection(("127.0.0.1", sandbox.port)) as link:
        link.settimeout(5)
        link.sendall(head.encode() + b"\r\n\r\n" + body)
        found = b""
        while part := link.recv(65536):
            found += part
    top, _, rest = found.partition(b"\r\n\r\n")
    length = int(next(line for line in top.split(b"\r\n") if line.lower().startswith(b"content-length")).split(b":")[1])
    assert 0 < len(rest) < length
    assert known(sandbox) == 1


def test_drip_is_slow_but_whole(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("drip", "3401", bytes=600)
    started = time.monotonic()
    hospital.call("3401", NEW)
    assert time.monotonic() - started > 0.4
    assert hospital.call("5101", {})["feedetail"], "the connection is kept"


@pytest.mark.parametrize(
    ("fault", "status", "commits"),
    [("http_401", 401, 0), ("http_403", 403, 0), ("http_404", 404, 0), ("http_500", 500, 0), ("http_502_html", 502, 0)],
)
def test_http_errors(hospital: Hospital, sandbox: RunningSandbox, fault: str, status: int, commits: int) -> None:
    sandbox.fault(fault, "3401")
    reply = hospital.post("3401", NEW)
    assert reply.status_code == status
    assert known(sandbox) == commits
    if fault == "http_502_html":
        assert reply.text.startswith("<html>")
    else:
        assert reply.json()["code"] == status
    sandbox.fault(fault, "3401", commit=True)
    assert hospital.post("3401", NEW).status_code == status
    assert known(sandbox) == 1


def test_bodies_that_are_no_answer(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("not_json", "3401")
    assert "<html>" in hospital.post("3401", NEW).text
    assert known(sandbox) == 1
    sandbox.reset()
    sandbox.fault("empty", "3401", commit=False)
    reply = hospital.post("3401", NEW)
    assert (reply.status_code, reply.content) == (200, b"")
    assert known(sandbox) == 0


def test_wrapper(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("wrapper", "5101")
    found = hospital.post("5101", {}).json()
    assert (found["code"], found["type"]) == (0, "success")
    assert found["data"]["infcode"] == 0
    assert found["data"]["output"] == {"feedetail": []}


def test_odd_spellings(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("3401", {"deptinfo": department(dr_psncnt=8)})
    sandbox.fault("odd_spelling", "5101", variants=["node_case", "single_object", "text_numbers", "text_code"])
    found = hospital.post("5101", {}).json()
    assert found["infcode"] == "0"
    assert list(found["output"]) == ["Feedetail"]
    assert found["output"]["Feedetail"]["dr_psncnt"] == "8"
    sandbox.fault("odd_spelling", "5101", variants=["text_output", "null_words"])
    found = hospital.post("5101", {}).json()
    assert found["err_msg"] is None
    assert json.loads(found["output"])["feedetail"][0]["dr_psncnt"] == 8


def test_wrong_sums(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("3401", {"deptinfo": department(aprv_bed_cnt=30)})
    sandbox.fault("wrong_sums", "5101", field="aprv_bed_cnt")
    assert hospital.call("5101", {})["feedetail"][0]["aprv_bed_cnt"] == 30.01
    assert hospital.call("5101", {})["feedetail"][0]["aprv_bed_cnt"] == 30


def test_duplicate_done_twice(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("duplicate", "3401")
    assert "已存在" in hospital.refused("3401", NEW)
    assert known(sandbox) == 1
    assert entry(sandbox)["committed"] is True


def test_duplicate_answer_of_an_earlier_message(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("5101", {})
    hospital.call("3401", NEW)
    sandbox.fault("duplicate", "5101", mode="earlier")
    assert hospital.call("5101", {})["feedetail"] == []
    assert len(hospital.call("5101", {})["feedetail"]) == 1


def test_refuse_keeps_nothing(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("refuse", "3401", words="中心限制")
    assert hospital.refused("3401", NEW) == "中心限制"
    assert known(sandbox) == 0


def test_stale_page_is_the_state_before_the_last_change(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("3401", NEW)
    hospital.call("3402", {"deptinfo": department(hosp_dept_name="新名")})
    sandbox.fault("stale_page", "5101")
    assert [r["hosp_dept_name"] for r in hospital.call("5101", {})["feedetail"]] == ["妇科A01"]
    sandbox.fault("stale_page", "5101", back=2)
    assert hospital.call("5101", {})["feedetail"] == []
    assert [r["hosp_dept_name"] for r in hospital.call("5101", {})["feedetail"]] == ["新名"]


def test_closed_for_a_while(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("5101", {})
    sandbox.fault("closed", seconds=0.6)
    time.sleep(0.2)
    with pytest.raises(httpx.ConnectError):
        Hospital(sandbox.url).post("5101", {})
    time.sleep(0.8)
    assert Hospital(sandbox.url).answer("5101", {})["infcode"] == 0
    assert sandbox.faults() == []


def test_closed_by_reset_leaves_the_control_open(sandbox: RunningSandbox) -> None:
    sandbox.fault("closed", mode="reset")
    with pytest.raises(httpx.TransportError):
        Hospital(sandbox.url).post("3401", NEW)
    assert sandbox.log() == []
    sandbox.clear_faults()
    Hospital(sandbox.url).call("3401", NEW)


def test_a_stopped_platform_is_not_reached_and_comes_back(hospital: Hospital, sandbox: RunningSandbox) -> None:
    hospital.call("3401", NEW)
    sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        Hospital(sandbox.url).post("5101", {})
    sandbox.start()
    assert len(Hospital(sandbox.url).call("5101", {})["feedetail"]) == 1


def test_the_platforms_clock_runs_wrong(hospital: Hospital, sandbox: RunningSandbox) -> None:
    sandbox.fault("clock", seconds=100)
    shown = hospital.answer("5101", {})["refmsg_time"]
    assert abs(time.time() + 100 - time.mktime(time.strptime(shown[:14], "%Y%m%d%H%M%S")) - 0) % 3600 < 10
    sandbox.fault("clock", seconds=-400)
    reply = hospital.post("5101", {})
    assert reply.status_code == 401
    assert "时间" in reply.json()["message"]
    sandbox.clear_faults()
    hospital.call("5101", {})


def test_faults_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"fault": "refuse", "infno": "5101", "words": "开机故障"}]), encoding="utf-8")
    with running_sandbox(faults=path) as sandbox:
        assert Hospital(sandbox.url).refused("5101", {}) == "开机故障"


def download(hospital: Hospital, sandbox: RunningSandbox, fault: str, **options: Any) -> httpx.Response:
    content = base64.b64encode(archive(("x.txt", b"a\tb\n" * 200))).decode()
    row = {"in": content, "filename": "x.txt.zip", "fixmedins_code": "H44170200001"}
    found = hospital.call("9101", {"fsUploadIn": row})
    sandbox.fault(fault, "9102", **options)
    wanted = {name: found[name] for name in ("file_qury_no", "filename", "fixmedins_code")}
    return hospital.post("9102", {"fsDownloadIn": wanted})


def names(reply: httpx.Response) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(reply.content)).namelist()


def test_bad_archives(hospital: Hospital, sandbox: RunningSandbox) -> None:
    with pytest.raises(zipfile.BadZipFile):
        names(download(hospital, sandbox, "bad_zip"))
    assert len(names(download(hospital, sandbox, "two_members"))) == 2
    assert names(download(hospital, sandbox, "path_member")) == ["../../x.txt"]
    bomb = download(hospital, sandbox, "zip_bomb", megabytes=64)
    assert len(bomb.content) < 1024 * 1024
    assert zipfile.ZipFile(io.BytesIO(bomb.content)).infolist()[0].file_size == 64 * 1024 * 1024
    told = download(hospital, sandbox, "json_instead_of_zip").json()
    assert told["infcode"] == -1


def test_a_file_cut_midway(hospital: Hospital, sandbox: RunningSandbox) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        download(hospital, sandbox, "cut_midway")
