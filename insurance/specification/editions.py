"""Layers of tables: the base, an edition over it, a site's own folder last.

A layer is a folder. Its tables of fields/, files/ and dictionaries/ replace the lower layer's table as a whole; rows of
the same table under add/ are laid over it one by one (same key: in place of the old row, else at the end). index.csv,
routes.csv, exceptions.csv and sources.csv are lists: each row takes the place of the lower layer's row with its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from insurance.specification.errors import UnknownEdition
from insurance.specification.tables import Row, key_of, read_table

DATA = Path(__file__).resolve().parent / "data"
BASE = "base"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STEM = re.compile(r"[\w-]+")


class Layer(NamedTuple):
    """One folder of tables. `label` is what a person reads as the origin of a rule."""

    name: str
    label: str
    path: Path

    def read(self, kind: str, file: str) -> list[Row]:
        """Return the rows of one of its files; [] when it has no such file. Raises TableUnreadable."""
        path = self.path / file
        return read_table(path, kind, self.label, file) if path.is_file() else []


def edition_names(data: Path = DATA) -> list[str]:
    """Return the names of all editions, the base first."""
    return [BASE, *sorted(folder.name for folder in (data / "editions").glob("*") if folder.is_dir())]


def layers_of(edition: str = BASE, site_dir: str | Path = "", data: Path = DATA) -> tuple[Layer, ...]:
    """Return the layers of an edition, lowest first; `a+b` lays b over a. Raises UnknownEdition, TableUnreadable."""
    layers = [_base(data)]
    for name in edition.split("+"):
        for layer in _chain(name or BASE, data, ()):
            if layer not in layers:
                layers.append(layer)
    if str(site_dir):
        layers.append(_site(Path(site_dir)))
    return tuple(layers)


def _base(data: Path) -> Layer:
    if not (data / "index.csv").is_file():
        raise UnknownEdition(f"规范数据不完整：{data} 中没有 index.csv")
    return Layer(BASE, _head(data)[0] or BASE, data)


def _site(path: Path) -> Layer:
    if not path.is_dir():
        raise UnknownEdition(f"找不到本机构规范文件夹 {path}，请检查 PLATFORM_EDITION_DIR")
    return Layer("site", _head(path)[0] or "本机构", path)


def _head(folder: Path) -> tuple[str, str]:
    """Return label and name of the edition below, from edition.csv."""
    path = folder / "edition.csv"
    rows = read_table(path, "edition", folder.name, "edition.csv") if path.is_file() else []
    return (rows[0].cells["label"], rows[0].cells["based_on"]) if rows else ("", BASE)


def _chain(name: str, data: Path, above: tuple[str, ...]) -> list[Layer]:
    if name == BASE:
        return []
    folder = data / "editions" / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise UnknownEdition(f"没有名为 {name} 的规范版本，可用：{'、'.join(edition_names(data))}")
    if name in above:
        raise UnknownEdition(f"规范版本互相依赖：{' → '.join((*above, name))}")
    label, below = _head(folder)
    return [*_chain(below or BASE, data, (*above, name)), Layer(name, label or name, folder)]


def lay(kind: str, rows: Iterable[Row], over: Iterable[Row]) -> list[Row]:
    """Lay rows over others: one with a known key takes its place, a new one stands at the end."""
    laid = {key_of(kind, row): row for row in rows}
    laid.update((key_of(kind, row), row) for row in over)
    return list(laid.values())


def listed(layers: Sequence[Layer], kind: str) -> list[Row]:
    """Return the rows of a list (index, routes, exceptions, sources) through all layers."""
    rows: list[Row] = []
    for layer in layers:
        rows = lay(kind, rows, layer.read(kind, f"{kind}.csv"))
    return rows


def table(layers: Sequence[Layer], kind: str, name: str) -> list[Row]:
    """Return the rows of a table (fields, files, dictionaries) through all layers; [] when no layer has it."""
    if not _STEM.fullmatch(name):
        return []
    file = f"{kind}/{name}.csv"
    whole = max((depth for depth, layer in enumerate(layers) if (layer.path / file).is_file()), default=0)
    rows = layers[whole].read(kind, file)
    for layer in layers[whole:]:
        added = layer.read(kind, f"add/{file}")
        rows = lay(kind, rows, added) if added else rows
    return rows


def table_names(layers: Sequence[Layer], kind: str) -> list[str]:
    """Return the names of all tables of a kind, added ones included, sorted."""
    folders = [layer.path / part / kind for layer in layers for part in (".", "add")]
    return sorted({path.stem for folder in folders for path in folder.glob("*.csv")})
