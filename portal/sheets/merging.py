"""Merged cells: the value of the upper left one holds for every line below it that has something of its own."""

from __future__ import annotations

from collections.abc import Sequence

from portal.sheets.book import Block

Place = tuple[int, int]


class Filler:
    """Fills merged cells down, block after block of one sheet.

    `merges` are ((line, column), (line, column)) from 0, as calamine gives them; only those over several lines count.
    """

    def __init__(self, merges: Sequence[tuple[Place, Place]], first_column: int) -> None:
        tall = sorted(
            (top + 1, bottom + 1, left - first_column)
            for (top, left), (bottom, _) in merges
            if bottom > top and left >= first_column
        )
        self.waiting = tall[::-1]
        self.open: list[tuple[int, int, str, str]] = []

    def fill(self, block: Block) -> None:
        """Fill the lines of `block` in place; lines without a text of their own stay blank."""
        if not self.open and not self.waiting:
            return
        for index, number in enumerate(block.numbers):
            if self.open:
                self._fill_line(block, index, number)
            while self.waiting and self.waiting[-1][0] <= number:
                self._begin(block, index)

    def _begin(self, block: Block, index: int) -> None:
        _, bottom, place = self.waiting.pop()
        if place < len(block.columns):
            fault = block.faults.get(block.numbers[index], {}).get(place, "")
            self.open.append((bottom, place, block.columns[place][index], fault))

    def _fill_line(self, block: Block, index: int, number: int) -> None:
        self.open = [one for one in self.open if one[0] >= number]
        if not any(column[index] for column in block.columns):
            return
        for _, place, text, fault in self.open:
            if not block.columns[place][index]:
                block.columns[place][index] = text
                if fault:
                    block.faults.setdefault(number, {})[place] = fault
