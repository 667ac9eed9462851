"""Log lines: within which request or task, and nothing personal."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client

from config.logs import LineFormatter, ObjectFormatter, OriginFilter, logging_of
from portal.audit.context import in_calls, in_task, origin
from portal.audit.models import AuditEvent
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution, Person


def said(record: logging.LogRecord, form: logging.Formatter) -> str:
    OriginFilter().filter(record)
    return form.format(record)


def line(words: str = "做完", **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("portal.x", logging.INFO, "x.py", 1, words, (), None)
    made.__dict__.update(extra)
    return made


def test_json_is_one_object_a_line_and_leaves_out_what_is_not_known() -> None:
    found = json.loads(said(line(name_of_patient="李某"), ObjectFormatter()))
    assert (found["level"], found["logger"], found["message"]) == ("INFO", "portal.x", "做完")
    assert set(found) == {"time", "level", "logger", "message"}


def test_within_a_task_and_its_calls() -> None:
    with in_task(12), in_calls((7, 8)):
        found = json.loads(said(line(), ObjectFormatter()))
        words = said(line(), LineFormatter())
    assert (found["task"], found["calls"], found["request"]) == ("12", "7,8", "task-12")
    assert "[request=task-12 task=12 calls=7,8]" in words
    assert origin().name == ""


def test_a_call_outside_of_a_task() -> None:
    with in_calls((7,)):
        assert origin().name == "call-7"
    with in_calls(()):
        assert origin().name == ""


@pytest.mark.parametrize("form", [LineFormatter(), ObjectFormatter()])
def test_the_words_of_an_exception_are_not_written(form: logging.Formatter) -> None:
    personal = "李某" + "某"  # not as it stands in this line of the stack
    try:
        raise ValueError(personal)
    except ValueError:
        made = line()
        made.exc_info = sys.exc_info()
    text = said(made, form)
    assert "ValueError" in text
    assert "test_logs.py" in text
    assert "李某某" not in text


def test_an_unknown_form_is_readable_lines() -> None:
    assert logging_of("xml", "INFO")["handlers"]["console"]["formatter"] == "line"


@pytest.mark.django_db
class TestRequests:
    def test_the_answer_has_an_id_and_the_log_a_line(self, client: Client, member: Person, caplog: Any) -> None:
        client.force_login(member)
        with caplog.at_level(logging.INFO, "portal.requests"):
            answer = client.get("/tasks/", {"words": "李某某"})
        (made,) = [found for found in caplog.records if found.name == "portal.requests"]
        assert len(answer["X-Request-ID"]) == 16
        assert (made.method, made.path, made.status) == ("GET", "/tasks/", 200)
        assert made.ms > 0
        assert "李某某" not in made.getMessage()

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("abcd-1234.efgh", True),
            ("short", False),
            ("x" * 65, False),
            ("bad id\tx-y", False),
            ("-leading-dash", False),
        ],
    )
    def test_an_id_that_comes_along_is_kept_when_it_can_be_one(self, client: Client, given: str, kept: bool) -> None:
        assert (client.get("/login/", headers={"X-Request-ID": given})["X-Request-ID"] == given) is kept

    def test_lines_inside_of_a_request_name_the_person_by_number(
        self, client: Client, member: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from portal.tasks import queries

        seen: list[str] = []
        original = queries.health

        def looked() -> Any:
            seen.append(said(line(), ObjectFormatter()))
            return original()

        monkeypatch.setattr(queries, "health", looked)
        client.force_login(member)
        answer = client.get("/tasks/")
        found = json.loads(seen[0])
        assert found["request"] == answer["X-Request-ID"]
        assert found["person"] == str(member.pk)
        assert found["institution"] == "H44170200001"
        assert member.name not in seen[0]

    def test_audit_events_name_their_request(self, client: Client, member: Person) -> None:
        client.force_login(member)
        answer = client.post("/logout/")
        event = AuditEvent.objects.filter(person=member).order_by("-id").first()
        assert event is not None
        assert event.origin == answer["X-Request-ID"]

    def test_audit_events_of_a_task_name_it(self, institution: Institution) -> None:
        with in_task(5):
            assert record(Actor.system(institution), "tasks.start").origin == "task-5"
        assert record(Actor.system(institution), "tasks.start").origin == ""

    def test_monitors_leave_no_line(self, client: Client, caplog: Any, redis_url: str) -> None:
        with caplog.at_level(logging.INFO, "portal.requests"):
            client.get("/healthz")
        assert not [found for found in caplog.records if found.name == "portal.requests"]
