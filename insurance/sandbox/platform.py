"""The platform itself: takes a request apart, lets a desk work on it in one transaction, makes the answer."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import insurance.sandbox.rooms  # noqa: F401  (puts each room at its desk)
from insurance.sandbox.books import Books
from insurance.sandbox.clock import Clock
from insurance.sandbox.desks import DESKS, Case, FileAnswer
from insurance.sandbox.envelope import answer, check_envelope, read_envelope
from insurance.sandbox.faults import WAITS, Fault, Faults, read_fault
from insurance.sandbox.gateway import Gateway, transaction_in, wrapper
from insurance.sandbox.ledger import Ledger, Request
from insurance.sandbox.options import Options
from insurance.sandbox.refusal import GatewayRefusal, Refusal
from insurance.sandbox.reply import Reply, json_reply
from insurance.sandbox.rooms.institutions import check_institution
from insurance.sandbox.rooms.sessions import check_sign_no
from insurance.sandbox.seeds.opening import open_books
from insurance.sandbox.shelf import Shelf
from insurance.sandbox.spoiling import file_reply, spoil, stop_reply
from insurance.sandbox.standard import Standard

QUERIES = {"query", "download"}


@dataclass
class Visit:
    """One request on its way through the platform."""

    infno: str
    body: bytes
    request: Request
    received: datetime
    waits: list[Fault] = field(default_factory=list)
    fault: Fault | None = None

    def seconds(self, when: str) -> float:
        """How long a delay holds the request "before" or "after" the work."""
        return sum(w.seconds(1.0) for w in self.waits if w.options.get("when", "before") == when)


class Platform:
    """Everything but the sockets."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self.books = Books(options.state, options.synchronous)
        self.ledger = Ledger(self.books)
        self.gateway = Gateway(options.account, options.secret, options.skew, self.clock)
        self.faults = Faults()
        self.standard = Standard(options.edition, options.edition_dir)
        self.serial = self.ledger.last
        self.earlier: dict[str, tuple[str, dict[str, Any]]] = {}
        self.catalogues = Shelf(self.books, self.standard, options, self.clock)
        open_books(self.books, options, self.clock)
        for given in options.faults:
            self.faults.add(read_fault(given))
        self.obey_standing()

    def close(self) -> None:
        """Close the books and throw away what was made for downloads."""
        self.books.close()
        self.catalogues.close()

    def obey_standing(self) -> None:
        """Let a fault of the clock take hold or end."""
        moved = self.faults.standing("clock")
        self.clock.offset = moved.seconds(0.0) if moved else 0.0

    def reset(self) -> None:
        """Back to the opening books, no faults."""
        self.books.clear()
        self.faults.clear()
        self.earlier.clear()
        self.catalogues.forget()
        self.ledger = Ledger(self.books)
        open_books(self.books, self.options, self.clock)
        self.obey_standing()

    def begin(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Visit | Reply:
        """Let the request through the gateway; a Reply is the gateway's refusal."""
        try:
            infno = transaction_in(target)
        except GatewayRefusal as no:
            return json_reply(wrapper(no.status, no.words), no.status)
        visit = Visit(infno, body, self.ledger.receive(infno, self.clock.epoch()), self.clock.now())
        try:
            self._admit(method, infno, headers)
        except GatewayRefusal as no:
            self._log_refused(visit, str(no.status), no.words)
            return json_reply(wrapper(no.status, no.words), no.status)
        for fault in self.faults.take(infno):
            visit.request.fault = " ".join(filter(None, (visit.request.fault, fault.fault)))
            if fault.fault in WAITS:
                visit.waits.append(fault)
            else:
                visit.fault = fault
        return visit

    def _admit(self, method: str, infno: str, headers: Mapping[str, str]) -> None:
        if method != "POST":
            raise GatewayRefusal(405, "请使用POST方式调用")
        self.gateway.admit(headers)
        if not self.standard.serves(infno):
            raise GatewayRefusal(404, f"交易[{infno}]的服务不存在")

    def work(self, visit: Visit) -> Reply:
        """Do what the message asks, in one transaction, and make the answer that the faults leave of it."""
        fault = visit.fault
        if fault is not None and not fault.commits():
            stopped = stop_reply(fault)
            if stopped is not None:
                self._log_refused(visit, "", "")
                return stopped
        result = self._result(visit)
        stopped = stop_reply(fault) if fault is not None else None
        if stopped is not None and fault is not None and fault.fault != "cut_midway":
            return stopped
        if isinstance(result, FileAnswer):
            return file_reply(result, fault)
        reply = json_reply(spoil(result, fault))
        return self._manner(reply, fault)

    def _manner(self, reply: Reply, fault: Fault | None) -> Reply:
        if fault is not None and fault.fault == "cut_midway":
            reply.manner = "midway"
        if fault is not None and fault.fault == "drip":
            reply.manner, reply.rate = "drip", float(fault.options.get("bytes", 20))
        return reply

    def _result(self, visit: Visit) -> Any:
        """The answer's envelope, or the file."""
        envelope: dict[str, Any] = {}
        fault = visit.fault
        try:
            envelope = read_envelope(visit.body)
            visit.request.message = visit.body.decode("utf-8", "replace")
            self._name(visit.request, envelope)
            output = self._perform(visit, envelope, "")
            if fault is not None and fault.fault == "duplicate" and fault.options.get("mode", "twice") == "twice":
                output = self._perform(visit, envelope, "#2")
        except Refusal as no:
            self._log_refused(visit, "-1", no.words, envelope)
            return self._envelope(visit, None, no.words)
        return output if isinstance(output, FileAnswer) else self._keep_earlier(visit, output)

    def _keep_earlier(self, visit: Visit, output: Any) -> dict[str, Any]:
        """The envelope of an answer; a fault may put the answer to an earlier message in its place."""
        made = self._envelope(visit, output, None)
        _, before = self.earlier.get(visit.infno, ("", made))
        self.earlier[visit.infno] = (visit.request.msgid, made)
        swapped = visit.fault is not None and visit.fault.fault == "duplicate"
        return before if swapped and visit.fault is not None and visit.fault.options.get("mode") == "earlier" else made

    def _envelope(self, visit: Visit, output: Any, words: str | None) -> dict[str, Any]:
        self.serial += 1
        return answer(self.clock, visit.received, self.serial, self.options.admdvs, output, words)

    def _name(self, request: Request, envelope: dict[str, Any]) -> None:
        request.msgid = str(envelope.get("msgid") or "")
        request.opter = str(envelope.get("opter") or "")

    def _perform(self, visit: Visit, envelope: dict[str, Any], mark: str) -> Any:
        """Check the message and let its desk work; commits work, journal and log together, or raises Refusal."""
        check_envelope(envelope, visit.infno, len(visit.body), self.clock, self.options.message_skew)
        case = Case(visit.infno, envelope, self.books, self.standard, self.clock, self.options, self)
        if not mark and self.ledger.known(case.msgid):
            raise Refusal(f"发送方报文ID[{case.msgid}]重复")
        check_institution(case)
        check_sign_no(case)
        if not (case.infno == "1901" and self.options.dictionary_form == "file"):  # that form sends the area alone
            self.standard.check(case.infno, case.input)
        if visit.fault is not None and visit.fault.fault == "refuse":
            raise Refusal(str(visit.fault.options.get("words", "医保中心处理失败")))
        if visit.fault is not None and visit.fault.fault == "repeat_page":
            case.row()["page_num"] = "1"
        with self.books.transaction():
            output = self._stale(visit, case) if self._looks_back(visit, case) else DESKS[case.infno](case)
            visit.request.committed, visit.request.infcode = True, "0"
            self.ledger.note(case.msgid + mark, case.infno, case.hospital, self.clock.text(), self.books.changes)
            self.ledger.finish(visit.request)
        return output

    def _looks_back(self, visit: Visit, case: Case) -> bool:
        effect = self.standard.book.transactions[case.infno].effect
        return visit.fault is not None and visit.fault.fault == "stale_page" and effect in QUERIES

    def _stale(self, visit: Visit, case: Case) -> Any:
        """What the query would have answered before the latest changes: take them back, ask, put them in again."""
        assert visit.fault is not None
        self.books.restore(self.ledger.latest_changes(int(visit.fault.options.get("back", 1))))
        taken = list(self.books.changes)
        output = DESKS[case.infno](case)
        self.books.restore(taken)
        self.books.changes = []
        return output

    def _log_refused(self, visit: Visit, code: str, words: str, envelope: dict[str, Any] | None = None) -> None:
        """Log a request that changed nothing; a message whose envelope was read has used up its msgid."""
        request = visit.request
        done = request.committed
        request.infcode, request.words, request.committed = code, words, bool(done)
        if not request.message:
            request.message = visit.body.decode("utf-8", "replace")
            with contextlib.suppress(Refusal):
                self._name(request, read_envelope(visit.body))
        with self.books.transaction():
            if envelope and request.msgid and not self.ledger.known(request.msgid):
                self.ledger.note(
                    request.msgid, request.infno, str(envelope.get("fixmedins_code")), self.clock.text(), []
                )
            self.ledger.finish(request)
