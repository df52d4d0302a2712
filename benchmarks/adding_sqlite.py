"""How many jobs a second are added to an SQLite file, one by one?"""

import tempfile
import time
from datetime import UTC

from _tools import answer, noop

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

JOBS = 2_000

with tempfile.TemporaryDirectory() as folder:
    store = SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.sqlite")
    scheduler = BackgroundScheduler(timezone=UTC, jobstores={"default": store})
    scheduler.start(paused=True)
    begin = time.perf_counter()
    for number in range(JOBS):
        scheduler.add_job(noop, "interval", seconds=3600, id=str(number))
    answer("add jobs to SQLite one by one", JOBS / (time.perf_counter() - begin), "jobs/s", "higher")
    scheduler.shutdown(wait=False)
