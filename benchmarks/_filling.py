"""Job stores with many jobs that sleep. A database makes the rows itself, out of one that a scheduler has stored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from _tools import noop
from sqlalchemy import create_engine

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

TOGETHER = 10_000
_COLUMNS = "(id, next_run_time, revision, job_state)"
_COPIES = (
    f"INSERT INTO bench {_COLUMNS} SELECT 'job ' || n, b.next_run_time + n * 0.1, b.revision, b.job_state"
)
_STATEMENTS = {
    "sqlite": "WITH RECURSIVE numbers (n) AS (SELECT {0} UNION ALL SELECT n + 1 FROM numbers WHERE n < {1}) "
    + _COPIES
    + " FROM numbers, bench b WHERE b.id = 'first'",
    "postgresql": _COPIES + " FROM generate_series({0}, {1}) n, bench b WHERE b.id = 'first'",
}


def sleeping_jobs(numbers: range, hours: float = 24) -> Iterator[Mapping[str, Any]]:
    """Yield arguments of `add_jobs()` for jobs of which the first is due in some hours."""
    far = datetime.now(UTC) + timedelta(hours=hours)
    for number in numbers:
        due = far + timedelta(milliseconds=number)
        yield {
            "func": noop, "trigger": "interval", "days": 1, "start_date": far, "next_run_time": due,
            "id": f"job {number}",
        }  # fmt: skip


def add_sleeping(scheduler: BackgroundScheduler, first: int, count: int, hours: float = 24) -> None:
    """Add jobs through the scheduler, some thousand in each call; `first` is the number that the ids begin with."""
    jobs = sleeping_jobs(range(first, first + count), hours)
    while some := list(itertools.islice(jobs, TOGETHER)):
        scheduler.add_jobs(some)


def scheduler_on(store: SQLAlchemyJobStore | None = None) -> BackgroundScheduler:
    """Return a scheduler with a store, else in memory."""
    return BackgroundScheduler(
        timezone=UTC,
        jobstores={"default": store} if store else {},
        job_defaults={"misfire_grace_time": None},
    )


def store_on(url: str) -> SQLAlchemyJobStore:
    """Return a new store on the table that is filled here."""
    return SQLAlchemyJobStore(url, tablename="bench")


def fill_table(url: str, first: int, last: int, hours: float = 24) -> None:
    """Have the table hold jobs with these numbers, both included, that sleep for so many hours."""
    scheduler = scheduler_on(store_on(url))
    scheduler.start(paused=True)
    if scheduler.get_job("first") is None:
        due = datetime.now(UTC) + timedelta(hours=hours)
        scheduler.add_job(noop, "interval", days=1, next_run_time=due, id="first")
    scheduler.shutdown()
    engine = create_engine(url)
    family = engine.dialect.name
    with engine.begin() as conn:
        conn.exec_driver_sql(_STATEMENTS[family].format(first, last))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE bench")
    engine.dispose()


def drop_table(url: str) -> None:
    """Remove the table, and those beside it."""
    engine = create_engine(url)
    with engine.begin() as conn:
        for suffix in ("", "_runs", "_nodes", "_numbers"):
            conn.exec_driver_sql(f"DROP TABLE IF EXISTS bench{suffix}")
    engine.dispose()
