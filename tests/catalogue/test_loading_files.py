"""Files taken in without the network: what a row becomes, every kind of damage named, nothing half-loaded."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import kind_of
from insurance.catalogue.loading.problems import Rejected
from insurance.catalogue.loading.reading import Reader
from insurance.catalogue.models import Item, Load
from insurance.catalogue.queries import catalogue_stamp, changes_of, code_row, search_codes, stream_codes
from insurance.specification.books import open_book
from portal.people.models import Institution
from tests.catalogue.lines import VERSION, cells, packed, said, take, take_archive, text_of
from tests.directory.conftest import connect

pytestmark = pytest.mark.django_db
NEWER = "v20250305001"


@pytest.fixture(autouse=True)
def hospital(institution: Institution) -> Institution:
    """The hospital, with a connection whose edition says how files are laid out."""
    connect(institution)
    return institution


def rejected(institution: Institution, content: bytes, folder: Path, infno: str = "1301", **values: Any) -> Rejected:
    """Load what must be turned down, and see that not one row came of it."""
    before = Item.objects.count()
    with pytest.raises(Rejected) as caught:
        take(institution, content, folder, infno, **values)
    assert Item.objects.count() == before
    return caught.value


def test_a_row_keeps_every_column_and_bears_what_it_is_searched_by(institution: Institution, tmp_path: Path) -> None:
    memo = r"5\%葡萄糖 c:\new \N \t尾"
    content = text_of([cells(1, memo=memo, lmt_usescp="限二级以上"), cells(2, pinyin="AMXL")])
    load = take(institution, content, tmp_path)
    assert (load.state, load.rows_read, load.rows_new, load.ver_to) == (LoadState.DONE, 2, 2, VERSION)
    row = Item.objects.get(rid="1301-000001")
    assert row.cells[open_book().layout("1301").positions["memo"]] == memo
    assert (row.name, row.maker, row.limits, row.spec) == ("阿莫西林1号胶囊", "演示制药", "限二级以上", "0.25g")
    assert (row.begndate, row.enddate, row.pinyin) == (dt.date(2024, 1, 8), None, "amxl1hjn")
    assert row.updt_time == dt.datetime(2024, 1, 7, 16, tzinfo=dt.UTC)
    assert Item.objects.get(rid="1301-000002").pinyin == "amxl"
    assert [found.rid for found in search_codes("莫西 1号 演示")] == ["1301-000001"]


def test_a_first_load_has_every_index_of_the_table(institution: Institution, tmp_path: Path) -> None:
    take(institution, text_of([cells(1)]), tmp_path)
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, count(*) FROM pg_indexes WHERE tablename IN ('catalogue_item', 'catalogue_item_1301',"
            " 'catalogue_item_1302') GROUP BY 1"
        )
        counts = dict(cursor.fetchall())
    assert counts["catalogue_item_1301"] == counts["catalogue_item_1302"] == counts["catalogue_item"] > 5


@pytest.mark.parametrize("columns", [92, 100])
def test_editions_with_fewer_or_more_columns_are_taken_and_remarked(
    institution: Institution, tmp_path: Path, columns: int
) -> None:
    rows = [[*cells(number), "x", "y", "z"][:columns] for number in range(3)]
    load = take(institution, text_of(rows), tmp_path)
    assert load.rows_new == 3
    assert [remark["words"] for remark in load.remarks] == [f"每行 {columns} 列，本系统按 97 列识别"]
    assert len(Item.objects.first().cells) == columns  # type: ignore[union-attr]


def test_a_tab_after_the_last_column_is_no_column(institution: Institution, tmp_path: Path) -> None:
    load = take(institution, text_of([[*cells(number), ""] for number in range(3)]), tmp_path)
    assert (load.rows_new, load.remarks) == (3, [])


def test_everything_wrong_is_named_at_once_with_line_and_column(institution: Institution, tmp_path: Path) -> None:
    rows = [
        cells(1), cells(2, vali_flag="有效"), cells(3, ver="null"), cells(4, ver="国家版 一"), cells(5, rid="null"),
        cells(6, begndate="2024-02-30"), cells(7, updt_time="昨天"), cells(1), cells(8)[:90], cells(9),
    ]  # fmt: skip
    error = rejected(institution, b"\n" + text_of(rows), tmp_path, data_cnt=11)
    sorts = said(error.problems)
    assert sorts["有效标志应为 0 或 1"]["places"] == [{"line": 3, "found": "有效"}]
    assert sorts["缺少版本号"]["places"] == [{"line": 4, "found": ""}]
    assert sorts["版本号应由字母、数字和 . _ - 组成，最长 40 字"]["column"] == "版本号"
    assert sorts["缺少唯一记录号"]["places"][0]["line"] == 6
    assert sorts["日期无法识别"] | {"said": ""} == sorts["日期无法识别"] | {"said": "", "column": "开始日期"}
    assert sorts["时间无法识别"]["column"] == "数据更新时间"
    assert sorts["列数与其他行不同：多数行 97 列，这些行 90 列"]["places"] == [{"line": 10, "found": ""}]
    twice = sorts["唯一记录号重复"]["places"][0]
    assert (twice["line"], twice["found"]) == (2, "1301-000001，见第 2、9 行")
    assert sorts["平台说有 11 行，文件里有 10 行"]["level"] == "ask"
    assert "没有更新，仍用原来的版本" in str(error)
    assert not error.askable


def test_thousands_of_faults_are_counted_and_the_first_shown(institution: Institution, tmp_path: Path) -> None:
    error = rejected(institution, text_of([cells(number, vali_flag="2") for number in range(3000)]), tmp_path)
    (sort,) = said(error.problems).values()
    assert (sort["count"], len(sort["places"])) == (3000, 20)
    assert "共 3,000 处" in str(error)


def test_gbk_is_named_with_line_column_and_what_it_says(institution: Institution, tmp_path: Path) -> None:
    content = text_of([cells(1)]) + "\t".join(cells(2)).encode("gb18030") + b"\n"
    sorts = error_sorts(rejected(institution, content, tmp_path))
    assert sorts[0]["words"] == "不是 UTF-8 编码（像是 GBK）"
    assert sorts[0]["places"] == [{"line": 2, "found": "阿莫西林2号胶囊"}]
    assert sorts[0]["column"] == "注册名称"


def error_sorts(error: Rejected) -> list[dict[str, Any]]:
    """The errors as kept."""
    assert error.problems is not None
    return [sort.as_json() for sort in error.problems.sorts("error")]


def test_what_the_platform_has_damaged_asks_a_person(institution: Institution, tmp_path: Path) -> None:
    content = text_of([cells(1), cells(2, reg_name="阿莫�胶囊", memo="a\0b")])
    error = rejected(institution, content, tmp_path)
    assert error.askable
    assert said(error.problems)["含有 �：平台的文字在源头已损坏"]["places"] == [{"line": 2, "found": "阿莫�胶囊"}]
    load = take(institution, content, tmp_path, accepted_by="演示主任")
    assert load.rows_new == 2
    assert {remark["todo"] for remark in load.remarks} == {"已由 演示主任 看过并确认采用。"}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Mon Jan 08 00:00:00 CST 2024", "2024-01-08"), ("2024-01-08 00:00:00", "2024-01-08"),
        ("2024-01-08", "2024-01-08"), ("2024-01-08 23:59:59.0", "2024-01-08"), ("20240108", "2024-01-08"),
        ("2024/1/8", "2024-01-08"), ("2024-01-07T16:00:00Z", "2024-01-08"), ("1704643200000", "2024-01-08"),
        ("Sun Jan 07 16:00:00 UTC 2024", "2024-01-08"), ("Fri Jul 01 00:00:00 CDT 1988", "1988-07-01"),
        ("9999-12-31 23:59:59", "9999-12-31"), ("null", None), ("", None),
    ],
)  # fmt: skip
def test_days_in_every_form(institution: Institution, tmp_path: Path, text: str, day: str | None) -> None:
    take(institution, text_of([cells(1, enddate=text)]), tmp_path)
    assert Item.objects.get().enddate == (dt.date.fromisoformat(day) if day else None)


def test_new_changed_ended_and_the_same_are_told_apart_and_the_past_is_kept(
    institution: Institution, tmp_path: Path
) -> None:
    first = take(institution, text_of([cells(number) for number in range(4)]), tmp_path)
    second_rows = [
        cells(0), cells(1, ver=NEWER, drug_spec="0.5g"), cells(2, ver=NEWER, vali_flag="0"), cells(9, ver=NEWER),
    ]  # fmt: skip
    stamp = catalogue_stamp("101")
    second = take(institution, text_of(second_rows), tmp_path, ver_from=VERSION)
    counts = (second.rows_new, second.rows_changed, second.rows_ended, second.rows_same)
    assert counts == (1, 1, 1, 1)
    assert catalogue_stamp("101") != stamp
    old = Item.objects.get(rid="1301-000001", current=False)
    assert (old.spec, old.replaced_by, old.load) == ("0.25g", second, first)
    assert Item.objects.get(rid="1301-000001", current=True).spec == "0.5g"
    assert Item.objects.get(rid="1301-000003").current  # an incremental file leaves what it does not name
    kinds = {row.rid: (row.change, row.before_id) for row in changes_of(second)}  # type: ignore[attr-defined]
    assert kinds == {
        "1301-000001": ("changed", old.pk),
        "1301-000002": ("ended", Item.objects.get(rid="1301-000002", current=False).pk),
        "1301-000009": ("new", None),
    }
    assert {row[0][-1] for row in stream_codes("101")} == {"0", "1", "3", "9"}


def test_a_full_file_ends_what_it_no_longer_names(institution: Institution, tmp_path: Path) -> None:
    take(institution, text_of([cells(number) for number in range(3)]), tmp_path)
    load = take(institution, text_of([cells(0), cells(1)]), tmp_path, place={"full": True})
    assert (load.rows_same, load.rows_ended) == (2, 1)
    gone = Item.objects.get(rid="1301-000002")
    assert (gone.current, gone.replaced_by) == (False, load)
    assert [row.change for row in changes_of(load)] == ["ended"]  # type: ignore[attr-defined]


def test_an_improbable_share_of_ends_asks_a_person(institution: Institution, tmp_path: Path) -> None:
    take(institution, text_of([cells(number) for number in range(200)]), tmp_path)
    half = text_of([cells(number) for number in range(100)])
    error = rejected(institution, half, tmp_path, place={"full": True})
    assert error.askable
    assert "停用 100 行（其中 100 行在文件里没有了），占现行有效 200 行的 50 %" in str(error)
    assert take(institution, half, tmp_path, place={"full": True}, accepted_by="演示主任").rows_ended == 100


def test_an_older_row_never_replaces_a_newer_one(institution: Institution, tmp_path: Path) -> None:
    take(institution, text_of([cells(1, ver=NEWER)]), tmp_path)
    load = take(institution, text_of([cells(1, drug_spec="9g")]), tmp_path, ver_from=NEWER)
    assert (load.rows_same, load.rows_changed) == (1, 0)
    assert Item.objects.get().spec == "0.25g"
    assert any("比本地的旧" in remark["words"] for remark in load.remarks)


def test_five_columns_more_of_nothing_change_no_row(institution: Institution, tmp_path: Path) -> None:
    take(institution, text_of([cells(number)[:92] for number in range(3)]), tmp_path)
    assert take(institution, text_of([cells(number) for number in range(3)]), tmp_path).rows_same == 3


def test_what_a_code_meant_on_a_day(institution: Institution, tmp_path: Path) -> None:
    code = f"XJ01CA{1:017d}"
    take(institution, text_of([cells(1)]), tmp_path)
    take(institution, text_of([cells(1, ver=NEWER, vali_flag="0", enddate="2026-06-30")]), tmp_path)
    assert code_row("101", code, dt.date(2024, 1, 7)) is None
    row = code_row("101", code, dt.date(2026, 6, 30))
    assert row is not None
    assert row.ver == NEWER
    assert code_row("101", code, dt.date(2099, 1, 1)) is None
    newest = code_row("101", code)
    assert newest is not None
    assert newest.vali_flag == "0"
    assert code_row("201", code) is None


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (packed(text_of([cells(1)]))[:-40], "已损坏"),
        (packed(text_of([cells(1)]), **{"more.txt": b"x"}), "应只含一个文件"),
        (packed(text_of([cells(1)]), name="../1301.txt"), "带有路径"),
        (packed(b"\0" * 30_000_000), "膨胀得不合常理"),
        (packed(b""), "没有数据行"),
        (packed(b"<html>502</html>"), "缺少有效标志、唯一记录号、版本号"),
    ],
)
def test_archives_that_are_none(institution: Institution, tmp_path: Path, archive: bytes, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        take_archive(institution, archive, tmp_path)
    assert not Item.objects.exists()
    assert words.replace("有效标志、唯一记录号", "") in str(caught.value).replace("唯一记录号、有效标志", "")


def test_damage_inside_the_archive_is_found_while_it_is_read(institution: Institution, tmp_path: Path) -> None:
    archive = bytearray(packed(text_of([cells(number) for number in range(2000)])))
    archive[len(archive) // 2] ^= 0xFF
    with pytest.raises(Rejected, match="已损坏"):
        take_archive(institution, bytes(archive), tmp_path)
    assert not Item.objects.exists()
    assert zipfile.is_zipfile(tmp_path / "file.zip")


def test_a_file_of_another_catalogue_is_not_taken(institution: Institution, tmp_path: Path) -> None:
    error = rejected(institution, text_of([cells(number, "1305") for number in range(3)]), tmp_path)
    assert "每行只有 19 列" in str(error)


def test_blocks_read_whole_say_the_same_as_rows_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    layout, kind = open_book().layout("1301"), kind_of("1301")
    odd = [r"5\%", "a\x1fb", "null", "", "x\\", "Ａ型", "2024-01-08", "长" * 700]
    blocks = [text_of([cells(0)])]
    for many in (7, 8):  # without and with a text that is cut
        rows = [cells(number, reg_name=odd[number % many], alis=odd[number % 5], pinyin=odd[number % 3],
                      enddate="2099-12-31") for number in range(200)]  # fmt: skip
        blocks.append(text_of(rows))
    plain = text_of([cells(number, alis="别名", drug_prodname="别名") for number in range(200)])
    blocks += [plain, plain.replace(b"\n", b"\r\n"), plain.replace("别名".encode(), b"\xff", 3)]
    whole, slow = Reader(kind, layout), Reader(kind, layout)
    at_once, taken = whole._at_once, []
    monkeypatch.setattr(whole, "_at_once", lambda lines: taken.append(at_once(lines)) or taken[-1])
    monkeypatch.setattr(slow, "_at_once", lambda lines: None)
    assert list(whole.read(blocks)) == list(slow.read(blocks))
    assert [rows is not None for rows in taken] == [False, True, False, True, True, True]
    assert whole.problems.as_json() == slow.problems.as_json()
    assert whole.rows == slow.rows == 1001


def test_two_loads_of_one_file_change_nothing_the_second_time(institution: Institution, tmp_path: Path) -> None:
    content = text_of([cells(number) for number in range(50)])
    take(institution, content, tmp_path)
    before = set(Item.objects.values_list("pk", flat=True))
    assert take(institution, content, tmp_path).rows_same == 50
    assert set(Item.objects.values_list("pk", flat=True)) == before
    assert Load.objects.filter(state=LoadState.DONE).count() == 2
