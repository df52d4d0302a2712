"""How many jobs a second are added to an SQLite file by add_jobs()? 3.x has only add_job()."""

import tempfile
import time
from datetime import UTC

from _tools import answer, noop

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

with tempfile.TemporaryDirectory() as folder:
    store = SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.sqlite")
    scheduler = BackgroundScheduler(timezone=UTC, jobstores={"default": store})
    scheduler.start(paused=True)
    bulk = hasattr(scheduler, "add_jobs")
    count = 10_000 if bulk else 500
    jobs = [
        {"func": noop, "trigger": "interval", "seconds": 3600, "id": str(number)} for number in range(count)
    ]
    begin = time.perf_counter()
    if bulk:
        scheduler.add_jobs(jobs)
    else:
        for job in jobs:
            scheduler.add_job(**job)
    answer("add many jobs to SQLite", count / (time.perf_counter() - begin), "jobs/s", "higher")
    scheduler.shutdown(wait=False)
