"""3401A by a site's edition: batches are cut, fall whole, are looked for, and go one by one. Only data makes it so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from insurance.exchange import services
from insurance.exchange.models import Call, Connection, Submission
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from tests.exchange.conftest import states
from tests.exchange.test_delivery import deliver
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., list[Submission]]


@pytest.fixture(autouse=True)
def site(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    """A site folder whose only content is the route of department.add."""
    settings.VERIFY_MIN_AGE = 0.3
    settings.VERIFY_EVERY = 0.2
    settings.DEADLINE_SUBMIT = settings.DEADLINE_QUERY = 5
    (tmp_path / "routes.csv").write_text(
        "purpose,infno,form,node,answers,match,max_rows,max_chars,note\n"
        "department.add,3401A,batch,deptinfo,whole,hosp_dept_codg,10,40000,现场用批量\n",
        encoding="utf-8",
    )
    settings.PLATFORM_EDITION_DIR = str(tmp_path)


def codes(count: int) -> list[str]:
    return [f"D{number:02}" for number in range(count)]


def theirs(sandbox: RunningSandbox) -> list[str]:
    return sorted(row["hosp_dept_codg"] for row in sandbox.books("departments"))


def test_a_batch_is_cut_by_rows(connection: Connection, sandbox: RunningSandbox, queue: Queue) -> None:
    queue(*codes(25))
    deliver(connection)
    assert states() == {"accepted": 25}
    assert sorted(len(row["input"]["deptinfo"]) for row in sandbox.log("3401A")) == [5, 10, 10]
    assert theirs(sandbox) == codes(25)


def test_a_batch_is_cut_by_characters(connection: Connection, sandbox: RunningSandbox, queue: Queue, settings) -> None:  # type: ignore[no-untyped-def]
    site = Path(settings.PLATFORM_EDITION_DIR) / "wide"
    site.mkdir()
    text = (Path(settings.PLATFORM_EDITION_DIR) / "routes.csv").read_text(encoding="utf-8")
    (site / "routes.csv").write_text(text.replace(",10,40000,", ",50,2000,"), encoding="utf-8")
    settings.PLATFORM_EDITION_DIR = str(site)
    queue(*codes(12))
    deliver(connection)
    assert states() == {"accepted": 12}
    for call in sandbox.log("3401A"):
        assert len(str(call["input"])) <= 2100


def test_a_refused_batch_falls_whole_and_its_rows_go_alone_after_a_look(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, actor: Actor
) -> None:
    sandbox.put("departments", platform_row("D03"))
    queue(*codes(6))
    deliver(connection)
    assert states() == {"refused": 6}
    fallen = Submission.objects.order_by("pk")
    assert all(one.whole for one in fallen)
    assert theirs(sandbox) == ["D03"]
    for one in fallen:
        services.resend(actor, submission=one)
    deliver(connection)
    assert Submission.objects.filter(superseded=False).count() == 6
    assert set(Submission.objects.filter(superseded=False).values_list("state", flat=True)) == {"accepted"}
    assert theirs(sandbox) == codes(6)
    alone = [row for row in sandbox.log("3401A") if row["committed"] and str(row["infcode"]) == "0"]
    assert sorted(len(row["input"]["deptinfo"]) for row in alone) == [1, 1, 1, 1, 1]
    adopted = Submission.objects.get(superseded=False, label__startswith="D03")
    assert "平台有" in adopted.settled


def test_a_setting_splits_a_refused_batch_by_itself(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.BATCH_SPLIT = True
    sandbox.fault("refuse", "3401A", times=1)
    queue(*codes(3))
    deliver(connection)
    assert sorted(Submission.objects.filter(superseded=False).values_list("state", flat=True)) == ["accepted"] * 3
    assert theirs(sandbox) == codes(3)
    assert len(AuditEvent.objects.get(action="exchange.resend").subjects) == 6


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
def test_a_lost_batch_is_settled_by_one_look(
    connection: Connection, sandbox: RunningSandbox, queue: Queue, fault: str
) -> None:
    sandbox.fault(fault, "3401A", times=1)
    queue(*codes(8))
    deliver(connection)
    assert states() == {"accepted": 8}
    assert theirs(sandbox) == codes(8)
    if fault == "cut_after":
        assert len(sandbox.log("5101")) == 1
        assert Call.objects.filter(infno="3401A").count() == 1


def platform_row(code: str) -> dict[str, object]:
    """A department as if entered on the bureau's own website."""
    return {
        "hosp_dept_codg": code, "hosp_dept_name": f"妇科{code}", "caty": "A05", "begntime": "2026-01-01 00:00:00",
        "endtime": "", "itro": "妇科门诊", "dept_resper_name": "演示人", "dept_resper_tel": "0000-0000000",
        "dept_med_serv_scp": "", "dept_estbdat": "2026-01-01 00:00:00", "aprv_bed_cnt": 10, "hi_crtf_bed_cnt": 0,
        "poolarea_no": "441700", "dr_psncnt": 1, "phar_psncnt": 0, "nurs_psncnt": 2, "tecn_psncnt": 0, "memo": "",
    }  # fmt: skip
