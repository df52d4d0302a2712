"""Starts and shuts one scheduler down many times, from threads that compete, and counts what is left of it.

Prints, as JSON: how often it was started, how many jobs ran, and how many threads, tasks, timers and open files there
are more than before.
"""

from __future__ import annotations

import asyncio
import collections
import faulthandler
import gc
import json
import logging
import os
import random
import sys
import threading
import time

from apscheduler.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler

THREADS = 4
PAUSE = 0.0002  # after a call that came too late, because else the threads keep the loop from its work
counted: collections.Counter[str] = collections.Counter()
guard = threading.Lock()


def count(what: str) -> int:
    with guard:
        counted[what] += 1
        return counted[what]


def ran() -> None:
    count("ran")


async def aran() -> None:
    count("ran")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def stores(url: str) -> dict[str, object]:
    return {} if url == "memory" else {"default": {"type": "sqlalchemy", "url": url}}


def compete(scheduler, wanted: int, seed: int, job) -> None:
    """Start and shut down, whichever is possible, until it was started often enough."""
    rng = random.Random(seed)
    while counted["started"] < wanted:
        try:
            scheduler.start()
            count("started")
            if rng.random() < 0.1:
                scheduler.add_job(job, misfire_grace_time=None)
        except SchedulerAlreadyRunningError:
            time.sleep(PAUSE)
        try:
            scheduler.shutdown(wait=rng.random() < 0.5)
        except SchedulerNotRunningError:
            time.sleep(PAUSE)


async def acompete(scheduler, wanted: int, seed: int) -> None:
    rng = random.Random(seed)
    while counted["started"] < wanted:
        try:
            await scheduler.astart()
            count("started")
            if rng.random() < 0.1:
                await scheduler.aadd_job(aran, misfire_grace_time=None)
        except SchedulerAlreadyRunningError:
            await asyncio.sleep(0)
        try:
            await scheduler.ashutdown(wait=rng.random() < 0.5)
        except SchedulerNotRunningError:
            await asyncio.sleep(0)


def with_threads(url: str, wanted: int) -> dict[str, int]:
    scheduler = BackgroundScheduler(jobstores=stores(url), timezone="UTC")
    scheduler.start()  # what is made once for all times is no leak
    scheduler.shutdown()
    before = open_files(), threading.active_count()
    threads = [
        threading.Thread(target=compete, args=(scheduler, wanted, seed, ran)) for seed in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if scheduler.running:
        scheduler.shutdown()
    close_again(scheduler)
    settle(lambda: threading.active_count() <= before[1])
    return {"threads": threading.active_count() - before[1], "files": open_files() - before[0]}


def on_a_loop(url: str, wanted: int) -> dict[str, int]:
    """Two threads and two tasks compete for a scheduler on one loop."""
    left = {}

    async def main() -> None:
        loop = asyncio.get_running_loop()
        scheduler = AsyncIOScheduler(jobstores=stores(url), timezone="UTC", event_loop=loop)
        async with scheduler:
            pass
        before = open_files(), threading.active_count(), len(asyncio.all_tasks())
        threads = [
            threading.Thread(target=compete, args=(scheduler, wanted, seed, aran)) for seed in range(2)
        ]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(acompete(scheduler, wanted, seed) for seed in range(2, 4)))
        while any(thread.is_alive() for thread in threads):
            await asyncio.sleep(0.001)
        if scheduler.running:
            await scheduler.ashutdown()
        close_again(scheduler)
        end = time.monotonic() + 10
        while (threading.active_count() > before[1] or len(asyncio.all_tasks()) > before[2]) and (
            time.monotonic() < end
        ):
            await asyncio.sleep(0.001)
        left["threads"] = threading.active_count() - before[1]
        left["tasks"] = len(asyncio.all_tasks()) - before[2]
        left["timers"] = len([timer for timer in loop._scheduled if not timer.cancelled()])  # type: ignore[attr-defined]
        left["files"] = open_files() - before[0]

    asyncio.run(main())
    return left


def close_again(scheduler) -> None:
    """Close stores that a call which came after the end has opened again: for that, one connection stays open."""
    for store in scheduler._jobstores.values():
        store.shutdown()


def settle(true) -> None:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.001)
    gc.collect()


if __name__ == "__main__":
    logging.disable()  # every run that is cut off would be a line
    faulthandler.dump_traceback_later(float(sys.argv[4]), exit=True)  # so that a deadlock says where it is
    kind, url, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    begin = time.monotonic()
    left = (with_threads if kind == "background" else on_a_loop)(url, wanted)
    seconds = round(time.monotonic() - begin, 1)
    print(json.dumps({"started": counted["started"], "ran": counted["ran"], **left, "seconds": seconds}))  # noqa: T201
