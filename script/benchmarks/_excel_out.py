"""Export of 200,000 rows of 20 columns through the real path, against XlsxWriter's constant_memory with the same rows.

The portal's side is the task that a worker runs: rows from the database, the list's columns and masks, the file, its
seal, its row and its audit line. The bare side gets the same values from a generator and writes them. Each runs in a
process of its own, whose time without the start and whose peak memory are taken, in turn. CPU seconds are taken
besides: on a machine that is shared they say more than the clock (PostgreSQL's are not among them).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROWS, ROUNDS = 200_000, 3
ROOT = Path(__file__).resolve().parents[2]
RUN = (
    "import sys; sys.path[:0] = sys.argv[1:3]; import django; django.setup();"
    "from benchmarks import _excel_out; _excel_out.child(sys.argv[3], int(sys.argv[4]))"
)


def measure_export(rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, float]:
    """Return seconds of both sides (medians), their ratio, and the portal's and the bare side's peak memory in MB."""
    fill(rows)
    found: dict[str, list[dict[str, float]]] = {"portal": [], "bare": []}
    for number in range(1, rounds + 1):
        for side, kept in found.items():
            kept.append(apart(side, rows))
        ours, bare = found["portal"][-1], found["bare"][-1]
        print(
            f"round={number} bare={bare['s']:.2f}s cpu={bare['cpu']:.2f}s"
            f" portal={ours['s']:.2f}s cpu={ours['cpu']:.2f}s"
            f" ratio={ours['s'] / bare['s']:.2f}",
            file=sys.stderr,
        )
    used = [ours["cpu"] / bare["cpu"] for ours, bare in zip(found["portal"], found["bare"], strict=True)]
    ratios = [ours["s"] / bare["s"] for ours, bare in zip(found["portal"], found["bare"], strict=True)]
    return {
        "rows_out": rows,
        "export_ratio": round(statistics.median(ratios), 3),
        "export_cpu_ratio": round(statistics.median(used), 3),
        "export_mb": round(max(one["mb"] for one in found["portal"])),
        "export_s": round(statistics.median(one["s"] for one in found["portal"]), 2),
        "xlsxwriter_s": round(statistics.median(one["s"] for one in found["bare"]), 2),
        "xlsxwriter_mb": round(max(one["mb"] for one in found["bare"])),
    }


def apart(side: str, rows: int) -> dict[str, float]:
    """Run one side in a process of its own and return its seconds, CPU seconds and peak memory."""
    command = [sys.executable, "-c", RUN, str(ROOT), str(ROOT / "script"), side, str(rows)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def child(side: str, rows: int) -> None:
    """Be that process: do the work, print seconds and peak memory as JSON."""
    import resource

    started, before = time.perf_counter(), time.process_time()
    (portal_export if side == "portal" else bare_export)(rows)
    took = time.perf_counter() - started
    used, peak = time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"s": took, "cpu": used, "mb": peak / (1024 * 1024 if sys.platform == "darwin" else 1024)}))


def fill(rows: int) -> None:
    """Make the table and COPY it full."""
    from django.db import connection

    from benchmarks import _wide

    actor = someone()
    with connection.schema_editor() as editor:
        editor.create_model(_wide.Fee)
    columns = ", ".join(("institution_id", *_wide.FIELDS))
    with connection.cursor() as cursor, cursor.copy(f"COPY bench_fee ({columns}) FROM STDIN") as copy:
        for row in _wide.rows_of(rows):
            copy.write_row((actor.institution.pk, *row))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bench_fee")


def someone() -> Any:
    """Return a person who may export, made when not there yet."""
    from portal.people.actor import Actor
    from portal.people.models import Institution, Membership, Person

    institution, _ = Institution.objects.get_or_create(
        fixmedins_code="H99990000009", defaults={"fixmedins_name": "样例医院（计时）", "admdvs": "999900"}
    )
    person, _ = Person.objects.get_or_create(username="bench", defaults={"name": "基准"})
    Membership.objects.get_or_create(person=person, institution=institution, role="insurance_office")
    return Actor.of(person, institution)


def portal_export(rows: int) -> None:
    """Ask for the list as its button does and run the task as a worker does."""
    from portal.lists.exporting import open_list
    from portal.sheets import vault
    from portal.sheets.exporting import ask
    from portal.sheets.exports import SheetExport
    from portal.tasks.runner import run_task

    page = open_list("benchmarks._wide.FeeList", someone(), "")
    asked = ask(someone(), page=page, form="xlsx", clear=False, expected=page.out_count())
    assert asked.task is not None
    run_task(asked.task.pk)
    made = SheetExport.objects.get(pk=asked.pk)
    if made.rows != rows:
        raise SystemExit(f"the export did not end well: {made.rows}")
    vault.drop(made.stored_as)


def bare_export(rows: int) -> None:
    """Write the same values with XlsxWriter in constant memory: typed methods, so that nothing is a formula."""
    from xlsxwriter import Workbook

    from benchmarks import _wide

    handle, name = tempfile.mkstemp(suffix=".xlsx")
    os.close(handle)
    book = Workbook(name, {"constant_memory": True, "remove_timezone": True})
    sheet = book.add_worksheet()
    money, day, at = (book.add_format({"num_format": form}) for form in ("0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"))
    for place, row in enumerate(_wide.rows_of(rows), start=1):
        for column, value in enumerate(row):
            if column < 12:
                sheet.write_string(place, column, value)
            elif column < 18:
                sheet.write_number(place, column, value, money if column < 16 else None)
            else:
                sheet.write_datetime(place, column, value, day if column == 18 else at)
    book.close()
    os.unlink(name)
