"""Prints what APScheduler 3.11.3 makes of a RethinkDB server, as JSON; run by the tests with a Python that has it.

python show_rethinkdb_jobs.py PORT [remove|add|run ID]
"""

import json
import sys
import time

from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores.rethinkdb import RethinkDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def main(port: str, do: str = "", job_id: str = "") -> None:
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(RethinkDBJobStore("recorded", port=int(port)))
    ran = []
    scheduler.add_listener(lambda event: ran.append([event.job_id, repr(event.retval)]), EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    if do == "remove":
        scheduler.remove_job(job_id)
    elif do == "add":
        scheduler.add_job("os.path:join", "date", ["x", "y"], run_date="2031-01-01 00:00:00", id=job_id)
    elif do == "run":
        scheduler.modify_job(job_id, next_run_time=scheduler.get_job(job_id).next_run_time.replace(year=2020))
        scheduler.modify_job(job_id, misfire_grace_time=None)
        scheduler.resume()
        deadline = time.monotonic() + 20
        while not ran and time.monotonic() < deadline:
            time.sleep(0.01)
        scheduler.pause()
    jobs = {
        job.id: [job.next_run_time.timestamp() if job.next_run_time else None, job.func_ref, list(job.args)]
        for job in scheduler.get_jobs()
    }
    scheduler.shutdown()
    print(json.dumps({"jobs": jobs, "ran": ran}))  # noqa: T201 - what it is for


main(*sys.argv[1:])
