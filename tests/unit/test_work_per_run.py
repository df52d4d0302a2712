"""How much work a run is: calls are counted instead of seconds, which tell nothing on a busy machine.

The bounds are what was reached, and a little. Who raises one has made something slower, and says why in the commit.
"""

from __future__ import annotations

import cProfile
import gc
import logging
import pstats
from datetime import timedelta
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

    check(calls(add), {"memory": 42, "sqlite": 95}[scheduler.kind])


def test_adding_many_jobs_at_once(scheduler):
    check(calls(lambda: jobs_due_at_once(scheduler)), {"memory": 62, "sqlite": 89}[scheduler.kind])


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
    check(calls(executor.run_all), {"memory": 29, "sqlite": 24}[scheduler.kind])


def test_recording_outcomes(scheduler):
    if scheduler.kind == "memory":
        pytest.skip("a memory store records them at once")
    jobs_due_at_once(scheduler)
    scheduler.resume()
    scheduler._process_jobs()
    scheduler._engine.registry.executors["default"].run_all()
    check(calls(scheduler._process_jobs), 10)
