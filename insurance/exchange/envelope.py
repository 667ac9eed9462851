"""The message around a transaction (spec/fields/envelope.csv, protocol.md section 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection as database

from insurance.exchange.models import Connection

NAME_LIMIT = 20  # envelope.csv: fixmedins_name is 20 characters


def next_msgids(fixmedins_code: str, count: int = 1) -> list[tuple[str, str]]:
    """Return `count` pairs (msgid, inf_time): code, second of the database clock, four digits of a cycling sequence."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(now_cn, 'YYYYMMDDHH24MISS') || lpad(nextval('exchange_msgid')::text, 4, '0'),"
            " to_char(now_cn, 'YYYY-MM-DD HH24:MI:SS')"
            " FROM (SELECT clock_timestamp() AT TIME ZONE 'Asia/Shanghai' AS now_cn) AS clock,"
            " generate_series(1, %s)",
            [count],
        )
        return [(fixmedins_code + tail, inf_time) for tail, inf_time in cursor.fetchall()]


def build(
    connection: Connection,
    *,
    infno: str,
    msgid: str,
    inf_time: str,
    message: Mapping[str, Any],
    opter: str,
    opter_name: str,
    sign_no: str,
    insuplc_admdvs: str = "",
) -> dict[str, Any]:
    """Return the whole envelope as a JSON-ready dict; `message` is what specification.writing made."""
    institution = connection.institution
    return {
        "infno": infno,
        "msgid": msgid,
        "mdtrtarea_admvs": institution.admdvs,
        "insuplc_admdvs": insuplc_admdvs or institution.admdvs,
        "recer_sys_code": connection.recer_sys_code,
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "",
        "infver": connection.infver,
        "opter_type": "1",
        "opter": opter,
        "opter_name": opter_name,
        "inf_time": inf_time,
        "fixmedins_code": institution.fixmedins_code,
        "fixmedins_name": institution.fixmedins_name[:NAME_LIMIT],
        "sign_no": sign_no,
        "input": message,
    }


def encode(envelope: Mapping[str, Any]) -> bytes:
    """Return the envelope as the UTF-8 JSON bytes that travel."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def json_ready(value: object) -> object:
    """Return for a printed message what JSON has no word for: a Decimal as a number, all else as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def url_of(connection: Connection, infno: str) -> str:
    """Return `{base}/{infno}` with exactly one slash; `overrides` may give a transaction or a prefix its own base."""
    keys = [infno, *sorted((k for k in connection.overrides if infno.startswith(k)), key=len, reverse=True)]
    base = next((connection.overrides[key] for key in keys if key in connection.overrides), connection.base_url)
    return f"{base.rstrip('/')}/{infno}"
