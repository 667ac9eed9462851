"""What pages show of messages: labels and words, never personal data in clear, each view audited."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from insurance.exchange.choices import CallState, SubmissionState
from insurance.exchange.masking import mask_broken, mask_of, mask_text, mask_value
from insurance.exchange.models import Call, Submission
from insurance.exchange.pages.messages import MOST_RAW, MOST_ROWS
from portal.audit.models import AuditEvent
from portal.people.actor import Actor
from portal.people.models import Person
from tests.exchange_pages.conftest import department_message, queue, say

# Invented, and impossible as real ones: day 00 of month 13.
DOCUMENT = "441700199013000018"
PHONE = "13800001234"
NAME = "司马某某"
PERSON = {
    "psn_no": "44170000000000001234", "psn_cert_type": "01", "certno": DOCUMENT, "psn_name": NAME, "gend": "2",
    "brdy": "1990-07-31", "tel": PHONE, "addr": "广东省阳江市江城区某某路一号", "card_sn": "CARD0000998877",
}  # fmt: skip
IN_CLEAR = (DOCUMENT, PHONE, NAME, "江城区某某路", "1990-07-31", "CARD0000998877")


def page_of(client: Client, name: str, thing: Submission | Call) -> str:
    """A detail page's text."""
    return client.get(reverse(name, args=[thing.pk])).content.decode()


def person_call(actor: Actor, answer: bytes, **changes: Any) -> Call:
    """A 1101 that was sent directly, with this answer."""
    request = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": DOCUMENT, "psn_cert_type": "01", "certno": DOCUMENT}}
    asked = queue(actor, infno="1101", message=request, state=SubmissionState.ACCEPTED)
    return say(asked, CallState.ACCEPTED, answer, effect="query", **changes)


def envelope(output: Any) -> dict[str, Any]:
    """An accepted answer."""
    return {"infcode": 0, "inf_refmsgid": "441700202601010000000009", "err_msg": "", "output": output}


ANSWERS = {
    "object": envelope({"baseinfo": PERSON, "insuinfo": [], "idetinfo": []}),
    "list": envelope([{"baseinfo": [PERSON]}]),
    "text": envelope(json.dumps({"baseinfo": PERSON}, ensure_ascii=False)),
    "wrapped": {"code": 0, "type": "success", "data": json.dumps(envelope({"baseinfo": PERSON}), ensure_ascii=False)},
    "other case": envelope({"BASEINFO": {key.upper(): value for key, value in PERSON.items()}}),
    "unknown node": envelope({"other": {"deeper": [{"more": PERSON}]}}),
}


@pytest.mark.parametrize("shape", list(ANSWERS))
def test_no_shape_of_an_answer_shows_a_person_in_clear(
    shape: str, actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    call = person_call(actor, json.dumps(ANSWERS[shape], ensure_ascii=False).encode())
    content = page_of(enter(member), "exchange:call", call)
    for word in IN_CLEAR:
        assert word not in content, word
    assert "司*" in content
    assert "4417**********0018" in content
    assert PERSON["psn_no"] in content


@pytest.mark.parametrize("cut", [60, 130, 160, 190, 230, 260])
def test_an_answer_that_was_cut_off_is_masked_too(
    cut: int, actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    whole = json.dumps(ANSWERS["object"], ensure_ascii=False)
    content = page_of(enter(member), "exchange:call", person_call(actor, whole[:cut].encode()))
    for word in IN_CLEAR:
        assert word not in content, word


def test_gbk_and_html_are_shown_as_they_can_be_read(
    actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    client = enter(member)
    gbk = json.dumps(ANSWERS["object"], ensure_ascii=False).encode("gb18030")
    content = page_of(client, "exchange:call", person_call(actor, gbk))
    assert "司*" in content
    assert NAME not in content
    html = f"<html><psn_name>{NAME}</psn_name><p>502 Bad Gateway {DOCUMENT}</p></html>".encode()
    content = page_of(client, "exchange:call", person_call(actor, html, http_status=502))
    assert "502 Bad Gateway" in content
    assert NAME not in content
    assert DOCUMENT not in content


def test_a_message_is_read_by_labels_with_words_beside_codes(
    actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    call = person_call(actor, json.dumps(ANSWERS["object"], ensure_ascii=False).encode())
    content = page_of(enter(member), "exchange:call", call)
    for label in ("人员编号", "证件号码", "性别", "baseinfo", "接收方报文ID", "报文头", "原文", "人员基本信息获取"):
        assert label in content, label
    assert "女" in content


def test_a_submission_shows_what_is_said_masked(
    refused: Submission, actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    content = page_of(enter(member), "exchange:submission", refused)
    assert "科室负责人电话" in content
    assert "138****0000" in content
    assert "13800000000" not in content
    assert "欧阳某某" not in content


def test_each_view_of_a_body_is_audited_once(
    refused: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    client, call = enter(member), Call.objects.get()
    page_of(client, "exchange:call", call)
    assert AuditEvent.objects.filter(action="exchange.read", person=member).count() == 1
    page_of(client, "exchange:call", call)
    assert AuditEvent.objects.filter(action="exchange.read", person=member).count() == 2
    client.get(reverse("exchange:calls"))
    assert AuditEvent.objects.filter(action="exchange.read").count() == 2
    assert "查看报文" not in page_of(client, "exchange:submission", refused)


def test_a_large_message_is_cut_with_a_note(actor: Actor, member: Person, enter: Callable[[Person], Client]) -> None:
    rows = [{"psn_idet_type": "1", "memo": "长" * 900, "begntime": None} for _ in range(MOST_ROWS + 30)]
    call = person_call(actor, json.dumps(envelope({"idetinfo": rows}), ensure_ascii=False).encode())
    content = page_of(enter(member), "exchange:call", call)
    assert "其余 30 行未显示" in content
    assert "其余未显示" in content
    assert len(content) < 4 * MOST_RAW


def test_the_bytes_of_a_file_are_counted_not_shown(
    actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    message = {"fsUploadIn": {"in": [1] * 5000, "filename": "a.zip"}}
    sent = queue(actor, infno="9101", message=message)
    content = page_of(enter(member), "exchange:call", say(sent, CallState.UNKNOWN))
    assert "共 5,000 个值" in content
    assert len(content) < MOST_RAW


def test_a_call_without_bodies_says_so(refused: Submission, member: Person, enter: Callable[[Person], Client]) -> None:
    bare = say(queue(Actor.of(member, refused.institution)), CallState.PREPARED)
    from django.db import connection as database

    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE exchange_callbody DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM exchange_callbody WHERE call_id = %s", [bare.pk])
        cursor.execute("ALTER TABLE exchange_callbody ENABLE TRIGGER USER")
    assert "报文已不再保存" in page_of(enter(member), "exchange:call", bare)


def test_states_are_told_in_the_words_of_the_house(
    actor: Actor, refused: Submission, unknown: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    client = enter(member)
    content = page_of(client, "exchange:submission", unknown)
    assert "结果待查，请勿重复上传。" in content
    assert "正在用「科室信息查询（5101）」核实" in content
    assert "转人工" in content
    Submission.objects.filter(pk=unknown.pk).update(needs_person=True)
    assert "待人工核实" in page_of(client, "exchange:submission", unknown)
    content = page_of(client, "exchange:submission", refused)
    assert "平台返回：" in content
    assert "科室编码已存在" in content
    assert "平台已有相同记录" in content
    Submission.objects.filter(pk=refused.pk).update(whole=True)
    assert "整批被拒" in page_of(client, "exchange:submission", refused)


def test_a_waiting_one_says_what_it_waits_for(
    actor: Actor, refused: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    client, behind = enter(member), queue(actor)
    Submission.objects.filter(pk=behind.pk).update(thread=refused.thread, ready=False)
    Submission.objects.filter(pk=refused.pk).update(label="先前那条")
    assert (
        "排在「先前那条」（上传失败）之后"
        in client.get(reverse("exchange:submissions"), {"tab": "queued"}).content.decode()
    )
    tried = queue(actor, attempts=3, words="连不上平台：拒绝连接", not_before=timezone.now() + timedelta(minutes=5))
    assert "未发出，第 3 次：连不上平台：拒绝连接" in page_of(client, "exchange:submission", tried)
    connection = tried.connection
    connection.failures, connection.broken_words = 5, "网关异常（HTTP 502）"
    connection.broken_until = timezone.now() + timedelta(minutes=2)
    connection.save()
    assert "平台连续 5 次不通" in page_of(client, "exchange:submission", tried)
    assert "网关异常（HTTP 502）" in client.get(reverse("desk:home")).content.decode()


def test_who_needs_a_person_comes_first(actor: Actor, member: Person, enter: Callable[[Person], Client]) -> None:
    rows = [queue(actor, state=SubmissionState.UNKNOWN, label=f"第{n}条") for n in range(3)]
    Submission.objects.filter(pk=rows[2].pk).update(needs_person=True)
    content = enter(member).get(reverse("exchange:submissions")).content.decode()
    assert content.index("第2条") < content.index("第0条") < content.index("第1条")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"tab": "refused"}, True),
        ({"tab": "queued"}, False),
        ({"tab": "all", "words": "3401"}, True),
        ({"tab": "all", "words": "没有的"}, False),
        ({"tab": "all", "purpose": "direct."}, True),
        ({"tab": "all", "state": "unknown"}, False),
        ({"tab": "all", "msgid": "MSGID"}, True),
        ({"tab": "all", "msgid": "H0"}, False),
        ({"tab": "all", "created_at_from": "2099-01-01"}, False),
    ],
)
def test_the_work_list_is_asked(
    query: dict[str, str], found: bool, refused: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    query = {name: value.replace("MSGID", Call.objects.get().msgid) for name, value in query.items()}
    content = enter(member).get(reverse("exchange:submissions"), query).content.decode()
    assert (reverse("exchange:submission", args=[refused.pk]) in content) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"infno": "3401"}, True),
        ({"infno": "1101"}, False),
        ({"state": "refused"}, True),
        ({"state": "accepted"}, False),
        ({"operator": "portal"}, True),
        ({"operator": "nobody"}, False),
        ({"msgid": "Ｈ０"}, False),
        ({"prepared_at_to": "2000-01-01"}, False),
        ({"unapplied": "1"}, False),
    ],
)
def test_the_ledger_is_asked(
    query: dict[str, str], found: bool, refused: Submission, member: Person, enter: Callable[[Person], Client]
) -> None:
    call = Call.objects.get()
    content = enter(member).get(reverse("exchange:calls"), query).content.decode()
    assert (reverse("exchange:call", args=[call.pk]) in content) is found
    assert "3401 科室信息上传" in content


@pytest.mark.parametrize(
    ("field", "mask"),
    [
        ("psn_name", "name"), ("PSN_NAME", "name"), ("certno", "document"), ("agnter_certno", "document"),
        ("mdtrt_cert_no", "document"), ("psn_cert_type", ""), ("coner_tel", "phone"), ("emp_addr", "address"),
        ("resd_addr_prov", "address"), ("brdy", "day"), ("ecToken", "secret"), ("uscc", "none"), ("hosp_dept_name", ""),
        ("med_list_codg", ""), ("opter_name", ""),
    ],
)  # fmt: skip
def test_fields_are_masked_by_their_names(field: str, mask: str) -> None:
    assert mask_of(field) == mask


def test_codes_of_the_platform_stay_readable() -> None:
    assert mask_text("H44170200001202601010000000001") == "H44170200001202601010000000001"
    assert mask_text("441700202601010000000001") == "441700202601010000000001"
    assert mask_value("uscc", DOCUMENT) == DOCUMENT
    assert mask_value("fund_amt", 12.5) == 12.5
    assert mask_text(f"证件号{DOCUMENT}已登记") == "证件号4417**********0018已登记"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(IN_CLEAR[:2]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*PERSON, "x"]), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_nothing_that_looks_like_a_document_survives(value: Any) -> None:
    shown = json.dumps(mask_value("", value), ensure_ascii=False)
    broken = mask_broken(json.dumps(value, ensure_ascii=False))
    for word in IN_CLEAR[:2]:
        assert f'"{word}"' not in shown
        assert f'"{word}"' not in broken


def test_department_message_is_what_3401_takes() -> None:
    from insurance.specification.books import open_book
    from insurance.specification.checking import check

    book = open_book()
    faults = check(book.transaction("3401"), department_message(), book)
    assert [str(fault) for fault in faults if fault.level == "error"] == []


def test_the_ledger_is_paged_by_key_and_jumped_to_a_time(
    actor: Actor, member: Person, enter: Callable[[Person], Client]
) -> None:
    client, address = enter(member), reverse("exchange:calls")
    calls = [say(queue(actor), CallState.ACCEPTED, b"{}") for _ in range(25)]

    def shown(**query: Any) -> list[int]:
        content = client.get(address, query).content.decode()
        return [call.pk for call in reversed(calls) if f'href="{reverse("exchange:call", args=[call.pk])}"' in content]

    first = shown()
    assert first == [call.pk for call in reversed(calls)][:20]
    assert shown(before=first[-1]) == [call.pk for call in reversed(calls)][20:]
    Call.objects.filter(pk__lte=calls[4].pk).update(prepared_at="2026-01-05T08:00:00+08:00")
    assert shown(at="2026-01-05T08:00") == [call.pk for call in reversed(calls[:5])]
