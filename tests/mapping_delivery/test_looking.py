"""What the platform's lists prove: rows of other hospitals, pages that do not turn, totals told once."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings as portal

from insurance.exchange.answers import Answer
from insurance.exchange.choices import CallState
from insurance.exchange.models import Submission
from insurance.mapping.delivery.looking import IN_FORCE, PAGE_SIZE, VERDICTS, Held, PageFault, held_by
from insurance.mapping.delivery.submitting import queue_mappings
from insurance.specification.books import open_book
from portal.people.actor import Actor
from tests.exchange.raw_platform import RawPlatform, good
from tests.mapping_delivery.world import BEGIN, World, connect, deliver

OWN, OTHER = "H44170200001", "H44170200002"


def told(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of 1317."""
    return {
        "fixmedins_code": OWN, "medins_list_codg": f"Y{number}", "list_type": "101", "insu_admdvs": "441700",
        "med_list_codg": "XJ01CA00000000000000001", "begndate": f"{BEGIN} 00:00:00", "enddate": "2099-12-31 00:00:00",
        "vali_flag": "1", "rid": f"r{number}", "updt_time": "2026-11-01 08:00:00", **changes,
    }  # fmt: skip


def looked(answer_of: Callable[[Mapping[str, Any]], Any], purpose: str = IN_FORCE) -> list[Held]:
    """What is read from a platform that answers so; 50 pages are far more than it has."""
    book = open_book(portal.PLATFORM_EDITION)
    route = book.route(purpose)
    left = iter(range(50))

    def ask(infno: str, message: Mapping[str, Any]) -> Answer:
        next(left)
        output = answer_of(message[route.node])
        return Answer(CallState.ACCEPTED, output_raw=output, transaction=book.transaction(infno))

    return list(held_by(ask, book, purpose, own=OWN))


def test_rows_of_another_hospital_are_not_ours() -> None:
    found = looked(lambda asked: {"data": [told(1), told(2, fixmedins_code=OTHER), told(3, fixmedins_code=f"{OWN} ")]})
    assert [held.hilist_id for held in found] == ["Y1", "Y3"]


def test_the_query_names_the_hospital() -> None:
    assert looked(lambda asked: {"data": [told()] if asked["fixmedins_code"] == OWN else []})


def test_a_total_told_only_once_counts_for_all_pages() -> None:
    rows = [told(number) for number in range(PAGE_SIZE + 2)]

    def answer(asked: Mapping[str, Any]) -> Any:
        first = asked["page_num"] == "1"
        return {"data": rows[:PAGE_SIZE], "recordCounts": len(rows)} if first else {"data": rows[PAGE_SIZE:]}

    assert len(looked(answer)) == len(rows)


@pytest.mark.parametrize("purpose", [IN_FORCE, VERDICTS])
def test_a_list_that_does_not_turn_its_pages_ends(purpose: str) -> None:
    page = [told(number) for number in range(PAGE_SIZE)]
    if purpose == VERDICTS:
        rows = [{**row, "medins_hilist_id": row["medins_list_codg"], "chk_stas": "1"} for row in page]
        answer: Any = {"result": {"catalogmatchinfo": rows}}
    else:
        answer = {"data": page}
    with pytest.raises(PageFault, match="与前一页相同"):
        looked(lambda asked: answer, purpose)


def test_a_page_cut_below_what_was_asked_is_not_the_last() -> None:
    with pytest.raises(PageFault, match="平台说有 3 页"):
        looked(lambda asked: {"data": [told(number) for number in range(100)], "pages": 3})


@pytest.fixture
def raw(world: World) -> Iterator[RawPlatform]:
    """A platform that loses 3301 before it reads it, and shows the same relation of another hospital in 1317."""

    def script(sock: socket.socket, headers: dict[str, str], body: bytes) -> None:
        match json.loads(body)["infno"]:
            case "3301":
                sock.shutdown(socket.SHUT_RDWR)
            case "1317":
                sock.sendall(good({"data": [told(fixmedins_code=OTHER)], "recordCounts": 1}))
            case "5163":
                sock.sendall(good({"result": {"totlcnt": 0, "catalogmatchinfo": []}}))
            case _:
                sock.sendall(good({"signinoutb": {"sign_no": "1", "sign_time": "2026-11-23 08:00:00"}}))

    platform = RawPlatform(script)
    connect(world.institution, platform.url)
    yield platform
    platform.close()


@pytest.mark.django_db(transaction=True)
def test_another_hospitals_relation_does_not_prove_that_ours_arrived(
    office: Actor, world: World, raw: RawPlatform
) -> None:
    queue_mappings(office, mappings=[world.mapping(world.item("Y1"), world.code())])
    deliver()
    submission = Submission.objects.get()
    assert submission.state == "unknown"
    assert submission.needs_person
    assert "平台无" in submission.settled
