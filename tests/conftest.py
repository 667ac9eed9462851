"""What all tests share: real servers, a real browser, and a few people. Nothing here needs a running script/server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as portal
from redis import Redis

from portal.people.models import Institution, Membership, Person
from tests.browsing import Faults, launch_options, watch
from tests.sandbox_fixture import RunningSandbox, running_sandbox

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database, where transactional tests may empty the append-only tables between each other.

    Nothing but TRUNCATE is let through; tests/audit/test_guard.py puts that guard back to see that it holds.
    """
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE %s", ["%no_truncate"])
        for table, trigger in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{trigger}"')


@pytest.fixture(scope="session", autouse=True)
def only_written_codes() -> Iterator[None]:
    """Dictionaries as the tables have them; tests of learned codes register their source themselves."""
    from insurance.specification.learned import register_source

    restore = register_source(None)
    yield
    restore()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The address of an empty Redis database that only this worker uses."""
    client = Redis.from_url(portal.REDIS_URL)
    client.flushdb()
    yield portal.REDIS_URL
    client.flushdb()
    client.close()


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[RunningSandbox]:
    """One sandbox of this worker; tests take `sandbox`."""
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(sandbox_process: RunningSandbox) -> RunningSandbox:
    """A running sandbox with its opening books, without faults."""
    if sandbox_process.process is None:
        sandbox_process.start()
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def institution(db: None) -> Institution:
    """The hospital that the people of a test work in."""
    return Institution.objects.create(
        fixmedins_code="H44170200001", fixmedins_name="阳江市妇幼保健院（演示）", admdvs="441700"
    )


@pytest.fixture
def other_institution(db: None) -> Institution:
    """A second hospital, whose data the first may not see."""
    return Institution.objects.create(
        fixmedins_code="H44170200002", fixmedins_name="阳江市另一医院（演示）", admdvs="441700"
    )


@pytest.fixture
def person(db: None) -> Callable[..., Person]:
    """Makes a person who can log in with PASSWORD: `person("name", institution, "insurance_office")`."""

    def make(username: str, institution: Institution | None = None, *roles: str) -> Person:
        made = Person.objects.create_user(
            username, PASSWORD, name=f"演示{username}", must_change_password=False, current_institution=institution
        )
        for role in roles:
            Membership.objects.create(
                person=made, institution=institution, role=role, opter=username, opter_name=made.name
            )
        return made

    return make


@pytest.fixture
def member(person: Callable[..., Person], institution: Institution) -> Person:
    """Someone of the insurance office (医保办)."""
    return person("member", institution, "insurance_office")


@pytest.fixture
def outsider(person: Callable[..., Person], other_institution: Institution) -> Person:
    """Someone of the insurance office of the other institution."""
    return person("outsider", other_institution, "insurance_office")


@pytest.fixture
def stranger(person: Callable[..., Person]) -> Person:
    """Someone who can log in but has no role anywhere."""
    return person("stranger")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real Chromium, one per worker."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # two workers share the machine with the servers they test
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(**launch_options(playwright))
        yield running
        running.close()


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """A page of the live portal at 1366×768. A script error, a broken policy or another host fails the test."""
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1366, "height": 768}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(10_000)
    faults: Faults = watch(context, urlsplit(live_server.url).netloc)
    yield context.new_page()
    context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def log_in(page: Any, client: Any, live_server: Any) -> Callable[[Person], Any]:
    """Logs a person into the browser without the login page: `log_in(member)`; returns the page."""

    def enter(someone: Person) -> Any:
        client.force_login(someone)
        cookie = client.cookies[portal.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        return page

    return enter


@pytest.fixture
def look(page: Any, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """Keeps a screenshot below RUN_DIR/looks, for a person to look at: `look("departments")`."""

    def keep(name: str) -> Path:
        target = Path(portal.RUN_DIR) / "looks" / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(target), full_page=True)
        return target

    return keep
