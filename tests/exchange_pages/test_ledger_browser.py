"""The ledger's pages in a real browser, at the sizes of the hospital's screens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.models import Submission
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange_pages.conftest import connect, queue, say

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_pages_are_read_and_fault_words_copied(
    log_in: Callable[[Person], Any], look: Callable[[str], Path], person: Callable[..., Person],
    institution: Institution,
) -> None:  # fmt: skip
    connect(institution)
    member = person("office", institution, "insurance_office")
    actor = Actor.of(member, institution)
    refused = {"infcode": -1, "inf_refmsgid": "441700202601010000000001", "err_msg": "科室编码已存在", "output": None}
    for number in range(14):
        one = queue(actor, state=SubmissionState.REFUSED, words="科室编码已存在")
        say(one, CallState.REFUSED, json.dumps(refused).encode(), words="科室编码已存在", infcode="-1",
            inf_refmsgid="441700202601010000000001", mdtrt_id=f"V{number}")  # fmt: skip
    lost = queue(actor, state=SubmissionState.UNKNOWN, needs_person=True)
    call = say(lost, CallState.UNKNOWN)
    Submission.objects.filter(pk=queue(actor).pk).update(ready=False, contradicted=True)
    page = log_in(member)
    for name, shot in (("todo", "todo"), ("unknown", "unknown"), ("calls", "calls"), ("submissions", "submissions")):
        page.goto(reverse(f"exchange:{name}"))
        look(f"ledger-{shot}")
    page.goto(reverse("exchange:call", args=[call.pk]))
    page.click("[data-copy]")
    page.wait_for_selector("[data-copy]:has-text('已复制')")
    assert call.msgid in page.input_value("#trouble-words")
    look("ledger-call")
    page.emulate_media(media="print")
    look("ledger-call-print")
    page.emulate_media(media="screen")
    page.goto(reverse("exchange:call_uncover", args=[call.pk]))
    look("ledger-uncover")
    page.fill("textarea", "核对窗口病人身份")
    page.click("button:has-text('显示明文')")
    page.wait_for_selector("text=本页显示了明文")
    look("ledger-clear")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(reverse("exchange:todo"))
    look("ledger-todo-wide")
    page.set_viewport_size({"width": 1366, "height": 768})
    log_in(person("admin", institution, "system_admin"))
    page.goto(reverse("exchange:retention"))
    look("ledger-retention")
    page.goto(reverse("exchange:retention_change", args=["settlement"]))
    look("ledger-retention-form")
