"""Catalogues from the platform to the database: `refresh` is the one door (door.py).

    door.py          one refresh: alone, begun or gone on with, handed to the loader of its kind, ended with words
    files.py         file-borne kinds: 13xx, 9102, the file kept, handed on to be merged
    paged.py         paged kinds (1304 1312 1316 1318 1319); dictionaries.py: 1901 in both forms
    reading.py       the lines of a file: widths, encoding, dates, versions, every problem named
    merging.py       lines by COPY into a table of Item's shape, and from there into the catalogue in one transaction
    moments.py       days and times in all their forms
    problems.py      what is wrong with what came, and how it is said

A loader is a module of this package with `load(run, load, kind)`; it raises problems.Rejected (what came is not good),
TaskFailed (the platform was not to be had), or returns with the load's counts set and its rows merged in one
transaction that began with `run.fence()` and set `load.state`.
"""

from insurance.catalogue.loading.door import refresh, refresh_all

__all__ = ["refresh", "refresh_all"]
