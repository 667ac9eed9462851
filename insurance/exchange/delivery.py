"""Delivery: one holder per connection and class takes what is due, wave by wave, until nothing is left (design 4)."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings
from django.db import connections
from django.db.models import F, Q
from django.utils import timezone

from insurance.exchange import breaker
from insurance.exchange.answers import Answer
from insurance.exchange.applying import apply_call, apply_due
from insurance.exchange.choices import CallState
from insurance.exchange.ledger import Prepared
from insurance.exchange.lines import Line, open_line
from insurance.exchange.models import Call, Connection, Drain
from insurance.exchange.queries import to_look_for
from insurance.exchange.recovery import doubt_refusal, recover, settle_late
from insurance.exchange.returning import hold_unknown, may_sign_in_again, requeue, take_back
from insurance.exchange.services import split
from insurance.exchange.waves import prepare_wave
from portal.audit.context import in_calls

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.3
# What of the connection says whether anything may be sent.
GATES = ["paused", "failures", "broken_until", "shut_out", "shut_out_infnos"]
# A drain gives way after this long, so that a new version of the program takes over; the dispatcher rings again.
LONGEST_SECONDS = 900
# Messages prepared ahead for each sender thread: larger waves cost less, but wait longer as prepared.
PIPELINE = 4
# Threads for each message at the platform: while one waits for the platform, others store and apply what came back.
HANDS = 2
SWITCH_SECONDS = 0.0005


class Lost(Exception):
    """Another process holds the lease now; this one stops taking work."""


def drain(connection_id: int, delivery: str) -> int:
    """RQ job: deliver what is due for one connection and class until idle. Returns how many calls were made.

    Returns at once when another process holds the lease, or when the platform is closed or paused.
    """
    connection = Connection.objects.select_related("institution").get(pk=connection_id)
    held = take_lease(connection, delivery)
    if held is None:
        return 0
    try:
        with open_line(connection) as line:
            return _Courier(line, held).run()
    except Lost:
        log.warning("drain %s %s lost its lease", connection_id, delivery)
        return 0
    finally:
        give_back(held)


def take_lease(connection: Connection, delivery: str) -> Drain | None:
    """Take the lease of a connection and class, with a new fence; None when somebody else holds it."""
    lease, _ = Drain.objects.get_or_create(connection=connection, delivery=delivery)
    now = timezone.now()
    taken = Drain.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=lease.pk).update(
        fence=F("fence") + 1,
        holder=f"{socket.gethostname()}:{os.getpid()}"[:100],
        lease_until=now + dt.timedelta(seconds=settings.LEASE_SECONDS),
        seen_at=now,
    )
    if not taken:
        return None
    lease.refresh_from_db()
    return lease


def give_back(lease: Drain) -> None:
    """Free the lease if it is still ours."""
    Drain.objects.filter(pk=lease.pk, fence=lease.fence).update(lease_until=None)


class _Courier:
    """The loop of one drain: takes waves under the lease, sends them on threads, applies, looks for unknowns."""

    def __init__(self, line: Line, lease: Drain) -> None:
        self.line = line
        self.lease = lease
        self.calls = 0
        self.renewed = time.monotonic()
        self.started = time.monotonic()
        self.flying: set[Future[None]] = set()
        self.looking: Future[int] | None = None
        self.looked = 0.0
        self.checked = time.monotonic()

    def run(self) -> int:
        """Deliver until idle; returns how many calls were made."""
        # Senders mostly wait for sockets; with Python's usual 5 ms each of their dozen waits a call would queue behind
        # the thread that prepares the next wave.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            return self._run()
        finally:
            sys.setswitchinterval(usual)

    def _run(self) -> int:
        hands = settings.DELIVERY_THREADS * HANDS
        with ThreadPoolExecutor(hands, thread_name_prefix="sender") as pool:
            try:
                self._loop(pool)
            finally:
                wait(self.flying)
                if self.looking is not None:
                    wait([self.looking])
                gate = threading.Barrier(hands)
                for future in [pool.submit(_hang_up, gate) for _ in range(hands)]:
                    future.result()
        return self.calls

    def _loop(self, pool: ThreadPoolExecutor) -> None:
        apply_due()
        idle_since: float | None = None
        while True:
            self._renew()
            self._settle_finished()
            worked = self._recover(pool) + self._launch(pool)
            if worked or self.flying or self.looking:
                idle_since = None
                if self.flying:
                    wait(self.flying, timeout=min(settings.LEASE_RENEW_SECONDS / 2, 1), return_when=FIRST_COMPLETED)
                elif self.looking:
                    wait([self.looking], timeout=0.2)
                continue
            idle_since = idle_since or time.monotonic()
            if self._closed() or time.monotonic() - idle_since > IDLE_SECONDS:
                return
            time.sleep(0.05)

    def _closed(self) -> bool:
        # Our own failures are noted on the object at once; what others changed is read twice a second.
        if time.monotonic() - self.checked > 0.5:
            self.line.connection.refresh_from_db(
                fields=["paused", "failures", "broken_until", "shut_out", "shut_out_infnos"]
            )
            self.checked = time.monotonic()
        return breaker.is_open(self.line.connection) or time.monotonic() - self.started > LONGEST_SECONDS

    def _launch(self, pool: ThreadPoolExecutor) -> int:
        room = settings.DELIVERY_THREADS * PIPELINE - len(self.flying)
        # Half of the line is prepared anew while the other half keeps every place at the platform taken.
        if room < settings.DELIVERY_THREADS * PIPELINE // 2 or self._closed():
            return 0
        # After failures one message probes; the rest follow when it has been answered.
        if self.line.connection.failures:
            room = 0 if self.flying else 1
        if room == 0:
            return 0
        wave = prepare_wave(self.line, self.lease, room)
        for prepared in wave.calls:
            self.flying.add(pool.submit(_deliver, self.line, prepared))
        self.calls += len(wave.calls)
        return wave.taken

    def _recover(self, pool: ThreadPoolExecutor) -> int:
        if self.looking is not None:
            if not self.looking.done():
                return 0
            worked, self.looking = self.looking.result(), None
            return worked
        if time.monotonic() - self.looked > 0.2 and not self._closed():
            self.looked = time.monotonic()
            if to_look_for(self.line.connection, self.lease.delivery).exists():
                self.looking = pool.submit(recover, self.line, self.lease.delivery)
        return 0

    def _settle_finished(self) -> None:
        for future in [item for item in self.flying if item.done()]:
            self.flying.discard(future)
            future.result()

    def _renew(self) -> None:
        if time.monotonic() - self.renewed < settings.LEASE_RENEW_SECONDS:
            return
        now = timezone.now()
        kept = Drain.objects.filter(pk=self.lease.pk, fence=self.lease.fence).update(
            lease_until=now + dt.timedelta(seconds=settings.LEASE_SECONDS), seen_at=now
        )
        if not kept:
            raise Lost
        self.renewed = time.monotonic()


def _hang_up(gate: threading.Barrier) -> None:
    """Close this sender's database connection; the gate makes every sender do it, not one of them twice."""
    connections.close_all()
    gate.wait(timeout=30)


def _deliver(line: Line, prepared: Prepared) -> None:
    """Send one call and do what its answer asks for; runs on a sender thread."""
    with in_calls((prepared.call_id,)):
        answer = line.send(prepared, heed_breaker=True)
        conclude(line, prepared, answer)


def conclude(line: Line, prepared: Prepared, answer: Answer) -> None:
    """Bring the submissions of a carried call to where its answer puts them."""
    if _refused_for_sign_in(line, prepared, answer):
        # It was not processed: it goes again after a new sign-in.
        take_back(prepared.call_id, answer.words)
    elif answer.shut_out and breaker.is_shut_out(line.connection):
        # The gateway lets nothing in: that says nothing of this message, which waits with the others.
        take_back(prepared.call_id, answer.words)
    elif answer.state in (CallState.ACCEPTED, CallState.REFUSED):
        applied = apply_call(prepared.call_id, answer, line.book, prepared.submissions)
        if not applied:
            _use_late(line, prepared.call_id)
        elif answer.state is CallState.REFUSED:
            doubt_refusal(prepared.call_id, prepared.submissions)
            if settings.BATCH_SPLIT and len(prepared.submissions) > 1:
                split(prepared.call_id)
    elif answer.state is CallState.UNDELIVERED:
        requeue(prepared.call_id, answer.words, counted=not answer.held)
    else:
        hold_unknown(prepared.call_id, answer.words)


def _use_late(line: Line, call_id: int) -> None:
    """Let an answer that came after its call was given up decide at once, before the message goes again."""
    call = Call.objects.get(pk=call_id)
    if call.state == CallState.UNKNOWN:
        settle_late(call, line.book)


def _refused_for_sign_in(line: Line, prepared: Prepared, answer: Answer) -> bool:
    if not line.forget_sign_in(answer, prepared.opter, prepared.sign_no):
        return False
    return may_sign_in_again(prepared.call_id)
