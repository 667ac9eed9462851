"""Hostile and broken files: a clear word, in bounded time and memory."""

from __future__ import annotations

import faulthandler
import os
import resource
import struct
import time
import traceback
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.sheets import apart, book
from portal.sheets.checking import read_rows
from portal.sheets.child import MEMORY_BYTES
from portal.sheets.columns import Column, Kind
from portal.sheets.columnwise import Converter
from portal.sheets.converting import Lexicon, Unfit, convert
from portal.sheets.errors import SheetError
from portal.sheets.reading import read
from tests.sheets import files
from tests.sheets.apart import read_apart
from tests.sheets.files import (
    HEADER,
    ROW,
    csv,
    html,
    ole,
    repacked,
    xls,
    xlsx,
)
from tests.sheets.ward import WardImport

GOOD = xlsx(HEADER, ROW)


def forged_bomb() -> bytes:
    """Return the bomb with its directory claiming a small size."""
    data = files.bomb()
    place = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    return data[: place + 24] + struct.pack("<I", 4096) + data[place + 28 :]


def not_excel() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("word/document.xml", "<w/>")
    return out.getvalue()


def many_members() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(2_001):
            made.writestr(f"xl/{number}", "")
    return out.getvalue()


def zipped(**members: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def wide(columns: int) -> bytes:
    return xlsx([f"列{number}" for number in range(columns)], [str(number) for number in range(columns)])


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><worksheet><sheetData>&c;</sheetData></worksheet>'
)

HOSTILE = {
    "bomb": ("a.xlsx", files.bomb(), "压缩炸弹"),
    "bomb that lies about its size": ("a.xlsx", forged_bomb(), "请"),
    "too many members": ("a.xlsx", many_members(), "压缩炸弹"),
    "macro by suffix": ("a.xlsm", GOOD, "宏"),
    "macro inside": ("a.xlsx", repacked(GOOD, xl_vbaProject__bin=b"x"), "宏"),
    "macro in xls": ("a.xls", ole(Workbook=b"x", _VBA_PROJECT_CUR=b"y"), "宏"),
    "encrypted xlsx": ("a.xlsx", ole(EncryptedPackage=b"x", EncryptionInfo=b"y"), "密码"),
    "protected xls": ("a.xls", xls(HEADER, ROW, protected=True), "密码"),
    "Word in OLE": ("a.xls", ole(WordDocument=b"x"), "不是 Excel 工作簿"),
    "Word in zip": ("a.xlsx", not_excel(), "不是 .xlsx 工作簿"),
    "corners far apart": ("a.xlsx", files.far_corner(), "请"),
    "cut short": ("a.xlsx", GOOD[: len(GOOD) // 2], "损坏"),
    "xls cut short": ("a.xls", xls(HEADER, ROW)[:1024], "请"),
    "PDF": ("a.xls", b"%PDF-1.7", "PDF"),
    "picture": ("a.xlsx", b"\x89PNG\r\n", "图片"),
    "program": ("a.csv", b"MZ\x90\0", "程序"),
    "zeros": ("a.csv", b"\0" * 5000, "二进制"),
    "nothing": ("a.xlsx", b"", "0 字节"),
    "blanks": ("a.csv", b" ,\r\n,\r\n", "没有任何内容"),
    "wrong suffix": ("a.docx", GOOD, "只能导入"),
    "no suffix": ("病区", GOOD, "没有后缀"),
    "login page": ("a.xls", "<html><body>登录超时</body></html>".encode(), "没有表格"),
    "not UTF-8 nor GBK": ("a.csv", b"abc\n\xff\xff\xff,1", "第 2 行"),
    "open quote": ("a.csv", b'a,b\n"' + b"x" * 40_000, "引号"),
    "many columns": ("a.csv", b"," * 500 + b"x", "最多 300 列"),
    "many columns in HTML": ("a.xls", html(["x"] * 400), "300 列"),
    "zip in a zip": ("a.xlsx", zipped(**{"inner.zip": zipped(**{"a": b"x"})}), "不是 .xlsx 工作簿"),
    "DDE link": (
        "a.xlsx",
        repacked(GOOD, xl_externalLinks_externalLink1__xml=b'<externalLink><ddeLink ddeService="cmd"/></externalLink>'),
        "DDE",
    ),
    "entity bomb in a sheet": ("a.xlsx", repacked(GOOD, xl_worksheets_sheet1__xml=LAUGHS), "请"),
    "16,384 columns": ("a.xlsx", wide(16_384), "列，最多 300 列"),
    "NUL in a csv": ("a.csv", "病区编码,病区名称\r\n0101,甲\0乙".encode() + b"x" * 5_000, "二进制"),
    "page that runs a script": ("a.xls", b"<html><script>alert(1)</script><body>x</body></html>", "没有表格"),
    "binary workbook": ("a.xlsb", GOOD, "宏或二进制"),
    "entities": (
        "a.xlsx",
        repacked(GOOD, xl_workbook__xml=b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><workbook>&a;</workbook>'),
        "请",
    ),
}


@pytest.mark.parametrize(("name", "data", "word"), HOSTILE.values(), ids=HOSTILE.keys())
def test_refused_with_a_clear_word(name: str, data: bytes, word: str) -> None:
    started = time.monotonic()
    with pytest.raises(SheetError, match=word) as caught:
        read_apart(data, name)
    assert time.monotonic() - started < 20
    assert "请" in str(caught.value)
    assert not any(sign in str(caught.value) for sign in ("Error", "Traceback", "None"))


def test_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(SheetError, match="最多 20 MB"):
        read(b"x" * (book.MAX_BYTES + 1), "a.csv")


def test_a_million_empty_rows_cost_nothing() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    found = read_apart(files.empty_million(), "a.xlsx")
    assert found.sheets[0].numbers == [1, 2]
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert max(after, before) < MEMORY_BYTES // 1024


def test_a_child_over_its_time_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "WALL_SECONDS", 0.001)
    with pytest.raises(SheetError, match="读不完"):
        read_apart(GOOD, "a.xlsx")


def test_a_formula_is_text_and_never_computed() -> None:
    found = read(csv(HEADER, ("0101", '=HYPERLINK("http://x.invalid")', 1)), "a.csv")
    assert found.sheets[0].rows[1][1] == '=HYPERLINK("http://x.invalid")'
    assert found.sheets[0].faults == {(2, 1): book.FORMULA}


def test_a_link_to_another_workbook_is_said_and_not_followed() -> None:
    found = read_apart(repacked(GOOD, xl_externalLinks_externalLink1__xml=b"<externalLink/>"), "a.xlsx")
    assert found.notes == [("工作簿", "链接了其他文件，链接没有打开")]


def test_a_script_inside_a_table_is_not_text() -> None:
    page = b"<table><tr><td>a<script>steal()</script></td><td>b</td></tr></table>"
    assert read(page, "a.xls").sheets[0].rows == [["a", "b"]]


def test_a_child_that_dies_is_a_refusal() -> None:
    with apart.open_apart(csv(HEADER, ROW), "a.csv") as remote:
        remote.child.kill()
        remote.child.wait()
        with pytest.raises(SheetError, match="读不完"):
            list(remote.blocks(0, ()))


SAMPLES = [GOOD, xls(HEADER, ROW), html(HEADER, ROW), files.xml_2003(HEADER, ROW), csv(HEADER, ROW, encoding="gbk")]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with some bytes changed, cut or put in."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        data[place : place + draw(st.integers(0, 40))] = draw(st.binary(max_size=40))
    return bytes(data)


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@given(data=st.one_of(st.binary(max_size=2_000), damaged()), suffix=st.sampled_from([".xlsx", ".xls", ".csv"]))
@settings(calm, max_examples=400)
def test_no_bytes_raise_anything_but_a_refusal(data: bytes, suffix: str) -> None:
    fault = in_a_fork(lambda: read_and_check(data, suffix))
    assert not fault, fault


def read_and_check(data: bytes, suffix: str) -> None:
    try:
        lines = read_rows(read(data, f"a{suffix}"), WardImport()).lines
    except (SheetError, MemoryError):
        return
    assert all(line.row.problems or line.row.values["ward_code"] for line in lines)


def in_a_fork(work: Callable[[], None]) -> str:
    """Run `work` in a forked child under the memory limit of real reading; returns the traceback of what it raised.

    A damaged workbook may claim gigabytes: then the child dies of its limit, which read_apart tells as a refusal.
    """
    said, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        ceiling = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.disable()  # dying of the limit is expected, and no fault of the run
        try:
            work()
        except BaseException:
            os.write(tell, traceback.format_exc()[-4_000:].encode())
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(said, "rb") as told:
        fault = told.read().decode(errors="replace")
    os.waitpid(child, 0)
    return fault


TEXTS = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[0-9A-Za-z._/()%*+-]{1,24}", fullmatch=True),
    st.from_regex(r"-?[0-9]{1,16}(\.[0-9]{0,4})?", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?", fullmatch=True),
)
KINDS: list[Kind] = ["text", "code", "number", "whole", "date", "datetime", "phone", "document"]


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), kind=st.sampled_from(KINDS), required=st.booleans())
@settings(calm, max_examples=600)
def test_the_quick_way_gives_what_the_whole_way_gives(texts: list[str], kind: Kind, required: bool) -> None:
    column = Column("c", "列", kind, required=required, max_length=20, minimum=0)
    masked = bool(column.masked_as)
    rows = Converter({0: column}).rows(book.Block(list(range(2, len(texts) + 2)), [texts]))
    for row, text in zip(rows, texts, strict=True):
        if not (masked and "*" in text):  # what came back masked is left as it was
            assert (row.values.get("c"), [problem.reason for problem in row.problems]) == slowly(column, text)


def slowly(column: Column, text: str) -> tuple[object, list[str]]:
    """Return the value and the reasons that the whole way gives."""
    try:
        value, warning = convert(column, text, "")
    except Unfit as error:
        return None, [str(error)]
    return value, [warning] if warning else []


@given(text=st.text(max_size=60))
@settings(calm, max_examples=300)
def test_no_text_of_a_cell_breaks_a_column(text: str) -> None:
    for column in WardImport.columns:
        lexicon = Lexicon(column.dictionary()) if column.code else None
        try:
            value, _ = convert(column, text, "", lexicon)
        except Unfit:
            continue
        again, _ = convert(column, "" if value is None else str(value), "", lexicon)
        assert again == value
