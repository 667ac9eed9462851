"""Twenty-five files of daily life, and what must come out of each; the same through the reading process."""

from __future__ import annotations

import pytest

from portal.sheets.apart import open_apart
from portal.sheets.checking import Read, Reader, read_rows
from portal.sheets.reading import read
from tests.sheets.his import FILES, What
from tests.sheets.ward import WardImport


def compare(found: Read, what: What) -> None:
    good = [line.row.values for line in found.lines if line.row.good]
    assert [row["ward_code"] for row in good] == list(what.codes)
    assert [str(problem) for line in found.lines for problem in line.row.problems] == list(what.problems)
    assert sorted((one.place, one.reason) for one in found.ignored) == sorted(what.left_out)
    totals = [(one.line, one.label, one.stated, one.found, one.fits) for one in found.controls]
    assert totals == list(what.totals)
    assert what.values([line.row.values for line in found.lines])


@pytest.mark.parametrize(("name", "data", "what"), FILES.values(), ids=FILES.keys())
def test_what_comes_out(name: str, data: bytes, what: What) -> None:
    compare(read_rows(read(data, name), WardImport()), what)


@pytest.mark.parametrize(("name", "data", "what"), FILES.values(), ids=FILES.keys())
def test_the_reading_process_gives_the_same(name: str, data: bytes, what: What) -> None:
    with open_apart(data, name) as source:
        reader = Reader(source, WardImport())
        lines = [line for portion in reader.portions() for line in portion]
        compare(Read(reader.header, lines, reader.ignored, reader.sums.found), what)


def test_there_are_twenty_five() -> None:
    assert len(FILES) == 25
