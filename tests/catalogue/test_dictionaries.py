"""1901 in both forms, and what the platform told beside the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings as portal

from insurance.catalogue.choices import LoadState
from insurance.catalogue.learning import LEARNED
from insurance.catalogue.loading import dictionaries, refresh
from insurance.catalogue.models import DictionaryEntry, StagedPage
from insurance.exchange.answers import Answer
from insurance.exchange.choices import CallState
from insurance.exchange.models import Connection
from insurance.exchange.pages.dictionaries import dictionaries_of
from insurance.specification.books import open_book
from insurance.specification.checking import check
from insurance.specification.errors import UnknownDictionary
from insurance.specification.learned import register_source
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.tasks.models import Task
from portal.tasks.run import Run, TaskFailed
from tests.exchange.conftest import connect
from tests.sandbox_fixture import RunningSandbox, running_sandbox

NEW = {"value": "99", "label": "示例新险种"}


@pytest.fixture
def connection(institution: Institution, sandbox: RunningSandbox) -> Connection:
    return connect(institution, sandbox.url)


@pytest.fixture
def run(institution: Institution) -> Run:
    task = Task.objects.create(institution=institution, kind="catalogue.refresh", state="running", attempt=1)
    return Run(task)


@pytest.fixture
def learned() -> Iterator[None]:
    """Let the specification take what this test's database holds."""
    LEARNED.forget()
    restore = register_source(LEARNED)
    yield
    restore()
    LEARNED.forget()
    LEARNED._stamp, LEARNED._codes = "", {}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for three dictionaries instead of all."""
    chosen = [one for one in dictionaries_of(open_book()) if one.code in ("gend", "naty", "overlmt_dspo_way")]
    monkeypatch.setattr(dictionaries, "dictionaries_of", lambda book: chosen)


def tell(sandbox: RunningSandbox, kind: str, value: str, label: str) -> None:
    sandbox.put("dictionaries", {"type": kind, "value": value, "label": label}, f"{kind}|{value}")


def test_each_dictionary_by_its_name(run: Run, connection: Connection, sandbox: RunningSandbox, few: None) -> None:
    load = refresh(run, "1901")
    assert load.state == LoadState.DONE
    assert load.rows_new == DictionaryEntry.objects.count() > 50
    assert set(DictionaryEntry.objects.values_list("type", flat=True)) == {"gend", "naty"}
    assert refresh(run, "1901").state == LoadState.NOTHING
    tell(sandbox, "gend", "8", "示例性别")
    again = refresh(run, "1901")
    assert (again.rows_new, again.rows_changed, again.rows_ended) == (1, 0, 0)
    sandbox.remove("dictionaries", "gend|8")
    assert refresh(run, "1901").rows_ended == 1
    assert DictionaryEntry.objects.get(type="gend", value="8").vali_flag == "0"
    assert not StagedPage.objects.exists()


def test_all_in_one_file(run: Run, institution: Institution, settings: Any) -> None:
    settings.DICTIONARY_FORM = "file"
    with running_sandbox(dictionary_form="file") as sandbox:
        connect(institution, sandbox.url)
        tell(sandbox, "gend", "8", "示例性别")
        load = refresh(run, "1901")
        assert load.rows_new == DictionaryEntry.objects.count() > 1000
        assert load.filename.endswith("1901.txt.zip")
        assert load.file_qury_no
        assert DictionaryEntry.objects.get(type="gend", value="8").label == "示例性别"
        before = DictionaryEntry.objects.count()
        sandbox.fault("bad_zip", "9102", times=0)
        with pytest.raises(TaskFailed):
            refresh(run, "1901")
        assert DictionaryEntry.objects.filter(vali_flag="1").count() == before


def test_a_platform_of_the_other_form(run: Run, connection: Connection, settings: Any) -> None:
    settings.DICTIONARY_FORM = "file"
    with pytest.raises(TaskFailed, match=r"不存在|DICTIONARY_FORM 设为 query"):
        refresh(run, "1901")


def test_a_platform_that_refuses_every_dictionary_is_heard(
    run: Run, connection: Connection, sandbox: RunningSandbox, few: None
) -> None:
    sandbox.fault("refuse", "1901", times=0, words="该机构未开通此接口")
    with pytest.raises(TaskFailed, match="平台拒绝：该机构未开通此接口"):
        refresh(run, "1901")
    assert not StagedPage.objects.exists()


def test_names_of_dictionaries_in_capitals(
    run: Run, connection: Connection, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(actor: Actor, purpose: str, message: Mapping[str, Any]) -> Answer:
        rows = [{"type": message["data"]["type"].upper(), "value": 1, "label": "示例", "valiFlag": 1}]
        return Answer(CallState.ACCEPTED, output_raw={"list": rows}, transaction=open_book().transaction("1901"))

    monkeypatch.setattr(dictionaries, "ask", answer)
    assert refresh(run, "1901").rows_new == 3
    assert set(DictionaryEntry.objects.values_list("type", flat=True)) == {"gend", "naty", "overlmt_dspo_way"}


def test_two_names_of_one_code(run: Run, connection: Connection, sandbox: RunningSandbox, few: None) -> None:
    tell(sandbox, "gend", "1", "另一个名称")
    with pytest.raises(TaskFailed, match="同一字典代码有两个名称"):
        refresh(run, "1901")
    assert not DictionaryEntry.objects.exists()


def gender_warnings(value: str) -> list[str]:
    book = open_book(portal.PLATFORM_EDITION)
    rule = next(
        (infno, node.path, name)
        for infno, transaction in book.transactions.items()
        for node in transaction.input.walk()
        for name, field in node.fields.items()
        if field.code == "gend" and node.path != "." and "." not in node.path
    )
    infno, node, name = rule
    transaction = book.transaction(infno)
    row = {name: value}
    many = transaction.input.children[node].many
    found = check(transaction, {node: [row] if many else row}, book)
    return [problem.reason for problem in found if problem.field == name and problem.level == "warning"]


@pytest.mark.usefixtures("learned")
def test_a_code_that_the_platform_told_is_not_doubted(
    run: Run, connection: Connection, sandbox: RunningSandbox, few: None
) -> None:
    assert gender_warnings("8") == ["“8”不在字典 gend 中"]
    tell(sandbox, "gend", "8", "示例性别")
    tell(sandbox, "overlmt_dspo_way", "1", "超限自费")
    with pytest.raises(UnknownDictionary):
        open_book().dictionary("overlmt_dspo_way_unheard")
    refresh(run, "1901")
    assert gender_warnings("8") == []
    book = open_book()
    assert book.dictionary("gend")["8"] == "示例性别"
    assert book.dictionary("gend")["1"] == book.written_dictionary("gend")["1"], "the tables' words stay"
    sandbox.remove("dictionaries", "gend|8")
    refresh(run, "1901")
    assert gender_warnings("8") == ["“8”不在字典 gend 中"]
