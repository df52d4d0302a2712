"""What the tests of faults share: schedulers that are driven by hand on a store that fails when told to."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from apscheduler.executors.base import BaseExecutor, Outcome
from apscheduler.testing.faults import FaultyStore
from apscheduler.testing.manual import ManualScheduler

LONG = 3600.0  # a lease that no heartbeat thread beats within a test
RETRY = 10.0
PATIENCE = 20.0
RAN: list[Any] = []


def note(value: Any = None) -> Any:
    RAN.append(value)
    return value


class Held(BaseExecutor):
    """Keeps submissions until a test ends them."""

    def __init__(self) -> None:
        self.held: list[Any] = []

    def submit(self, submissions, report) -> None:
        self.held += [(submission, report) for submission in submissions]

    def end_all(self, status: str = "succeeded") -> None:
        while self.held:
            submission, report = self.held.pop(0)
            for index in range(len(submission.stamps)):
                now = self.clock.time()
                report(submission, Outcome(index, status, now, now))


def scheduler_on(store: Any, **options: Any) -> ManualScheduler:
    """Return a started scheduler on `store`, whose heart beats only when `beat()` is called."""
    options = {"lease": LONG, "jobstore_retry_interval": RETRY, **options}
    scheduler = ManualScheduler(jobstores={"default": store}, **options)
    scheduler.start()
    scheduler.turn()
    scheduler.recorder.clear()
    return scheduler


def beat(scheduler: ManualScheduler) -> None:
    """Do what the heartbeat thread does three times in a lease."""
    scheduler._engine.next_beat()
    scheduler._heartbeat.beat(slot_of(scheduler))


def watch(scheduler: ManualScheduler, seconds: float = LONG) -> None:
    """Have a scheduler watch the others for that long, with a heartbeat at the half and at the end of it."""
    for _ in range(2):
        scheduler.clock.advance(seconds=seconds / 2)
        beat(scheduler)


def slot_of(scheduler: ManualScheduler) -> Any:
    return scheduler._engine.registry.store("default")


def statuses(scheduler: ManualScheduler, job_id: str | None = None) -> list[str]:
    """Return what became of the run times that the store itself knows of, oldest first."""
    from apscheduler._core.claims import RunQuery

    store: FaultyStore = slot_of(scheduler).store
    return [run.status for run in reversed(store.store.read_runs(RunQuery(job_id, limit=None)))]


def events_of(records: list[logging.LogRecord], *names: str) -> Counter[str]:
    """Count the log lines that tell of the named things."""
    found = Counter(getattr(record, "event", "") for record in records)
    return Counter({name: found[name] for name in names})


def outages(caplog) -> tuple[int, int]:
    """Return how many log lines told of the start of an outage, and how many of the end of one."""
    count = events_of(caplog.records, "store_failed", "store_answered")
    return count["store_failed"], count["store_answered"]


def until(true: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return what `true()` returns as soon as that is true; for what other threads and processes do."""
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)
    return found
