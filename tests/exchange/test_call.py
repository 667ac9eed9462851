"""`manage.py call`: a real process, its exit codes, and what it does when an answer is lost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from insurance.exchange.models import Call, Connection, Submission
from tests.exchange.processes import ROOT, Process, environment, wait_until
from tests.exchange.raw_platform import RawPlatform, good, http
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

DEPARTMENT: dict[str, Any] = {
    "deptinfo": {
        "hosp_dept_codg": "D001", "caty": "A05", "hosp_dept_name": "妇科", "begntime": "2026-01-01 00:00:00",
        "itro": "妇科", "dept_resper_name": "演示人", "dept_resper_tel": "0000-0000000", "dept_estbdat": "2001-01-01",
        "aprv_bed_cnt": 30, "poolarea_no": "441700", "dr_psncnt": 3, "phar_psncnt": 0, "nurs_psncnt": 4,
        "tecn_psncnt": 0,
    }
}  # fmt: skip


def login(sandbox: RunningSandbox) -> dict[str, str]:
    """Return the settings that make the first connection one to the sandbox."""
    return {"PLATFORM_URL": sandbox.url, "PLATFORM_ACCOUNT": sandbox.account, "PLATFORM_SECRET": sandbox.secret}


def call(
    sandbox: RunningSandbox, infno: str, message: object = None, *more: str, **changes: str
) -> tuple[int, dict[str, Any], str]:
    """Run the command as a user would; returns (exit code, printed envelope or {}, stderr)."""
    words = ["call", infno, "--input", message if isinstance(message, str) else json.dumps(message or {})]
    done = subprocess.run(
        [sys.executable, "manage.py", *words, *more],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=environment(**(login(sandbox) | changes)),
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}, done.stderr


def test_it_works_right_after_migrate(sandbox: RunningSandbox) -> None:
    code, envelope, _ = call(sandbox, "5101")
    assert (code, envelope["infcode"]) == (0, 0)
    assert Connection.objects.get().institution.fixmedins_code == "H44170200001"


def test_accepted_refused_and_invalid(sandbox: RunningSandbox, tmp_path: Path) -> None:
    file = tmp_path / "department.json"
    file.write_text(json.dumps(DEPARTMENT), encoding="utf-8")
    assert call(sandbox, "3401", f"@{file}")[0] == 0
    code, envelope, words = call(sandbox, "3401", DEPARTMENT)
    assert (code, envelope["infcode"]) == (1, -1)
    assert "已存在" in words
    code, _, words = call(sandbox, "3401", {"deptinfo": {"hosp_dept_codg": "X" * 21, "cat": "A05"}})
    assert code == 2
    assert "hosp_dept_codg" in words
    assert "caty" in words
    assert len(sandbox.log("3401")) == 2, "an invalid message is not sent"


@pytest.mark.parametrize("given", ["[1]", "{", '"x"', "@/nowhere/x.json"])
def test_unreadable_input_is_told(sandbox: RunningSandbox, given: str) -> None:
    code, _, words = call(sandbox, "5101", given)
    assert code == 2
    assert "--input" in words
    assert "Traceback" not in words


def test_an_unknown_transaction_is_told(sandbox: RunningSandbox) -> None:
    code, _, words = call(sandbox, "9999")
    assert code == 2
    assert "Traceback" not in words


def test_a_message_with_a_person_needs_their_area(sandbox: RunningSandbox) -> None:
    message = {"data": {"psn_no": "44170000000000000001", "insutype": "310", "fixmedins_code": "H44170200001",
                        "med_type": "11", "begntime": "2026-11-23 08:00:00"}}  # fmt: skip
    code, _, words = call(sandbox, "2001", message)
    assert code == 2
    assert "insuplc_admdvs" in words


@pytest.mark.parametrize(("fault", "sent"), [("cut_after", 1), ("cut_before", 2)])
def test_a_lost_answer_is_settled_before_it_returns(sandbox: RunningSandbox, fault: str, sent: int) -> None:
    sandbox.fault(fault, "3401", times=1)
    code, envelope, _ = call(sandbox, "3401", DEPARTMENT)
    assert code == 0
    assert str(envelope["infcode"]) == "0"
    assert len(sandbox.log("3401")) == sent
    assert [row["hosp_dept_codg"] for row in sandbox.books("departments")] == ["D001"]


def test_a_query_is_repeated_with_a_new_msgid(sandbox: RunningSandbox) -> None:
    sandbox.fault("cut_after", "5101", times=2)
    assert call(sandbox, "5101")[0] == 0
    assert len({row["msgid"] for row in sandbox.log("5101")}) == 3


def test_what_nothing_can_tell_stays_unknown_and_is_not_sent_again(sandbox: RunningSandbox) -> None:
    stock = {
        "invinfo": {
            "med_list_codg": "X1", "inv_chg_type": "101", "fixmedins_hilist_id": "1", "fixmedins_hilist_name": "甲",
            "fixmedins_bchno": "B1", "pric": 1, "cnt": 1, "rx_flag": "0", "inv_chg_time": "2026-11-23 08:00:00",
        }
    }  # fmt: skip
    sandbox.fault("cut_after", "3502", times=1)
    assert call(sandbox, "3502", stock)[0] == 3
    assert call(sandbox, "3502", stock)[0] == 3
    assert len(sandbox.log("3502")) == 1
    assert Submission.objects.get().needs_person


def test_a_closed_platform_is_not_delivered_and_leaves_nothing_to_go_later(sandbox: RunningSandbox) -> None:
    sandbox.stop()
    code, _, words = call(sandbox, "3401", DEPARTMENT)
    assert code == 4
    assert "连不上" in words
    assert not Submission.objects.exclude(state="withdrawn").exists()


def test_a_killed_command_run_again_finds_its_own_message(sandbox: RunningSandbox) -> None:
    sandbox.fault("delay", "3401", times=1, seconds=2, when="after")
    first = Process("call", "3401", "--input", json.dumps(DEPARTMENT), **login(sandbox))
    wait_until(lambda: Call.objects.filter(infno="3401", state="sent").exists(), "sent")
    sandbox.wait_for("3401")
    first.kill()
    assert call(sandbox, "3401", DEPARTMENT)[0] == 0
    assert len(sandbox.log("3401")) == 1


def test_a_file_goes_up_and_comes_down(sandbox: RunningSandbox, tmp_path: Path) -> None:
    code, answer, _ = call(sandbox, "1301", {"data": {"ver": "0"}})
    assert code == 0
    told = answer["output"]
    target = tmp_path / "catalogue.zip"
    message = {"fsDownloadIn": {"file_qury_no": told["file_qury_no"], "filename": told["filename"],
                                "fixmedins_code": "plc"}}  # fmt: skip
    assert call(sandbox, "9102", message, "--output", str(target))[0] == 0
    assert target.read_bytes().startswith(b"PK")
    up = {"fsUploadIn": {"in": f"@{target}", "filename": "a.zip", "fixmedins_code": "H44170200001"}}
    code, answer, _ = call(sandbox, "9101", up)
    assert code == 0
    assert answer["output"]["file_qury_no"]


@pytest.mark.parametrize("fault", ["bad_zip", "zip_bomb", "two_members", "path_member"])
def test_a_bad_archive_is_fetched_again_and_never_taken(sandbox: RunningSandbox, tmp_path: Path, fault: str) -> None:
    told = call(sandbox, "1301", {"data": {"ver": "0"}})[1]["output"]
    message = {"fsDownloadIn": {"file_qury_no": told["file_qury_no"], "filename": told["filename"],
                                "fixmedins_code": "plc"}}  # fmt: skip
    target = tmp_path / "bad.zip"
    sandbox.fault(fault, "9102", times=0)
    code, _, words = call(sandbox, "9102", message, "--output", str(target))
    assert code == 3
    assert "压缩包" in words
    assert not target.exists()
    sandbox.clear_faults()
    sandbox.fault(fault, "9102", times=1)
    assert call(sandbox, "9102", message, "--output", str(target))[0] == 0


def test_json_instead_of_a_file_is_the_platforms_answer(sandbox: RunningSandbox, tmp_path: Path) -> None:
    message = {"fsDownloadIn": {"file_qury_no": "fsi/plc/none", "filename": "1.txt.zip", "fixmedins_code": "plc"}}
    code, _, words = call(sandbox, "9102", message, "--output", str(tmp_path / "x"))
    assert code == 1
    assert words
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("odd", ["wrapper", "odd_spelling"])
def test_odd_spellings_are_read(sandbox: RunningSandbox, odd: str) -> None:
    sandbox.fault(odd, "*", times=0)
    assert call(sandbox, "3401", DEPARTMENT)[0] == 0
    assert call(sandbox, "5101")[0] == 0


def test_what_the_platform_calls_is_not_sent(sandbox: RunningSandbox) -> None:
    code, _, words = call(sandbox, "6202", {"data": {}})
    assert code == 2
    assert "由平台调用" in words


def test_a_gateways_no_without_an_envelope_makes_none_up(sandbox: RunningSandbox) -> None:
    def gateway(sock: socket.socket, headers: dict[str, str], body: bytes) -> None:
        signs_in = json.loads(body)["infno"] == "9001"
        sock.sendall(good({"signinoutb": {"sign_no": "1"}}) if signs_in else http(b"<html>", "403 Forbidden"))

    platform = RawPlatform(gateway)
    code, envelope, words = call(sandbox, "3401", DEPARTMENT, PLATFORM_URL=platform.url)
    platform.close()
    assert (code, envelope) == (1, {})
    assert "403" in words


def test_a_sign_in_sent_by_hand_is_the_operators_and_its_end_too(sandbox: RunningSandbox) -> None:
    by_hand = {"signIn": {"opter_no": "portal", "mac": "00-00-00-00-00-01", "ip": "127.0.0.1"}}
    sign_no = call(sandbox, "9001", by_hand)[1]["output"]["signinoutb"]["sign_no"]
    assert call(sandbox, "5101")[0] == 0
    assert len(sandbox.log("9001")) == 1, "the sign-in by hand is used"
    assert call(sandbox, "9002", {"signOut": {"sign_no": sign_no, "opter_no": "portal"}})[0] == 0
    assert call(sandbox, "5101")[0] == 0
    assert len(sandbox.log("9001")) == 2
    assert len(sandbox.log("5101")) == 2, "nothing is sent with the ended sign-in"


@pytest.mark.parametrize("place", ["", "nowhere/x.zip"])
def test_a_place_that_takes_no_file_is_told_before_anything_is_sent(
    sandbox: RunningSandbox, tmp_path: Path, place: str
) -> None:
    message = {"fsDownloadIn": {"file_qury_no": "fsi/plc/none", "filename": "1.txt.zip", "fixmedins_code": "plc"}}
    code, _, words = call(sandbox, "9102", message, "--output", str(tmp_path / place))
    assert code == 2
    assert "--output" in words
    assert sandbox.log() == []


def test_a_refused_archive_leaves_no_file_behind(sandbox: RunningSandbox, tmp_path: Path) -> None:
    told = call(sandbox, "1301", {"data": {"ver": "0"}})[1]["output"]
    message = {"fsDownloadIn": {"file_qury_no": told["file_qury_no"], "filename": told["filename"],
                                "fixmedins_code": "plc"}}  # fmt: skip
    sandbox.fault("two_members", "9102", times=0)
    assert call(sandbox, "9102", message, FILES_DIR=str(tmp_path))[0] == 3
    assert list(tmp_path.iterdir()) == []


def test_an_area_that_is_too_long_and_an_empty_file_fail_the_check(sandbox: RunningSandbox) -> None:
    code, _, words = call(sandbox, "5101", {}, "--insuplc", "4417001")
    assert code == 2
    assert "insuplc_admdvs" in words
    empty = {"fsUploadIn": {"in": [], "filename": "a.zip", "fixmedins_code": "H44170200001"}}
    assert call(sandbox, "9101", empty)[0] == 2
    assert sandbox.log() == []


def test_two_commands_at_once_are_one_message_and_one_sign_in(sandbox: RunningSandbox) -> None:
    """The second meets the first while it signs in, and while it sends."""
    for infno in ("9001", "3401"):
        sandbox.fault("delay", infno, times=0, seconds=1, when="after")
    both = [
        subprocess.Popen(
            [sys.executable, "manage.py", "call", "3401", "--input", json.dumps(DEPARTMENT)],
            cwd=ROOT, env=environment(**login(sandbox)), stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [one.wait(60) for one in both] == [0, 0]
    assert len(sandbox.log("3401")) == 1
    assert len(sandbox.log("9001")) == 1


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"PLATFORM_EDITION_DIR": "/nowhere"}, 2, "PLATFORM_EDITION_DIR"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"}, 4, "DATABASE_URL"),
        ({"PLATFORM_RESOLVE": "127.0.0.1:x"}, 4, "PLATFORM_RESOLVE"),
        ({"ENVIRONMENT": "正式"}, 4, "ENVIRONMENT"),
    ],
)
def test_a_faulty_setting_is_never_a_refusal(
    sandbox: RunningSandbox, connection: Connection, changes: dict[str, str], code: int, words: str
) -> None:
    Connection.objects.update(follows_environment=True)
    got, _, said = call(sandbox, "5101", None, **changes)
    assert got == code
    assert words in said
    assert "Traceback" not in said


def test_a_message_longer_than_the_platform_takes_fails_the_check(sandbox: RunningSandbox, tmp_path: Path) -> None:
    row = {"list_type": "101", "med_list_codg": "X" * 23, "begndate": "2026-01-01", "enddate": "2099-12-31",
           "fixmedins_hilist_name": "名" * 200, "memo": "注" * 500}  # fmt: skip
    rows = [row | {"fixmedins_hilist_id": str(number)} for number in range(50)]
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"data": rows}), encoding="utf-8")
    code, _, words = call(sandbox, "3301", f"@{file}")
    assert code == 2
    assert "40000" in words
    assert sandbox.log() == []
