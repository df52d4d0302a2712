"""A store of 3.x under the claiming contract."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from job_parts import WHEN, job

from apscheduler._core.claims import Claim, Finish, JobRow, NewRun, NodeRow, RunKey, RunQuery
from apscheduler.errors import ConflictingIdError, JobLookupError
from apscheduler.jobstores._single_node import SingleNodeStore
from apscheduler.jobstores.base import BaseJobStore

STAMP = WHEN.timestamp()


class Inner(BaseJobStore):
    """Keeps the objects that it is given, as the memory store of 3.x does."""

    def __init__(self):
        self.jobs = {}
        self.asked = []

    def lookup_job(self, job_id):
        return self.jobs.get(job_id)

    def get_due_jobs(self, now):
        self.asked.append(now)
        return [
            one for one in self.get_all_jobs() if one.next_run_time is not None and one.next_run_time <= now
        ]

    def get_next_run_time(self):
        times = [one.next_run_time for one in self.jobs.values() if one.next_run_time is not None]
        return min(times, default=None)

    def get_all_jobs(self):
        return sorted(
            self.jobs.values(), key=lambda one: (one.next_run_time is None, one.next_run_time or WHEN, one.id)
        )

    def add_job(self, job):
        if job.id in self.jobs:
            raise ConflictingIdError(job.id)
        self.jobs[job.id] = job

    def update_job(self, job):
        if job.id not in self.jobs:
            raise JobLookupError(job.id)
        self.jobs[job.id] = job

    def remove_job(self, job_id):
        try:
            del self.jobs[job_id]
        except KeyError:
            raise JobLookupError(job_id) from None

    def remove_all_jobs(self):
        self.jobs.clear()


@pytest.fixture
def store():
    return SingleNodeStore(Inner())


def add(store, job_id="j", seconds=0.0):
    one = job(id=job_id, next_run_time=WHEN + timedelta(seconds=seconds))
    assert store.insert_jobs([store.new_row(one)]) == ()
    return store.read_job(job_id)


def claim(row, then=STAMP + 10):
    time = None if then is None else datetime.fromtimestamp(then, UTC)
    return Claim(row.job_id, row.revision, then, [NewRun(STAMP)], None, 1, time)


def test_it_is_not_for_sharing_and_may_wait(store):
    assert (store.shared, store.blocks) == (False, True)


def test_all_jobs_are_inserted_or_none(store):
    add(store, "b")
    rows = [store.new_row(job(id=job_id)) for job_id in "ab"]
    assert list(store.insert_jobs(rows)) == ["b"]
    assert set(store.inner.jobs) == {"b"}


def test_a_claim_is_won_once(store):
    row = add(store)
    assert list(store.claim("n", [claim(row)])) == [0]
    assert list(store.claim("n", [claim(row)])) == []
    assert store.inner.jobs["j"].next_run_time == WHEN + timedelta(seconds=10)


def test_of_many_threads_one_wins(store):
    row, won = add(store), []
    barrier = threading.Barrier(8)

    def race():
        barrier.wait()
        won.extend(store.claim("n", [claim(row)]))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [0]


@pytest.mark.parametrize("change", ["replace", "remove", "add again"])
def test_a_claim_on_a_job_that_has_changed_is_lost(store, change):
    row = add(store)
    if change == "replace":
        assert store.replace_job(JobRow("j", STAMP, row.revision, job(name="New")))
    else:
        assert store.delete_jobs(["j"]) == 1
        if change == "add again":
            add(store)
    assert list(store.claim("n", [claim(row)])) == []


def test_a_change_of_a_job_that_has_been_claimed_is_lost(store):
    row = add(store)
    store.claim("n", [claim(row)])
    assert not store.replace_job(JobRow("j", STAMP, row.revision, job(name="New")))


def test_a_claim_without_a_next_time_removes_the_job(store):
    assert list(store.claim("n", [claim(add(store), None)])) == [0]
    assert store.read_job("j") is None


def test_what_is_due_is_told_with_the_time_of_what_comes_next(store):
    add(store, "now")
    add(store, "later", seconds=30)
    add(store, "last", seconds=60)
    rows, then = store.read_due(STAMP + 1, 10)
    assert [row.job_id for row in rows] == ["now"]
    assert then == STAMP + 30
    assert store.inner.asked[0].tzinfo is not None
    rows, then = store.read_due(STAMP - 5, 10)
    assert (list(rows), then) == ([], STAMP)


def test_no_more_is_told_than_was_asked_for(store):
    for number in range(5):
        add(store, str(number))
    assert len(store.read_due(STAMP, 3).rows) == 3


def test_runs_are_kept_in_memory_and_count_until_they_are_finished(store):
    row = add(store)
    store.claim("n", [claim(row)])
    assert store.read_due(STAMP + 10, 10).rows[0].live == 1
    store.finish([Finish(RunKey("j", row.revision, STAMP), "succeeded", STAMP, STAMP + 1)])
    assert store.read_due(STAMP + 10, 10).rows[0].live == 0
    assert [run.status for run in store.read_runs(RunQuery())] == ["succeeded"]
    assert store.prune_runs(STAMP + 5, None) == 1


def test_the_node_signs_off_by_taking_over_itself(store):
    store.heartbeat(NodeRow("n", "h", 1, 0.0, 1))
    store.claim("n", [claim(add(store))])
    assert [run.status for run in store.take_over("n", STAMP, "over")] == ["interrupted"]
    assert store.read_nodes() == []


def test_jobs_are_deleted_by_id_or_all(store):
    for job_id in "abc":
        add(store, job_id)
    assert store.delete_jobs(["a", "x"]) == 1
    assert store.delete_jobs(None) == 2
    assert store.read_jobs() == []


def test_the_inner_store_may_call_back(store):
    class Calling(Inner):
        def add_job(self, job):
            super().add_job(job)
            self.asked.append(len(outer.read_jobs()))

    outer = SingleNodeStore(Calling())
    add(outer)
    assert outer.inner.asked == [1]
