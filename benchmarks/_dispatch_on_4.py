"""Dispatching on APScheduler 4.0.0a6, for `others.py`; runs in an environment of its own.

Arguments: `memory` or the URL of a database, number of schedules. Its interface is another one than that of 3:
schedules are added while the scheduler is not started, and all are due when it is. The executor is its own for threads.
"""

import itertools
import json
import sys
import threading
import time

from apscheduler.datastores.memory import MemoryDataStore
from apscheduler.datastores.sqlalchemy import SQLAlchemyDataStore

from apscheduler import Scheduler
from apscheduler.triggers.interval import IntervalTrigger

done = threading.Event()
numbers = itertools.count(1)


def hit() -> None:
    if next(numbers) >= count:
        done.set()


def data_store(where: str):
    if where == "memory":
        return MemoryDataStore()
    from sqlalchemy.ext.asyncio import create_async_engine

    return SQLAlchemyDataStore(create_async_engine(where))


where, count = sys.argv[1], int(sys.argv[2])
with Scheduler(data_store(where)) as scheduler:
    for number in range(count):
        scheduler.add_schedule(hit, IntervalTrigger(hours=10), id=str(number), misfire_grace_time=None)
    begin = time.perf_counter()
    scheduler.start_in_background()
    if not done.wait(300):
        raise SystemExit("not all jobs ran")
    seconds = time.perf_counter() - begin
    print(json.dumps({"value": count / seconds}), flush=True)
