"""How close to the floor is each workload? The floor is the same work without a scheduler.

python benchmarks/floors.py [--rounds 5] [--json FILE] [NAME ...]

pool        the executor alone: a thread pool of the standard library that calls the same function
sqlite      the driver alone: the same rows changed in transactions of the same size - jobs moved on and run records
            inserted in one, outcomes written in the next - in tables that were made by the job store
postgresql  the same through psycopg, a statement for each batch, with arrays
redis       the same through redis-py, a MULTI of commands for each batch
add-sqlite  the driver alone, one INSERT in a transaction of its own for each job; a pickle that exists is written
add-bulk    the same with all rows in one transaction
add-memory  an object with as many attributes, an entry in a dict and one in a heap for each job
cron        adding a minute to a time and bringing the sum into its zone, which is the least that a search has to do
lateness    a thread that sleeps until each due time and hands it to a thread pool

Where ours is above 1 the floor could be built better; the stdlib pool, for one, has a lock and an object more.
"""

from __future__ import annotations

import heapq
import json
import pickle
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from _results import arguments, save, short, spread
from _servers_here import postgresql
from _tools import COUNT_DOWN, hit, noop

HERE = Path(__file__).parent
JOBS, BATCH = 2_000, 1_000


# -- floors: each returns a figure in the unit of its question ------------------------------------------------------


def pool() -> float:
    COUNT_DOWN.expect(10_000)
    with ThreadPoolExecutor(10) as workers:
        begin = time.perf_counter()
        for _ in range(10_000):
            workers.submit(hit)
        COUNT_DOWN.done.wait()
        return 10_000 / (time.perf_counter() - begin)


def sqlite() -> float:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/jobs.sqlite"
        _fill(url)
        conn = sqlite3.connect(f"{folder}/jobs.sqlite", isolation_level=None)
        conn.execute("PRAGMA synchronous=FULL")
        begin = time.perf_counter()
        while rows := conn.execute(
            "SELECT id, next_run_time, revision, job_state FROM apscheduler_jobs WHERE next_run_time <= ?"
            " ORDER BY next_run_time LIMIT ?",
            (time.time(), BATCH),
        ).fetchall():
            now = time.time()
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany(
                "UPDATE apscheduler_jobs SET next_run_time = ?, revision = revision + 1"
                " WHERE id = ? AND revision = ?",
                [(row[1] + 36_000, row[0], row[2]) for row in rows],
            )
            conn.executemany(
                "INSERT INTO apscheduler_jobs_runs (job_id, revision, run_time, attempt, status, node)"
                " VALUES (?, ?, ?, 1, 'running', 'n')",
                [(row[0], row[2], row[1]) for row in rows],
            )
            conn.execute("COMMIT")
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany(
                "UPDATE apscheduler_jobs_runs SET status = 'succeeded', started = ?, finished = ?"
                " WHERE job_id = ? AND run_time = ? AND revision = ? AND attempt = 1",
                [(now, now, row[0], row[1], row[2]) for row in rows],
            )
            conn.execute("COMMIT")
        seconds = time.perf_counter() - begin
        conn.close()
    return JOBS / seconds


def postgres() -> float | None:
    import psycopg

    url = postgresql()
    if url is None:
        return None
    _fill(url)
    conn = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    begin = time.perf_counter()
    while rows := conn.execute(
        "SELECT id, next_run_time, revision, job_state FROM apscheduler_jobs WHERE next_run_time <= %s"
        " ORDER BY next_run_time LIMIT %s",
        (time.time(), BATCH),
    ).fetchall():
        now = time.time()
        ids, times, revisions = ([row[column] for row in rows] for column in range(3))
        conn.execute(
            "WITH g AS (SELECT * FROM unnest(%s::text[], %s::float8[], %s::int8[]) AS g (id, at, revision)),"
            " m AS (UPDATE apscheduler_jobs j SET next_run_time = g.at + 36000, revision = j.revision + 1 FROM g"
            " WHERE j.id = g.id AND j.revision = g.revision)"
            " INSERT INTO apscheduler_jobs_runs (job_id, revision, run_time, attempt, status, node)"
            " SELECT id, revision, at, 1, 'running', 'n' FROM g",
            (ids, times, revisions),
        )
        conn.execute(
            "UPDATE apscheduler_jobs_runs r SET status = 'succeeded', started = %s, finished = %s"
            " FROM unnest(%s::text[], %s::float8[], %s::int8[]) AS g (id, at, revision)"
            " WHERE r.job_id = g.id AND r.run_time = g.at AND r.revision = g.revision AND r.attempt = 1",
            (now, now, ids, times, revisions),
        )
    seconds = time.perf_counter() - begin
    conn.close()
    return JOBS / seconds


def redis() -> float | None:
    sys.path.insert(0, str(HERE.parent / "tests"))
    from redis import Redis

    import _redis_server
    import _servers

    try:
        server = _redis_server.RedisServer().start()
    except _servers.MissingError:
        return None
    client = Redis(port=server.port)
    state = pickle.dumps({"id": "x", "trigger": list(range(20)), "name": "noop"})
    due = time.time()
    client.hset("jobs", mapping={str(number): state for number in range(JOBS)})
    client.zadd("times", {str(number): due for number in range(JOBS)})
    begin = time.perf_counter()
    while ids := client.zrangebyscore("times", "-inf", time.time(), 0, BATCH):
        client.hmget("jobs", ids)
        for record in ("running", "succeeded"):
            pipe = client.pipeline(transaction=True)
            if record == "running":
                pipe.zadd("times", dict.fromkeys(ids, due + 36_000))
            pipe.hset("runs", mapping={b"1|%r|" % due + job_id: f"{record} {due} n" for job_id in ids})
            pipe.zadd("by_time", {b"1|%r|" % due + job_id: due for job_id in ids})
            pipe.execute()
    seconds = time.perf_counter() - begin
    client.close()
    server.remove()
    return JOBS / seconds


def add_sqlite() -> float:
    return _insert(500, together=False)


def add_bulk() -> float:
    return _insert(10_000, together=True)


def _insert(count: int, together: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        _fill(f"sqlite:///{folder}/jobs.sqlite", 1)
        conn = sqlite3.connect(f"{folder}/jobs.sqlite", isolation_level=None)
        conn.execute("PRAGMA synchronous=FULL")
        state = conn.execute("SELECT job_state FROM apscheduler_jobs").fetchone()[0]
        rows = [(f"new {number}", time.time() + 3600, state) for number in range(count)]
        insert = "INSERT INTO apscheduler_jobs (id, next_run_time, job_state, revision) VALUES (?, ?, ?, 1)"
        begin = time.perf_counter()
        if together:
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany(insert, rows)
            conn.execute("COMMIT")
        else:
            for row in rows:
                conn.execute(insert, row)
        seconds = time.perf_counter() - begin
        conn.close()
    return count / seconds


class _Bare:
    __slots__ = ("a", "args", "at", "b", "c", "d", "func", "id", "kwargs", "name", "seconds")

    def __init__(self, number: int, now: datetime) -> None:
        self.id = self.name = str(number)
        self.func, self.args, self.kwargs = noop, (), {}
        self.seconds = timedelta(seconds=60 + number % 3600)
        self.at = now + self.seconds
        self.a = self.b = self.c = self.d = None


def add_memory() -> float:
    jobs: dict[str, _Bare] = {}
    heap: list[Any] = []
    begin = time.perf_counter()
    for number in range(20_000):
        job = jobs[str(number)] = _Bare(number, datetime.now(UTC))
        heapq.heappush(heap, (job.at.timestamp(), job.id))
    return (time.perf_counter() - begin) / 20_000 * 1e6


def cron() -> float:
    zone, minute, time_ = ZoneInfo("Europe/Berlin"), timedelta(minutes=1), datetime(2026, 1, 1, tzinfo=UTC)
    begin = time.perf_counter()
    for _ in range(20_000):
        time_ = time_ + minute
        time_.astimezone(zone)
    return (time.perf_counter() - begin) / 20_000 * 1e6


def lateness() -> float:
    late: list[float] = []
    with ThreadPoolExecutor(10) as workers:
        begin = time.perf_counter() + 0.1
        for number in range(1_200):
            due = begin + number / 300
            wait = due - time.perf_counter()
            if wait > 0:
                threading.Event().wait(wait)
            workers.submit(lambda due=due: late.append(time.perf_counter() - due))
    late.sort()
    return late[int(len(late) * 0.99)] * 1e3


def _fill(url: str, count: int = JOBS) -> None:
    """Have the job store make its tables, with jobs in them that are due."""
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    scheduler = BackgroundScheduler(timezone=UTC, jobstores={"default": SQLAlchemyJobStore(url)})
    scheduler.start(paused=True)
    due = datetime.now(UTC)
    scheduler.add_jobs(
        {"func": hit, "trigger": "interval", "hours": 10, "next_run_time": due, "id": str(number)}
        for number in range(count)
    )
    scheduler.shutdown()


# -- beside ours --------------------------------------------------------------------------------------------------

# name: floor, question, its figure
WORKLOADS: dict[str, tuple[Callable[[], float | None], str, str]] = {
    "pool": (pool, "dispatch", "run jobs from memory"),
    "sqlite": (sqlite, "dispatch_sqlite", "run jobs from SQLite"),
    "postgresql": (postgres, "dispatch_postgresql", "run jobs from PostgreSQL"),
    "redis": (redis, "dispatch_redis", "run jobs from Redis"),
    "add-sqlite": (add_sqlite, "adding_sqlite", "add jobs to SQLite one by one"),
    "add-bulk": (add_bulk, "adding_bulk", "add many jobs to SQLite"),
    "add-memory": (add_memory, "adding", "add a job to memory"),
    "cron": (cron, "cron", "cron fire time"),
    "lateness": (lateness, "lateness", "lateness, 99th percentile"),
}


def figure_of(question: str, figure: str) -> dict[str, Any] | None:
    done = subprocess.run(
        [sys.executable, str(HERE / f"{question}.py")],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next((each for each in found if each["name"] == figure), None)


def measure(name: str, rounds: int) -> dict[str, Any] | None:
    floor, question, figure = WORKLOADS[name]
    floors, own, shares = [], [], []
    answer: dict[str, Any] | None = None
    for _ in range(rounds):
        least, answer = floor(), figure_of(question, figure)
        if least is None or answer is None:
            return None
        # Where the floor writes outcomes, ours counts until all of them are written.
        value = answer.get("until_recorded", answer["value"])
        floors.append(least)
        own.append(value)
        shares.append(least / value if answer["better"] == "lower" else value / least)
    assert answer is not None
    share, low, high = spread(shares)
    return {
        "name": figure, "floor": spread(floors)[0], "ours": spread(own)[0], "unit": answer["unit"], "share": share,
        "least": low, "most": high, "rounds": rounds,
    }  # fmt: skip


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(f"{'':32}{'floor':>12}{'ours':>12} {'':16}{'of floor':>9}   spread")
    names: Sequence[str] = options.names or list(WORKLOADS)
    for name in names:
        row = measure(name, options.rounds)
        if row is None:
            continue
        rows.append(row)
        print(
            f"{row['name']:32}{short(row['floor']):>12}{short(row['ours']):>12} {row['unit']:16}"
            f"{row['share']:9.2f}   {row['least']:.2f}-{row['most']:.2f}",
            flush=True,
        )
    save(options.json, rows)


if __name__ == "__main__":
    main()
