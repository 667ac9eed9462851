"""Spreadsheets in and out against the bare libraries, in one run: _excel_in and _excel_out say what is measured."""

from __future__ import annotations

import argparse

KEYS = ("rows_in", "import_ratio", "rows_out", "export_ratio", "export_mb", "import_s", "export_s")


def main(arguments: list[str]) -> None:
    """Measure both ways and print one last line."""
    parser = argparse.ArgumentParser(prog="script/bench excel")
    parser.add_argument("--rows-in", type=int, default=50_000)
    parser.add_argument("--rows-out", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    from benchmarks._excel_in import measure_import
    from benchmarks._excel_out import measure_export

    figures = {"rows_in": float(given.rows_in), **measure_export(given.rows_out, given.rounds)}
    figures |= measure_import(given.rows_in, given.rounds)
    figures["import_s"] = figures.pop("import_portal_s")
    first = [name for name in KEYS if name in figures]
    rest = [name for name in figures if name not in KEYS]
    print("excel " + " ".join(f"{name}={figures[name]:g}" for name in (*first, *rest)))
