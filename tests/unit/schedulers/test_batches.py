"""More is due than is claimed at once: in which order it is claimed and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers import _due, _turn
from apscheduler.testing.manual import ManualScheduler

CALLS: list[tuple[str, int]] = []
CLOCKS: list = []


class Spied(SQLAlchemyJobStore):
    def claim(self, node, claims):
        CALLS.append(("claim", len(claims)))
        return super().claim(node, claims)

    def finish(self, outcomes, keep=True):
        CALLS.append(("finish", len(outcomes)))
        super().finish(outcomes, keep)


def nothing() -> None:
    pass


def take_a_second() -> None:
    if len(CALLS) < 20:
        CLOCKS[-1].advance(seconds=1)


@pytest.fixture
def scheduler(tmp_path, monkeypatch) -> Iterator[ManualScheduler]:
    for module in (_due, _turn):
        monkeypatch.setattr(module, "BATCH", 2)
    store = Spied(f"sqlite:///{tmp_path}/jobs.sqlite")
    scheduler = ManualScheduler(jobstores={"default": store}, job_defaults={"misfire_grace_time": None})
    scheduler.start()
    CALLS.clear()
    CLOCKS.append(scheduler.clock)
    yield scheduler
    scheduler.shutdown()
    CLOCKS.pop()


def add_due(scheduler, func, count, **options) -> None:
    due = scheduler.clock.now() + timedelta(seconds=1)
    for number in range(count):
        scheduler.add_job(func, "interval", next_run_time=due, id=str(number), **options)
    scheduler.clock.advance(seconds=1)


def test_the_second_batch_starts_before_the_first_is_recorded_and_no_more_than_one_waits(scheduler):
    add_due(scheduler, nothing, 7, hours=1)
    scheduler.turn()
    assert CALLS == [
        *(("claim", 2), ("claim", 2), ("finish", 4)),
        *(("claim", 2), ("finish", 2)),
        *(("claim", 1), ("finish", 1)),
    ]
    assert [run.status for run in scheduler.get_runs()] == ["succeeded"] * 7


def test_what_fits_into_one_batch_is_recorded_at_once(scheduler):
    add_due(scheduler, nothing, 1, hours=1)
    scheduler.turn()
    assert CALLS == [("claim", 1), ("finish", 1)]


def test_a_run_that_has_ended_does_not_count_as_live_because_it_is_not_recorded_yet(scheduler):
    """Each run takes as long as its interval, so that the job is due again when the next batch is read."""
    add_due(scheduler, take_a_second, 2, seconds=2, max_instances=1)
    scheduler.turn()
    runs = scheduler.get_runs()
    assert {run.status for run in runs} == {"succeeded"}
    assert len(runs) >= 10
