"""A batch whose service takes one record: each on its own, one hindering no other, together one act in the audit.

class Discard(OneByOne):
    refused = (DirectoryError,)         # what the service raises with words for the person

    def one(self, actor: Actor, row: Department, form: Form | None) -> None:
        services.discard_draft(actor, department=row)
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from django import forms

from portal.audit.acts import one_act
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.people.actor import Actor

MOST_FAULTS = 3


class OneByOne(BatchPage):
    """Carry out for one record after the other; say how many, and why the others not."""

    refused: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Do it for one. Raises one of `refused` with the reason, in Chinese."""

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Do it for each, in one order for all persons, so that two of them cannot wait for each other."""
        faults = []
        with one_act(f"{self.list_page.title}：{self.verb}") as act:
            for row in sorted(rows, key=lambda row: row.pk):
                try:
                    with act.attempt():
                        self.one(actor, row, form)
                except self.refused as error:
                    faults.append(str(error).rstrip("。"))
        return self.told(len(rows) - len(faults), faults)

    def told(self, done: int, faults: list[str]) -> Result:
        """Return what came of it."""
        words = f"已{self.verb} {done:,} {self.unit}。" if done else f"没有{self.verb}任何一{self.unit}。"
        if not faults:
            return Result(words)
        more = f"；等 {len(faults):,} {self.unit}" if len(faults) > MOST_FAULTS else ""
        reasons = "；".join(faults[:MOST_FAULTS])
        return Result(f"{words}{len(faults):,} {self.unit}没有执行：{reasons}{more}。"[:500], level="warning")
