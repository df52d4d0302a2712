"""A million jobs: how long does it take to add them, how much memory do they hold, and when does the first one run?

python benchmarks/million.py [--jobs 1000000] [--json FILE] [memory] [start]

memory: jobs are added to the memory store by add_jobs() and by add_job(), each in a process of its own.
start: a scheduler starts on a PostgreSQL server (and an SQLite file) that holds so many rows, ten of which are due.
Counted are the seconds from the call of start() until the first run and until the last of the ten, and the memory that
the process holds more by then. The database has made the rows, so what they cost to write is not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from _results import arguments, resident, save, short

DUE = 10
ran: list[float] = []
all_ran = threading.Event()


def first() -> None:
    """Note when a due job ran."""
    ran.append(time.perf_counter())
    if len(ran) == DUE:
        all_ran.set()


def memory(how: str, jobs: int) -> None:
    """Be a process that adds jobs; print what that took."""
    import gc

    from _filling import add_sleeping, scheduler_on, sleeping_jobs

    scheduler = scheduler_on()
    scheduler.start(paused=True)
    gc.collect()
    before, begin = resident(), time.perf_counter()
    if how == "add_jobs":
        add_sleeping(scheduler, 0, jobs)
    else:
        for job in sleeping_jobs(range(jobs)):
            scheduler.add_job(**job)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "held": resident() - before}))


def start(url: str) -> None:
    """Be a process that starts on a full table; print when its first job ran."""
    from _filling import scheduler_on, store_on

    scheduler = scheduler_on(store_on(url))
    before, begin = resident(), time.perf_counter()
    scheduler.start()
    started = time.perf_counter() - begin
    if not all_ran.wait(300):
        raise SystemExit("the jobs that are due did not run")
    held = resident() - before
    figures = {"started": started, "first": ran[0] - begin, "last": ran[-1] - begin, "held": held}
    print(json.dumps(figures), flush=True)
    scheduler.shutdown()


def ask(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "be", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def ask_memory(jobs: int) -> list[dict[str, Any]]:
    rows = []
    for how in ("add_jobs", "add_job"):
        figures = ask("memory", how, str(jobs))
        rows.append({"how": how, "jobs": jobs, **figures})
        print(
            f"{how + '()':12}{jobs:11,} jobs in {short(figures['seconds'])} s, {figures['held'] / 1e9:.2f} GB",
            flush=True,
        )
    return rows


def ask_start(jobs: int, rounds: int) -> list[dict[str, Any]]:
    import million  # by this name, and not as __main__, because the stored jobs name their function
    from _filling import drop_table, fill_table, scheduler_on, store_on
    from _servers_here import postgresql

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for store, url in (("PostgreSQL", postgresql()), ("SQLite", f"sqlite:///{folder}/jobs.sqlite")):
            if url is None:
                continue
            begin = time.perf_counter()
            fill_table(url, 1, jobs)
            filled = time.perf_counter() - begin
            starts = []
            for number in range(rounds):
                scheduler = scheduler_on(store_on(url))
                scheduler.start(paused=True)
                scheduler.add_jobs(
                    {
                        "func": million.first, "trigger": "date", "run_date": datetime.now(UTC),
                        "id": f"due {number} {n}", "misfire_grace_time": None,
                    }
                    for n in range(DUE)
                )  # fmt: skip
                scheduler.shutdown()
                starts.append(ask("start", url))
            worst = max(starts, key=lambda figures: figures["first"])
            rows.append({"store": store, "jobs": jobs, "filled": filled, "rounds": rounds, **worst})
            print(
                f"{store:12}{jobs:11,} rows: first run {short(worst['first'] * 1e3)} ms after start(), the tenth"
                f" {short(worst['last'] * 1e3)} ms, {worst['held'] / 1e6:.1f} MB more; worst of {rounds}",
                flush=True,
            )
            if store == "PostgreSQL":
                drop_table(url)
    return rows


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("parts", nargs="*", metavar="PART", help="memory, start; default both")
    options = parser.parse_args()
    both = not options.parts
    in_memory = ask_memory(options.jobs) if both or "memory" in options.parts else []
    starts = ask_start(options.jobs, options.rounds) if both or "start" in options.parts else []
    save(options.json, [], memory=in_memory, start=starts)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    if sys.argv[1:3] == ["be", "memory"]:
        memory(sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:3] == ["be", "start"]:
        import million

        million.start(sys.argv[3])
    else:
        main()
