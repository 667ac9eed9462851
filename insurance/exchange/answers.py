"""Reading what came back: the envelope in all its spellings, and whether it is a yes, a no or no answer at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from insurance.exchange.choices import CallState
from insurance.exchange.masking import mask_text
from insurance.specification.model import Transaction
from insurance.specification.reading import Output, read

# Statuses by which a gateway clearly says that it did not pass the message on (protocol.md, section 4).
NOT_PROCESSED = frozenset({401, 403, 404})
# Those of them by which it may be meant that nothing at all of this hospital is let in.
SHUT_OUT = frozenset({401, 403})
# Words by which the platform says that the sign-in is no longer good (protocol.md, section 6).
SIGN_IN_COMPLAINT = ("签到", "sign_no")
WORDS_LIMIT = 1000


@dataclass(frozen=True)
class Answer:
    """One answer. `state` is accepted, refused or unknown; `raw` the envelope as a dict, {} when there
    was none; `file` the path of a downloaded file (the caller takes it away); `sandbox` that a sandbox answered;
    `held` that it was not even tried.
    """

    state: CallState
    words: str = ""
    infcode: str = ""
    refmsgid: str = ""
    http_status: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    output_raw: object = None
    transaction: Transaction | None = None
    call_id: int | None = None
    file: str = ""
    sandbox: bool = False
    held: bool = False

    @property
    def shut_out(self) -> bool:
        """True when a gateway turned the message away (401, 403) without a word of the platform itself."""
        if self.state is not CallState.REFUSED or _code(self.raw.get("infcode")):
            return False
        return self.http_status in SHUT_OUT or self.infcode in {str(status) for status in SHUT_OUT}

    @property
    def output(self) -> Output:
        """The answer's output, read tolerantly by its transaction's table."""
        if self.transaction is None:
            raise ValueError("an answer without a transaction has no table to be read by")
        return read(self.transaction, self.output_raw)


def complains_of_sign_in(words: str) -> bool:
    """Say whether a refusal speaks of the sign-in that the message carried."""
    return any(word in words for word in SIGN_IN_COMPLAINT)


def storable(text: str) -> str:
    """Return text without what JSON may hold and PostgreSQL not: NUL, and halves of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def without_numbers(words: str) -> str:
    """Mask document and telephone numbers in the platform's words, which rest in the clear; cut to what is kept."""
    return mask_text(storable(words))[:WORDS_LIMIT]


def classify(status: int, body: bytes) -> Answer:
    """Judge a reply by protocol.md section 4: infcode decides; only a clear 401/403/404 is a gateway's no.

    Everything else that is not an envelope (5xx, not JSON, cut) is unknown, because the platform may have acted.
    """
    envelope = _envelope(body)
    if status in NOT_PROCESSED:
        return _answer(CallState.REFUSED, envelope, status, f"网关拒绝（HTTP {status}）")
    if status != 200:
        return _answer(CallState.UNKNOWN, envelope, status, f"网关异常（HTTP {status}）")
    if envelope is None:
        return Answer(CallState.UNKNOWN, "答复不是可读的报文", http_status=status)
    return _by_content(envelope, status)


def _by_content(envelope: dict[str, Any], status: int) -> Answer:
    code = _code(envelope.get("infcode"))
    if code:
        state = CallState.ACCEPTED if _is_zero(code) else CallState.REFUSED
        return _answer(state, envelope, status, "" if state is CallState.ACCEPTED else "平台拒绝，未说明原因")
    # The older gateway's wrapper: code 0 holds the real envelope in data, any other code is the gateway's own word.
    code = _code(envelope.get("code"))
    inner = _as_dict(envelope.get("data"))
    if inner is not None and _code(inner.get("infcode")) and (not code or _is_zero(code) or code == "200"):
        return _by_content(inner, status)
    if code.isdigit() and int(code) in NOT_PROCESSED:
        return _answer(CallState.REFUSED, envelope, status, f"网关拒绝（{code}）")
    return _answer(
        CallState.UNKNOWN, envelope, status, f"答复里没有交易状态码 infcode{f'（网关 {code}）' if code else ''}"
    )


def _answer(state: CallState, envelope: dict[str, Any] | None, status: int, otherwise: str) -> Answer:
    envelope = envelope or {}
    said = envelope.get("err_msg") or envelope.get("message") or ""
    words = without_numbers(str(said)) if said and (state is not CallState.ACCEPTED) else ""
    if state is CallState.ACCEPTED and envelope.get("warn_msg"):
        words = without_numbers(str(envelope["warn_msg"]))
    return Answer(
        state,
        words or otherwise,
        infcode=_code(envelope.get("infcode") if "infcode" in envelope else envelope.get("code"))[:20],
        refmsgid=storable(str(envelope.get("inf_refmsgid") or ""))[:60],
        http_status=status,
        raw=envelope,
        output_raw=envelope.get("output"),
    )


def _envelope(body: bytes) -> dict[str, Any] | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return _as_dict(json.loads(body.decode(encoding), parse_float=Decimal))
        except (UnicodeDecodeError, ValueError, RecursionError):
            continue
    return None


def _as_dict(value: object) -> dict[str, Any] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict):
        return None
    folded = {key.lower(): item for key, item in value.items() if isinstance(key, str)}
    return folded | {key: item for key, item in value.items() if isinstance(key, str)}


def _code(value: object) -> str:
    if value is None or isinstance(value, (bool, dict, list)):
        return ""
    text = storable(str(value)).strip()
    return "" if text.lower() == "null" else text


def _is_zero(code: str) -> bool:
    try:
        return Decimal(code) == 0
    except InvalidOperation:
        return False
