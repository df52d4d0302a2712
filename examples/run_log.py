"""Listeners and the run log: what happens now, and what became of every run time."""

import time

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler


def divide(number: float) -> float:
    return 1 / number


def listener(event: JobEvent) -> None:
    if isinstance(event, JobExecutionEvent):
        print(f"heard: {event.job_id} raised {event.exception!r}")
    else:
        print(f"heard: {event.job_id} is still running")


if __name__ == "__main__":
    scheduler = BackgroundScheduler(run_log={"per_job": 100})
    scheduler.add_listener(listener, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    scheduler.add_job(divide, args=[4], id="quarter")
    scheduler.add_job(divide, args=[0], id="impossible")
    scheduler.add_job(time.sleep, "interval", [0.5], seconds=0.3, id="slow")
    scheduler.start()
    time.sleep(1)
    scheduler.shutdown()
    for run in reversed(scheduler.get_runs()):
        print(f"{run.job_id:10} {run.status:9} result={run.result} error={run.error} reason={run.reason}")
    print("failed:", [run.job_id for run in scheduler.get_runs(status="failed")])
