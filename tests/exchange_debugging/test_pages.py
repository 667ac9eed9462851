"""Who may open what, what a page costs, drafts of one and of many, and everything without script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from insurance.exchange.choices import CallState
from insurance.exchange.debugging.drafting import content_of, drop_unnamed
from insurance.exchange.debugging.judging import errors, judge
from insurance.exchange.debugging.sending import send
from insurance.exchange.debugging.state import message_of
from insurance.exchange.models import Call, Connection, DebugDraft, DebugSend
from insurance.specification.books import Book, open_book
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.exchange_debugging.conftest import department
from tests.exchange_pages.conftest import say

Enter = Callable[[Person], Client]
Draft = Callable[..., DebugDraft]
OUTBOUND = [infno for infno, row in open_book().index.items() if row.cells["direction"] != "inbound"]


@pytest.fixture
def addresses(quiet: Connection, actor: Actor, draft: Draft) -> list[str]:
    """Every page of 接口调试, with a draft and a send of the member's."""
    made = draft("3401", department())
    sent = send(actor, infno="3401", content=content_of(made), draft=made)
    from insurance.exchange.models import Submission

    submission = Submission.objects.get(pk=sent.submission_id)
    call = say(submission, CallState.ACCEPTED, b'{"infcode": 0, "output": null}')
    return [
        reverse("exchange:debug"),
        reverse("exchange:debug_sends"),
        reverse("exchange:debug_new", args=["4101"]),
        reverse("exchange:debug_rule", args=["2204"]) + "?field=feedetail.0.cnt",
        reverse("exchange:debug_draft", args=[made.pk]),
        reverse("exchange:debug_confirm", args=[made.pk]),
        reverse("exchange:debug_send", args=[sent.pk]),
        reverse("exchange:debug_live", args=[sent.pk]),
        reverse("exchange:debug_repeat", args=[call.pk]),
    ]


def test_three_people(addresses: list[str], member: Person, outsider: Person, stranger: Person, enter: Enter) -> None:
    own = {"/exchange/debug/", "/exchange/debug/sends/"}
    for address in addresses:
        allowed = enter(member).get(address)
        assert allowed.status_code in (200, 286), address
        elsewhere = enter(outsider).get(address)
        if address in own or "/new/" in address or "/rules/" in address:
            # the page itself is open to the other hospital's people; nothing of ours is on it
            assert "产科" not in elsewhere.content.decode(), address
        else:
            assert elsewhere.status_code == 404, address
        assert enter(stranger).get(address).status_code == 403, address


def test_without_the_right_no_page_opens(
    addresses: list[str], person: Callable[..., Person], institution: Institution, enter: Enter
) -> None:
    for role in ("reviewer", "cashier", "manager", "system_admin"):
        client = enter(person(role, institution, role))
        for address in addresses:
            assert client.get(address).status_code in (403, 404), (role, address)


def test_a_reviewer_sees_only_what_waits_for_a_second_person(
    addresses: list[str], reviewer: Person, enter: Enter
) -> None:
    url = reverse("exchange:debug_send", args=[DebugSend.objects.get().pk])
    assert enter(reviewer).get(url).status_code == 404
    DebugSend.objects.update(approval_id=1)
    assert enter(reviewer).get(url).status_code == 200


def test_another_of_the_same_role_sees_a_draft_only_when_it_is_shared(
    quiet: Connection, draft: Draft, person: Callable[..., Person], institution: Institution, enter: Enter
) -> None:
    made = draft("3401", department(), name="科室样例")
    colleague = person("colleague", institution, "insurance_office")
    url = reverse("exchange:debug_draft", args=[made.pk])
    client = enter(colleague)
    assert client.get(url).status_code == 404
    DebugDraft.objects.update(role="insurance_office")
    shown = client.get(url)
    assert "只能查看" in shown.content.decode()
    assert '<fieldset class="debug-body" disabled' in shown.content.decode()
    assert AuditEvent.objects.filter(action="privacy.opened", person=colleague).exists()
    assert client.post(url, {"act": "save", "version": "1"}).status_code == 403
    copied = client.post(reverse("exchange:debug_copy", args=[made.pk]))
    mine = DebugDraft.objects.get(person=colleague)
    assert copied.url == reverse("exchange:debug_draft", args=[mine.pk])
    assert content_of(mine).state == content_of(made).state


def test_pages_cost_the_same_however_much_there_is(
    quiet: Connection, actor: Actor, member: Person, draft: Draft, enter: Enter
) -> None:
    client = enter(member)

    def cost(address: str) -> int:
        with CaptureQueriesContext(
            database,
        ) as found:
            assert client.get(address).status_code == 200
        return len(found)

    pages = [reverse("exchange:debug"), reverse("exchange:debug_sends")]
    for number in range(2):
        made = draft("3401", department(f"A{number}"))
        send(actor, infno="3401", content=content_of(made), draft=made)
    for page in pages:
        cost(page)
    few = [cost(page) for page in pages]
    for number in range(12):
        made = draft("3401", department(f"B{number}"))
        send(actor, infno="3401", content=content_of(made), draft=made)
    assert [cost(page) for page in pages] == few


def test_a_form_costs_the_same_with_one_row_and_with_many(
    quiet: Connection, member: Person, draft: Draft, enter: Enter
) -> None:
    client = enter(member)
    costs = []
    for rows in (1, 40):
        made = draft("2204", {"feedetail": [{"feedetl_sn": str(number)} for number in range(rows)]})
        client.get(reverse("exchange:debug_draft", args=[made.pk]))
        with CaptureQueriesContext(database) as found:
            client.get(reverse("exchange:debug_draft", args=[made.pk]) + "?checked=1")
        costs.append(len(found))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("infno", OUTBOUND)
def test_every_form_opens_and_its_example_passes_the_check(
    infno: str, quiet: Connection, member: Person, enter: Enter, book: Book
) -> None:
    client = enter(member)
    url = reverse("exchange:debug_new", args=[infno])
    page = client.get(url)
    assert page.status_code == 200
    client.post(url, {"act": "fill", "key": "k" * 20})
    made = DebugDraft.objects.get()
    what = book.transaction(infno)
    content = content_of(made)
    found = judge(quiet, book, what, content.message(what), content.insuplc_admdvs, content.files)
    assert errors(found) == []
    text = made.content
    assert "000000190001010000" in text or "certno" not in text


def fields_of(client: Client, url: str) -> dict[str, str]:
    """What a browser without script would send back: the inputs of the form's context, as drawn."""
    page = client.get(url).context
    names: dict[str, str] = {"version": str(page["draft"].version), "insuplc_admdvs": page["content"].insuplc_admdvs}
    drawn = page["page"].form
    for section in drawn.sections:
        for row in section.rows:
            names |= {f"m:{row.place}": ""} if section.many else {}
            names |= {box.name: box.shown for box in row.boxes}
    return names


def test_rows_without_script(quiet: Connection, member: Person, enter: Enter) -> None:
    client = enter(member)
    new = reverse("exchange:debug_new", args=["2204"])
    posted = {"key": "n" * 20, "m:feedetail.0": "", "m:feedetail.0.feedetl_sn": "F1", "act": "add:feedetail"}
    answer = client.post(new, posted)
    made = DebugDraft.objects.get()
    url = reverse("exchange:debug_draft", args=[made.pk])
    assert answer.url == f"{url}#s-feedetail.1"
    assert content_of(made).state == {"feedetail": [{"feedetl_sn": "F1"}, {}]}
    client.post(url, fields_of(client, url) | {"m:feedetail.1.cnt": "2.50", "act": "copy:feedetail.1"})
    made.refresh_from_db()
    assert content_of(made).state == {"feedetail": [{"feedetl_sn": "F1"}, {"cnt": "2.50"}, {"cnt": "2.50"}]}
    client.post(url, fields_of(client, url) | {"act": "drop:feedetail.0"})
    made.refresh_from_db()
    assert content_of(made).state == {"feedetail": [{"cnt": "2.50"}, {"cnt": "2.50"}]}
    checked = client.post(url, fields_of(client, url) | {"act": "check"}, follow=True)
    words = checked.content.decode()
    assert 'id="i-feedetail.1.feedetl_sn"' in words
    assert 'href="#i-feedetail.1.feedetl_sn"' in words
    # the first press doubled makes one draft
    client.post(new, posted)
    assert DebugDraft.objects.count() == 1


def test_form_and_json_say_the_same(quiet: Connection, member: Person, draft: Draft, enter: Enter, book: Book) -> None:
    client = enter(member)
    made = draft("3401", department())
    url = reverse("exchange:debug_draft", args=[made.pk])
    before = content_of(made).state
    text = client.post(url, fields_of(client, url) | {"act": "json"}, follow=True).context["page"].text
    assert json.loads(text) == department()
    made.refresh_from_db()
    client.post(url, {"json": text.replace("\n", "\r\n"), "version": made.version, "act": "form"})
    made.refresh_from_db()
    assert content_of(made).state == before


def test_json_that_no_form_can_hold_stays_json(quiet: Connection, member: Person, draft: Draft, enter: Enter) -> None:
    client = enter(member)
    made = draft("3401", department())
    url = reverse("exchange:debug_draft", args=[made.pk])
    strange = '{"deptinfo": {"unknown_field": 1}}'
    page = client.post(url, {"json": strange, "version": "1", "act": "form"}, follow=True)
    made.refresh_from_db()
    assert content_of(made).text == strange
    assert "unknown_field" in page.content.decode()
    page = client.get(url + "?checked=1").content.decode()
    assert "规范中没有" in page
    broken = client.post(url, {"json": "{", "version": str(made.version), "act": "check"}, follow=True)
    assert "JSON 有误" in broken.content.decode()


def test_two_windows_do_not_overwrite_each_other(quiet: Connection, member: Person, draft: Draft, enter: Enter) -> None:
    client = enter(member)
    made = draft("3401", department())
    url = reverse("exchange:debug_draft", args=[made.pk])
    old = fields_of(client, url)
    client.post(url, old | {"m:deptinfo.hosp_dept_name": "儿科", "act": "save"})
    stale = client.post(url, old | {"m:deptinfo.hosp_dept_name": "妇科", "act": "save"})
    assert stale.status_code == 409
    assert "妇科" in stale.content.decode(), "what was typed is lost"
    quietly = client.post(url, old | {"act": "autosave"})
    assert quietly.status_code == 409
    made.refresh_from_db()
    assert content_of(made).state["deptinfo"]["hosp_dept_name"] == "儿科"  # type: ignore[index]
    client.post(url, old | {"m:deptinfo.hosp_dept_name": "妇科", "act": "force"})
    made.refresh_from_db()
    assert content_of(made).state["deptinfo"]["hosp_dept_name"] == "妇科"  # type: ignore[index]


def test_a_form_with_thousands_of_inputs_is_taken_here_and_nowhere_else(
    quiet: Connection, member: Person, enter: Enter
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    url = reverse("exchange:debug_new", args=["2204"])
    token = client.get(url).cookies["csrftoken"].value
    fields = {f"m:feedetail.{row}.{name}": "1" for row in range(150) for name in ("feedetl_sn", "cnt", "pric", "rxno")}
    fields |= {f"m:feedetail.{row}.x{number}": "" for row in range(150) for number in range(8)}
    from urllib.parse import urlencode

    body = urlencode(fields | {"key": "w" * 20, "act": "autosave", "csrfmiddlewaretoken": token})
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert client.post(url, body.replace(token, "x" * 64), **form).status_code == 403, "the CSRF check was passed by"
    taken = client.post(url, body, **form)
    assert taken.json()["version"] == 2
    assert len(content_of(DebugDraft.objects.get()).state["feedetail"]) == 150  # type: ignore[index]
    copy = reverse("exchange:debug_copy", args=[DebugDraft.objects.get().pk])
    assert client.post(copy, body, **form).status_code == 400
    too_many = "&".join(f"m:a{number}=" for number in range(20_100))
    assert client.post(url, too_many, **form).status_code == 400


def test_a_json_file_becomes_a_draft(quiet: Connection, member: Person, enter: Enter) -> None:
    client = enter(member)
    url = reverse("exchange:debug_import", args=["3401"])
    whole = json.dumps({"infno": "3401", "msgid": "x", "input": department()}, ensure_ascii=False)
    client.post(url, {"file": SimpleUploadedFile("a.json", whole.encode("gb18030"))})
    what = open_book().transaction("3401")
    assert (
        message_of(what.input, content_of(DebugDraft.objects.get()).state or {})["deptinfo"]["hosp_dept_name"] == "产科"
    )
    refused = client.post(url, {"file": SimpleUploadedFile("a.json", b"{]")}, follow=True)
    assert "没有导入" in refused.content.decode()
    assert client.post(url, {}, follow=True).status_code == 200
    assert DebugDraft.objects.count() == 1


def test_naming_sharing_templates_and_forgetting(quiet: Connection, member: Person, draft: Draft, enter: Enter) -> None:
    client = enter(member)
    made, other = draft("3401", department()), draft("5101", {})
    url = reverse("exchange:debug_draft", args=[made.pk])
    words = {"name": "", "role": "insurance_office", "template": "on", "act": "describe"}
    assert "先填写名称" in client.post(url, fields_of(client, url) | words, follow=True).content.decode()
    words |= {"name": "新科室", "role": "manager"}
    assert "自己所在的角色" in client.post(url, fields_of(client, url) | words, follow=True).content.decode()
    client.post(url, fields_of(client, url) | words | {"role": "insurance_office"})
    made.refresh_from_db()
    assert (made.name, made.role, made.template) == ("新科室", "insurance_office", True)
    assert "新科室" in client.get(reverse("exchange:debug_new", args=["3401"])).content.decode()
    from datetime import timedelta

    from django.utils import timezone

    DebugDraft.objects.update(updated_at=timezone.now() - timedelta(days=31))
    assert drop_unnamed() == 1
    assert not DebugDraft.objects.filter(pk=other.pk).exists()
    client.post(reverse("exchange:debug_delete", args=[made.pk]))
    assert not DebugDraft.objects.exists()


def test_repeating_a_past_message_is_noted_with_a_reason(
    addresses: list[str], member: Person, person: Callable[..., Person], institution: Institution, enter: Enter
) -> None:
    client = enter(member)
    call = Call.objects.get()
    url = reverse("exchange:debug_repeat", args=[call.pk])
    before = DebugDraft.objects.count()
    assert "欧阳某某" not in client.get(url).content.decode()
    assert "没有打开" in client.post(url, {"reason": "x"}, follow=True).content.decode()
    assert DebugDraft.objects.count() == before
    answer = client.post(url, {"reason": "平台退回后改正重报"})
    made = DebugDraft.objects.latest("pk")
    assert answer.url == reverse("exchange:debug_draft", args=[made.pk])
    assert made.source_id == call.pk
    assert content_of(made).state["deptinfo"]["dept_resper_name"] == "欧阳某某"  # type: ignore[index]
    noted = AuditEvent.objects.get(action="privacy.opened")
    assert "改正重报" in noted.label + noted.reason
    assert noted.subjects == [f"exchange.call:{call.pk}"]
    assert enter(person("it", institution, "it")).post(url, {"reason": "联调核对"}).status_code == 302


def test_everyday_words_find_a_transaction(quiet: Connection, member: Person, enter: Enter) -> None:
    client = enter(member)

    def found(words: str) -> list[str]:
        page = client.get(reverse("exchange:debug"), {"q": words})
        return [choice.infno for chapter in page.context["chapters"] for choice in chapter.choices]

    assert "3301" in found("对码")
    assert "2503" in found("门特")
    assert found("2204") == ["2204"]
    assert "2208" in found("退费")
    assert found("没有这种交易") == []
    assert "6201" not in found("")


@pytest.mark.parametrize("infno", ["6201", "7102", "0000", "9999A", "%00"])
def test_what_cannot_be_sent_has_no_form(infno: str, quiet: Connection, member: Person, enter: Enter) -> None:
    assert enter(member).get(f"/exchange/debug/new/{infno}/").status_code == 404


def test_a_rule_says_where_it_comes_from(quiet: Connection, member: Person, enter: Enter) -> None:
    client = enter(member)
    url = reverse("exchange:debug_rule", args=["4101"])
    words = client.get(url, {"field": "diseinfo.3.diag_type"}).content.decode()
    assert "fields/4101.csv 第" in words
    assert "西医" in words
    assert client.get(url, {"field": "diseinfo.3.nothing"}).status_code == 404
    assert client.get(url).status_code == 404


def test_no_input_of_an_address_breaks_a_page(quiet: Connection, member: Person, enter: Enter, draft: Draft) -> None:
    client = enter(member)
    made = draft("2204", {})
    url = reverse("exchange:debug_draft", args=[made.pk])
    for fields in (
        {"act": "drop:feedetail.99"}, {"act": "add:"}, {"act": "\0"}, {"act": "add:feedetail.x.y"},
        {"json": "\0", "act": "form"}, {"m:feedetail.999999999": "", "act": "save"},
        {"version": "9" * 50, "act": "save"},
    ):  # fmt: skip
        answer: Any = client.post(url, {"version": "1", **fields})
        assert answer.status_code in (302, 409), fields
