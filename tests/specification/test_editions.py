"""A regional variant is data only: whole files, added rows, replaced routes, a site's folder last."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from insurance.specification.books import open_book
from insurance.specification.checking import check
from insurance.specification.consistency import faults
from insurance.specification.differences import differences
from insurance.specification.editions import DATA, edition_names, layers_of
from insurance.specification.errors import UnknownEdition
from insurance.specification.writing import write

HEAD = "direction,node,rows,field,label,type,length,code,required,note\n"
MAPPING = {
    "fixmedins_hilist_id": "Y0001",
    "fixmedins_hilist_name": "甲硝唑片",
    "list_type": "101",
    "med_list_codg": "XJ01XDJ124A001010100001",
    "begndate": "2024-01-01",
    "enddate": "2099-12-31",
}


def test_no_edition_is_named_in_python():
    """Neither an edition nor a regional spelling may stand in code outside the tests."""
    words = [name for name in edition_names() if name != "base"] + ["catalogcompin", "durg_trac_info", "4101A"]
    root = DATA.parents[2]
    for path in [*root.glob("insurance/**/*.py"), *root.glob("portal/**/*.py"), *root.glob("config/**/*.py")]:
        if "/sandbox/" in path.as_posix():
            continue  # plays the platform, and checks hand-written messages by its own knowledge
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if re.search(rf"['\"]{re.escape(word)}['\"]", text)], path


def test_the_guangzhou_spelling_comes_from_data():
    """The same purpose goes to another node, with other rules, by the edition's tables alone."""
    base, other = open_book(), open_book("guangzhou")
    assert (base.route("mapping.add").node, other.route("mapping.add").node) == ("data", "catalogcompin")
    assert (base.route("list.upload").infno, other.route("list.upload").infno) == ("4101", "4101A")
    assert check(base.transaction("3301"), {"data": [MAPPING]}, base) == []
    found = check(other.transaction("3301"), {"catalogcompin": [MAPPING]}, other)
    assert [(problem.field, problem.reason) for problem in found] == [("aprvno", "必填，不能为空")]
    written = write(other.transaction("3301"), {"catalogcompin": [MAPPING | {"aprvno": "H20003456"}]})
    assert "exept_cont" in written["catalogcompin"][0]
    assert "exct_cont" not in written["catalogcompin"][0]


def test_what_an_edition_does_not_say_is_the_base():
    """Tables that no layer replaces are the base's, and say so."""
    book = open_book("guangzhou")
    assert book.transaction("3401").input.find("deptinfo").fields["caty"].origin.startswith("基础版 ")
    origin = book.transaction("3301").input.find("catalogcompin").fields["aprvno"].origin
    assert origin.startswith("广州写法 fields/3301.csv 第 ")
    assert book.route("department.add") == open_book().route("department.add")


def test_added_rows_join_the_base_table():
    """An edition may add rows to transactions whose tables it does not copy; editions can be joined."""
    book = open_book("guangzhou+trace-codes")
    nodes = book.transaction("2207").input.children
    assert list(nodes) == ["data", "drug_trac_info"]
    assert nodes["drug_trac_info"].many
    assert "drug_trac_info" not in open_book("guangzhou").transaction("2207").input.children
    assert book.route("list.upload").infno == "4101A"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site's folder that relaxes one rule, replaces a route, lengthens a dictionary and adds a transaction."""
    (tmp_path / "add/fields").mkdir(parents=True)
    (tmp_path / "add/dictionaries").mkdir()
    (tmp_path / "add/fields/3401.csv").write_text(
        HEAD + "input,deptinfo,one,itro,简介,string,1000,,,本地不要求\n", encoding="utf-8-sig"
    )
    (tmp_path / "add/dictionaries/dept.csv").write_text("code,label\nA99,本地科别\n", encoding="utf-8")
    (tmp_path / "add/fields/2203A.csv").write_text(
        HEAD + "input,mdtrtinfo,one,mdtrt_id,就诊ID,string,30,,Y,\n", encoding="utf-8"
    )
    (tmp_path / "index.csv").write_text(
        "infno,tender,chapter,group,name,mode,priority,direction,effect,undoes,unknown_outcome,room\n"
        "2203A,,医保服务,门急诊结算,门诊就诊信息上传,realtime,3,outbound,submit,,resend,visits\n",
        encoding="utf-8",
    )
    (tmp_path / "routes.csv").write_text(
        "purpose,infno,form,node,answers,match,max_rows,max_chars,note\n"
        "department.add,3401A,batch,deptinfo,whole,hosp_dept_codg,20,40000,\n",
        encoding="utf-8",
    )
    return tmp_path


def test_the_site_lies_last_and_may_relax(site):
    """One row of the site takes the place of the base's rule, in place, and the rest stays."""
    book = open_book("guangzhou", str(site))
    base = open_book().transaction("3401").input.find("deptinfo")
    node = book.transaction("3401").input.find("deptinfo")
    assert not node.fields["itro"].required
    assert node.fields["itro"].origin == "本机构 add/fields/3401.csv 第 2 行"
    assert list(node.fields) == list(base.fields)
    assert (book.route("department.add").infno, book.route("department.add").max_rows) == ("3401A", 20)
    assert book.dictionary("dept")["A99"] == "本地科别"
    assert book.dictionary("dept")["A03"] == open_book().dictionary("dept")["A03"]
    assert book.transaction("2203A").room == "visits"
    assert faults(layers_of("guangzhou", site)) == []


def test_faults_of_the_site_name_the_site(site):
    """The check covers the site's folder and says which file of which edition is wrong."""
    (site / "add/fields/3401.csv").write_text(HEAD + "input,deptinfo,one,itro,简介,string,x,,,\n", encoding="utf-8")
    assert [str(fault) for fault in faults(layers_of("base", site))] == [
        "本机构 add/fields/3401.csv 第 2 行：读不懂的长度“x”"
    ]


def test_editions_may_not_chase_each_other(tmp_path):
    """Two editions based on one another are refused instead of read for ever."""
    (tmp_path / "index.csv").write_text("infno\n", encoding="utf-8")
    for name, other in (("a", "b"), ("b", "a")):
        folder = tmp_path / "editions" / name
        folder.mkdir(parents=True)
        (folder / "edition.csv").write_text(f"name,label,based_on\n{name},{name},{other}\n", encoding="utf-8")
    with pytest.raises(UnknownEdition, match="互相依赖"):
        layers_of("a", data=tmp_path)


def test_the_difference_of_two_editions_is_readable():
    """A renamed node is one line, and only what differs below it follows."""
    lines = [str(difference) for difference in differences(open_book(), open_book("guangzhou"))]
    assert "~ 字段表 3301 input catalogcompin node：data → catalogcompin" in lines
    assert "- 字段表 3301 input catalogcompin exct_cont 除外内容" in lines
    assert "+ 字段表 3301 input catalogcompin exept_cont 除外内容" in lines
    assert any(line.startswith("~ 用途 list.upload infno：4101 → 4101A") for line in lines)
    assert not any("fixmedins_hilist_id" in line for line in lines)
    assert differences(open_book(), open_book()) == []


def test_the_difference_back_is_the_opposite():
    """What one direction adds, the other removes."""
    there = differences(open_book(), open_book("trace-codes"))
    back = differences(open_book("trace-codes"), open_book())
    assert {one.change for one in there} == {"added"}
    assert {one.change for one in back} == {"removed"}
    assert [(one.kind, one.name, one.key) for one in there] == [(one.kind, one.name, one.key) for one in back]
