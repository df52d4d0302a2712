"""Prints how much memory this process holds after 20,000 runs and after 60,000, in bytes."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.manual import ManualScheduler

JOBS = 100
POINTS = (20_000, 60_000)


def plain() -> int:
    return 1


def failing() -> None:
    raise ValueError("as always")


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    store, job, points = sys.argv[1], sys.argv[2], [int(point) for point in sys.argv[3:]] or POINTS
    scheduler = ManualScheduler(
        jobstores={"default": MemoryJobStore() if store == "memory" else SQLAlchemyJobStore(store)},
        executors={"default": DebugExecutor()},
        run_log={"per_job": 10},
    )
    scheduler.remove_listener(scheduler.recorder)
    scheduler.start()
    for number in range(JOBS):
        scheduler.add_job({"plain": plain, "failing": failing}[job], "interval", seconds=1, id=f"{number}")
    done = 0
    for point in points:
        while done < point:
            scheduler.pass_time(1)
            done += JOBS
        print(resident(), flush=True)  # noqa: T201
    scheduler.shutdown()


if __name__ == "__main__":
    main()
