"""A line to the platform: the pooled client, the lease keeper and the day's sign-ins of one process."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from insurance.exchange import breaker, ledger
from insurance.exchange.answers import Answer, complains_of_sign_in
from insurance.exchange.choices import CallState, SignIn
from insurance.exchange.connections import book_of, machine_of, transport_to
from insurance.exchange.errors import MessageInvalid, PlatformError, Refused, Undelivered, Unknown
from insurance.exchange.files import FileError, verify_member
from insurance.exchange.leases import Keeper
from insurance.exchange.ledger import Draft, Prepared
from insurance.exchange.models import Connection, Session
from insurance.exchange.outgoing import problems_of, written_for
from insurance.exchange.sending import Held, carry
from insurance.specification.checking import Problem
from insurance.specification.model import Transaction
from portal.people.actor import Actor

log = logging.getLogger(__name__)

RETRY_PAUSES = (0.5, 2.0)
# For how many seconds a sign-in read from the database is believed, so that not every message asks for it.
SIGN_IN_KNOWN = 30.0


class Line:
    """One process's line to the platform of one connection. Thread-safe after it is opened."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.book = book_of(connection)
        self.transport = transport_to(connection)
        self.keeper = Keeper()
        # How many messages may be at the platform at once, whoever sends them on this line.
        self.gate = threading.BoundedSemaphore(settings.DELIVERY_THREADS)
        self._signs: dict[tuple[str, dt.date], tuple[float, str]] = {}
        self._tolerates: dict[str, float] = {}

    def close(self) -> None:
        """Give the pooled connections back and stop keeping leases."""
        self.transport.close()
        self.keeper.close()

    def send(self, prepared: Prepared, *, heed_breaker: bool = False) -> Answer:
        """Carry one prepared call and tell the breaker how the platform is doing.

        With `heed_breaker` a message whose turn comes after the breaker opened is not sent: Answer.held.
        """
        gate = self._passage() if heed_breaker else self.gate
        answer = carry(self.connection, self.transport, prepared, self.keeper, gate)
        if not answer.held:
            breaker.note(self.connection, answer)
        return answer

    @contextmanager
    def _passage(self) -> Iterator[None]:
        with self.gate:
            if breaker.is_open(self.connection):
                raise Held
            yield

    def sign_no(self, opter: str, opter_name: str, ip: str = "") -> str:
        """Return today's sign-in number of an operator, signing in (9001) when there is none.

        Raises PlatformError when the sign-in fails; whether that matters is the caller's to say.
        """
        known = self.known_sign_no(opter)
        if known is not None:
            return known
        with _alone(f"{self.connection.pk}/{opter}"):
            known = self.known_sign_no(opter)
            return self._sign_in(opter, opter_name, ip) if known is None else known

    def _sign_in(self, opter: str, opter_name: str, ip: str) -> str:
        today = timezone.localdate()
        mac, own_ip = machine_of(self.connection, ip)
        route = self.book.route("session.open")
        message = {route.node: {"opter_no": opter, "mac": mac, "ip": own_ip}}
        answer = self._repeat(self._draft(route.infno, message, purpose=route.purpose, opter=opter, name=opter_name))
        return self._keep_sign_in(answer, opter, today)

    def _keep_sign_in(self, answer: Answer, opter: str, day: dt.date) -> str:
        sign_no = str(answer.output.row("signinoutb").get("sign_no") or answer.output.values.get("sign_no") or "")[:30]
        Session.objects.update_or_create(
            connection=self.connection, opter=opter, day=day, defaults={"sign_no": sign_no, "ended_at": None}
        )
        return sign_no

    def _note_session(self, infno: str, message: Mapping[str, Any], answer: Answer) -> None:
        """Heed a 9001 or 9002 that a person sent: an operator has one sign-in, so theirs replaces or ends ours."""
        opened, closed = self.book.route("session.open"), self.book.route("session.close")
        node = message.get(opened.node if infno == opened.infno else closed.node)
        said = node if isinstance(node, Mapping) else {}
        if infno == opened.infno and said.get("opter_no"):
            self._keep_sign_in(answer, str(said["opter_no"]), timezone.localdate())
        elif infno == closed.infno and said.get("sign_no"):
            Session.objects.filter(connection=self.connection, sign_no=said["sign_no"], ended_at=None).update(
                ended_at=timezone.now()
            )
        self._signs.clear()

    def known_sign_no(self, opter: str) -> str | None:
        """Return today's sign-in number without using the network, None when there is none yet."""
        if self.connection.sign_in == SignIn.OFF:
            return ""
        today = timezone.localdate()
        at, kept = self._signs.get((opter, today), (float("-inf"), ""))
        if time.monotonic() - at < SIGN_IN_KNOWN:
            return kept
        session = Session.objects.filter(connection=self.connection, opter=opter, day=today, ended_at=None).first()
        if session is not None:
            self._signs[opter, today] = (time.monotonic(), session.sign_no)
            return session.sign_no
        # A setting says that a failed sign-in does not hold messages back; then it is tried again only after a while.
        return "" if self._tolerates.get(opter, 0.0) > time.monotonic() else None

    def sign_no_for(self, transaction: Transaction, opter: str, opter_name: str, ip: str = "") -> str:
        """Return the sign-in number that a message of `transaction` must carry, "" where it can do without.

        Raises Undelivered when a message that changes something must not go without one.
        """
        if transaction.effect == "session":
            return ""
        try:
            return self.sign_no(opter, opter_name, ip)
        except PlatformError as error:
            if transaction.effect in ledger.READING or self.connection.sign_in == SignIn.TOLERANT:
                log.warning("sign-in failed, going on without: %s", type(error).__name__)
                if self.connection.sign_in == SignIn.TOLERANT:
                    self._tolerates[opter] = time.monotonic() + SIGN_IN_KNOWN
                return ""
            raise Undelivered(f"签到（9001）未成功，未发送：{error.words}", error.call_id) from error

    def sign_out(self, session: Session) -> None:
        """Sign an operator out (9002); only what was signed in on the same day can be (protocol.md, section 6).

        Raises PlatformError.
        """
        route = self.book.route("session.close")
        message = {route.node: {"sign_no": session.sign_no, "opter_no": session.opter}}
        draft = self._draft(route.infno, message, purpose=route.purpose, opter=session.opter, name=session.opter)
        draft.sign_no = session.sign_no
        self._repeat(draft)
        Session.objects.filter(pk=session.pk).update(ended_at=timezone.now())
        self._signs.pop((session.opter, session.day), None)

    def forget_sign_in(self, answer: Answer, opter: str, sign_no: str) -> bool:
        """Drop the sign-in that a message carried when its refusal complains of it; says whether it did complain.

        Of several messages under way with one sign-in each is told; a newer sign-in stays.
        """
        if not sign_no or answer.state is not CallState.REFUSED:
            return False
        if not complains_of_sign_in(answer.words):
            return False
        for key, (_, kept) in list(self._signs.items()):
            if key[0] == opter and kept == sign_no:
                self._signs.pop(key, None)
        Session.objects.filter(connection=self.connection, opter=opter, sign_no=sign_no, ended_at=None).update(
            ended_at=timezone.now()
        )
        return True

    def ask(
        self, actor: Actor, infno: str, message: Mapping[str, Any], *, insuplc_admdvs: str = "", purpose: str = ""
    ) -> Answer:
        """Send one reading transaction and return its accepted answer.

        Repeats it with a new msgid while its outcome is unknown (index: `retry`). Raises MessageInvalid, Refused,
        Unknown, Undelivered.
        """
        transaction = self.book.transaction(infno)
        refuse_invalid(self.problems(transaction, message, insuplc_admdvs))
        opter, name = self.operator(actor)
        draft = self._draft(infno, message, purpose=purpose, opter=opter, name=name, actor=actor)
        draft.insuplc_admdvs = insuplc_admdvs
        draft.sign_no = self.sign_no_for(transaction, opter, name, actor.ip)
        try:
            answer = self._repeat(draft)
            if transaction.effect == "session":
                self._note_session(infno, draft.message, answer)
            return answer
        except Refused as refusal:
            complaint = Answer(CallState.REFUSED, refusal.words)
            if transaction.effect == "session" or not self.forget_sign_in(complaint, opter, draft.sign_no):
                raise
            draft.sign_no = self.sign_no_for(transaction, opter, name, actor.ip)
            return self._repeat(draft)

    def operator(self, actor: Actor) -> tuple[str, str]:
        """Return the operator (number, name) that `actor` speaks as: their own, else the connection's."""
        if actor.opter:
            return actor.opter, actor.opter_name or actor.name
        return self.connection.opter, self.connection.opter_name

    def problems(self, transaction: Transaction, message: Mapping[str, Any], insuplc_admdvs: str) -> list[Problem]:
        """Return everything wrong with a message, the envelope's own rules included (outgoing.problems_of)."""
        return problems_of(self.connection, self.book, transaction, message, insuplc_admdvs)

    def written(self, transaction: Transaction, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the message as it travels; the bytes of 9101 in the form this platform wants."""
        return written_for(self.connection, transaction, message)

    def _draft(
        self, infno: str, message: Mapping[str, Any], *, purpose: str, opter: str, name: str, actor: Actor | None = None
    ) -> Draft:
        transaction = self.book.transaction(infno)
        return Draft(
            transaction=transaction,
            message=self.written(transaction, message),
            purpose=purpose,
            opter=opter,
            opter_name=name,
            actor_name=actor.name if actor else "系统",
            requested_by_id=actor.person.pk if actor and actor.person else None,
        )

    def _repeat(self, draft: Draft) -> Answer:
        pauses = list(RETRY_PAUSES) if _may_repeat(draft.transaction) else []
        while True:
            answer = self._once(draft)
            if answer.state is CallState.ACCEPTED:
                return answer
            if answer.state is CallState.REFUSED:
                raise Refused(answer.words, answer.call_id)
            if not pauses:
                kind = Unknown if answer.state is CallState.UNKNOWN else Undelivered
                raise kind(answer.words, answer.call_id)
            time.sleep(pauses.pop(0))

    def _once(self, draft: Draft) -> Answer:
        answer = self.send(ledger.prepare(self.connection, [draft])[0])
        if answer.file:
            try:
                verify_member(answer.file, max_bytes=int(settings.FILE_MAX_MB * 1024 * 1024))
            except FileError as error:
                Path(answer.file).unlink(missing_ok=True)
                ledger.add_event(answer.call_id or 0, "file-refused", words=str(error))
                return replace(answer, state=CallState.UNKNOWN, words=str(error), file="")
        return answer


@contextmanager
def _alone(operator: str) -> Iterator[None]:
    """Let one process at a time sign an operator in: a second sign-in would end the first under its messages.

    An advisory lock of the session, not of a transaction, and no row's: nothing else waits for it while the platform
    is asked, and it goes with the process.
    """
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 9001))", [operator])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 9001))", [operator])


def _may_repeat(transaction: Transaction) -> bool:
    steps = transaction.unknown_outcome
    return bool(steps) and steps[0].kind == "retry"


def refuse_invalid(problems: list[Problem]) -> None:
    """Raise MessageInvalid when any of `problems` is an error; warnings pass."""
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        raise MessageInvalid(list(errors))


@contextmanager
def open_line(connection: Connection) -> Iterator[Line]:
    """Open a line for the block and close it afterwards."""
    line = Line(connection)
    try:
        yield line
    finally:
        line.close()
