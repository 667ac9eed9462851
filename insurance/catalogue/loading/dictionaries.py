"""1901 in both forms: each dictionary asked for by its name, or all of them in one file (protocol.md, section 7).

Which form the platform speaks is the setting DICTIONARY_FORM. What came is merged in one transaction; a code that the
platform no longer names stays as invalid.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind
from insurance.catalogue.learning import forget
from insurance.catalogue.loading.door import finish
from insurance.catalogue.loading.pages import plain_row
from insurance.catalogue.loading.problems import Problems
from insurance.catalogue.models import DictionaryEntry, Load, StagedPage
from insurance.exchange.asking import ask, one_line
from insurance.exchange.connections import book_of
from insurance.exchange.errors import Refused
from insurance.exchange.files import FileError, open_member
from insurance.exchange.pages.dictionaries import dictionaries_of
from insurance.exchange.queries import connection_of
from portal.tasks.run import Run, TaskFailed

PURPOSE = "dictionary.list"
FILE_DOWN = "file.down"
# The order of columns of the file form (no source describes it; the query form's names, without who made them).
COLUMNS = ("type", "value", "label", "parentValue", "valiFlag")
LEAST_COLUMNS = 3
EVERYTHING = "*"
TODO = "请把原话告诉平台；数据改正后重新更新。"


def load(run: Run, load: Load, kind: Kind) -> None:
    """Fetch all dictionaries in the form of the setting, judge and merge them. Raises Rejected, PlatformError."""
    with one_line(run.actor):
        if settings.DICTIONARY_FORM == "file":
            _fetch_file(run, load, kind)
        else:
            _fetch_each(run, load, kind)
    _merge(run, load, kind)
    forget()


def area_of(load: Load) -> str:
    """Return the administrative division whose dictionaries are asked for."""
    return load.insu_admdvs or load.institution.admdvs


def _fetch_each(run: Run, load: Load, kind: Kind) -> None:
    """Ask for every dictionary that some field names; those that came before an interruption are not asked again."""
    names = [found.code for found in dictionaries_of(book_of(connection_of(run.actor.institution)))]
    came = set(load.staged.values_list("what", flat=True))
    refusals: list[Refused] = []
    for number, name in enumerate(names, 1):
        if name not in came:
            StagedPage.objects.create(load=load, what=name, number=1, rows=_asked(run, load, name, refusals))
        run.progress(number, len(names), f"{kind}：{name}")
    if len(refusals) == len(names) > 0:
        # One unknown dictionary is the platform's affair; all of them are a refusal of the query itself.
        load.staged.all().delete()
        raise refusals[-1]
    load.place = {**load.place, "asked": len(names)}


def _asked(run: Run, load: Load, name: str, refusals: list[Refused]) -> list[dict[str, Any]]:
    """Return the rows of one dictionary; one that the platform does not know has none and is added to `refusals`."""
    message = {
        "type": name,
        "parentValue": "",
        "admdvs": area_of(load),
        "date": timezone.localdate(),
        "valiFlag": "1",
    }
    try:
        answer = ask(run.actor, PURPOSE, {"data": message})
    except Refused as refused:
        run.log(f"字典 {name}：平台没有给出（{refused.words}）。")
        refusals.append(refused)
        return []
    return [plain_row(row) for row in answer.output.rows("list")]


def _fetch_file(run: Run, load: Load, kind: Kind) -> None:
    """Fetch the file with all dictionaries and let its lines rest."""
    if load.staged.exists():
        return
    run.progress(0, 2, f"{kind}：申请文件")
    told = ask(run.actor, PURPOSE, {"data": _for_all(run, load)}).output.row("fileinfo")
    number, name = str(told.get("file_qury_no") or ""), str(told.get("filename") or "")
    if not number:
        words = "平台没有给出字典文件（fileinfo）。平台若按字典逐个查询，请把 DICTIONARY_FORM 设为 query。"
        raise TaskFailed(f"{kind} 没有更新：{words}")
    load.file_qury_no, load.filename, load.dld_end_time = number[:60], name[:200], str(told.get("dld_endtime") or "")
    load.save(update_fields=["file_qury_no", "filename", "dld_end_time"])
    run.progress(1, 2, f"{kind}：下载文件")
    wanted = {
        "file_qury_no": number,
        "filename": name,
        "fixmedins_code": run.actor.institution.fixmedins_code,
    }
    path = Path(ask(run.actor, FILE_DOWN, {"fsDownloadIn": wanted}).file)
    try:
        rows = list(_lines(path))
    except (FileError, UnicodeDecodeError) as error:
        said = str(error) if isinstance(error, FileError) else "文件不是 UTF-8 文字。请把原话告诉平台。"
        raise TaskFailed(f"{kind} 没有更新，仍用原来的：{said}") from error
    finally:
        path.unlink(missing_ok=True)
    StagedPage.objects.create(load=load, what=EVERYTHING, number=1, rows=rows)


def _for_all(run: Run, load: Load) -> dict[str, Any]:
    """Return the question for the file: the division alone, and what else the edition's table cannot do without."""
    book = book_of(connection_of(run.actor.institution))
    route = book.route(PURPOSE)
    fields = book.transaction(route.infno).input.children[route.node].fields
    given = {"type": EVERYTHING, "admdvs": area_of(load), "date": timezone.localdate(), "valiFlag": "1"}
    return {
        name: value for name, value in given.items() if name == "admdvs" or (name in fields and fields[name].required)
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with open_member(path, max_bytes=int(settings.FILE_MAX_MB * 1024 * 1024)) as stream:
        for sort, line in enumerate(stream, 1):
            cells = line.decode("utf-8-sig").rstrip("\r\n").split("\t")
            if cells == [""]:
                continue
            row = {name: cell for name, cell in zip(COLUMNS, cells, strict=False) if cell not in ("", "null")}
            yield row | {"sort": str(sort), "width": len(cells)}


def _merge(run: Run, load: Load, kind: Kind) -> None:
    problems = Problems()
    with transaction.atomic():
        run.fence()
        found = _entries(load, problems)
        held = {_key(entry): entry for entry in DictionaryEntry.objects.filter(admdvs=area_of(load))}
        if not found and held:
            words = "平台没有给出任何字典代码，而本地有"
            problems.add("error", words, "平台可能正在维护，请稍后重新更新。")
        problems.reject(str(kind))
        counts = _take(load, found, held)
        load.rows_read = len(found)
        load.staged.all().delete()
        changed = counts["rows_new"] + counts["rows_changed"] + counts["rows_ended"]
        state = LoadState.DONE if changed else LoadState.NOTHING
        finish(load, state, remarks=problems.as_json(), ver_to=_version(found), **counts)


def _entries(load: Load, problems: Problems) -> dict[tuple[str, str, str], DictionaryEntry]:
    """Return what rests for a load by (type, parent, value), each once; problems are noted."""
    found: dict[tuple[str, str, str], DictionaryEntry] = {}
    line = 0
    for page in load.staged.order_by("what"):
        for row in page.rows:
            line += 1
            entry = _entry(load, page.what, row, line, problems)
            before = found.get(_key(entry))
            if before is not None and before.label != entry.label:
                words = "同一字典代码有两个名称"
                problems.add("error", words, TODO, column=entry.type, line=line, found=entry.value)
            found[_key(entry)] = entry
    return found


def _entry(load: Load, asked: str, row: dict[str, Any], line: int, problems: Problems) -> DictionaryEntry:
    kind = str(row.get("type") or ("" if asked == EVERYTHING else asked)).strip()
    if kind.lower() == asked.lower():
        kind = asked  # a platform that spells its dictionaries in capitals means the same
    entry = DictionaryEntry(
        type=kind,
        value=str(row.get("value") or ""),
        label=str(row.get("label") or ""),
        parent_value=str(row.get("parentValue") or ""),
        admdvs=area_of(load),
        sort=_whole(row.get("sort")),
        vali_flag=str(row.get("valiFlag") or "1"),
        version=str(row.get("version") or ""),
        load=load,
    )
    if not entry.type or not entry.value:
        problems.add("error", "字典代码缺少类型或键值", TODO, line=line, found=entry.label)
    if asked not in (EVERYTHING, kind):
        problems.add("error", f"查询字典 {asked}，平台答的是 {kind}", TODO, line=line)
    if asked == EVERYTHING and int(row.get("width", LEAST_COLUMNS)) < LEAST_COLUMNS:
        problems.add("error", f"这一行不足 {LEAST_COLUMNS} 列", TODO, line=line)
    return entry


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _key(entry: DictionaryEntry) -> tuple[str, str, str]:
    return entry.type, entry.parent_value, entry.value


def _version(found: dict[tuple[str, str, str], DictionaryEntry]) -> str:
    """Return the greatest version told, else the day."""
    told = max((entry.version for entry in found.values()), default="")
    return told or dt.date.isoformat(timezone.localdate())


def _take(
    load: Load,
    found: dict[tuple[str, str, str], DictionaryEntry],
    held: dict[tuple[str, str, str], DictionaryEntry],
) -> dict[str, int]:
    """Write what is new or changed, and mark as invalid what is no longer named by a dictionary that came."""
    new = [entry for key, entry in found.items() if key not in held]
    changed: list[DictionaryEntry] = []
    ended: list[DictionaryEntry] = []
    for key, entry in found.items():
        before = held.get(key)
        if before is None or (before.label, before.vali_flag) == (entry.label, entry.vali_flag):
            continue
        (ended if before.vali_flag == "1" and entry.vali_flag != "1" else changed).append(before)
        before.label, before.vali_flag, before.load = entry.label, entry.vali_flag, load
    came = {entry.type for entry in found.values()}
    for key, entry in held.items():
        if key not in found and entry.type in came and entry.vali_flag == "1":
            entry.vali_flag, entry.load = "0", load
            ended.append(entry)
    DictionaryEntry.objects.bulk_create(new, batch_size=1000)
    DictionaryEntry.objects.bulk_update([*changed, *ended], ["label", "vali_flag", "load"], batch_size=1000)
    same = len(found) - len(new) - len(changed) - sum(1 for entry in ended if _key(entry) in found)
    return {"rows_new": len(new), "rows_changed": len(changed), "rows_ended": len(ended), "rows_same": same}
