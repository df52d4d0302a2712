"""MongoDBJobStore: jobs and the record of their runs in MongoDB, shared by any number of schedulers.

    python store_mongodb.py [URL]

Without an argument the server is the one at mongodb://localhost:27017/. Run it twice: the second time it finds the job
and the runs of the first. Run two at once: together they run each run time once.
"""

import sys
import time
from datetime import datetime

from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def report(topic: str) -> str:
    return f"{topic} at {datetime.now():%H:%M:%S}"


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "mongodb://localhost:27017/"
    store = MongoDBJobStore(database="example", collection="jobs", host=url)
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
    print(f"kept in {', '.join(sorted(store.client['example'].list_collection_names()))}")
    print(f"{len(runs)} runs succeeded by now, the last one said: {runs[0].result}")
    scheduler.shutdown()
