"""Files of catalogues as the platform packs them, made in the test, and runs to load them by. All invented."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from insurance.catalogue.kinds import kind_of
from insurance.catalogue.loading.files import load_file
from insurance.catalogue.models import Load
from insurance.specification.books import open_book
from portal.people.models import Institution
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.run import Run

VERSION = "v20240108001"


def cells(number: int, infno: str = "1301", **changes: str) -> list[str]:
    """One row's columns: a drug (or whatever the catalogue holds) that nothing is wrong with."""
    values = {
        "med_list_codg": f"XJ01CA{number:017d}", "reg_name": f"阿莫西林{number}号胶囊", "prodentp_name": "演示制药",
        "drug_spec": "0.25g", "aprvno": f"示例准字H{number:08d}", "begndate": "2024-01-08 00:00:00",
        "vali_flag": "1", "rid": f"{infno}-{number:06d}", "crte_time": "Mon Jan 08 00:00:00 CST 2024",
        "updt_time": "Mon Jan 08 00:00:00 CST 2024", "ver": VERSION, "ver_name": VERSION[1:9], **changes,
    }  # fmt: skip
    return [values.get(column.name, "null") for column in open_book().layout(infno).columns]


def text_of(rows: Sequence[Sequence[str]]) -> bytes:
    """The lines of a file."""
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def packed(content: bytes, name: str = "1301.txt", **more: bytes) -> bytes:
    """The archive of one text, or of several."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in {name: content, **more}.items():
            archive.writestr(member, text)
    return made.getvalue()


@contextmanager
def running(institution: Institution, **params: Any) -> Iterator[Run]:
    """A task's run, claimed as a worker claims it; what it reports stays with it."""
    task = Task.objects.create(
        institution=institution, kind="catalogue.refresh", params=params, state=TaskState.RUNNING, attempt=1
    )
    yield Run(task)


def take(institution: Institution, content: bytes, folder: Path, infno: str = "1301", **values: Any) -> Load:
    """Load a file's text through everything but the network; raises Rejected."""
    return take_archive(institution, packed(content), folder, infno, **values)


def take_archive(
    institution: Institution, archive: bytes, folder: Path, infno: str = "1301", *, accepted_by: str = "", **values: Any
) -> Load:
    """Load an archive through everything but the network; raises Rejected."""
    path = folder / "file.zip"
    path.write_bytes(archive)
    load = Load.objects.create(infno=infno, institution=institution, **values)
    with running(institution) as run:
        load_file(run, load, kind_of(infno), path, accepted_by=accepted_by)
    load.refresh_from_db()
    return load


def said(problems: Any) -> Mapping[str, Any]:
    """The sorts of problems by their words."""
    return {sort["words"]: sort for sort in problems.as_json()}
