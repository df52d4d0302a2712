"""Prints how much memory this process holds after so many runs, in bytes, a line for each point.

Arguments: `memory` or the URL of a database; what kind of job; the points. Plain
functions run in threads, coroutine functions on an event loop; time is a fake, so nothing waits.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.manual import ManualScheduler

JOBS = 100


def plain() -> int:
    return 1


def failing() -> None:
    raise ValueError("as always")


async def coroutine() -> int:
    await asyncio.sleep(0)
    return 1


async def failing_coroutine() -> None:
    await asyncio.sleep(0)
    raise ValueError("as always")


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rounds(points: list[int]) -> Iterator[None]:
    """Yield once for each round of runs to be made, and print the memory at the points."""
    done = 0
    for point in points:
        while done < point:
            yield
            done += JOBS
        print(resident(), flush=True)  # noqa: T201


def add_jobs(scheduler: Any, func: Callable[[], Any]) -> None:
    for number in range(JOBS):
        scheduler.add_job(func, "interval", seconds=1, id=f"{number}", misfire_grace_time=None)


def in_threads(func: Callable[[], Any], points: list[int], options: dict[str, Any]) -> None:
    scheduler = ManualScheduler(executors={"default": ThreadPoolExecutor(10)}, **options)
    scheduler.remove_listener(scheduler.recorder)
    scheduler.start()
    add_jobs(scheduler, func)
    in_flight = scheduler._engine.in_flight
    for _ in rounds(points):
        scheduler.pass_time(1)
        assert in_flight.wait(30)
    scheduler.shutdown()


async def on_a_loop(func: Callable[[], Any], points: list[int], options: dict[str, Any]) -> None:
    clock = FakeClock()
    async with AsyncIOScheduler(clock=clock, timezone="UTC", **options) as scheduler:
        add_jobs(scheduler, func)
        for _ in rounds(points):
            clock.advance(seconds=1)
            scheduler.wakeup()
            wanted = clock.time()
            # The turn is over when the store has moved on, and the round when nothing is in flight any more.
            while (
                scheduler._engine.registry.store("default").next_due <= wanted or scheduler.health().live_runs
            ):
                await asyncio.sleep(0)


def main() -> None:
    store, job, points = sys.argv[1], sys.argv[2], [int(point) for point in sys.argv[3:]]
    options = {
        "jobstores": {"default": MemoryJobStore() if store == "memory" else SQLAlchemyJobStore(store)},
        "run_log": {"per_job": 10},
    }
    func = {
        "plain": plain,
        "failing": failing,
        "coroutine": coroutine,
        "failing_coroutine": failing_coroutine,
    }[job]
    if "coroutine" in job:
        asyncio.run(on_a_loop(func, points, options))
    else:
        in_threads(func, points, options)


if __name__ == "__main__":
    main()
