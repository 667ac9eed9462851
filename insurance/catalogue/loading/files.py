"""File-borne catalogues: asked for by 13xx, fetched by 9102, kept for a while, checked and merged.

What was done is noted on the Load after each step, so that a task that was killed goes on: with the file it has, else
with the number it was given while that is good, else by asking anew. Rows are merged once or not at all.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind
from insurance.catalogue.loading.door import finish
from insurance.catalogue.loading.merging import take_file
from insurance.catalogue.loading.moments import read_moment
from insurance.catalogue.loading.problems import Rejected
from insurance.catalogue.models import Load
from insurance.exchange.asking import ask, one_line
from insurance.exchange.connections import book_of
from insurance.exchange.errors import Refused
from insurance.exchange.files import FileError, open_member
from insurance.exchange.queries import connection_of
from portal.tasks.run import Run, TaskFailed

FOLDER = "catalogues"
BLOCK = 256 << 10
# A row of a catalogue has some thousand bytes; a line longer than this is no line.
LONGEST_LINE = 16 << 20
DOWN = "file.down"


def load(run: Run, load: Load, kind: Kind) -> None:
    """Fetch, check and merge one file-borne catalogue. Raises Rejected, TaskFailed, PlatformError."""
    accepted_by = _take_over(run, load, kind)
    with one_line(run.actor):
        path = stored_file(load) or _fetch(run, load, kind)
    if path is None:
        finish(load, LoadState.NOTHING, words="平台没有比本地更新的版本。")
        return
    load_file(run, load, kind, path, accepted_by=accepted_by)


def load_file(run: Run, load: Load, kind: Kind, path: Path, *, accepted_by: str = "") -> None:
    """Check and merge a fetched archive. Raises Rejected with everything that is wrong; then nothing has changed."""
    layout = book_of(connection_of(load.institution)).layout(kind.infno)
    try:
        with open_member(path, max_bytes=int(settings.FILE_MAX_MB * 1024 * 1024)) as stream:
            take_file(run, load, kind, layout, blocks_of(stream), accepted_by=accepted_by)
    except FileError as error:
        raise Rejected(f"{kind} 没有更新，仍用原来的版本：{str(error).rstrip('。')}。") from error


def blocks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield an unpacked file in blocks of whole lines, about a megabyte each. Raises FileError: a line without end."""
    rest = b""
    while block := stream.read(BLOCK):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block
            if len(rest) > LONGEST_LINE:
                raise FileError("文件里有一行长得不合常理，不像目录文件。请重新更新，仍如此请联系平台")
    if rest:
        yield rest


def held_version(infno: str) -> str:
    """Return the greatest version that was merged, compared as text as the platform delivers it; "" for none."""
    merged = Load.objects.filter(infno=infno, state=LoadState.DONE).exclude(ver_to="")
    return max(merged.values_list("ver_to", flat=True), default="")


# fetching


def stored_file(load: Load) -> Path | None:
    """Return the load's file when it is still there and the same, else None."""
    path = _folder() / load.stored if load.stored else None
    if path is None or not path.is_file() or _digest(path) != load.sha256:
        return None
    return path


def _fetch(run: Run, load: Load, kind: Kind) -> Path | None:
    """Return the downloaded archive, None when the platform has nothing newer."""
    told_before = bool(load.file_qury_no) and not expired(load.dld_end_time)
    if not told_before and not _ask(run, load, kind):
        return None
    try:
        return _download(run, load, kind)
    except Refused as error:
        if not told_before:
            raise
        run.log(f"{kind}：上次的文件查询号已不能用（{error.words}），重新申请。", "warning")
    return _download(run, load, kind) if _ask(run, load, kind) else None


def _ask(run: Run, load: Load, kind: Kind) -> bool:
    """Ask 13xx for what is newer than we hold and note the answer; False when there is nothing."""
    held = "" if load.place.get("full") else held_version(kind.infno)
    run.progress(0, 0, f"{kind}：询问 {held or '首次下载'} 之后的版本")
    answer = ask(run.actor, f"catalogue.{kind.infno}", {"data": {"ver": held or settings.CATALOGUE_FIRST_VERSION}})
    said = answer.output.values
    load.ver_from = held
    load.file_qury_no, load.filename = (str(said.get(name) or "") for name in ("file_qury_no", "filename"))
    load.dld_end_time = str(said.get("dld_end_time") or "")[:30]
    count = said.get("data_cnt")
    load.data_cnt = int(count) if isinstance(count, Decimal) else None
    load.save()
    return bool(load.file_qury_no) and load.data_cnt != 0


def _download(run: Run, load: Load, kind: Kind) -> Path:
    """Fetch the file by 9102 and keep it under the load's name."""
    run.progress(0, load.data_cnt or 0, f"{kind}：下载文件")
    code = connection_of(load.institution).catalogue_code
    node = {"file_qury_no": load.file_qury_no, "filename": load.filename, "fixmedins_code": code}
    answer = ask(run.actor, DOWN, {"fsDownloadIn": node})
    path = _folder() / f"{kind.infno}-{load.pk}.zip"
    os.replace(answer.file, path)
    load.stored, load.size, load.sha256 = path.name, path.stat().st_size, _digest(path)
    load.save(update_fields=["stored", "size", "sha256"])
    return path


def expired(until: str) -> bool:
    """Say whether a 下载截止 lies in the past; a bare day lasts until its end, what cannot be read is believed."""
    moment = read_moment(until) if until else None
    if moment is None:
        return False
    if len(until.strip()) <= 10:
        moment += dt.timedelta(days=1)
    return moment <= timezone.now()


def _take_over(run: Run, load: Load, kind: Kind) -> str:
    """Take over what an earlier load left: its file and number. Returns who accepted that file, "" when nobody need.

    A file that was turned down is only taken again when a person accepts it (`accept`); one whose download was cut is
    gone on with.
    """
    accept = load.place.get("accept")
    failed = Load.objects.filter(infno=kind.infno, institution=load.institution, state=LoadState.FAILED)
    if accept:
        left = failed.filter(pk=accept).first()
        if left is None or stored_file(left) is None:
            raise TaskFailed(f"{kind}：要采用的那次下载的文件已不在，无法采用。请重新更新。")
        load.place["full"] = bool(left.place.get("full"))
        _inherit(load, left)
        return run.actor.name
    left = failed.exclude(pk=load.pk).order_by("-pk").first()
    if left and not load.file_qury_no and left.place.get("full") == load.place.get("full"):
        current = "" if load.place.get("full") else held_version(kind.infno)
        if left.ver_from == current and left.file_qury_no and not left.place.get("rejected"):
            _inherit(load, left)
            run.log(f"{kind}：沿用上次申请到的文件。")
    return ""


def _inherit(load: Load, left: Load) -> None:
    for name in ("ver_from", "file_qury_no", "filename", "dld_end_time", "data_cnt", "stored", "size", "sha256"):
        setattr(load, name, getattr(left, name))
    load.save()


# files at rest


def _folder() -> Path:
    folder = Path(settings.FILES_DIR) / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def drop_old_files() -> int:
    """Remove fetched catalogues after CATALOGUE_FILE_DAYS, and what a killed download left; returns how many."""
    old = time.time() - settings.CATALOGUE_FILE_DAYS * 86_400
    left = [path for path in _folder().glob("*.zip") if path.stat().st_mtime < old]
    left += [
        path for path in Path(settings.FILES_DIR).glob("download-*") if path.stat().st_mtime < time.time() - 86_400
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
