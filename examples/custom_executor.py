"""An executor of your own, as in 3.x: start the job somewhere, and say what became of it."""

import sys
import threading
from datetime import datetime

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler


class ThreadPerJobExecutor(BaseExecutor):
    """Runs every job in a new thread that bears the job's id."""

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        threading.Thread(target=self._run, args=(job, run_times), name=f"job-{job.id}").start()

    def _run(self, job: Job, run_times: list[datetime]) -> None:
        try:
            alias = job._jobstore_alias or ""  # part of this extension point
            events = run_job(job, alias, run_times, self._logger.name)
        except Exception as exc:
            self._run_job_error(job.id, exc, sys.exc_info()[2])
        else:
            self._run_job_success(job.id, events)


if __name__ == "__main__":
    scheduler = BackgroundScheduler(executors={"default": ThreadPerJobExecutor()})
    ended = threading.Semaphore(0)
    scheduler.add_listener(lambda event: ended.release(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(lambda: threading.current_thread().name, id="name")
    scheduler.add_job(lambda: 1 / 0, id="broken")
    scheduler.start()
    for _ in range(2):
        ended.acquire(timeout=5)
    for run in scheduler.get_runs():
        print(f"{run.job_id}: {run.status}, {run.result or run.error}")
    scheduler.shutdown()
