from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from _fault_parts import RAN, scheduler_on

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.faults import FaultyStore
from apscheduler.testing.manual import ManualScheduler


class LastingMemoryStore(MemoryJobStore):
    """A memory store that outlives the schedulers that use it, and passes for shared."""

    shared: ClassVar[bool] = True

    def shutdown(self) -> None:
        """Keep the jobs."""


@pytest.fixture(autouse=True)
def _clean() -> None:
    RAN.clear()


@pytest.fixture(params=["memory", "sqlite"])
def open_store(request, tmp_path) -> Callable[[], FaultyStore]:
    """Return what opens one more faulty connection to the same data."""
    if request.param == "memory":
        data = LastingMemoryStore()
        return lambda: FaultyStore(data, blocks=True)
    return lambda: FaultyStore(SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite"))


@pytest.fixture
def store(open_store) -> FaultyStore:
    return open_store()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def start(clock) -> Iterator[Callable[..., ManualScheduler]]:
    """Return what starts a scheduler on a store; they share a clock, and are shut down after the test."""
    started: list[ManualScheduler] = []
    before = set(threading.enumerate())

    def start(store: Any, **options: Any) -> ManualScheduler:
        started.append(scheduler_on(store, clock=clock, **options))
        return started[-1]

    yield start
    for scheduler in started:
        for slot in scheduler._engine.registry:
            if isinstance(slot.store, FaultyStore):
                slot.store.come_back()
        if scheduler.running:
            scheduler.shutdown(timeout=0)
    new = set(threading.enumerate()) - before
    assert not [thread for thread in new if thread.name.startswith("APScheduler")]


@pytest.fixture
def scheduler(start, store) -> ManualScheduler:
    return start(store)
