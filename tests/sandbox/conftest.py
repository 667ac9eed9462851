"""One sandbox for a module's tests, put back to its opening books before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.client import Hospital
from tests.sandbox_fixture import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.reset()
    return running


@pytest.fixture
def hospital(sandbox: RunningSandbox) -> Iterator[Hospital]:
    caller = Hospital(sandbox.url)
    yield caller
    caller.http.close()
