"""A hospital written by hand from protocol.md, without code of the product, so that it is not wrong in the same way."""

from __future__ import annotations

import hashlib
import itertools
import json
import secrets
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

CHINA = timezone(timedelta(hours=8))
CODE = "H44170200001"
SERIAL = itertools.count(1)


def sign(timestamp: str, secret: str, nonce: str) -> str:
    """hex(SHA-256(timestamp + secretKey + nonce + timestamp))"""
    return hashlib.sha256((timestamp + secret + nonce + timestamp).encode("utf-8")).hexdigest()


def headers(account: str = "sandbox", secret: str = "sandbox-secret", **changes: str) -> dict[str, str]:
    """The four x-tif headers."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    found = {
        "x-tif-paasid": account,
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": sign(timestamp, secret, nonce),
        "content-type": "application/json;charset=utf-8",
    }
    return found | changes


def msgid() -> str:
    """fixmedins_code (12) + yyyyMMddHHmmss + sequence (4)"""
    return f"{CODE}{datetime.now(CHINA):%Y%m%d%H%M%S}{next(SERIAL) % 10000:04d}"


def envelope(infno: str, message: Any, **changes: Any) -> dict[str, Any]:
    """A message as protocol 3 wants it."""
    return {
        "infno": infno,
        "msgid": msgid(),
        "mdtrtarea_admvs": "441700",
        "insuplc_admdvs": "441700",
        "recer_sys_code": "HIS",
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "",
        "infver": "1.0.0",
        "opter_type": "1",
        "opter": "0001",
        "opter_name": "示例经办",
        "inf_time": f"{datetime.now(CHINA):%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": CODE,
        "fixmedins_name": "阳江市妇幼保健院（演示）",
        "sign_no": "",
        "input": message,
    } | changes


class Hospital:
    """Calls a sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(trust_env=False, timeout=20)

    def post(self, infno: str, message: Any, **changes: Any) -> httpx.Response:
        """The raw answer."""
        return self.send(infno, envelope(infno, message, **changes))

    def send(self, infno: str, body: dict[str, Any]) -> httpx.Response:
        """Send a message as it is."""
        data = json.dumps(body, ensure_ascii=False).encode()
        return self.http.post(f"{self.url}/{infno}", content=data, headers=headers())

    def answer(self, infno: str, message: Any, **changes: Any) -> dict[str, Any]:
        """The answer's envelope."""
        reply = self.post(infno, message, **changes)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def call(self, infno: str, message: Any, **changes: Any) -> Any:
        """The output of an accepted message."""
        found = self.answer(infno, message, **changes)
        assert found["infcode"] == 0, found["err_msg"]
        return found["output"]

    def refused(self, infno: str, message: Any, **changes: Any) -> str:
        """The platform's words about a message that it refuses."""
        found = self.answer(infno, message, **changes)
        assert found["infcode"] == -1, found
        assert found["output"] is None
        assert 0 < len(found["err_msg"]) <= 200
        return str(found["err_msg"])


def department(code: str = "A01", **changes: Any) -> dict[str, Any]:
    """A row of 3401."""
    return {
        "hosp_dept_codg": code,
        "caty": "A05.01",
        "hosp_dept_name": f"妇科{code}",
        "begntime": "2020-01-01 00:00:00",
        "endtime": "",
        "itro": "妇科门诊与住院",
        "dept_resper_name": "林示例",
        "dept_resper_tel": "0662-0000000",
        "dept_med_serv_scp": "妇科",
        "dept_estbdat": "2020-01-01 00:00:00",
        "aprv_bed_cnt": "30",
        "hi_crtf_bed_cnt": "30",
        "poolarea_no": "441700",
        "dr_psncnt": "8",
        "phar_psncnt": "1",
        "nurs_psncnt": "14",
        "tecn_psncnt": "2",
        "memo": "",
    } | changes
