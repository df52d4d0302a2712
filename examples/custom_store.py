"""A job store of your own, as in 3.x: eight methods on Job objects. It works for one scheduler at a time."""

# ruff: noqa: D102 - what the methods do is said in BaseJobStore

import time
from datetime import datetime

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler


class DictStore(BaseJobStore):
    """Keeps jobs in a dict."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}

    def lookup_job(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        return [job for job in self.get_all_jobs() if job.next_run_time and job.next_run_time <= now]

    def get_next_run_time(self) -> datetime | None:
        return next((job.next_run_time for job in self.get_all_jobs() if job.next_run_time), None)

    def get_all_jobs(self) -> list[Job]:
        jobs = sorted(self.jobs.values(), key=lambda job: str(job.next_run_time))
        self._fix_paused_jobs_sorting(jobs)
        return jobs

    def add_job(self, job: Job) -> None:
        if job.id in self.jobs:
            raise ConflictingIdError(job.id)
        self.jobs[job.id] = job

    def update_job(self, job: Job) -> None:
        if job.id not in self.jobs:
            raise JobLookupError(job.id)
        self.jobs[job.id] = job

    def remove_job(self, job_id: str) -> None:
        if self.jobs.pop(job_id, None) is None:
            raise JobLookupError(job_id)

    def remove_all_jobs(self) -> None:
        self.jobs.clear()


if __name__ == "__main__":
    scheduler = BackgroundScheduler(jobstores={"default": DictStore()}, timezone="UTC")
    scheduler.add_job(print, "interval", ["from a dict"], seconds=0.3, id="hello")
    scheduler.start()
    time.sleep(0.8)
    scheduler.shutdown()
    print([run.status for run in scheduler.get_runs("hello")])
