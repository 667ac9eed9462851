"""The second part of the demo: catalogues, items, suggestions, two persons' work, the bureau's answers, what broke.

It goes the way that people go. Each step looks at what is there before it acts, so that a run that was killed goes on
where it stopped and doubles nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import kind_of
from insurance.catalogue.models import Load
from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.models import Submission
from insurance.exchange.services import resend
from insurance.mapping.choices import Certainty, EndingKind, MappingState, Source
from insurance.mapping.errors import MappingError
from insurance.mapping.items import services as items
from insurance.mapping.models import Ending, HospitalItem, Mapping
from insurance.mapping.review.services import (
    Choice,
    approve_endings,
    approve_mappings,
    comment,
    propose_all,
    propose_certain,
    propose_ending,
    return_mappings,
)
from insurance.onboarding.bureau import Bureau, open_bureau, own_connection
from insurance.onboarding.item_sheets import drugs_sheet, prices_sheet, services_sheet, supplies_sheet
from insurance.onboarding.logins import LOGINS
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.services import PATIENCE_SECONDS, demo_hospital, note_mapped
from insurance.onboarding.steps import POLL_SECONDS, STALLED_SECONDS, Steps
from portal.people.actor import Actor
from portal.people.models import Person
from portal.tasks.run import Run, TaskFailed

DRUGS_FILE, SERVICES_FILE, SUPPLIES_FILE = "药品字典.xlsx", "收费项目.xlsx", "物资字典.xlsx"
PRICES_FILE = "调价单.xlsx"
# What items are tied to comes first; then what the area pays, by page; at last the dictionaries of records.
NEEDED = ("1301", "1302", "1303", "1304", "1305", "1306")
OF_THE_AREA = ("1312", "1316", "1318", "1319")
OF_RECORDS = ("1307", "1308", "1309", "1310", "1311", "1313", "1314", "1315", "1901")
PIECE = 25
# So many that the codes that end are such as the small hospital has (item_sheets.FIRST, AMOUNTS).
NEW_ROWS = 75

LIKELY_ENOUGH = Decimal("0.75")
STEPS = len(NEEDED) + len(OF_THE_AREA) + len(OF_RECORDS) + 13
Row = TypeVar("Row")


class MappingFill(Steps):
    """One run of the second part. Its steps are methods in the order of `run_all`."""

    def __init__(self, run: Run, demo: DemoHospital, bureau: Bureau) -> None:
        super().__init__(run, STEPS)
        self.demo, self.bureau = demo, bureau
        self.size = str(run.params.get("items") or "small")
        self.office, self.reviewer = self._person("yibao"), self._person("shenhe")
        self.pharmacy, self.prices = self._person("yaofang"), self._person("wujia")

    def _person(self, username: str) -> Actor:
        person = Person.objects.filter(username=username, is_active=True).first()
        if person is None:
            label = next(login.name for login in LOGINS if login.username == username)
            raise TaskFailed(
                f"演示登录「{username}」（{label}）已停用，不能填充演示数据。请先在「系统 · 人员」中恢复。"
            )
        return Actor.of(person, self.actor.institution)

    def run_all(self) -> None:
        """Do all that is not done yet, then note it."""
        self._catalogues(NEEDED)
        self.begin("药房导入院内药品")
        self.take_sheet("mapping.item_drugs", DRUGS_FILE, lambda: drugs_sheet(self.size), self.pharmacy)
        self.begin("物价导入医疗服务项目")
        self.take_sheet("mapping.item_services", SERVICES_FILE, lambda: services_sheet(self.size), self.prices)
        self.begin("设备科导入耗材")
        self.take_sheet("mapping.item_supplies", SUPPLIES_FILE, lambda: supplies_sheet(self.size), self.prices)
        self.begin("推荐医保编码")
        self.follow_kind("mapping.suggest")
        self.begin("药房和物价采用推荐、提交审核")
        self._propose(self.pharmacy, ("101", "102", "103"))
        self._propose(self.prices, ("201", "301"))
        self._set_aside()
        self.begin("医保局先登记了两条对照")
        self._meddle()
        self.begin("审核人审核，退回几条")
        self._review()
        self.begin("上传对照到平台（3301）")
        self._deliver()
        self._resend_fallen()
        self._deliver()
        self.begin("医保局审核，退回几条")
        self._verdicts()
        self.begin("终止不再开展的项目（3360）")
        self._end_some()
        self._deliver()
        self.begin("与平台核对对照（1317）")
        self.follow_kind("mapping.compare")
        self.begin("药房导入调价单")
        self.take_sheet("mapping.item_drugs", PRICES_FILE, self._prices_sheet, self.pharmacy)
        self._catalogues(OF_THE_AREA)
        self._catalogues(OF_RECORDS)
        self.begin("目录新版本及其影响")
        self._new_version()
        self._finish()

    def _catalogues(self, wanted: Sequence[str]) -> None:
        held = set(Load.objects.filter(state__in=(LoadState.DONE, LoadState.NOTHING)).values_list("infno", flat=True))
        for infno in wanted:
            self.begin(f"下载{kind_of(infno)}")
            try:
                if infno not in held:
                    self.follow_kind("catalogue.refresh", {"infno": infno})
            except TaskFailed as error:
                if infno in NEEDED:
                    raise
                self.run.log(str(error), "warning")  # without it prices and classes are not shown, all else works

    # What the offices do

    def _propose(self, actor: Actor, kinds: Sequence[str]) -> None:
        """Take most of the certain suggestions and half of the likely ones; the rest is left to be tried out."""
        left = self._untouched(kinds).exclude(suggestion=None)
        certain = [item for item in left.filter(suggestion__certainty=Certainty.CERTAIN) if item.pk % 8]
        for piece in _pieces(certain):
            with transaction.atomic():
                self.run.fence()
                propose_certain(actor, items=piece)
        several = left.filter(suggestion__certainty=Certainty.AMBIGUOUS).select_related("suggestion")
        choices = [choice for item in several if item.pk % 3 and (choice := _by_number(item))]
        likely = left.filter(suggestion__certainty=Certainty.LIKELY, suggestion__score__gte=LIKELY_ENOUGH)
        choices += [_choice(item, item.suggestion.candidates[0]) for item in likely.select_related("suggestion")
                    if item.pk % 2]  # fmt: skip
        for group in _pieces(choices):
            with transaction.atomic():
                self.run.fence()
                propose_all(actor, choices=group, label="采用推荐")

    def _untouched(self, kinds: Sequence[str]) -> QuerySet[HospitalItem]:
        rows = HospitalItem.objects.filter(institution=self.actor.institution, list_type__in=kinds, mappings=None)
        return rows.filter(no_code=False).order_by("pk")

    def _set_aside(self) -> None:
        """Say of a few items that they need no code, and stop some."""
        rows = self._untouched(("201", "301")).order_by("revenue", "pk")
        if HospitalItem.objects.filter(institution=self.actor.institution, no_code=True).exists():
            return
        with transaction.atomic():
            self.run.fence()
            for item in rows[:4]:
                items.need_no_code(self.prices, item=item, reason="院内核算项目，不向医保收费")

    def _meddle(self) -> None:
        """Let the bureau hold other relations of two items first, so that ours are refused as a hospital knows it."""
        waiting = Mapping.objects.filter(institution=self.actor.institution, state=MappingState.PROPOSED)
        there = {row["fixmedins_hilist_id"] for row in self.bureau.rows("mappings")}
        first = list(waiting.filter(list_type="201").select_related("item").order_by("pk")[:3])
        for mapping, other in pairwise(first):
            if mapping.item.fixmedins_hilist_id not in there:
                self.bureau.put("mappings", self._held_by_bureau(mapping, other.med_list_codg))

    def _held_by_bureau(self, mapping: Mapping, code: str) -> dict[str, str]:
        return {
            "fixmedins_code": self.actor.institution.fixmedins_code, "list_type": mapping.list_type,
            "fixmedins_hilist_id": mapping.item.fixmedins_hilist_id, "med_list_codg": code,
            "fixmedins_hilist_name": mapping.item.fixmedins_hilist_name, "begndate": "2025-01-01",
        }  # fmt: skip

    def _review(self) -> None:
        """Approve most as the second person, return some, leave some waiting; a second run finds them decided."""
        ours = Mapping.objects.filter(institution=self.actor.institution).select_related("item").order_by("pk")
        waiting = ours.filter(state=MappingState.PROPOSED)
        if not ours.filter(state=MappingState.RETURNED).exists():
            self._return([one for one in waiting if one.pk % 61 == 5][:4])
        for piece in _pieces([one for one in waiting.all() if one.pk % 23]):
            with transaction.atomic():
                self.run.fence()
                approve_mappings(self.reviewer, mappings=piece)
            self.run.check()

    def _return(self, mappings: Sequence[Mapping]) -> None:
        with transaction.atomic():
            self.run.fence()
            return_mappings(self.reviewer, mappings=mappings, reason="规格与目录不一致，请核对包装后重新对码")
            for mapping in mappings:
                comment(self.reviewer, item=mapping.item, text="请与药库核对实物包装。", mapping=mapping)

    # What the platform does

    def _deliver(self) -> None:
        """Wait until the platform has answered for all of them."""
        before, since = -1, time.monotonic()
        while True:
            states = Counter(self._submissions().filter(needs_person=False).values_list("state", flat=True))
            waiting = sum(states[state] for state in OPEN_STATES)
            words = f"上传对照到平台：已有结果 {sum(states.values()) - waiting} / {sum(states.values())}"
            self.run.progress(self.done, self.total, words)
            if not waiting:
                self.run.log(
                    f"上传成功 {states[SubmissionState.ACCEPTED]} 条，上传失败 {states[SubmissionState.REFUSED]} 条"
                )
                return
            if waiting != before:
                before, since = waiting, time.monotonic()
            elif time.monotonic() - since > STALLED_SECONDS:
                raise TaskFailed(f"还有 {waiting} 条对照没有上传，3 分钟没有进展。恢复后在任务中心重新运行，会接着做。")
            self.run.check()
            time.sleep(POLL_SECONDS)

    def _resend_fallen(self) -> None:
        """Send again, alone, what only fell with its batch: of these the platform refuses those that are wrong."""
        fallen = self._submissions().filter(state=SubmissionState.REFUSED, whole=True)
        for submission in fallen.order_by("pk"):
            with transaction.atomic():
                self.run.fence()
                resend(self.office, submission=submission, reason="整批被拒，逐条重新上传")

    def _submissions(self) -> QuerySet[Submission]:
        rows: QuerySet[Submission] = Submission.objects.filter(
            connection__institution=self.actor.institution, purpose__startswith="mapping.", superseded=False
        )
        return rows

    def _verdicts(self) -> None:
        """Let the bureau pass most of what it received, turn some down, and take its time with the rest."""
        told = [row for row in self.bureau.rows("mappings") if row.get("chk_stas") == "0"]
        keys = sorted(str(row["_key"]) for row in told)
        if len(keys) > 1 and not Mapping.objects.filter(institution=self.actor.institution, verdict="passed").exists():
            self.bureau.review(keys[::40][:3], "2")
            self.bureau.review([key for place, key in enumerate(keys) if place % 40 and place % 6], "1")
        self.follow_kind("mapping.verdicts")

    def _end_some(self) -> None:
        """End the relations of services that are given up: some approved, one left for the second person."""
        ours = Mapping.objects.filter(institution=self.actor.institution, list_type="201")
        if Ending.objects.filter(institution=self.actor.institution).exists():
            return
        passed = ours.filter(state=MappingState.IN_FORCE, verdict="passed").select_related("item").order_by("-pk")
        with transaction.atomic():
            self.run.fence()
            endings = [
                propose_ending(
                    self.prices, mapping=one, kind=EndingKind.END, enddate=timezone.localdate(),
                    reason="本院不再开展此项目",
                )
                for one in passed[:3]
            ]  # fmt: skip
            approve_endings(self.reviewer, endings=endings[:2])

    def _prices_sheet(self) -> bytes:
        """New prices for some drugs and another maker for two that are tied: their relations want looking at."""
        drugs = HospitalItem.objects.filter(institution=self.actor.institution, list_type="101").order_by("pk")
        rows = [
            (
                one.fixmedins_hilist_id,
                one.fixmedins_hilist_name,
                f"{(one.pric or 0) * Decimal('1.06'):.2f}",
                one.prodentp_name,
            )
            for one in drugs[:30]
        ]
        tied = drugs.filter(mappings__state=MappingState.IN_FORCE).exclude(prodentp_name="").order_by("-pk")[:2]
        rows += [
            (one.fixmedins_hilist_id, one.fixmedins_hilist_name, f"{one.pric or 0:.2f}", "示例制药新厂")
            for one in tied if one.fixmedins_hilist_id not in {row[0] for row in rows}
        ]  # fmt: skip
        return prices_sheet(rows)

    def _new_version(self) -> None:
        """Let new versions of the drugs' catalogue come out, which end some codes, and see what they touch."""
        if Load.objects.filter(infno="1301", state=LoadState.DONE).count() < 2:
            self.bureau.publish("1301", NEW_ROWS)
            self.follow_kind("catalogue.refresh", {"infno": "1301"})
        self.follow_kind("mapping.impact")

    def _finish(self) -> None:
        self.run.progress(self.total, self.total, "完成")
        with transaction.atomic():
            self.run.fence()
            note_mapped(self.actor, demo=self.demo)
        states = Counter(Mapping.objects.filter(institution=self.actor.institution).values_list("state", flat=True))
        total = HospitalItem.objects.filter(institution=self.actor.institution).count()
        words = {MappingState(state).label: count for state, count in sorted(states.items())}
        self.run.finish({"院内项目": total, **words}, url=reverse("mapping:items"))


def fill_mapping(run: Run) -> None:
    """Fill catalogues, items and mappings of the run's institution. Raises TaskFailed, DemoRefused."""
    demo = demo_hospital()
    if demo is None or demo.institution != run.actor.institution:
        raise TaskFailed("本机构没有演示登录，不填充演示数据。请先运行 manage.py demo --logins。")
    if demo.mapped_at is not None:
        run.finish({"说明": "此前已填充完成，没有新增数据"}, url=reverse("mapping:items"))
        return
    try:
        MappingFill(run, demo, open_bureau(own_connection(), PATIENCE_SECONDS)).run_all()
    except MappingError as error:
        raise TaskFailed(f"{error} 之后可在任务中心重新运行，会接着做。") from error


def _by_number(item: HospitalItem) -> Choice | None:
    """Return the one candidate that bears the item's approval or registration number, as a person would choose it."""
    same = [
        candidate for candidate in item.suggestion.candidates
        if any("号" in reason["what"] and reason["agrees"] for reason in candidate.get("reasons", ()))
    ]  # fmt: skip
    return _choice(item, same[0]) if len(same) == 1 else None


def _choice(item: HospitalItem, best: dict[str, Any]) -> Choice:
    return Choice(
        item, best["code"], Source.SUGGESTED, score=best.get("score"), reasons=best.get("reasons", []),
        memo="按推荐对码，已核对规格和厂家",
    )  # fmt: skip


def _pieces(rows: Sequence[Row]) -> Iterable[list[Row]]:
    return (list(rows[place : place + PIECE]) for place in range(0, len(rows), PIECE))
