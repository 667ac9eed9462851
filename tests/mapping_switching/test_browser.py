"""The pages of this corner as a person sees them, and a change of codes prepared and approved with the mouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from insurance.mapping.choices import NightState
from insurance.mapping.models import CodeSwitch, Finding, Mapping
from insurance.mapping.switching.impact import find_impact
from insurance.mapping.switching.night import night_of
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.rows import take_rows
from insurance.mapping.switching.services.switches import create_switch
from portal.people.models import Person
from tests.mapping_items.factories import make_code
from tests.mapping_switching.conftest import DAY, TODAY, Ward

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("一次性使用引流导管", "可吸收缝合线", "医用透明敷料", "留置针", "宫颈扩张球囊", "产包", "脐带夹", "采血针")


def furnished(ward: Ward) -> CodeSwitch:
    """A believable change: most one to one, one split, one ended, one held up, one forgotten."""
    for place, name in enumerate(NAMES):
        ward.relation(
            f"C1401{place:015d}", list_type="301", fixmedins_hilist_name=name, spec=f"{place + 4}Fr", dosform="",
            prodentp_name="演示医疗", revenue=Decimal(90_000 - place * 9_000), stock=Decimal(40), inpatients=place,
            pric=Decimal("68.5"), prcunt="根", row={"name": name, "enddate": TODAY() + 4 * DAY if place == 7 else None},
        )  # fmt: skip
    switch = create_switch(
        ward.office, name="2026 年 12 月医用耗材编码切换", day=TODAY() + 5 * DAY, memo="演示通知第 1 号"
    )
    rows = []
    for place, name in enumerate(NAMES[:7]):
        new = f"C1402{place:015d}"
        if place == 5:
            rows.append({"old_code": f"C1401{place:015d}", "old_name": name, "new_code": "停用", "stated": "停用"})
            continue
        make_code("301", new, name=f"{name}（新）", spec=f"{place + 4}Fr", maker="演示医疗") if place != 6 else None
        rows.append({"old_code": f"C1401{place:015d}", "old_name": name, "new_code": new, "new_name": name})
        if place == 4:
            make_code("301", f"C1403{place:015d}", name=f"{name}（双腔）", spec="18Fr", maker="另一医疗")
            rows.append({"old_code": f"C1401{place:015d}", "new_code": f"C1403{place:015d}", "stated": "1:1"})
    take_rows(ward.office, switch=switch, rows=rows)
    return assess(switch)


def test_prepared_and_approved_by_two_persons(
    ward: Ward, log_in: Callable[[Person], Any], look: Callable[[str], Path]
) -> None:
    """From the list to the second person's 通过, without script errors."""
    switch = furnished(ward)
    page = log_in(ward.first)
    page.goto("/mapping/switches/")
    look("switches")
    page.get_by_role("link", name=switch.name).click()
    look("switch")
    page.locator("[data-select-page]").check()
    page.get_by_role("button", name="准备", exact=True).first.click()
    page.get_by_role("button", name="准备 5 项").wait_for()
    look("switch-prepare")
    page.get_by_role("button", name="准备 5 项").click()
    page.get_by_text("已准备 5 项").wait_for()
    page.goto(f"{switch.get_absolute_url()}?tab=choice")
    page.get_by_role("link", name="选择", exact=True).click()
    page.get_by_role("heading", name="局方给出的新编码").wait_for()
    look("switch-choice")
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="选择并提交审核").click()
    page.get_by_text("等待另一人审核").first.wait_for()

    page.context.clear_cookies()
    page = log_in(ward.other)
    page.goto(f"{switch.get_absolute_url()}approve/")
    look("switch-approve")
    for box in page.locator("input[name=line]").all():
        box.check()
    page.get_by_role("button", name="通过 6 项").click()
    page.get_by_text("已通过 5 项新对照、1 项终止").wait_for()
    look("switch-ready")
    assert Mapping.objects.filter(switch=switch, state="approved").count() == 5


def test_findings_and_nights(ward: Ward, log_in: Callable[[Person], Any], look: Callable[[str], Path]) -> None:
    """The lists and details of findings and nights, and the desk."""
    furnished(ward)
    ward.relation("C9", list_type="301", known=False, fixmedins_hilist_name="演示止血夹", revenue=1000)
    find_impact(ward.hospital)
    night = night_of(ward.hospital, TODAY())
    began = timezone.make_aware(dt.datetime.combine(TODAY(), dt.time(1, 0)))
    for number, one in enumerate(night.steps):
        ended = began + dt.timedelta(minutes=9 * (number + 1))
        one |= {
            "state": "done",
            "words": "13 个目录：新增 12、变更 30、停用 4 行",
            "tries": 1,
            "ended": ended.isoformat(),
        }
        one["started"] = (ended - dt.timedelta(minutes=8)).isoformat()
    night.steps[2] |= {"state": "failed", "words": "平台拒绝 3 条"}
    night.steps[2]["remedy"] = "在「已对照」看平台原因，处理后重新上传，再在本页重新运行。"
    night.steps[3] |= {"state": "skipped", "words": "「上传今日到期的对照」没有完成，本步没有执行"}
    night.state, night.ended_at = NightState.RED, timezone.now()
    night.save()
    page = log_in(ward.first)
    for name, url in (("findings", "/mapping/findings/"), ("nights", "/mapping/nights/"), ("desk", "/")):
        page.goto(url)
        look(name)
    page.goto("/mapping/findings/")
    page.get_by_role("link", name="演示止血夹").click()
    page.get_by_role("button", name="不处理", exact=True).last.wait_for()
    page.goto(Finding.objects.get(kind="broken").get_absolute_url())
    page.get_by_text("医保目录中没有编码 C9").first.wait_for()
    look("finding")
    switch = CodeSwitch.objects.get()
    for name, url in (("switch-rows", "rows/"), ("switch-upload", "upload/"), ("switch-undo", "undo/")):
        page.goto(switch.get_absolute_url() + url)
        look(name)
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(switch.get_absolute_url())
    look("switch-wide")
