"""SQLite on a disk that is full, a file that may not be written, a file that somebody else has locked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from _fault_parts import RAN, RETRY, note, outages, statuses
from sqlalchemy import event

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.faults import FaultyStore

JOBS = 400


class Disk:
    """What a connection of an engine is told at the beginning of each transaction."""

    def __init__(self, engine) -> None:
        self._pragmas = ["query_only=OFF", "max_page_count=1000000"]
        event.listen(engine, "begin", self._tell)

    def _tell(self, connection) -> None:
        for pragma in self._pragmas:
            connection.connection.dbapi_connection.execute(f"PRAGMA {pragma}")

    def is_full(self) -> None:
        self._pragmas = ["max_page_count=1"]  # which SQLite takes for: as many as there are

    def is_read_only(self) -> None:
        self._pragmas = ["query_only=ON"]

    def is_well(self) -> None:
        self._pragmas = ["query_only=OFF", "max_page_count=1000000"]


@pytest.fixture
def sqlite(tmp_path) -> SQLAlchemyJobStore:
    return SQLAlchemyJobStore(
        f"sqlite:///{tmp_path}/jobs.sqlite", engine_options={"connect_args": {"timeout": 0.05}}
    )


@pytest.fixture
def disk(sqlite) -> Disk:
    return Disk(sqlite.engine)


@pytest.fixture
def scheduler(start, sqlite):
    return start(FaultyStore(sqlite))


def add_many(scheduler) -> None:
    soon = scheduler.clock.now() + timedelta(seconds=1)
    for number in range(JOBS):  # none of them is removed by its run, which would make room on a disk
        scheduler.add_job(
            note,
            "interval",
            days=1,
            next_run_time=soon,
            args=[number],
            id=f"{number}",
            misfire_grace_time=None,
        )
    scheduler.add_job(note, "interval", seconds=5, args=["often"], id="often")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("is_full", "database or disk is full"), ("is_read_only", "attempt to write a readonly database")],
)
def test_a_disk_that_takes_nothing_stops_nothing_but_its_store_and_loses_nothing(
    disk, scheduler, trouble, words, caplog
):
    from apscheduler.jobstores.memory import MemoryJobStore

    scheduler.add_jobstore(MemoryJobStore(), "other")
    scheduler.add_job(note, "interval", seconds=5, args=["other"], jobstore="other")
    add_many(scheduler)
    getattr(disk, trouble)()
    scheduler.pass_time(1, steps=60)
    assert RAN.count("other") == 12
    assert outages(caplog) == (1, 0)
    assert words in caplog.text
    assert "often" not in RAN
    disk.is_well()
    scheduler.pass_time(1, steps=int(RETRY))
    assert outages(caplog) == (1, 1)
    assert sorted(value for value in RAN if isinstance(value, int)) == list(range(JOBS))
    assert len(statuses(scheduler, "often")) == 14  # a record for each due time


def test_outcomes_wait_for_a_disk_that_takes_nothing_any_more_while_jobs_run(disk, scheduler, caplog):
    add_many(scheduler)
    scheduler._engine.registry.store("default").store.after("claim", disk.is_read_only)
    scheduler.pass_time(1)
    assert sorted(RAN) == list(range(JOBS))
    assert statuses(scheduler) == ["running"] * JOBS
    disk.is_well()
    scheduler.pass_time(1, steps=int(RETRY))
    assert outages(caplog) == (1, 1)
    assert statuses(scheduler)[:JOBS] == ["succeeded"] * JOBS


@pytest.fixture
def locker(tmp_path) -> Iterator[subprocess.Popen[str]]:
    """A process that locks the file at a line of input, and frees it at the next."""
    program = (
        "import sqlite3, sys\n"
        f"c = sqlite3.connect({str(tmp_path / 'jobs.sqlite')!r}, isolation_level=None, timeout=10)\n"
        "for statement in ('BEGIN EXCLUSIVE', 'ROLLBACK') * 9:\n"
        "    if not input(): break\n"
        "    c.execute(statement)\n"
        "    print('done', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.communicate("\n")


def tell(locker) -> None:
    locker.stdin.write("go\n")
    locker.stdin.flush()
    assert locker.stdout.readline() == "done\n"


def test_a_file_that_another_process_has_locked_is_tried_again(scheduler, locker, caplog):
    add_many(scheduler)
    tell(locker)
    scheduler.pass_time(RETRY, steps=3)
    assert RAN == []
    assert outages(caplog) == (1, 0)
    assert "database is locked" in caplog.text
    tell(locker)
    scheduler.pass_time(RETRY)
    assert outages(caplog) == (1, 1)
    assert sorted(value for value in RAN if isinstance(value, int)) == list(range(JOBS))


def test_a_file_that_is_locked_for_a_moment_is_waited_for(tmp_path, start, locker):
    import threading

    scheduler = start(SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite"))
    add_many(scheduler)
    tell(locker)
    threading.Timer(0.3, tell, [locker]).start()
    scheduler.pass_time(1)
    assert len(RAN) == JOBS
