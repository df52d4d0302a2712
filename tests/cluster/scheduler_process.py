"""A scheduler in a process of its own, for tests to start, freeze and kill.

Arguments: URL of the store, folder, lease, seconds by which its wall clock is fast. A file named after the process id appears when it has started. It ends,
gracefully, at a SIGTERM, or when its standard input is closed, so that it does not outlive the tests.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from cluster_jobs import NotingExecutor, open_store

from apscheduler._clock import Clock
from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.schedulers.blocking import BlockingScheduler


class SkewedClock(Clock):
    """A wall clock that is fast by some seconds, or slow."""

    def __init__(self, seconds: float) -> None:
        self.time = lambda: time.time() + seconds


def main() -> None:
    url, folder, lease, skew = sys.argv[1:]
    scheduler = BlockingScheduler(
        jobstores={"default": open_store(url)},
        executors={"default": NotingExecutor(folder)},
        job_defaults={"misfire_grace_time": None},
        timezone="UTC",
        lease=float(lease),
        clock=SkewedClock(float(skew)),
        run_log={"max_age": None, "per_job": None},
        jobstore_retry_interval=0.2,
    )
    scheduler.add_listener(lambda _: Path(folder, f"{os.getpid()}.ready").touch(), EVENT_SCHEDULER_STARTED)
    threading.Thread(target=end_with_parent, args=[scheduler], daemon=True).start()
    scheduler.start()


def end_with_parent(scheduler: BlockingScheduler) -> None:
    sys.stdin.read()
    if scheduler.running:
        scheduler.shutdown(timeout=1)


if __name__ == "__main__":
    main()
