"""What faults make of an answer."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from decimal import Decimal, InvalidOperation
from typing import Any

from insurance.sandbox.desks import FileAnswer
from insurance.sandbox.faults import Fault
from insurance.sandbox.gateway import wrapper
from insurance.sandbox.reply import Reply, json_reply
from insurance.sandbox.soiling import DIRT, soil

HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
SPELLINGS = ("node_case", "text_numbers", "single_object", "text_code", "text_output", "null_words")


def stop_reply(fault: Fault) -> Reply | None:
    """The answer in whose place nothing of the work is seen; None when the fault leaves an answer."""
    kind = fault.fault
    if kind in ("cut_before", "cut_after", "cut_midway"):
        return Reply(manner="cut", reset=bool(fault.options.get("reset")))
    if kind == "http_502_html":
        return Reply(502, "text/html", HTML.format("502 Bad Gateway").encode())
    if kind.startswith("http_"):
        status = int(kind[5:])
        words = str(
            fault.options.get("words", {401: "未授权", 403: "禁止访问", 404: "服务不存在"}.get(status, "系统异常"))
        )
        return json_reply(wrapper(status, words), status)
    if kind == "not_json":
        text = str(fault.options.get("text", HTML.format("系统维护中")))
        return Reply(200, "text/html;charset=utf-8", text.encode())
    return Reply(200) if kind == "empty" else None


def spoil(envelope: dict[str, Any], fault: Fault | None) -> Any:
    """The answer's envelope as the fault changes it."""
    if fault is None or fault.fault not in ("wrapper", "odd_spelling", "wrong_sums", "wrong_count"):
        return envelope
    found = copy.deepcopy(envelope)
    if fault.fault == "wrapper":
        return {"code": 0, "type": "success", "message": "成功", "data": found}
    if fault.fault == "wrong_count":
        _miscount(found.get("output"), int(str(fault.options.get("by", 1))))
        return found
    if fault.fault == "wrong_sums":
        _wrong(found.get("output"), str(fault.options.get("field", "")), Decimal(str(fault.options.get("by", "0.01"))))
        return found
    for variant in fault.options.get("variants", SPELLINGS[:3]):
        _respell(found, str(variant))
    return found


def _miscount(output: Any, by: int) -> None:
    """Tell another number of rows than there are: data_cnt of a file, recordCounts of a list."""
    for name in ("data_cnt", "recordCounts"):
        if isinstance(output, dict) and isinstance(output.get(name), int):
            output[name] += by


def _wrong(value: Any, name: str, by: Decimal) -> bool:
    """Move the first amount (or the named field) by some fen; True when one was found."""
    if isinstance(value, list):
        return any(_wrong(part, name, by) for part in value)
    if not isinstance(value, dict):
        return False
    for key, told in value.items():
        meant = key == name if name else key.endswith(("amt", "_pay", "pric", "balc"))
        if meant and not isinstance(told, dict | list | bool) and told not in (None, ""):
            try:
                moved = Decimal(str(told)) + by
            except InvalidOperation:
                continue
            value[key] = str(moved) if isinstance(told, str) else float(moved)
            return True
    return any(_wrong(part, name, by) for part in value.values())


def _respell(envelope: dict[str, Any], variant: str) -> None:
    if variant == "text_code":
        envelope["infcode"] = str(envelope["infcode"])
    elif variant == "null_words":
        envelope["err_msg"] = None
    elif variant == "text_output":
        envelope["output"] = json.dumps(envelope["output"], ensure_ascii=False)
    else:
        envelope["output"] = _each(envelope["output"], variant)


def _each(value: Any, variant: str) -> Any:
    """Spell nodes with a capital, numbers as text, arrays of one as an object."""
    if isinstance(value, dict):
        nodes = {k: _each(v, variant) for k, v in value.items()}
        if variant == "node_case":
            return {(k[:1].upper() + k[1:] if isinstance(v, dict | list) else k): v for k, v in nodes.items()}
        return nodes
    if isinstance(value, list):
        rows = [_each(part, variant) for part in value]
        return rows[0] if variant == "single_object" and len(rows) == 1 else rows
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if variant == "text_numbers" and number else value


def file_reply(answer: FileAnswer, fault: Fault | None) -> Reply:
    """The answer to 9102: the file itself, or what a fault puts in its place."""
    reply = Reply(200, "application/octet-stream", answer.content, answer.make, answer.filename)
    if fault is None:
        return reply
    if fault.fault == "cut_midway":
        reply.manner = "midway"
    elif fault.fault == "drip":
        reply.manner, reply.rate = "drip", float(fault.options.get("bytes", 2000))
    elif fault.fault in ("json_instead_of_zip", "expired_file"):
        usual = "文件已过期，请重新申请" if fault.fault == "expired_file" else "文件已过期"
        told = {"infcode": -1, "err_msg": str(fault.options.get("words", usual)), "output": None}
        reply.body, reply.make = json.dumps(told, ensure_ascii=False).encode(), None
    elif fault.fault in ("bad_zip", "zip_bomb", "two_members", "path_member"):
        reply.body, reply.make = _bad_archive(_whole(answer), fault), None
    elif fault.fault in DIRT:
        reply.body, reply.make = _soiled(_whole(answer), fault), None
    return reply


def _soiled(content: bytes, fault: Fault) -> bytes:
    """The archive with its text soiled."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = archive.namelist()[0]
        text = archive.read(name)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, soil(text, fault))
    return made.getvalue()


def _whole(answer: FileAnswer) -> bytes:
    if answer.make is None:
        return answer.content
    with open(answer.make(), "rb") as file:
        return file.read()


def _bad_archive(content: bytes, fault: Fault) -> bytes:
    if fault.fault == "bad_zip":
        return content[: max(40, len(content) * 2 // 3)]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = archive.namelist()[0]
        text = archive.read(name)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        if fault.fault == "zip_bomb":
            with archive.open(name, "w", force_zip64=True) as member:
                for _ in range(int(fault.options.get("megabytes", 256))):
                    member.write(b"0" * 1024 * 1024)
        else:
            archive.writestr("../../" + name if fault.fault == "path_member" else name, text)
        if fault.fault == "two_members":
            archive.writestr("second-" + name, text)
    return made.getvalue()
