"""Calls a second through the whole path, against a bare httpx loop with the same concurrency and server.

Both send the same new departments (3401) to the same sandbox in the same run, in turn. The portal's side is everything
from a queued submission to the applied answer: claim, check, ledger, encryption, sending, storing, applying.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ACCOUNT, SECRET = "sandbox", "sandbox-secret"


def main(arguments: list[str]) -> None:
    """Run the benchmark for servers of 0 and 50 ms and print one last line for each figure."""
    parser = argparse.ArgumentParser(prog="script/bench delivery")
    parser.add_argument("--calls", type=int, default=1600, help="calls a side and round without delay")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay-calls", type=int, default=400, help="calls a side and round at 50 ms")
    given = parser.parse_args(arguments)
    from tests.sandbox_fixture import running_sandbox

    figures: dict[str, float] = {}
    for delay, calls in ((0, given.calls), (50, given.delay_calls)):
        with running_sandbox(delay_ms=delay, sign_in="strict") as sandbox:
            figures |= compare(sandbox.url, delay, calls, given.rounds)
    print("delivery " + " ".join(f"{name}={value:g}" for name, value in figures.items()))


def compare(url: str, delay: int, calls: int, rounds: int) -> dict[str, float]:
    """Return calls a second of both sides, their ratio, and the portal's CPU a call (medians over the rounds)."""
    from django.conf import settings

    connection = prepare_portal(url)
    bare, portal, cpu = [], [], []
    for number in range(rounds + 1):
        queue(connection, f"P{delay}{number}", calls)
        took, used = deliver(connection)
        plain = bare_loop(connection, f"B{delay}{number}", calls, settings.DELIVERY_THREADS)
        if number == 0:
            continue  # the first round warms both sides
        bare.append(calls / plain)
        portal.append(calls / took)
        cpu.append(used / calls * 1000)
        print(
            f"delay={delay}ms round={number} bare={bare[-1]:.0f}/s portal={portal[-1]:.0f}/s"
            f" ratio={portal[-1] / bare[-1]:.2f} cpu_ms={cpu[-1]:.2f}",
            file=sys.stderr,
        )
    ratios = [mine / other for mine, other in zip(portal, bare, strict=True)]
    return {
        f"bare_{delay}ms_per_s": round(statistics.median(bare), 1),
        f"portal_{delay}ms_per_s": round(statistics.median(portal), 1),
        f"ratio_{delay}ms": round(statistics.median(ratios), 3),
        f"cpu_ms_{delay}ms": round(statistics.median(cpu), 2),
    }


def prepare_portal(url: str) -> Any:
    """Point the (throw-away) database's connection at the sandbox and return it."""
    from insurance.exchange.connections import first_connection
    from insurance.exchange.models import Connection, Session

    connection = first_connection()
    Connection.objects.filter(pk=connection.pk).update(
        base_url=url, account=ACCOUNT, failures=0, broken_until=None, edition="base"
    )
    connection.refresh_from_db()
    connection.secret = SECRET
    connection.save()
    Session.objects.filter(connection=connection).delete()
    return connection


def department(code: str) -> dict[str, Any]:
    """Return a new department as 3401 wants it."""
    return {
        "deptinfo": {
            "hosp_dept_codg": code,
            "caty": "A05",
            "hosp_dept_name": f"妇科{code}",
            "begntime": "2026-01-01 00:00:00",
            "endtime": "",
            "itro": "妇科门诊与住院",
            "dept_resper_name": "测试",
            "dept_resper_tel": "0000-0000000",
            "dept_med_serv_scp": "",
            "dept_estbdat": "2001-01-01 00:00:00",
            "aprv_bed_cnt": 30,
            "hi_crtf_bed_cnt": 30,
            "poolarea_no": "441700",
            "dr_psncnt": 3,
            "phar_psncnt": 0,
            "nurs_psncnt": 4,
            "tecn_psncnt": 0,
            "memo": "",
        }
    }


def queue(connection: Any, prefix: str, calls: int) -> None:
    """Queue `calls` new departments without ringing."""
    from django.db import transaction

    from insurance.exchange.services import submit_message
    from portal.people.actor import Actor

    actor = Actor.system(connection.institution, "基准")
    with transaction.atomic():
        for number in range(calls):
            submit_message(actor, infno="3401", message=department(f"{prefix}{number}"), held=True)


def deliver(connection: Any) -> tuple[float, float]:
    """Drain the queue in this process; returns (seconds, CPU seconds). Fails unless all were accepted."""
    from insurance.exchange.delivery import drain
    from insurance.exchange.models import Submission

    before = Submission.objects.filter(state="accepted").count()
    waiting = Submission.objects.filter(state="queued").count()
    begun, used = time.perf_counter(), time.process_time()
    drain(connection.pk, "interactive")
    took, spent = time.perf_counter() - begun, time.process_time() - used
    accepted = Submission.objects.filter(state="accepted").count() - before
    if accepted != waiting:
        raise SystemExit(f"only {accepted} of {waiting} were accepted")
    return took, spent


def bare_loop(connection: Any, prefix: str, calls: int, threads: int) -> float:
    """Send the same messages with a bare httpx client on `threads` threads; returns seconds."""
    import httpx

    from insurance.exchange.envelope import build, next_msgids
    from insurance.exchange.models import Session
    from insurance.exchange.signing import signed_headers

    sign_no = Session.objects.get(connection=connection, ended_at=None).sign_no
    numbers = next_msgids(connection.institution.fixmedins_code, calls)
    messages = [
        build(
            connection, infno="3401", msgid=msgid, inf_time=inf_time, message=department(f"{prefix}{place}"),
            opter=connection.opter, opter_name=connection.opter_name, sign_no=sign_no,
        )
        for place, (msgid, inf_time) in enumerate(numbers)
    ]  # fmt: skip
    with httpx.Client(trust_env=False) as client, ThreadPoolExecutor(threads) as pool:

        def send(envelope: dict[str, Any]) -> None:
            body = json.dumps(envelope, ensure_ascii=False).encode()
            answer = client.post(
                f"{connection.base_url}/3401", content=body, headers=signed_headers(ACCOUNT, SECRET)
            ).json()
            if str(answer["infcode"]) != "0":
                raise SystemExit(answer["err_msg"])

        begun = time.perf_counter()
        for _ in pool.map(send, messages):
            pass
        return time.perf_counter() - begun
