"""Schedulers in processes of their own on one store, and what they leave behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cluster_jobs

from apscheduler._core.claims import NodeRow, RunQuery, StoredRun
from apscheduler.schedulers.background import BackgroundScheduler

PATIENCE = 40.0
LEASE = 30.0
HERE = Path(__file__).parent


class Line(NamedTuple):
    """What a run has noted when it started."""

    job_id: str
    run_time: float
    pid: int
    attempt: int


class Cluster:
    """One store, any number of scheduler processes."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.store = cluster_jobs.open_store(url)
        if url.startswith("zookeeper:"):
            self.store.start(None, "default")  # because it works with one connection, which a start makes

    # -- processes ----------------------------------------------------------------------------------------------

    def begin(
        self, lease: float = LEASE, skew: float = 0.0, code: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process, whose wall clock is `skew` seconds fast, and which imports modules from the folder `code`."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    str(HERE / "scheduler_process.py"),
                    self.url,
                    str(self.folder),
                    str(lease),
                    str(skew),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=None if code is None else {**os.environ, "PYTHONPATH": str(code)},
            )
        self.processes.append(process)
        return process

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.log()
        return (self.folder / f"{process.pid}.ready").exists()

    def start(self, count: int = 1, lease: float = LEASE, skew: float = 0.0) -> list[subprocess.Popen[bytes]]:
        """Start processes, and return them when their schedulers run."""
        started = [self.begin(lease, skew) for _ in range(count)]
        self.until(lambda: all(self.is_ready(process) for process in started))
        return started

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def stop(self, *processes: subprocess.Popen[bytes]) -> None:
        """Have processes end as they like to."""
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(PATIENCE)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdin.close()
        self.store.shutdown()

    # -- what is seen -------------------------------------------------------------------------------------------

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def until(self, true: Callable[[], Any]) -> Any:
        """Return what `true()` returns as soon as that is true."""
        end = time.monotonic() + PATIENCE
        while not (found := true()):
            assert time.monotonic() < end, f"it did not come true\n{self.log()}"
            time.sleep(0.02)
        return found

    def lines(self) -> list[Line]:
        """Return what the runs have noted, in the order in which they started."""
        path = self.folder / cluster_jobs.LINES
        if not path.exists():
            return []
        # Up to the last whole line, because others are writing.
        noted = [line.split() for line in path.read_text().rpartition("\n")[0].splitlines()]
        return [Line(job_id, float(stamp), int(pid), int(attempt)) for job_id, stamp, pid, attempt in noted]

    def runs(self, job_id: str | None = None, *statuses: str) -> list[StoredRun]:
        """Return the run records, oldest first."""
        return list(reversed(self.store.read_runs(RunQuery(job_id, statuses or None, limit=None))))

    def nodes(self) -> list[NodeRow]:
        return list(self.store.read_nodes())

    def node_of(self, process: subprocess.Popen[bytes]) -> str:
        [node] = [node.id for node in self.nodes() if node.pid == process.pid]
        return node

    # -- jobs ---------------------------------------------------------------------------------------------------

    @contextmanager
    def scheduler(self) -> Iterator[BackgroundScheduler]:
        """Return a scheduler in this process that only stores what it is given."""
        store = cluster_jobs.open_store(self.url)
        scheduler = BackgroundScheduler(
            jobstores={"default": store},
            timezone="UTC",
            job_defaults={"misfire_grace_time": None},
        )
        scheduler.start(paused=True)
        try:
            yield scheduler
        finally:
            scheduler.shutdown()

    def add_once(
        self, scheduler: BackgroundScheduler, ids: list[str], over: float, func: Any = cluster_jobs.nothing
    ) -> None:
        """Add one-shot jobs, due at random times in the next seconds."""
        now = datetime.now(UTC)
        for job_id in ids:
            due = now + timedelta(seconds=random.uniform(0, over))
            scheduler.add_job(func, "date", run_date=due, id=job_id)

    # -- what must hold -----------------------------------------------------------------------------------------

    def check_nothing_ran_twice(self) -> None:
        """Check that no run time was started twice, but as the repetition of one that was cut off."""
        started = Counter((line.job_id, line.run_time, line.attempt) for line in self.lines())
        assert [key for key, count in started.items() if count > 1] == []

    def check_records_agree(self) -> None:
        """Check that each run time has one record an attempt, and that what ran is what is recorded as having run.

        A run that ended when it had been recorded as interrupted has a second record, which tells of that.
        """
        runs = [run for run in self.runs() if run.attempt > 0]
        records = {(run.job_id, run.run_time, run.attempt): run for run in runs}
        assert len(records) == len(runs)
        started = {(line.job_id, line.run_time, line.attempt) for line in self.lines()}
        assert started <= records.keys()
        ran = {key for key, run in records.items() if run.status == "succeeded"}
        assert ran <= started
        # A process may be killed between its claim and the first line of the job.
        assert {records[key].status for key in started - ran} <= {"interrupted"}

    def check_no_due_time_is_missing(self, job_id: str, seconds: float) -> None:
        """Check that the records of an interval job are as many as there were due times, all in their places."""
        times = [run.run_time for run in self.runs(job_id) if run.attempt == 1]
        steps = {round((later - earlier) / seconds, 3) for earlier, later in pairwise(times)}
        assert steps <= {1.0}, steps


def shuffled_seed() -> int:
    """Seed the random source, and print the seed, which pytest shows where a test fails."""
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"random seed: {seed}")  # noqa: T201
    random.seed(seed)
    return seed
