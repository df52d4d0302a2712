"""What the tests of the documentation share: programs side by side, or in this process."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apscheduler.schedulers.base import BaseScheduler


@pytest.fixture(scope="session")
def background() -> Iterator[ThreadPoolExecutor]:
    """Threads that run programs side by side, because what programs do most of the time is wait."""
    pool = ThreadPoolExecutor(4)
    yield pool
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def execute() -> Iterator[Callable[[str], dict[str, Any]]]:
    """Execute a program's text; schedulers that it leaves running are shut down after the test."""
    spaces: list[dict[str, Any]] = []

    def run(text: str) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "program"}
        spaces.append(space)
        exec(compile(textwrap.dedent(text), "program", "exec"), space)
        return space

    yield run
    for space in spaces:
        for value in space.values():
            if isinstance(value, BaseScheduler) and value.running:
                value.shutdown()
