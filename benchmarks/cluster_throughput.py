"""How many jobs a second do one, two and four schedulers run together from one store, with the run log written?

python benchmarks/cluster_throughput.py [--jobs 20000] [--rounds 3] [--url URL ...]

All jobs are due at the same moment; each is one run. A rate is the number of jobs divided by the time until the last
outcome was reported. Without --url it measures an SQLite file, and a PostgreSQL server that it starts if there is one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _tools import noop
from sqlalchemy import create_engine

from apscheduler._core.claims import RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

HERE = Path(__file__).parent
NODES = (1, 2, 4)
PATIENCE = 300.0


def measure(url: str, nodes: int, jobs: int) -> tuple[float, list[int]]:
    """Return the jobs per second, and how many of them each of the schedulers has run."""
    with tempfile.TemporaryDirectory() as folder:
        processes = []
        try:
            store = SQLAlchemyJobStore(url, tablename="bench")
            scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC)
            scheduler.start(paused=True)
            for number in range(nodes):
                command = [sys.executable, str(HERE / "_cluster_node.py"), url, f"{folder}/{number}"]
                processes.append(subprocess.Popen(command, stdin=subprocess.PIPE))
            while len(list(Path(folder).iterdir())) < nodes:
                time.sleep(0.02)
            due = datetime.now(UTC) + timedelta(
                seconds=1.5 + jobs / 10_000
            )  # when all of them have been added
            scheduler.add_jobs(
                {"func": noop, "trigger": "date", "run_date": due, "id": f"{n}", "misfire_grace_time": None}
                for n in range(jobs)
            )
            wait_for(jobs, store)
            runs = store.read_runs(RunQuery(statuses=("succeeded",), limit=None))
            scheduler.shutdown()
        finally:
            for process in processes:
                process.stdin.close()
                process.wait()
    last = max(run.finished for run in runs)
    return jobs / (last - due.timestamp()), sorted(Counter(run.node for run in runs).values())


def wait_for(jobs: int, store: SQLAlchemyJobStore) -> None:
    """Wait until all have run; seldom, and by a count, because what this process does is taken from the others."""
    end = time.monotonic() + PATIENCE
    while True:
        with store.engine.connect() as conn:
            left = conn.exec_driver_sql("SELECT count(*) FROM bench").scalar()
            ended = conn.exec_driver_sql(
                "SELECT count(*) FROM bench_runs WHERE finished IS NOT NULL"
            ).scalar()
        if not left and ended == jobs:
            return
        if time.monotonic() > end:
            raise SystemExit(f"only {ended} of {jobs} jobs ran")
        time.sleep(0.5)


def clean(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        for suffix in ("", "_runs", "_nodes", "_numbers"):
            conn.exec_driver_sql(f"DROP TABLE IF EXISTS bench{suffix}")
    engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(
            f"{'store':12}{'schedulers':>11}{'jobs/s, best':>14}{'of one':>8}   all rounds; shares in the best"
        )
        for url in options.url or [f"sqlite:///{folder}/jobs.sqlite", *_postgresql()]:
            found: dict[int, list[tuple[float, list[int]]]] = {nodes: [] for nodes in NODES}
            for _ in range(options.rounds):  # in turn, because other work on the machine comes and goes
                for nodes in NODES:
                    clean(url)
                    found[nodes].append(measure(url, nodes, options.jobs))
            clean(url)
            for nodes, rounds in found.items():
                best, shares = max(rounds)
                rates = " ".join(f"{rate:,.0f}" for rate, _ in rounds)
                name = url.partition(":")[0].partition("+")[0]
                part = best / max(found[1])[0]
                print(f"{name:12}{nodes:11}{best:14,.0f}{part:7.2f}x   {rates}; {shares}", flush=True)


def _postgresql() -> list[str]:
    sys.path.insert(0, str(HERE.parent / "tests"))
    import _servers

    try:
        return [_servers.postgresql_url()]
    except BaseException as exc:  # what pytest skips a test with
        print(f"PostgreSQL is left out: {exc}")
        return []


if __name__ == "__main__":
    main()
