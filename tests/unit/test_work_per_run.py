"""How much work a run is: calls are counted instead of seconds, which tell nothing on a busy machine.

The bounds are what was reached, and a little. Who raises one has made something slower, and says why in the commit.
"""

from __future__ import annotations

import cProfile
import gc
import logging
import pstats
import sys
from datetime import UTC, timedelta
from pathlib import Path

import pytest

import apscheduler
from apscheduler._clock import SYSTEM
from apscheduler.executors._run import run
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.manual import ManualScheduler

JOBS = 400
OURS = str(Path(apscheduler.__file__).parent)
LOGGER = logging.getLogger("apscheduler.executors.default")


def nothing() -> None:
    pass


class Collecting(BaseExecutor):
    """Keeps submissions, to run them when a test says so."""

    def __init__(self) -> None:
        self.waiting: list = []

    def submit(self, submissions, report) -> None:
        self.waiting += [(submission, report) for submission in submissions]

    def run_all(self) -> None:
        for submission, report in self.waiting:
            run(submission, SYSTEM.time, report, LOGGER)
        self.waiting.clear()


def calls(work) -> float:
    """Return how many calls our own code makes while `work` is done, for each of the jobs.

    What other packages call in turn is not counted: it changes with their releases, and with what else is imported.
    """
    profile = cProfile.Profile()
    gc.collect()
    gc.disable()  # because what it ends is that of the tests before, and would be counted
    try:
        profile.runcall(work)
    finally:
        gc.enable()
    stats = pstats.Stats(profile)
    stats.sort_stats("ncalls").print_stats(40)  # which pytest shows where a test fails
    callers = [called[4] for called in stats.stats.values()]
    ours = sum(count[1] for by in callers for (file, _, _), count in by.items() if file.startswith(OURS))
    return ours / JOBS


def lines(work) -> int:
    """Return how many lines of our own code are executed while `work` is done: a loop counts each time around."""
    count = 0

    def local(frame, event, _):
        nonlocal count
        count += event == "line"
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: local if frame.f_code.co_filename.startswith(OURS) else None)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.fixture(params=["memory", "sqlite"])
def scheduler(request, tmp_path):
    store = (
        MemoryJobStore()
        if request.param == "memory"
        else SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")
    )
    scheduler = ManualScheduler(
        jobstores={"default": store},
        executors={"default": Collecting()},
        job_defaults={"misfire_grace_time": None},
        lease=3600,
    )
    scheduler.remove_listener(scheduler.recorder)
    scheduler.kind = request.param
    LOGGER.setLevel(logging.WARNING)
    scheduler._logger.setLevel(logging.WARNING)
    scheduler.start(paused=True)
    yield scheduler
    scheduler._engine.registry.executors["default"].run_all()
    scheduler.shutdown()
    LOGGER.setLevel(logging.NOTSET)
    scheduler._logger.setLevel(logging.NOTSET)


def jobs_due_at_once(scheduler) -> None:
    due = scheduler.clock.now() + timedelta(seconds=1)
    scheduler.add_jobs(
        {"func": nothing, "trigger": "interval", "hours": 1, "next_run_time": due, "id": str(number)}
        for number in range(JOBS)
    )
    scheduler.clock.advance(seconds=1)


def check(found: float, bound: float) -> None:
    print(f"{found:.1f} calls, at most {bound} are allowed")  # noqa: T201
    assert bound * 0.6 < found <= bound


def test_adding_a_job(scheduler):
    def add() -> None:
        for number in range(JOBS):
            scheduler.add_job(nothing, "interval", seconds=60 + number, id=str(number))

    check(calls(add), {"memory": 43, "sqlite": 100}[scheduler.kind])


def test_adding_many_jobs_at_once(scheduler):
    check(calls(lambda: jobs_due_at_once(scheduler)), {"memory": 62, "sqlite": 92}[scheduler.kind])


def test_a_trigger_that_is_given_its_time_zone_is_made_with_the_same_work(scheduler):
    def add(**zone) -> float:
        return calls(
            lambda: [scheduler.add_job(nothing, "cron", hour=3, name="a", **zone) for _ in range(JOBS)]
        )

    add()  # what is imported by the first one is no work per job
    given, not_given = add(timezone=UTC), add()
    assert given <= not_given + 1


def test_deciding_claiming_and_submitting_what_is_due(scheduler):
    jobs_due_at_once(scheduler)
    scheduler.resume()
    check(calls(scheduler._process_jobs), {"memory": 42, "sqlite": 38}[scheduler.kind])
    assert len(scheduler._engine.registry.executors["default"].waiting) == JOBS


def test_running_and_reporting(scheduler):
    jobs_due_at_once(scheduler)
    scheduler.resume()
    scheduler._process_jobs()
    executor = scheduler._engine.registry.executors["default"]
    check(calls(executor.run_all), {"memory": 30, "sqlite": 24}[scheduler.kind])


def test_recording_outcomes(scheduler):
    if scheduler.kind == "memory":
        pytest.skip("a memory store records them at once")
    jobs_due_at_once(scheduler)
    scheduler.resume()
    scheduler._process_jobs()
    scheduler._engine.registry.executors["default"].run_all()
    check(calls(scheduler._process_jobs), 10)


def test_a_firing_among_many_sleeping_jobs_is_as_much_work_as_among_few(scheduler):
    def firing() -> int:
        scheduler.modify_job("busy", next_run_time=scheduler.clock.now())
        found = lines(scheduler._process_jobs)
        scheduler._engine.registry.executors["default"].run_all()
        scheduler._process_jobs()
        return found

    scheduler.resume()
    scheduler.add_job(nothing, "interval", hours=100, id="busy")
    sleeping(scheduler, 0, 50)
    firing()  # after which all is compiled and imported that is needed
    few = firing()
    sleeping(scheduler, 50, 1500)
    many = firing()
    assert 0 < many <= few * 1.05


def test_a_page_of_the_list_is_as_much_work_among_many_jobs_as_among_few(scheduler):
    def page() -> float:
        return calls(lambda: scheduler.get_jobs(limit=20, after=(scheduler.clock.now(), "")))

    sleeping(scheduler, 0, 50)
    page()
    few = page()
    sleeping(scheduler, 50, 1500)
    assert 0 < page() <= few * 1.05


def test_while_nothing_is_due_a_turn_asks_nothing_of_the_store(scheduler):
    """So that what sleeping jobs cost does not depend on how many they are; heartbeats have a thread of their own."""
    scheduler.resume()
    sleeping(scheduler, 0, 100)
    scheduler._process_jobs()
    store = scheduler._engine.registry.slots["default"].store
    asked = []
    for name in ("read_due", "read_jobs", "read_page", "claim", "finish", "read_nodes", "heartbeat"):
        setattr(store, name, lambda *_, name=name: asked.append(name))
    for _ in range(30):
        scheduler.clock.advance(minutes=1)
        assert scheduler._process_jobs() > 0
    for name in ("read_due", "read_jobs", "read_page", "claim", "finish", "read_nodes", "heartbeat"):
        delattr(store, name)
    assert asked == []


def sleeping(scheduler, first: int, count: int) -> None:
    due = scheduler.clock.now() + timedelta(days=1)
    scheduler.add_jobs(
        {"func": nothing, "trigger": "interval", "days": 1, "next_run_time": due, "id": f"sleeping {number}"}
        for number in range(first, first + count)
    )
