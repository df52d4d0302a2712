"""A store as release 3.20.0 left it is read, fired and gone on with by this one."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.manual import ManualScheduler

START = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def scheduler(tmp_path):
    shutil.copy(Path(__file__).with_name("store-3.20.0.sqlite"), tmp_path / "jobs.sqlite")
    scheduler = ManualScheduler(
        jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")},
        clock=FakeClock(START + 4.5 * HOUR),
        lease=3600,
        run_log={"max_age": None},
    )
    yield scheduler
    if scheduler.running:
        scheduler.shutdown()


def test_its_jobs_are_as_they_were(scheduler):
    scheduler.start(paused=True)
    jobs = {job.id: job for job in scheduler.get_jobs()}
    assert {job.id: (str(job.trigger), job.func_ref) for job in jobs.values()} == {
        "date": ("date[2030-01-01 12:00:00 UTC]", "os.path:join"),
        "interval": ("interval[1:00:00]", "builtins:dict"),
        "cron": ("cron[day_of_week='mon-fri', hour='6', minute='30']", "time:time"),
        "calendar": (str(jobs["calendar"].trigger), "time:time"),
        "combined": ("or[cron[hour='1'], interval[1:00:00]]", "time:time"),
        "paused": ("interval[1:00:00]", "time:time"),
    }
    interval = jobs["interval"]
    assert (interval.args, interval.kwargs, interval.name) == (([("k", 1)],), {"x": "ü"}, "näme")
    assert (interval.max_instances, interval.coalesce, interval.on_crash) == (3, False, "rerun")
    assert interval.next_run_time == START + 5 * HOUR
    assert jobs["paused"].next_run_time is None
    assert jobs["date"].misfire_grace_time is None


def test_its_runs_are_as_they_were(scheduler):
    scheduler.start(paused=True)
    runs = list(reversed(scheduler.get_runs("interval", limit=None)))
    assert [(run.run_time, run.status) for run in runs] == [
        (START + number * HOUR, status)
        for number, status in enumerate(["succeeded", "failed", "missed", "skipped", "interrupted"])
    ]
    assert runs[1].error == "ValueError: ü"
    assert runs[1].duration == timedelta(seconds=0.5)
    assert runs[4].reason == "node gone:1:1:0 died"
    assert "host:1:1:0" in {node.id for node in scheduler.get_nodes()}


def test_it_is_gone_on_with_where_it_stopped(scheduler):
    scheduler.start()
    scheduler.turn()
    assert [(run.attempt, run.status) for run in scheduler.get_runs("interval", limit=2)] == [
        (2, "succeeded"),  # what was cut off is repeated, with what was stored for that
        (1, "interrupted"),
    ]
    scheduler.clock.advance(hours=0.5)
    scheduler.turn()
    [run] = scheduler.get_runs("interval", limit=1)
    assert (run.run_time, run.status, run.result) == (START + 5 * HOUR, "succeeded", {"k": 1, "x": "ü"})
    assert scheduler.get_job("date") is None
