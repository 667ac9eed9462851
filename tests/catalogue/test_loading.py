"""Refreshing over HTTP from the sandbox: 13xx and 9102, versions, faults of the platform, tasks that are killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import kinds
from insurance.catalogue.loading import files, refresh
from insurance.catalogue.models import Item, Load
from insurance.catalogue.queries import is_loading, latest_loads
from insurance.catalogue.tasks import refresh_task
from insurance.exchange.bodies import forget_keys
from portal.people.models import Institution
from portal.tasks.run import LeaseLost, TaskFailed
from tests.catalogue.lines import running
from tests.exchange.conftest import connect
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
FILE_BORNE = [kind.infno for kind in kinds() if kind.borne == "file"]


@pytest.fixture(autouse=True)
def fresh_keys_and_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Files of their own for each test, no remembered data keys, no long pauses."""
    forget_keys()
    settings.FILES_DIR = tmp_path / "files"
    yield
    forget_keys()


@pytest.fixture
def hospital(institution: Institution, sandbox: RunningSandbox) -> Institution:
    """The hospital, connected to the sandbox."""
    connect(institution, sandbox.url)
    return institution


def refreshed(institution: Institution, infno: str = "1309", **words: Any) -> Load:
    """One refresh of a small catalogue."""
    with running(institution) as run:
        return refresh(run, infno, **words)


def failed(institution: Institution, infno: str = "1309") -> str:
    """A refresh that must fail; its words."""
    with pytest.raises(TaskFailed) as caught:
        refreshed(institution, infno)
    assert Load.objects.order_by("-pk")[0].state == LoadState.FAILED
    assert not is_loading(infno)
    return str(caught.value)


@pytest.mark.parametrize("infno", FILE_BORNE)
def test_every_file_borne_catalogue_comes_whole(hospital: Institution, sandbox: RunningSandbox, infno: str) -> None:
    load = refreshed(hospital, infno)
    assert (load.state, load.rows_read, load.remarks) == (LoadState.DONE, load.data_cnt, [])
    rows = Item.objects.filter(infno=infno)
    assert rows.count() == load.rows_new > 10
    assert load.ver_to == max(rows.values_list("ver", flat=True)) == "v20250305001"
    assert not rows.filter(code="").exists()
    assert not rows.filter(name="").exists()
    told = sandbox.log("9102")[-1]["input"]["fsDownloadIn"]
    assert told["fixmedins_code"] == "plc"
    assert latest_loads()[infno] == load


def test_only_what_is_newer_comes_the_next_time(hospital: Institution, sandbox: RunningSandbox) -> None:
    first = refreshed(hospital)
    assert sandbox.log("1309")[-1]["input"]["data"]["ver"] == "0"
    nothing = refreshed(hospital)
    assert (nothing.state, nothing.ver_from) == (LoadState.NOTHING, first.ver_to)
    edition = sandbox.publish("1309", 10)
    load = refreshed(hospital)
    assert sandbox.log("1309")[-1]["input"]["data"]["ver"] == first.ver_to
    assert (load.state, load.ver_to, load.rows_read) == (LoadState.DONE, edition["ver"], 20)
    assert (load.rows_new, load.rows_changed, load.rows_ended) == (10, 9, 1)
    full = refreshed(hospital, full=True)
    assert (full.rows_same, full.rows_new, full.rows_changed, full.rows_ended) == (first.rows_new + 10, 0, 0, 0)


def test_the_first_version_is_the_regions(hospital: Institution, sandbox: RunningSandbox, settings: Any) -> None:
    settings.CATALOGUE_FIRST_VERSION = "v0000"
    refreshed(hospital)
    assert sandbox.log("1309")[-1]["input"]["data"]["ver"] == "v0000"


@pytest.mark.parametrize("fault", ["cut_midway", "cut_after", "http_502_html", "not_json"])
def test_a_download_that_is_cut_is_fetched_again(
    hospital: Institution, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("insurance.exchange.lines.RETRY_PAUSES", (0.01, 0.01))
    sandbox.fault(fault, "9102", times=1)
    assert refreshed(hospital).state == LoadState.DONE
    assert len(sandbox.log("1309")) == 1


def test_a_platform_that_stays_away_leaves_everything_as_it_was(
    hospital: Institution, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("insurance.exchange.lines.RETRY_PAUSES", (0.01, 0.01))
    sandbox.fault("cut_midway", "9102", times=3)
    words = failed(hospital)
    assert "没有更新" in words
    assert not Item.objects.exists()
    sandbox.clear_faults()
    assert refreshed(hospital).state == LoadState.DONE
    # the number that was given before the cut was still good
    assert len(sandbox.log("1309")) == 1


def test_a_number_that_ran_out_is_asked_for_anew(
    hospital: Institution, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("insurance.exchange.lines.RETRY_PAUSES", (0.01, 0.01))
    sandbox.fault("cut_midway", "9102", times=3)
    failed(hospital)
    sandbox.clear_faults()
    Load.objects.update(file_qury_no="fsi/plc/000000000000000000000000000000")
    assert refreshed(hospital).state == LoadState.DONE
    assert len(sandbox.log("1309")) == 2
    assert files.expired("2026-01-01")
    assert files.expired("2020-01-01 00:00:00")
    assert not files.expired("2099-01-01")
    assert not files.expired("某日")


@pytest.mark.parametrize("step", ["insurance.catalogue.loading.files.load_file", "insurance.exchange.asking.ask"])
def test_a_killed_task_goes_on_and_nothing_is_doubled(
    hospital: Institution, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise LeaseLost

    name = step.rpartition(".")[2]
    with monkeypatch.context() as patch:
        patch.setattr(files, name, die)
        with pytest.raises(LeaseLost):
            refreshed(hospital)
    left = Load.objects.get()
    assert left.state == LoadState.RUNNING
    load = refreshed(hospital)
    assert (load.pk, load.state) == (left.pk, LoadState.DONE)
    assert (len(sandbox.log("1309")), len(sandbox.log("9102"))) == (1, 1)
    assert Item.objects.count() == load.rows_new == load.data_cnt


def test_who_turned_it_down_may_take_the_same_file(hospital: Institution, sandbox: RunningSandbox) -> None:
    refreshed(hospital)
    Load.objects.update(ver_to="v20200101001")
    edition = sandbox.publish("1309", 5)
    with running(hospital) as run:
        load = Load.objects.create(infno="1309", institution=hospital, task=run.task, place={"full": False})
        load.place["accept"] = None
        load.save()
        files._fetch(run, load, files_kind())
        Load.objects.filter(pk=load.pk).update(data_cnt=7)
    words = failed(hospital)
    assert "平台说有 7 行" in words
    turned_down = Load.objects.order_by("-pk")[0]
    assert turned_down.place["askable"]
    downloads = len(sandbox.log("9102"))
    load = refreshed(hospital, accept=turned_down.pk)
    assert (load.state, load.ver_to) == (LoadState.DONE, edition["ver"])
    assert len(sandbox.log("9102")) == downloads
    assert any("确认采用" in remark["todo"] for remark in load.remarks)


def files_kind() -> Any:
    """The catalogue that these tests fetch."""
    return next(kind for kind in kinds() if kind.infno == "1309")


def test_a_refusal_is_told_in_the_platforms_words(hospital: Institution, sandbox: RunningSandbox) -> None:
    sandbox.fault("refuse", "1309", words="目录服务维护中")
    words = failed(hospital)
    assert "平台拒绝：目录服务维护中" in words
    assert "目录保持原样" in words


def test_there_is_no_catalogue_of_that_number(hospital: Institution) -> None:
    with running(hospital) as run:
        for infno in ("1399", "1320"):
            with pytest.raises(TaskFailed):
                refresh(run, infno)
    assert not Load.objects.exists()


def test_the_task_goes_on_with_the_others_when_one_fails(
    hospital: Institution, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tuple(kind for kind in kinds() if kind.infno in ("1309", "1310", "1311"))
    monkeypatch.setattr("insurance.catalogue.loading.door.refreshed", lambda: small)
    sandbox.fault("refuse", "1310", words="暂停服务")
    with pytest.raises(TaskFailed, match="1 个目录没有更新：1310"), running(hospital, infno="all") as run:
        refresh_task(run)
    states = {infno: load.state for infno, load in latest_loads().items()}
    assert states == {"1309": "done", "1310": "failed", "1311": "done"}
    assert "暂停服务" in latest_loads()["1310"].words


def test_a_closed_platform_is_not_asked_for_the_rest(institution: Institution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insurance.exchange.lines.RETRY_PAUSES", ())
    connect(institution, "http://127.0.0.1:9/hsa")
    with pytest.raises(TaskFailed, match="1 个目录没有更新"), running(institution, infno="all") as run:
        refresh_task(run)
    assert Load.objects.count() == 1


def test_files_go_when_their_days_are_over(hospital: Institution, settings: Any) -> None:
    load = refreshed(hospital)
    assert files.stored_file(load) is not None
    assert files.drop_old_files() == 0
    settings.CATALOGUE_FILE_DAYS = 0
    time.sleep(0.05)
    assert files.drop_old_files() == 1
    assert files.stored_file(load) is None


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one(hospital: Institution, sandbox: RunningSandbox) -> None:
    states: list[str] = []

    def one() -> None:
        try:
            states.append(refreshed(hospital).state)
        finally:
            database.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(states) == [LoadState.DONE, LoadState.NOTHING]
    assert Item.objects.count() == len(set(Item.objects.values_list("rid", flat=True))) == 56


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_half_a_catalogue(hospital: Institution, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    from insurance.catalogue.loading import merging

    index = merging._index

    def look_from_elsewhere(kind: Any, *, of_past: bool) -> None:
        index(kind, of_past=of_past)
        if of_past:
            return
        looker = threading.Thread(target=lambda: (seen.append(Item.objects.count()), database.close()))
        looker.start()
        looker.join(10)

    monkeypatch.setattr(merging, "_index", look_from_elsewhere)
    refreshed(hospital)
    assert seen == [0]
    assert Item.objects.count() == 56
