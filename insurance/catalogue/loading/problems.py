"""What is wrong with what came: gathered all at once, each sort with its first places, said in Chinese."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

# error: cannot be taken · ask: only a person may take it, having seen it · remark: taken, and noted.
Level = Literal["error", "ask", "remark"]
SHOWN = 20
CUT = 60


class Rejected(Exception):
    """What came was not taken, and nothing of it was kept among the rows; the message is for the person.

    `problems` may be None when the file itself could not be opened. `askable`: a person may take it all the same.
    """

    def __init__(self, words: str, problems: Problems | None = None) -> None:
        super().__init__(words)
        self.problems = problems
        self.askable = problems is not None and problems.worst == "ask"


@dataclass
class Sort:
    """One sort of problem: `words` what is wrong, `todo` what to do, the first places of `count`."""

    level: Level
    words: str
    todo: str
    column: str = ""
    count: int = 0
    places: list[tuple[int, str]] = field(default_factory=list)

    def said(self) -> str:
        """Return one line: what is wrong, where, how often, what to do."""
        shown = "、".join(_place(line, found) for line, found in self.places[:3])
        more = f"等，共 {self.count:,} 处" if self.count > len(self.places[:3]) else ""
        where = f"（{shown}{more}）" if shown else ""
        todo = f"{self.todo.rstrip('。')}。" if self.todo else ""
        return f"{self.words}{where}。{todo}"

    def as_json(self) -> dict[str, Any]:
        """Return it as Load.remarks keeps it."""
        return {
            "level": self.level,
            "column": self.column,
            "words": self.words,
            "todo": self.todo,
            "count": self.count,
            "places": [{"line": line, "found": found} for line, found in self.places],
            "said": self.said(),
        }


def _place(line: int, found: str) -> str:
    at = f"第 {line:,} 行" if line else ""
    return f"{at}{'为' if at else ''}「{found}」" if found else at


def quoted(text: str | None) -> str:
    """Return a cell's text as a message shows it: without line breaks, not too long."""
    plain = "".join(sign if sign.isprintable() else "�" for sign in text or "")
    return plain if len(plain) <= CUT else f"{plain[:CUT]}…"


class Problems:
    """All problems of one load, by sort; adding is cheap however many there are."""

    def __init__(self) -> None:
        self._sorts: dict[tuple[str, str], Sort] = {}

    def add(
        self, level: Level, words: str, todo: str = "", *, column: str = "", line: int = 0, found: str = "",
        count: int = 1,
    ) -> None:  # fmt: skip
        """Note a problem; equal `words` about the same `column` are one sort, with the first SHOWN places kept."""
        sort = self._sorts.get((words, column))
        if sort is None:
            sort = self._sorts[words, column] = Sort(level, words, todo, column)
        sort.count += count
        if (line or found) and len(sort.places) < SHOWN:
            sort.places.append((line, quoted(found)))

    @property
    def worst(self) -> Level | None:
        """The most serious level there is, None without problems."""
        levels = {sort.level for sort in self._sorts.values()}
        found: list[Level] = [level for level in ("error", "ask", "remark") if level in levels]
        return found[0] if found else None

    def sorts(self, *levels: Level) -> list[Sort]:
        """Return the sorts of some levels, the most serious first; of all levels when none is named."""
        order = {"error": 0, "ask": 1, "remark": 2}
        found = [sort for sort in self._sorts.values() if not levels or sort.level in levels]
        return sorted(found, key=lambda sort: order[sort.level])

    def accept(self, by: str) -> None:
        """Turn what asks a person into remarks: `by` has seen it and takes it."""
        for sort in self._sorts.values():
            if sort.level == "ask":
                sort.level, sort.todo = "remark", f"已由 {by} 看过并确认采用。"

    def reject(self, what: str) -> None:
        """Raise Rejected when anything is worse than a remark; `what` names the catalogue."""
        if self.worst not in ("error", "ask"):
            return
        bad = self.sorts("error", "ask")
        said = "".join(f"{number}．{sort.said()}" for number, sort in enumerate(bad[:5], 1))
        more = f"另有 {len(bad) - 5} 类问题，见更新记录。" if len(bad) > 5 else ""
        raise Rejected(f"{what} 没有更新，仍用原来的版本：{said}{more}"[:1000], self)

    def as_json(self) -> list[dict[str, Any]]:
        """Return all sorts as Load.remarks keeps them."""
        return [sort.as_json() for sort in self.sorts()]
