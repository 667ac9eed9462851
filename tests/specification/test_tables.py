"""The delivered tables: complete, consistent, quick; and each kind of fault is found where it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from insurance.specification import editions
from insurance.specification.books import Book, open_book, open_data
from insurance.specification.consistency import ROOMS, faults
from insurance.specification.editions import DATA, edition_names, layers_of
from insurance.specification.errors import (
    SpecificationError,
    TableUnreadable,
    UnknownDictionary,
    UnknownEdition,
    UnknownLayout,
    UnknownNode,
    UnknownRoute,
    UnknownTransaction,
)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the data folder that may be broken."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def found(data: Path, edition: str = "base") -> list[str]:
    """Return the faults of a data folder as text."""
    return [str(fault) for fault in faults(layers_of(edition, data=data))]


@pytest.mark.parametrize("edition", [*edition_names(), "guangzhou+trace-codes"])
def test_delivered_tables_are_consistent(edition):
    """Nothing delivered disagrees with itself."""
    assert faults(layers_of(edition)) == []


def test_all_110_numbers_of_the_tender_are_there():
    """The tender's list has 110 numbers; 4501 stands for two transactions on the wire (45xx is one higher there)."""
    transactions = open_book().transactions.values()
    assert len({transaction.tender for transaction in transactions if transaction.tender}) == 110
    merged = [transaction.infno for transaction in transactions if transaction.tender == "4501"]
    assert merged == ["4501", "4502"]
    assert {transaction.room for transaction in transactions} == ROOMS


def test_every_field_knows_its_rule():
    """Each field has a label and says from which file and row its rule comes."""
    field = open_book().transaction("3401").input.find("deptinfo").fields["caty"]
    assert (field.label, field.type, field.max_length, field.required) == ("科别", "string", 6, True)
    assert field.origin == "基础版 fields/3401.csv 第 3 行"


def test_nested_nodes_and_steps():
    """Dotted nodes become a tree, steps become values."""
    transaction = open_book().transaction("3101")
    orders = transaction.input.find("data.patient_dtos.fsi_encounter_dtos.fsi_order_dtos")
    assert orders.many
    assert orders.name == "fsi_order_dtos"
    steps = open_book().transaction("3301").unknown_outcome
    assert [(step.kind, step.infno) for step in steps] == [("verify", "1317"), ("verify", "5163"), ("person", "")]


def test_reading_all_tables_is_quick():
    """About 30 ms here; the limit leaves room for a busy machine. The second time costs nothing."""
    started = time.process_time()
    book = Book(layers_of())
    assert sum(1 for transaction in book.transactions.values() if transaction.input is not None) == len(book.index)
    assert time.process_time() - started < 0.5
    assert book.transaction("3401") is book.transaction("3401")
    assert open_book() is open_book()


def test_reading_needs_no_django():
    """The sandbox and other processes use it bare."""
    code = (
        "import sys; from insurance.specification import books, checking, reading, writing, files, consistency;"
        "assert books.open_book().transaction('3401'); assert 'django' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=DATA.parents[2], env={"PATH": ""})


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda book: book.transaction("34O1"), UnknownTransaction),
        (lambda book: book.transaction(None), UnknownTransaction),
        (lambda book: book.transaction(["3401"]), UnknownTransaction),
        (lambda book: book.route("department.ad"), UnknownRoute),
        (lambda book: book.dictionary("../index"), UnknownDictionary),
        (lambda book: book.dictionary("nothing"), UnknownDictionary),
        (lambda book: book.layout("1304"), UnknownLayout),
        (lambda book: book.transaction("3401").input.find("deptinfo.x"), UnknownNode),
        (lambda book: open_book("shanghai"), UnknownEdition),
        (lambda book: open_book("../data"), UnknownEdition),
        (lambda book: open_book("base", "/nowhere/at/all"), UnknownEdition),
    ],
)
def test_what_is_not_there_is_said(call, error):
    """Each thing that is not there has its own error, in Chinese."""
    with pytest.raises(error) as raised:
        call(open_book())
    assert isinstance(raised.value, SpecificationError)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in str(raised.value))


def test_a_likely_name_is_suggested():
    """A misspelt number or purpose brings the near one."""
    with pytest.raises(UnknownRoute, match=r"department\.add"):
        open_book().route("department.ad")


def test_listed_exceptions_have_no_codes():
    """A dictionary that nobody published is empty, not missing."""
    book = open_book()
    assert book.dictionary("chk_stas") == {}
    assert len(book.exceptions) == 13
    assert book.dictionary("gend")["1"]


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a break that replaces text in a file once."""

    def do(data: Path) -> None:
        file = data / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return do


def append(path: str, line: str) -> Callable[[Path], None]:
    """Return a break that appends a line to a file."""

    def do(data: Path) -> None:
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        with (data / path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return do


def remove(path: str) -> Callable[[Path], None]:
    """Return a break that removes a file."""
    return lambda data: (data / path).unlink()


BREAKS = [
    (remove("fields/3401.csv"), "index.csv 第 64 行：交易 3401 没有字段表"),
    (append("fields/9999.csv", "direction,node,rows,field,label,type,length,code,required,note\n"
            "input,data,one,a,甲,string,1,,,"), "fields/9999.csv：index.csv 中没有交易 9999"),
    (remove("dictionaries/dept.csv"), "fields/3401.csv 第 3 行：没有字典 dept"),
    (append("exceptions.csv", "dept,不知道"), "dept 已有字典"),
    (append("exceptions.csv", "nobody,不知道"), "没有字段使用 nobody"),
    (replace("exceptions.csv", "chk_stas,目录对照审核状态：广东 5163 使用，取值未查到，须联调确认", "chk_stas,"),
     "chk_stas 没有写明原因"),
    (replace("files/1307.csv", "\n5,", "\n6,"), "files/1307.csv 第 6 行：列号应是 5"),
    (replace("files/3202-upload.csv", "2,mdtrt_id", "2,setl_id"), "setl_id 重复，已是第 1 列"),
    (append("fields/3403.csv", "input,data,one,begntime,开始时间,date,,,Y,"), "begntime 重复，已在第 4 行"),
    (append("fields/3403.csv", "input,data,one,Begntime,开始时间,date,,,Y,"), "只差大小写"),
    (append("fields/3403.csv", "input,Data,one,x,某,date,,,Y,"), "节点 data 与另一节点只差大小写"),
    (append("fields/3403.csv", "input,data,many,x,某,date,,,Y,"), "节点 data 在第 2 行是 one"),
    (append("fields/3103.csv", "input,dta.more,many,x,某,date,,,Y,"), "没有上级节点 dta，是否为 data？"),
    (append("fields/3103.csv", "input,data.warn_type,many,x,某,date,,,Y,"), "与同级字段同名"),
    (append("fields/3403.csv", "input,data,one,x,某,text,,,Y,"), "type 不应是“text”"),
    (append("fields/3403.csv", "input,data,one,x,某,number,\"16,x\",,Y,"), "读不懂的长度“16,x”"),
    (append("fields/3403.csv", "input,data,one,x,某,string,abc,,Y,"), "读不懂的长度“abc”"),
    (append("fields/3403.csv", "input,data,one,x,某,string,5,,N,"), "required 不应是“N”"),
    (append("fields/3403.csv", "input,data,one,x"), "列数与表头不符"),
    (replace("fields/3403.csv", "hosp_dept_name", "hosp_dept_name "), "field 前后有空格"),
    (replace("fields/3403.csv", "direction,node", "direction,knot"), "缺少列：node"),
    (replace("index.csv", "verify:5101 resend,directory", "verify:5109 resend,directory"), "“verify:5109”中没有交易"),
    (replace("index.csv", "verify:5101 resend,directory", "look resend,directory"), "不认识的步骤“look”"),
    (replace("index.csv", "verify:5101 resend,directory", "verify resend,directory"), "步骤“verify”的写法不对"),
    (replace("index.csv", "revoke,3401,", "revoke,3499,"), "undoes 中没有交易 3499"),
    (replace("index.csv", "resend,directory", "resend,directory exchange"), "应有且只有一个归属"),
    (replace("index.csv", "\n3402,", "\n3401,"), "index.csv 第 66 行：3401 重复，已在第 64 行"),
    (replace("routes.csv", "department.add,3401,", "department.add,3499,"), "没有交易 3499"),
    (replace("routes.csv", "3401,single,deptinfo", "3401,single,dept"), "的输入没有节点 dept"),
    (replace("routes.csv", "3401,single,deptinfo", "3401,batch,deptinfo"), "节点 deptinfo 只有一行，不能作批量"),
    (replace("routes.csv", "whole,hosp_dept_codg", "whole,dept_codg"), "输入节点 deptinfo 没有字段 dept_codg"),
    (replace("routes.csv", "rows,prac_psn_code", "rows,code"), "输出没有字段 code"),
    (replace("routes.csv", "rows,prac_psn_code,1,40000", "rows,prac_psn_code,1,many"), "max_chars 应是正整数或留空"),
    (append("dictionaries/gend.csv", "1,又一个"), "dictionaries/gend.csv 第 6 行：1 重复"),
    (append("dictionaries/gend.csv", "5,"), "代码或名称为空"),
    (append("field/3401.csv", "a,b"), "规范不读取这个位置的文件"),
]  # fmt: skip


@pytest.mark.parametrize(("break_it", "words"), BREAKS, ids=[words for _, words in BREAKS])
def test_each_kind_of_fault_is_found(copied, break_it, words):
    """One broken thing is found, with its file and row, and the check does not stumble over it."""
    break_it(copied)
    assert any(words in fault for fault in found(copied)), found(copied)


def test_all_faults_at_once(copied):
    """The check goes on after the first fault."""
    for break_it, _ in (BREAKS[1], BREAKS[3], BREAKS[6], BREAKS[8], BREAKS[25], BREAKS[27]):
        break_it(copied)
    said = found(copied)
    assert len(said) >= 6
    assert len(said) == len(set(said))


def test_an_unreadable_file_is_a_fault_and_an_error(copied):
    """Bytes that are no text are named by the check, and raised as our error by the reader."""
    (copied / "fields/3403.csv").write_bytes(b"\xff\xfe\x00")
    assert any("fields/3403.csv" in fault for fault in found(copied))
    with pytest.raises(TableUnreadable):
        open_data(copied).transaction("3403")


def test_an_unreadable_list_of_the_site_does_not_hide_the_base(tmp_path):
    """Only the broken layer is left out, so that one bad head does not bring a hundred faults."""
    (tmp_path / "index.csv").write_text("number\n", encoding="utf-8")
    said = [str(fault) for fault in faults(layers_of("base", tmp_path))]
    assert len(said) == 1
    assert "缺少列：infno" in said[0]


def test_data_is_plain_and_complete():
    """Every file in the data folder is a CSV table that the reader knows."""
    assert [path for path in DATA.rglob("*") if path.is_file() and path.suffix != ".csv"] == []
    assert json.dumps(edition_names()) == json.dumps(["base", *sorted(p.name for p in (DATA / "editions").iterdir())])
    assert editions.table_names(layers_of(), "fields").count("envelope") == 1
