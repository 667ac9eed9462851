"""列对应: what a person says the columns of a file are, remembered for the next file with the same headers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.privacy.masks import mask_document, mask_name, mask_phone
from portal.sheets.book import Book, Sheet, Source
from portal.sheets.choices import ImportState
from portal.sheets.columns import Column
from portal.sheets.errors import SheetError
from portal.sheets.headers import HEADER_WITHIN, Chosen, Header, HeaderCell, find_header, header_at, keys_of, plain
from portal.sheets.importer import Importer, importers_for
from portal.sheets.models import ColumnMapping, SheetImport
from portal.sheets.services import importer_of, start_check

OFFER_LINES = HEADER_WITHIN + 5
OFFER_TEXT = 60
SAMPLES = 3
SAMPLE_TEXT = 24
PERSONAL = re.compile(r"姓名|患者|病人|联系人|负责人|经办|医师|医生|护士|药师|人员|主任|参保人")
DAY = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
BIRTH = re.compile(r"出生|生日")
LONG_DIGITS = re.compile(r"[0-9Xx*-]{7,}")
ASKABLE = (ImportState.MAPPING, ImportState.READY, ImportState.FAILED)


def offer_of(source: Source) -> str:
    """Return the beginning of each sheet as JSON: what the page 列对应 needs when the file is not at hand."""
    sheets = [
        {
            "name": sheet.name,
            "rows": [[text[:OFFER_TEXT] for text in row] for row in sheet.rows[:OFFER_LINES]],
            "numbers": sheet.numbers[:OFFER_LINES],
            "first_column": sheet.first_column,
        }
        for sheet in source.sheets
    ]
    return json.dumps(sheets, ensure_ascii=False, separators=(",", ":"))


def offered(sheet_import: SheetImport) -> Book:
    """Return the beginning of each sheet as it was kept. Raises SheetError when nothing was."""
    if not sheet_import.offer:
        raise SheetError("这个文件没有可以指定的列（还没有读取，或已经放弃）。请重新上传文件。")
    return Book([Sheet(**one) for one in json.loads(sheet_import.offer)])


def chosen(sheet_import: SheetImport) -> Chosen | None:
    """Return what a person said of this file, None when nobody had to."""
    return Chosen(**sheet_import.layout) if sheet_import.layout else None


def remembered(institution: Institution, importer: str) -> dict[str, dict[str, str]]:
    """Return fingerprint → column name → key of the header, of all that is remembered for an importer."""
    rows = ColumnMapping.objects.filter(institution=institution, importer=importer)
    return dict(rows.values_list("fingerprint", "columns"))


def note_use(sheet_import: SheetImport, fingerprint: str) -> ColumnMapping | None:
    """Count one use of a remembered mapping and return it; None when it was deleted meanwhile."""
    found = ColumnMapping.objects.filter(
        institution=sheet_import.institution, importer=sheet_import.importer, fingerprint=fingerprint
    )
    found.update(uses=F("uses") + 1, used_at=timezone.now())
    mapping: ColumnMapping | None = found.first()
    return mapping


def mappings_of(actor: Actor) -> QuerySet[ColumnMapping]:
    """Return what is remembered in the actor's institution for the kinds the actor may import."""
    rows: QuerySet[ColumnMapping] = ColumnMapping.objects.filter(institution=actor.institution)
    if actor.person is not None:
        codes = [importer.code for importer in importers_for(actor.person, actor.institution)]
        rows = ColumnMapping.objects.visible_to(actor.person).filter(institution=actor.institution, importer__in=codes)
    return rows.select_related("owner").order_by("-id")


@dataclass(frozen=True)
class Option:
    """A column of the file that may be chosen: its place, its header, and some values, masked."""

    place: int
    letter: str
    header: str
    samples: list[str]

    @property
    def words(self) -> str:
        """Return what the select shows."""
        return f"{self.letter} 列 {self.header or '（无列名）'}" + (
            f"：{'、'.join(self.samples)}" if self.samples else ""
        )


@dataclass
class Ask:
    """What the page 列对应 asks: one sheet and header line of the file, its columns, and what each may be."""

    book: Book
    header: Header
    columns: Sequence[Column]

    @property
    def options(self) -> list[Option]:
        """Return the file's columns."""
        return [Option(one.place, one.letter, one.header, samples(self.header, one)) for one in self.header.cells]

    @property
    def rows(self) -> list[tuple[Column, int | None, bool]]:
        """Return each column with the place it now has; what is required and open comes first."""
        places = {name: cell.place for name, cell in self.header.matched.items()}
        found = [(one, places.get(one.name), one.required and one.name not in places) for one in self.columns]
        return sorted(found, key=lambda row: not row[2])

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Return the lines that may be the header: number, and what stands there."""
        sheet = self.header.sheet
        pairs = list(zip(sheet.numbers, sheet.rows, strict=True))[:HEADER_WITHIN]
        return [(number, "、".join(self._masked(index, row))[:60]) for index, (number, row) in enumerate(pairs)]

    def _masked(self, index: int, row: list[str]) -> list[str]:
        """Return the texts of a line, those below the header masked by what stands above them."""
        below = index >= self.header.index + self.header.height
        cells = {cell.place: cell for cell in self.header.cells} if below else {}
        return [
            mask_sample(cell.header, text, cell.column.masked_as if cell.column else "")
            if (cell := cells.get(place))
            else mask_sample("", text)
            for place, text in enumerate(row)
            if text.strip()
        ]


def ask(
    sheet_import: SheetImport, importer: Importer, *, sheet: int | None, line: int | None, height: int | None
) -> Ask:
    """Return what the page asks; what the address does not say is as it was told before, or the best guess."""
    book = offered(sheet_import)
    before = chosen(sheet_import)
    if before is not None and sheet in (None, before.sheet) and line in (None, before.line):
        header = find_header(book, importer.columns, chosen=before)
        if height in (None, before.height):
            return Ask(book, header, importer.columns)
    at = sheet if sheet is not None and 0 <= sheet < len(book.sheets) else None
    headers = [
        header
        for place, one in enumerate(book.sheets)
        if at in (None, place)
        for header in _headers(one, place, importer.columns)
        if line in (None, header.sheet.numbers[header.index]) and height in (None, header.height)
    ]
    best = max(headers, key=_likely, default=None)
    if best is None:
        raise SheetError("这个工作表没有内容，或指定的行没有内容。请另选工作表或表头行。")
    return Ask(book, _single(best), importer.columns)


def _headers(sheet: Sheet, at: int, columns: Sequence[Column]) -> list[Header]:
    last = min(HEADER_WITHIN, len(sheet.rows))
    return [
        header_at(sheet, at, index, height, columns)
        for index in range(last)
        for height in (1, 2)
        if index + height <= last
    ]


def _likely(header: Header) -> tuple[int, int, int, int]:
    """Rank a header: what matches, one line before two, how many words that are no numbers, the upper line."""
    words = sum(1 for cell in header.cells if not re.search(r"\d{3}", cell.header))
    return header.score, -header.height, words, -header.index


def _single(header: Header) -> Header:
    """Let each column be one place: of two that match, the first."""
    seen: set[str] = set()
    for cell in header.cells:
        if cell.column is not None and cell.column.name in seen:
            cell.column = None
        elif cell.column is not None:
            seen.add(cell.column.name)
    return header


def samples(header: Header, cell: HeaderCell) -> list[str]:
    """Return up to three different values below a header, masked by what the header and the values look like."""
    below = header.sheet.rows[header.index + header.height :]
    texts = dict.fromkeys(row[cell.place].strip() for row in below if cell.place < len(row))
    how = cell.column.masked_as if cell.column else ""
    return [mask_sample(cell.header, text, how) for text in texts if text][:SAMPLES]


def mask_sample(header: str, text: str, how: str = "") -> str:
    """Return a value of which nobody has said yet what it is, without what may be personal."""
    if how == "name" or (not how and PERSONAL.search(header) and not re.search(r"\d", text)):
        return mask_name(text)
    if how == "phone" or re.fullmatch(r"1\d{10}", text):
        return mask_phone(text)
    if how == "document":
        return mask_document(text)
    if header and DAY.fullmatch(text) and not BIRTH.search(header):
        return text
    return LONG_DIGITS.sub(lambda found: mask_document(found[0]), text)[:SAMPLE_TEXT]


def choose_columns(actor: Actor, *, sheet_import: SheetImport, told: Chosen, remember: bool = True) -> None:
    """Take what a person says the columns are, remember it for the same headers, and check the file again.

    Raises NotAllowed, or SheetError when a required column is left open or one place is named twice.
    """
    importer = importer_of(sheet_import)
    actor.must(importer.action)
    _refuse_twice(told, importer)
    header = find_header(offered(sheet_import), importer.columns, chosen=told)
    with transaction.atomic():
        locked: SheetImport = SheetImport.objects.select_for_update().get(pk=sheet_import.pk)
        if locked.state not in ASKABLE:
            word = ImportState(locked.state).label
            raise SheetError(f"文件「{locked.file_name}」的状态是「{word}」，不能再改列对应。请刷新页面。")
        locked.layout = {"sheet": told.sheet, "line": told.line, "height": told.height, "places": dict(told.places)}
        locked.remembered = _remember(actor, importer, locked, header) if remember else None
        locked.save(update_fields=["layout", "remembered"])
        columns = {name: cell.header for name, cell in header.matched.items()}
        record(actor, "sheets.columns", [locked], label=f"指定{importer.label}文件的列", columns=columns)
        start_check(actor, locked)


def _refuse_twice(told: Chosen, importer: Importer) -> None:
    names: dict[int, str] = {}
    for name, place in told.places.items():
        if place in names:
            labels = "」和「".join(importer.column(one).label for one in (names[place], name))
            raise SheetError(f"文件中的同一列被指定给了「{labels}」。请改正其中一个。")
        names[place] = name


def _remember(actor: Actor, importer: Importer, sheet_import: SheetImport, header: Header) -> ColumnMapping:
    keys = {cell.place: key for key, cell in keys_of(header.cells).items()}
    mapping, _ = ColumnMapping.objects.update_or_create(
        institution=sheet_import.institution,
        importer=importer.code,
        fingerprint=header.fingerprint,
        defaults={
            "label": importer.label,
            "headers": [cell.header[:OFFER_TEXT] for cell in header.cells],
            "columns": {name: keys[cell.place] for name, cell in header.matched.items() if cell.place in keys},
            "source": sheet_import.file_name,
            "owner": actor.person,
            "used_at": timezone.now(),
        },
    )
    found: ColumnMapping = mapping
    return found


def forget_mapping(actor: Actor, *, mapping: ColumnMapping) -> None:
    """Forget a 列对应; files already read keep what they have. Raises NotAllowed."""
    importer = next((one for one in importers_for(actor.person, actor.institution) if one.code == mapping.importer),
                    None) if actor.person else None  # fmt: skip
    actor.must(importer.action if importer else "sheets.manage")
    with transaction.atomic():
        record(actor, "sheets.forget_columns", [mapping], label=f"删除{mapping.label}的列对应", columns=mapping.columns)
        mapping.delete()


def words_of(mapping: ColumnMapping, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return what is remembered as (our label, header of the file)."""
    written = {plain(str(header)): str(header) for header in mapping.headers}
    labels = {column.name: column.label for column in columns}
    order = [column.name for column in columns if column.name in mapping.columns] or list(mapping.columns)
    keys = {name: str(mapping.columns[name]) for name in order}
    return [(labels.get(name, name), written.get(key, key)) for name, key in keys.items()]


def as_told(posted: Mapping[str, Any], importer: Importer) -> Chosen:
    """Return what the posted form of 列对应 says: sheet, line, height and col_<name>. Raises SheetError."""
    try:
        places = {
            column.name: int(posted[f"col_{column.name}"])
            for column in importer.columns
            if posted.get(f"col_{column.name}", "") != ""
        }
        return Chosen(int(posted["sheet"]), int(posted["line"]), min(max(int(posted["height"]), 1), 2), places)
    except (KeyError, ValueError) as error:
        raise SheetError("没有收到完整的列对应。请刷新页面后重新选择。") from error
