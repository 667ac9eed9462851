"""`manage.py specification`: for people and scripts, with settings only."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from insurance.specification import editions
from insurance.specification.books import open_book


def run(*words: str) -> str:
    """Return what the command prints. pytest-django forbids the database here, so none is used."""
    out = io.StringIO()
    call_command("specification", *words, stdout=out)
    return out.getvalue()


def test_check_says_that_all_is_well():
    """Every delivered edition is checked."""
    assert run("check") == "规范各表一致：139 个交易\n"


def test_check_fails_with_all_faults(settings, tmp_path):
    """The site's folder is part of the check; each fault is a line, the exit code is 1."""
    (tmp_path / "routes.csv").write_text("purpose\nx\n", encoding="utf-8")
    (tmp_path / "fields").mkdir()
    (tmp_path / "fields/9999.csv").write_text("x", encoding="utf-8")
    settings.PLATFORM_EDITION_DIR = str(tmp_path)
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 处不一致") as raised:
        call_command("specification", "check", stdout=out)
    assert raised.value.returncode == 1
    assert [line.split("：")[0] for line in out.getvalue().splitlines()] == [
        "本机构 fields/9999.csv",
        "本机构 routes.csv",
    ]


def test_show_prints_the_table():
    """Head, outcome, purposes and each field with its rule's origin."""
    shown = run("show", "3401")
    for words in (
        "3401 科室信息上传",
        "verify:5101 → resend",
        "department.add",
        "医院科室编码",
        "fields/3401.csv 第 2 行",
    ):
        assert words in shown
    assert "catalogcompin" in run("show", "3301", "--edition", "guangzhou")


def test_show_of_nothing_suggests():
    """An unknown number is an error in Chinese."""
    with pytest.raises(CommandError, match="规范中没有交易 340l"):
        run("show", "340l")


def test_list_as_json_has_the_110_numbers():
    """Index rows with the tender's number and the owner room."""
    rows = json.loads(run("list", "--json"))
    assert len({row["tender"] for row in rows} - {""}) == 110
    assert [row["infno"] for row in rows] == list(open_book().transactions)
    by_infno = {row["infno"]: row for row in rows}
    assert by_infno["3401"]["room"] == "directory"
    assert by_infno["3401"]["purposes"] == ["department.add"]
    assert by_infno["3301"]["unknown_outcome"] == ["verify:1317", "verify:5163", "person"]


def test_list_as_table():
    """One line for each transaction."""
    assert len(run("list").splitlines()) == len(open_book().transactions) + 1


def test_diff():
    """As lines for people, as JSON for scripts."""
    assert "~ 用途 list.upload infno：4101 → 4101A" in run("diff", "base", "guangzhou")
    assert run("diff", "base", "base") == "两个版本相同\n"
    rows = json.loads(run("diff", "base", "guangzhou", "--json"))
    assert {"kind", "name", "key", "label", "change", "changes"} == set(rows[0])
    with pytest.raises(CommandError, match="没有名为 nowhere 的规范版本"):
        run("diff", "base", "nowhere")


def test_editions_are_named_in_the_help():
    """The help tells which editions there are."""
    assert editions.edition_names() == ["base", "guangzhou", "trace-codes"]
