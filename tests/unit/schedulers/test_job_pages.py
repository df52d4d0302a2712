"""`get_jobs()` in pages and with filters: jobs in order, and no others rebuilt."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from _scheduler_parts import Every, note

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.manual import ManualScheduler


class OldStore(BaseJobStore):
    """A store as one wrote them for 3.x."""

    def __init__(self):
        self.jobs = {}

    def lookup_job(self, job_id):
        return self.jobs.get(job_id)

    def get_all_jobs(self):
        jobs = sorted(
            self.jobs.values(), key=lambda job: (job.next_run_time is not None, str(job.next_run_time))
        )
        self._fix_paused_jobs_sorting(jobs)
        return jobs

    def get_due_jobs(self, now):
        return [job for job in self.jobs.values() if job.next_run_time and job.next_run_time <= now]

    def get_next_run_time(self):
        return min((job.next_run_time for job in self.jobs.values() if job.next_run_time), default=None)

    def add_job(self, job):
        self.jobs[job.id] = job

    update_job = add_job

    def remove_job(self, job_id):
        del self.jobs[job_id]

    def remove_all_jobs(self):
        self.jobs.clear()


@pytest.fixture(params=["memory", "sqlite", "old"])
def listed(request, tmp_path):
    """A scheduler with five jobs a minute apart, two at the same time, and two that are paused."""
    stores = {
        "memory": MemoryJobStore,
        "sqlite": lambda: SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite"),
        "old": OldStore,
    }
    scheduler = ManualScheduler(jobstores={"default": stores[request.param]()})
    scheduler.start(paused=True)
    for number, job_id in enumerate(["a1", "b1", "a2", "b2", "a3"], 1):
        scheduler.add_job(note, Every(3600), id=job_id, next_run_time=minutes(scheduler, number))
    scheduler.add_job(note, Every(3600), id="a0", next_run_time=minutes(scheduler, 2))
    for job_id in ("p1", "a9"):
        scheduler.add_job(note, Every(3600), id=job_id, next_run_time=None)
    yield scheduler
    scheduler.shutdown()


def minutes(scheduler, number):
    return scheduler.clock.now(scheduler.timezone) + timedelta(minutes=number)


def ids(jobs):
    return [job.id for job in jobs]


ORDER = ["a1", "a0", "b1", "a2", "b2", "a3", "a9", "p1"]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_pages_that_begin_after_the_last_job_of_the_one_before_are_the_whole_list(listed, size):
    found, last = [], None
    while page := listed.get_jobs(limit=size, after=last):
        found += ids(page)
        last = page[-1]
    assert found == ORDER


def test_a_page_may_begin_after_a_key_that_is_no_job(listed):
    assert ids(listed.get_jobs(after=(minutes(listed, 2), "a5"), limit=2)) == ["b1", "a2"]
    assert ids(listed.get_jobs(after=(None, "b"))) == ["p1"]


def test_filters_go_together(listed):
    assert ids(listed.get_jobs(id_prefix="a", paused=False, limit=3)) == ["a1", "a0", "a2"]
    assert ids(listed.get_jobs(due_before=minutes(listed, 2))) == ["a1"]
    assert ids(listed.get_jobs(due_before=minutes(listed, 3), id_prefix="b")) == ["b1"]
    assert ids(listed.get_jobs("default", paused=True)) == ["a9", "p1"]
    assert listed.get_jobs("elsewhere", limit=5) == []


def test_jobs_of_a_page_can_be_changed(listed):
    (job,) = listed.get_jobs(limit=1)
    job.pause()
    assert ids(listed.get_jobs(limit=1)) == ["a0"]
    assert "a1" in ids(listed.get_jobs(paused=True))


def test_pages_go_on_from_one_store_into_the_next(listed):
    listed.add_jobstore("memory", "other")
    listed.add_job(note, Every(3600), id="first of other", jobstore="other")
    listed.add_job(note, Every(3600), id="second of other", jobstore="other")
    page = listed.get_jobs(limit=7)
    assert ids(page) == ORDER[:7]
    page = listed.get_jobs(limit=2, after=page[-1])
    assert ids(page) == ["p1", "first of other"]
    assert ids(listed.get_jobs(limit=2, after=page[-1])) == ["second of other"]
    with pytest.raises(ValueError, match=r"which job store .* give jobstore= too, one of default, other"):
        listed.get_jobs(after=(None, "p0"))
    assert ids(listed.get_jobs("default", after=(None, "p0"))) == ["p1"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"limit": -1}, ValueError, "limit=-1 is negative"),
        ({"limit": "5"}, TypeError, "limit='5' is no number of jobs"),
        ({"limit": True}, TypeError, "limit=True is no number of jobs"),
        ({"after": "a1"}, TypeError, "after='a1' is no place in the list: give a job, or"),
        ({"after": (None, 5)}, TypeError, "is no place in the list"),
        ({"id_prefix": 5}, TypeError, "id_prefix=5 is no text"),
        ({"paused": "no"}, TypeError, "paused='no'"),
        ({"due_before": 5}, TypeError, "due_before"),
    ],
)
def test_what_is_no_page_is_refused(listed, options, error, message):
    with pytest.raises(error, match=message):
        listed.get_jobs(**options)


def test_before_the_start_there_are_no_pages():
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5), id="j")
    with pytest.raises(RuntimeError, match="Pages and filters are about stored jobs: call start"):
        scheduler.get_jobs(limit=5)


def test_only_the_jobs_of_the_page_are_rebuilt_and_only_their_rows_read(tmp_path):
    store = Counting(f"sqlite:///{tmp_path}/jobs.sqlite")
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start(paused=True)
    scheduler.add_jobs({"func": note, "trigger": Every(3600), "id": f"{n:04}"} for n in range(500))
    store.rebuilt = 0
    page = scheduler.get_jobs(limit=20)
    page = scheduler.get_jobs(limit=20, after=page[-1])
    assert ids(page) == [f"{n:04}" for n in range(20, 40)]
    assert store.rebuilt == 40
    scheduler.shutdown()


class Counting(SQLAlchemyJobStore):
    """Counts the jobs that it rebuilds."""

    rebuilt = 0

    def load(self, row):
        self.rebuilt += 1
        return super().load(row)

    def read_jobs(self):
        raise AssertionError("the whole table was read")


def test_a_time_that_is_off_by_the_last_bit_of_a_float_does_not_have_a_job_come_after_itself(tmp_path):
    """3.x makes the number that it stores in another way than is usual."""
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start(paused=True)
    for job_id in "abc":
        scheduler.add_job(note, Every(3600), id=job_id, next_run_time=minutes(scheduler, 1))
    stamp = math.nextafter(store.read_job("a").next_run_time, math.inf)
    with store.engine.begin() as conn:
        conn.execute(store.jobs_t.update().values(next_run_time=stamp))
    first = scheduler.get_jobs(limit=1)
    assert ids(scheduler.get_jobs(limit=2, after=first[0])) == ["b", "c"]
    scheduler.shutdown()
