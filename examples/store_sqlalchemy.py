"""SQLAlchemyJobStore: jobs and the record of their runs outlive the program.

    python store_sqlalchemy.py [URL]

Without an argument the database is the file jobs.sqlite; a URL such as postgresql+psycopg://user@host/database
names another. Run it twice: the second time it finds the job and the runs of the first.
"""

import sys
import time
from datetime import datetime

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def report(topic: str) -> str:
    return f"{topic} at {datetime.now():%H:%M:%S}"


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "sqlite:///jobs.sqlite"
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(url=url)})
    scheduler.start(paused=True)
    before = len(scheduler.get_runs(limit=None))
    print(f"found {len(scheduler.get_jobs())} jobs and {before} runs")
    scheduler.add_job(
        report, "interval", ["weather"], seconds=0.4, id="report", replace_existing="if_changed"
    )
    scheduler.resume()
    time.sleep(1.1)
    scheduler.shutdown()
    runs = scheduler.get_runs("report", status="succeeded", limit=None)
    print(f"{len(runs)} runs succeeded by now, the last one said: {runs[0].result}")
