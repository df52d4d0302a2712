"""Run real jobs on SQLite for some seconds, then print what became of every run time.

    python examples/demo.py [--seconds 15] [--data demo-data]

The jobs are kept in demo-data/jobs.sqlite, their results in CSV files beside it. Run it again, and it goes
on from there. Ctrl-C ends it early, with the same summary.
"""

import argparse
import logging
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import demo_jobs

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.runs import Run
from apscheduler.schedulers.background import BackgroundScheduler

COUNTED = ("succeeded", "failed", "missed", "skipped", "interrupted")
HEADER = ("job", *COUNTED, "mean duration", "worst lateness", "last error")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run real jobs on SQLite, and print what became of them.")
    parser.add_argument("--seconds", type=float, default=15, help="how long to run (15)")
    parser.add_argument(
        "--data", type=Path, default=Path("demo-data"), help="folder for everything (demo-data)"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    # The table at the end says which jobs failed and why, so their tracebacks are left out.
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)
    folder = options.data.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    store = SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.sqlite'}")
    scheduler = BackgroundScheduler(jobstores={"default": store})
    scheduler.start(paused=True)
    say_what_is_there(scheduler)
    add_jobs(scheduler, str(folder))
    scheduler.resume()
    print(f"Running for {options.seconds:g} seconds; Ctrl-C ends it earlier.", flush=True)
    try:
        time.sleep(options.seconds)
    except KeyboardInterrupt:
        print()
    # A second Ctrl-C is not needed: what still runs ends within three seconds.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    scheduler.shutdown()
    print_table(scheduler.get_runs(limit=None))
    print_files(folder)


def add_jobs(scheduler: BackgroundScheduler, folder: str) -> None:
    """Add the jobs; one that is stored as it is defined here is left alone, and goes on where it was."""

    def add(name: str, func: Callable[..., object], trigger: str, args: list[Any], **when: Any) -> None:
        scheduler.add_job(func, trigger, args, id=name, replace_existing="if_changed", **when)

    add("sample", demo_jobs.sample, "interval", [folder], seconds=1)
    add("summary", demo_jobs.summarize, "interval", [folder], seconds=5)
    add("inventory", demo_jobs.take_inventory, "cron", [folder], second="*/4")
    # Twice as often as there is something to collect: every other run fails, with FileNotFoundError.
    add("collect", demo_jobs.collect_inventory, "interval", [folder], seconds=2)
    # Takes longer than its interval, and max_instances is 1: run times that come meanwhile are skipped.
    add("check", demo_jobs.check_library, "interval", [3.0], seconds=2)


def say_what_is_there(scheduler: BackgroundScheduler) -> None:
    jobs, runs = scheduler.get_jobs(), scheduler.get_runs(limit=None)
    if jobs:
        names = ", ".join(sorted(job.id for job in jobs))
        print(f"Found {len(jobs)} jobs from before ({names}), with {len(runs)} runs on record. They go on.")
    else:
        print("Found no jobs: this is the first run.")


def print_table(runs: list[Run]) -> None:
    """Print one line for each job; `runs` are newest first."""
    by_job: dict[str, list[Run]] = {}
    for run in runs:
        by_job.setdefault(run.job_id, []).append(run)
    rows = [HEADER, *(line(job_id, by_job[job_id]) for job_id in sorted(by_job))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    print(f"\n{len(runs)} runs on record:\n")
    for row in rows:
        first, *numbers, last = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *numbers, last.strip()]).rstrip())
    reasons = Counter((run.job_id, run.status, reason_of(run)) for run in runs if run.reason)
    if reasons:
        print("\nWhy run times were skipped, missed or interrupted:")
    for (job_id, status, reason), number in sorted(reasons.items()):
        print(f"  {job_id}: {number} {status}, {reason}")


def line(job_id: str, runs: list[Run]) -> tuple[str, ...]:
    statuses = Counter(run.status for run in runs)
    durations = [run.duration for run in runs if run.duration is not None]
    lateness = [run.lateness for run in runs if run.lateness is not None]
    mean = sum(durations, timedelta()) / len(durations) if durations else None
    error = next((run.error for run in runs if run.error), None) or "-"
    counts = (str(statuses[status]) for status in COUNTED)
    return (job_id, *counts, in_ms(mean), in_ms(max(lateness, default=None)), error)


def reason_of(run: Run) -> str:
    """Return the reason of a run, without the numbers that make each one different."""
    return "too late" if run.status == "missed" else (run.reason or "").partition(" (")[0]


def in_ms(time: timedelta | None) -> str:
    return "-" if time is None else f"{time / timedelta(milliseconds=1):,.1f} ms"


def print_files(folder: Path) -> None:
    print(f"\nEverything is in {folder}:")
    for path in [*sorted(folder.glob("*.csv")), folder / "jobs.sqlite"]:
        print(f"  {path.name:14} {path.stat().st_size:>8,} bytes")
    print("Run it again, and it goes on from there.")


if __name__ == "__main__":
    main()
