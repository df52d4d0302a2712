"""Writes what the tests of this folder read; run with a Python that has APScheduler 3.11.3 and rethinkdb.

python make_rethinkdb_jobs_of_3x.py PORT > rethinkdb-3.11.3.json

On the server at this port the database `recorded` is made anew. Written is what its table holds and its indexes, and how
3.11.3 lists the jobs.
"""

import base64
import json
import sys
from datetime import UTC, datetime

from rethinkdb import r

from apscheduler.jobstores.rethinkdb import RethinkDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

DATABASE = "recorded"


def main(port: str) -> None:
    connection = r.connect(port=int(port))
    if DATABASE in r.db_list().run(connection):
        r.db_drop(DATABASE).run(connection)
    scheduler = BackgroundScheduler(timezone="Europe/Berlin")
    scheduler.add_jobstore(RethinkDBJobStore(DATABASE, port=int(port)))
    scheduler.start(paused=True)
    start = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    add = scheduler.add_job
    add("os.path:join", "date", ["a", "b"], run_date=start, id="date", misfire_grace_time=None)
    add(
        "builtins:dict", "interval", [[("k", 1)]], {"x": "ü"}, id="interval", name="näme", minutes=90,
        start_date=start, jitter=5, max_instances=3, coalesce=False, next_run_time=start,
    )  # fmt: skip
    add("time:time", "cron", day_of_week="mon-fri", hour="6", minute="30", id="cron", misfire_grace_time=3600,
        next_run_time=datetime(2030, 1, 2, 5, 30, tzinfo=UTC))  # fmt: skip
    add("time:time", "calendarinterval", months=1, hour=3, id="calendar", start_date="2030-01-31",
        next_run_time=datetime(2030, 1, 31, 2, 0, tzinfo=UTC))  # fmt: skip
    either = OrTrigger([CronTrigger(hour=1), AndTrigger([CronTrigger(hour=2), IntervalTrigger(hours=1)])])
    add("time:time", either, id="combined", next_run_time=datetime(2030, 1, 2, 0, 0, tzinfo=UTC))
    add("time:time", "interval", hours=1, id="paused", next_run_time=None)
    add("time:time", "interval", hours=1, id="ünïcødé", next_run_time=datetime(2030, 2, 1, tzinfo=UTC))
    table = r.db(DATABASE).table("jobs")
    documents = {document.pop("id"): document for document in table.run(connection)}
    for document in documents.values():
        document["job_state"] = base64.b64encode(document["job_state"]).decode()
    listed = {
        job.id: {
            "next_run_time": job.next_run_time.timestamp() if job.next_run_time else None,
            "func": job.func_ref,
            "args": list(job.args),
            "kwargs": job.kwargs,
            "trigger": str(job.trigger),
            "name": job.name,
            "misfire_grace_time": job.misfire_grace_time,
            "coalesce": job.coalesce,
            "max_instances": job.max_instances,
        }
        for job in scheduler.get_jobs()
    }
    written = {
        "tables": r.db(DATABASE).table_list().run(connection),
        "indexes": table.index_list().run(connection),
        "documents": documents,
        "listed": listed,
    }
    scheduler.shutdown()
    print(json.dumps(written, indent=1, ensure_ascii=False, sort_keys=True))  # noqa: T201 - what it is for


main(sys.argv[1])
