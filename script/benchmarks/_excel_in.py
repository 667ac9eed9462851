"""Import of 50,000 rows of 20 columns with every check, against calamine's bare reading of the same file.

The portal's side is the task that a worker runs: unseal the file, read it in a child, find the header, convert and
check every cell, let an importer judge every row, seal the rows and keep them in the database. The bare side is
`CalamineWorkbook.from_path(...).get_sheet_by_index(0).to_python()` in this process, which is already warm.
"""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

ROWS, ROUNDS = 50_000, 5
HEADERS = (
    "项目编码", "项目名称", "科室", "收费类别", "启用日期", "开单时间", "单价", "自付比例", "数量", "联系电话", "工号",
    "单位", "规格", "备注", "业务流水号", "医保标志", "厂家", "等级", "金额", "批号",
)  # fmt: skip


def measure_import(rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, float]:
    """Return seconds of both sides (medians over the rounds, in turn), their ratios by clock and CPU, rows a second."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.xlsx"
        write_file(path, rows)
        bare, portal = [], []
        for number in range(rounds + 1):
            plain, whole = timed(lambda: bare_reading(path)), timed(lambda: portal_import(path, rows))
            if number:  # the first round warms both sides
                bare.append(plain)
                portal.append(whole)
                words = f"bare={plain[0]:.2f}s portal={whole[0]:.2f}s ratio={whole[0] / plain[0]:.2f}"
                print(f"round={number} {words} cpu={plain[1]:.2f}s/{whole[1]:.2f}s", file=sys.stderr)
    ratios = [[mine[part] / other[part] for mine, other in zip(portal, bare, strict=True)] for part in (0, 1)]
    seconds = statistics.median(whole[0] for whole in portal)
    return {
        "import_bare_s": round(statistics.median(plain[0] for plain in bare), 3),
        "import_portal_s": round(seconds, 3),
        "import_ratio": round(statistics.median(ratios[0]), 3),
        "import_cpu_ratio": round(statistics.median(ratios[1]), 3),
        "import_rows_per_s": round(rows / seconds),
    }


def timed(work: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds that `work` says it took, and the CPU of this process and of children that ended."""
    before = cpu()
    return work(), cpu() - before


def cpu() -> float:
    """Return the CPU seconds used so far."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def write_file(path: Path, rows: int) -> None:
    """Write the file: codes, names, dates as text and as dates, money, telephones; a third of the columns unique."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("收费项目")
    sheet.append(HEADERS)
    for row in lines(rows):
        sheet.append(row)
    book.save(path)


def lines(rows: int) -> Iterator[list[Any]]:
    """Yield invented rows, the same ones each time."""
    chance = random.Random(7)
    for number in range(rows):
        price, amount = chance.randint(1, 99_999) / 100, chance.randint(1, 500)
        yield [
            f"A{number:08d}", f"样例项目{number}", f"内科{chance.randint(1, 60)}病区", chance.choice("甲乙丙"),
            f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
            date(2026, chance.randint(1, 12), chance.randint(1, 28)), price, chance.randint(0, 100), amount,
            f"0662-{chance.randint(1_000_000, 9_999_999)}", f"{chance.randint(0, 99_999):05d}", "盒",
            f"规格{number % 300}", f"备注{number % 1000}", f"{chance.randint(10**17, 10**18 - 1)}", "是",
            f"厂家{number % 500}", chance.randint(1, 9), f"{price * amount:.2f}", f"批号{number % 2000}",
        ]  # fmt: skip


def bare_reading(path: Path) -> float:
    """Return the seconds that calamine alone takes."""
    from python_calamine import CalamineWorkbook

    started = time.perf_counter()
    cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    took = time.perf_counter() - started
    assert len(cells) > 1
    return took


def portal_import(path: Path, rows: int) -> float:
    """Return the seconds of the whole check task; the upload before it and the clearing after it do not count."""
    from portal.people.actor import Actor
    from portal.people.models import Institution
    from portal.sheets import services
    from portal.sheets.choices import ImportState
    from portal.tasks.runner import run_task

    institution, _ = Institution.objects.get_or_create(
        fixmedins_code="H99990000009", defaults={"fixmedins_name": "样例医院（计时）", "admdvs": "999900"}
    )
    importer = register_importer()
    made = services.upload(Actor.system(institution), importer=importer, file_name="rows.xlsx", data=path.read_bytes())
    assert made.task is not None
    started = time.perf_counter()
    run_task(made.task.pk)
    took = time.perf_counter() - started
    made.refresh_from_db()
    if made.state != ImportState.READY or made.new_rows != rows:
        raise SystemExit(f"the check did not end well: {made.state} {made.words} {made.new_rows}")
    services.abandon(Actor.system(institution), sheet_import=made)
    return took


def register_importer() -> Any:
    """Return an importer of the twenty columns that judges every row new and writes nothing."""
    from portal.sheets.columns import Column
    from portal.sheets.importer import Importer, find, register

    kinds: dict[str, dict[str, Any]] = {
        "项目编码": {"kind": "code", "required": True, "max_length": 25},
        "项目名称": {"required": True, "max_length": 60},
        "收费类别": {"code": {"1": "甲", "2": "乙", "3": "丙"}}, "启用日期": {"kind": "date"},
        "开单时间": {"kind": "datetime"}, "单价": {"kind": "number", "minimum": 0},
        "自付比例": {"kind": "whole", "maximum": 100},
        "数量": {"kind": "whole", "minimum": 0}, "联系电话": {"kind": "phone"}, "工号": {"kind": "code"},
        "业务流水号": {"kind": "code", "max_length": 20}, "金额": {"kind": "number"}, "等级": {"kind": "whole"},
    }  # fmt: skip

    class Items(Importer):
        """Judges every row new."""

        code: ClassVar[str] = "benchmark.items"
        label: ClassVar[str] = "收费项目"
        action: ClassVar[str] = "directory.import"
        key: ClassVar[tuple[str, ...]] = ("c0",)
        columns: ClassVar[Sequence[Column]] = tuple(
            Column(f"c{place}", header, **kinds.get(header, {"max_length": 100}))
            for place, header in enumerate(HEADERS)
        )

    if find(Items.code) is None:
        register(Items)
    return find(Items.code)
