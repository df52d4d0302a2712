"""How long does adding a job to memory take, and how much memory does it keep?"""

import gc
import resource
import time
from datetime import UTC
from pathlib import Path

from _tools import answer, noop

from apscheduler.schedulers.background import BackgroundScheduler

JOBS = 20_000


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


scheduler = BackgroundScheduler(timezone=UTC)
scheduler.start(paused=True)
gc.collect()
before = resident()
begin = time.perf_counter()
for number in range(JOBS):
    scheduler.add_job(noop, "interval", seconds=60 + number % 3600, id=str(number))
seconds = time.perf_counter() - begin
gc.collect()
answer("add a job to memory", seconds / JOBS * 1e6, "us", "lower")
answer("memory of a job", (resident() - before) / JOBS, "bytes", "lower")
scheduler.shutdown(wait=False)
