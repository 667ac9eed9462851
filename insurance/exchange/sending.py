"""Carrying one prepared call: sent, answered, and judged. No transaction is open while the network is used."""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import IO

from django.conf import settings

from insurance.exchange import ledger
from insurance.exchange.answers import Answer, classify
from insurance.exchange.choices import CallState
from insurance.exchange.files import looks_like_zip
from insurance.exchange.leases import Keeper
from insurance.exchange.ledger import Prepared
from insurance.exchange.models import Connection
from insurance.exchange.signing import signed_headers
from insurance.exchange.transport import JSON_LIMIT, NoAnswer, NotConnected, Reply, Transport
from insurance.specification.model import Transaction

FILE_DOWNLOAD = "9102"
TALK = {"Content-Type": "application/json;charset=utf-8", "Accept": "*/*", "Accept-Encoding": "identity"}


class Held(Exception):
    """The breaker opened before the message's turn came."""


def deadline_of(transaction: Transaction) -> float:
    """Return the total deadline of a transaction in seconds (protocol.md, section 10)."""
    if transaction.effect == "file":
        return settings.DEADLINE_FILE
    return settings.DEADLINE_QUERY if transaction.effect in ledger.READING else settings.DEADLINE_SUBMIT


def carry(
    connection: Connection,
    transport: Transport,
    prepared: Prepared,
    keeper: Keeper,
    gate: AbstractContextManager[object],
) -> Answer:
    """Send one prepared call and commit what became of it. Never raises for the platform's doing.

    `gate` is held while the message is at the platform, not while its answer is stored.
    Returns an Answer whose state is accepted, refused, unknown or undelivered.
    """
    with keeper.holding(prepared.call_id):
        if prepared.transaction.infno == FILE_DOWNLOAD:
            with tempfile.NamedTemporaryFile(dir=_files_dir(), prefix="download-", delete=False) as sink:
                answer = _exchange(connection, transport, prepared, gate, sink)
            if not answer.file:
                Path(sink.name).unlink(missing_ok=True)
            return answer
        return _exchange(connection, transport, prepared, gate, None)


def _exchange(
    connection: Connection,
    transport: Transport,
    prepared: Prepared,
    gate: AbstractContextManager[object],
    sink: IO[bytes] | None,
) -> Answer:
    def first_byte() -> None:
        ledger.mark_sent(prepared.call_id)

    try:
        with gate:
            reply = transport.post(
                prepared.url,
                TALK | signed_headers(connection.account, connection.secret),
                prepared.body,
                deadline=deadline_of(prepared.transaction),
                connect=settings.CONNECT_SECONDS,
                first_byte=first_byte,
                sink=sink,
                limit=int(settings.FILE_MAX_MB * 1024 * 1024) if sink else JSON_LIMIT,
            )
    except Held:
        ledger.mark_undelivered(prepared.call_id, "平台暂停，未发出")
        return Answer(CallState.UNDELIVERED, "平台暂停，未发出", call_id=prepared.call_id, held=True)
    except ledger.Reaped:
        return Answer(CallState.UNDELIVERED, "发送前已被收回", call_id=prepared.call_id, held=True)
    except NotConnected as error:
        ledger.mark_undelivered(prepared.call_id, f"连不上平台：{error}")
        return Answer(CallState.UNDELIVERED, f"连不上平台：{error}", call_id=prepared.call_id)
    except NoAnswer as error:
        ledger.mark_unknown(prepared.call_id, f"没有收到完整答复：{error}")
        return Answer(CallState.UNKNOWN, f"没有收到完整答复：{error}", call_id=prepared.call_id)
    return _keep(prepared, reply, sink)


def _keep(prepared: Prepared, reply: Reply, sink: IO[bytes] | None) -> Answer:
    body = reply.body
    if sink is not None:
        sink.flush()
        if reply.status == 200 and looks_like_zip(sink.name):
            answer, body = _file_answer(prepared, sink.name)
            ledger.store_answer(prepared, answer, body)
            return answer
        with open(sink.name, "rb") as file:
            body = file.read(ledger_limit())
    answer = replace(classify(reply.status, body), transaction=prepared.transaction, call_id=prepared.call_id)
    if sink is not None and answer.state is CallState.ACCEPTED:
        answer = replace(answer, state=CallState.UNKNOWN, words="应返回 ZIP 文件，实际返回了报文")
    ledger.store_answer(prepared, answer, body)
    return replace(answer, sandbox=reply.headers.get("x-sandbox") == "1")


def ledger_limit() -> int:
    """Return how many bytes of an answer that is not the expected file are kept."""
    return 1024 * 1024


def _file_answer(prepared: Prepared, path: str) -> tuple[Answer, bytes]:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    said = {"infcode": 0, "output": {"sha256": digest.hexdigest(), "bytes": Path(path).stat().st_size}}
    answer = Answer(
        CallState.ACCEPTED,
        infcode="0",
        http_status=200,
        raw=said,
        output_raw=said["output"],
        transaction=prepared.transaction,
        call_id=prepared.call_id,
        file=path,
    )
    return answer, json.dumps(said).encode()


def _files_dir() -> Path:
    folder: Path = settings.FILES_DIR
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
