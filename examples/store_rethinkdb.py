"""RethinkDBJobStore: jobs and the record of their runs in RethinkDB, shared by any number of schedulers.

    python store_rethinkdb.py [HOST:PORT]

Run it twice: the second time it finds the job and the runs of the first. Run two at once: together they run each run
time once.
"""

import sys
import time
from datetime import datetime

from apscheduler.jobstores.rethinkdb import RethinkDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def report(topic: str) -> str:
    return f"{topic} at {datetime.now():%H:%M:%S}"


if __name__ == "__main__":
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "localhost:28015").partition(":")
    store = RethinkDBJobStore("example", host=host, port=int(port))
    scheduler = BackgroundScheduler(jobstores={"default": store})
    scheduler.start(paused=True)
    before = len(scheduler.get_runs(limit=None))
    print(f"found {len(scheduler.get_jobs())} jobs and {before} runs")
    scheduler.add_job(
        report, "interval", ["weather"], seconds=0.4, id="report", replace_existing="if_changed"
    )
    scheduler.resume()
    time.sleep(1.1)
    runs = scheduler.get_runs("report", status="succeeded", limit=None)
    print(f"{len(runs)} runs succeeded by now, the last one said: {runs[0].result}")
    scheduler.shutdown()
