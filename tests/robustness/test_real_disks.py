"""SQLite on a file system that is really full, and on one that is really mounted read-only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from _fault_parts import RAN, RETRY, note, outages, statuses
from sqlalchemy.exc import DBAPIError

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.faults import FaultyStore
from apscheduler.testing.manual import ManualScheduler

JOBS = 300
SIZE = 24 << 20  # SQLite lets its log grow to 4 MiB before it makes room


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A small file system of its own."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("only root on Linux may mount a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk))
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room there is, and return the file that has it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return filler


def test_a_scheduler_gets_through_a_full_disk_and_loses_nothing(small_disk, start, caplog):
    scheduler = start(FaultyStore(SQLAlchemyJobStore(f"sqlite:///{small_disk}/jobs.sqlite")))
    soon = scheduler.clock.now() + timedelta(seconds=1)
    for number in range(JOBS):
        scheduler.add_job(
            note, "interval", days=1, next_run_time=soon, args=[number], id=f"{number}",
            misfire_grace_time=None,
        )  # fmt: skip
    scheduler.add_job(note, "interval", seconds=5, args=["often"], id="often", misfire_grace_time=None)
    filler = fill(small_disk)
    scheduler.pass_time(1, steps=30)
    assert outages(caplog) == (1, 0)
    assert "full" in caplog.text
    with pytest.raises(DBAPIError, match="full"):
        scheduler.add_job(note, args=["x" * 100_000], id="another")
    filler.unlink()
    scheduler.pass_time(1, steps=int(RETRY) + 1)
    assert outages(caplog) == (1, 1)
    assert sorted(value for value in RAN if isinstance(value, int)) == list(range(JOBS))
    assert [statuses(scheduler, f"{number}") for number in range(JOBS)] == [["succeeded"]] * JOBS
    assert len(statuses(scheduler, "often")) == 8  # a record for each due time, those of the outage too
    assert {job.id for job in scheduler.get_jobs()} == {*map(str, range(JOBS)), "often"}


def test_a_read_only_file_system_is_said_at_the_start_and_harms_nothing(small_disk, tmp_path):
    url = f"sqlite:///{small_disk}/jobs.sqlite"
    scheduler = ManualScheduler(jobstores={"default": SQLAlchemyJobStore(url)})
    scheduler.start()
    scheduler.add_job(note, "interval", days=1, id="kept")
    scheduler.shutdown()
    view = tmp_path / "view"
    view.mkdir()
    mount("--bind", str(small_disk), str(view))
    try:
        mount("-o", "remount,bind,ro", str(view))
        reader = ManualScheduler(jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{view}/jobs.sqlite")})
        with pytest.raises(DBAPIError, match="readonly database|unable to open database file"):
            reader.start()
        assert not reader.running
    finally:
        subprocess.run(["umount", "--lazy", str(view)], check=True)
    scheduler.start()
    assert [job.id for job in scheduler.get_jobs()] == ["kept"]
    scheduler.shutdown()
