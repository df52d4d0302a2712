"""What the questions share: a job that does nothing, a count-down, and the line that is printed."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


def noop() -> None:
    pass


class CountDown:
    """Called by jobs; `done` is set when it was called `target` times."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.expect(0)

    def expect(self, target: int) -> None:
        self._count, self._target = itertools.count(1), target
        self.done.clear()

    def hit(self) -> None:
        if next(self._count) >= self._target:
            self.done.set()


COUNT_DOWN = CountDown()


def hit() -> None:
    COUNT_DOWN.hit()


def answer(name: str, value: float, unit: str, better: str, **more: float) -> None:
    """Print one figure; `better` is "lower" or "higher"."""
    print(json.dumps({"name": name, "value": value, "unit": unit, "better": better, **more}), flush=True)


@contextmanager
def tree_server(name: str) -> Iterator[str]:
    """Return the address of a new server of this name (zookeeper, etcd), which is removed afterwards.

    Where it is not installed, the question ends without an answer.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import _servers
    import _tree_servers

    try:
        server = getattr(_tree_servers, f"make_{name}")()
    except _servers.MissingError:
        sys.exit(0)
    server.start()
    yield server.address
    server.remove()


@contextmanager
def document_server(name: str) -> Iterator[str]:
    """Return the URL of a new server of this name (mongodb), which is removed afterwards.

    Where it is not installed, the question ends without an answer.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import _mongo_server
    import _servers

    try:
        server = getattr(_mongo_server, f"make_{name}")("speed")
    except _servers.MissingError:
        sys.exit(0)
    server.start()
    url = f"{name}://{server.address}/"
    _mongo_server.index_conditional_changes(url, "apscheduler", "jobs")
    _warm_up(url)
    yield url
    server.remove()


def _warm_up(url: str) -> None:
    """Have a server that runs on Java compile what it is about to be asked."""
    from pymongo import InsertOne, MongoClient, UpdateOne

    client = MongoClient(url)
    jobs = client.warm.up
    jobs.create_index([("_id", 1), ("revision", 1)], unique=True)
    ids = [str(number) for number in range(3_000)]
    jobs.bulk_write([InsertOne({"_id": one, "revision": 1, "next_run_time": 1.0}) for one in ids])
    for revision in range(1, 5):
        changed = {"$set": {"revision": revision + 1, "held.a": {"node": "x", "runs": {}}}}
        jobs.bulk_write(
            [UpdateOne({"_id": one, "revision": revision}, changed) for one in ids], ordered=False
        )
    for one in ids:
        jobs.update_one({"_id": one}, {"$set": {"next_run_time": 2.0}})
    list(jobs.find({"next_run_time": {"$lte": 3.0}}).sort("next_run_time"))
    client.close()


@contextmanager
def rethinkdb_server() -> Iterator[int]:
    """Return the port of a new RethinkDB server, or of what stands in for one, which is removed afterwards.

    Where neither is installed, the question ends without an answer.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import _rethink_server
    import _servers

    try:
        server = _rethink_server.RethinkServer(gated=False)
    except _servers.MissingError:
        sys.exit(0)
    server.start()
    yield server.port
    server.remove()


def runs_per_second(jobs: int, jobstore=None) -> float:
    """Return how many jobs a second run through ten threads when all of them are due at once."""
    return dispatch(jobs, jobstore)[0]


def dispatch(jobs: int, jobstore=None) -> tuple[float, float]:
    """Return how many jobs a second run when all are due at once: until the last one ran, and until all is recorded.

    There are as many times more jobs as the variable BENCH_TIMES says, which a profile needs for enough samples.
    The latter is when the store has written the outcome of every run. 3.x records none; there it is the same moment.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    jobs *= int(os.environ.get("BENCH_TIMES", "1"))
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(10)},
        jobstores={"default": jobstore} if jobstore else {},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    due = datetime.now(UTC)
    for number in range(jobs):
        scheduler.add_job(hit, "interval", hours=10, next_run_time=due, id=str(number))
    COUNT_DOWN.expect(jobs)
    recorded = recorded_by(jobstore, jobs)
    begin = time.perf_counter()
    scheduler.resume()
    if not COUNT_DOWN.done.wait(300):
        raise SystemExit("not all jobs ran")
    ran = time.perf_counter() - begin
    recorded.wait(300)
    written = time.perf_counter() - begin
    scheduler.shutdown()
    return jobs / ran, jobs / written


def recorded_by(jobstore, jobs: int) -> threading.Event:
    """Return what is set when the store has written so many outcomes; at once where it writes none."""
    recorded = threading.Event()
    finish = getattr(jobstore, "finish", None)
    if finish is None:
        recorded.set()
        return recorded
    left = [jobs]

    def counted(outcomes, *options) -> None:
        finish(outcomes, *options)
        left[0] -= len(outcomes)
        if left[0] <= 0:
            recorded.set()

    jobstore.finish = counted
    return recorded
