"""Jobs and runs in Redis that are more than one script looks at."""

import pytest

from _redis_server import redis_url
from apscheduler._core.claims import FAILED, INTERRUPTED, RUNNING, SUCCEEDED, NewRun, RunQuery
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    StandIn,
    added,
    as_time,
    claim_of,
    done,
    row_of,
    runs_of,
    stored,
    won,
)

MANY = 6_100


@pytest.fixture
def store():
    store = RedisJobStore(url=redis_url(), jobs_key="log.jobs", run_times_key="log.run_times")
    store.start(StandIn(), "default")
    yield store
    store.redis.delete(*store._server.keys.every)
    store.shutdown()


def finished(store, job_id, count, status=SUCCEEDED):
    if store.read_job(job_id) is None:
        added(store, job_id)
    keys = won(store, claim_of(stored(store, job_id), runs=[NewRun(NOW + n) for n in range(count)]))
    store.finish([done(key, status) for key in keys])


def test_a_log_is_read_in_pages_and_pruned_in_parts(store):
    finished(store, "a", MANY)
    finished(store, "b", 1_200, FAILED)
    won(store, claim_of(stored(store, "b"), runs=[NewRun(NOW + MANY)]))

    runs = store.read_runs(RunQuery(limit=None))
    assert len(runs) == MANY + 1_201
    assert [(run.run_time, run.id) for run in runs] == sorted(
        ((r.run_time, r.id) for r in runs), reverse=True
    )
    assert runs[0].status == RUNNING
    assert store.read_runs(RunQuery(limit=2_500)) == runs[:2_500]
    assert store.read_runs(RunQuery(limit=700)) == runs[:700]
    of_a = [run for run in runs if run.job_id == "a"]
    assert list(runs_of(store, "a", limit=None)) == of_a
    assert list(runs_of(store, "a", limit=5_500)) == of_a[:5_500]
    assert list(runs_of(store, "a", statuses=[FAILED], limit=None)) == []
    span = {"since": NOW + 10, "until": NOW + 1_500}
    assert len(runs_of(store, "a", limit=None, **span)) == 1_490
    assert len(store.read_runs(RunQuery(statuses=[FAILED], limit=None, **span))) == 1_190

    assert store.prune_runs(NOW + 2_000, None) == 2_000 + 1_200
    assert store.prune_runs(None, 1_500) == MANY - 2_000 - 1_500
    assert [run.run_time for run in runs_of(store, "a", limit=None)] == [run.run_time for run in of_a[:1_500]]
    assert store.prune_runs(None, 0) == 1_500
    assert [run.status for run in store.read_runs(RunQuery())] == [RUNNING]
    store.take_over("n1", LATER, "gone")
    assert [run.status for run in store.read_runs(RunQuery())] == [INTERRUPTED]
    store.prune_runs(None, 0)
    assert store.redis.exists(*store._server.keys.every[3:7], *store._server.keys.every[9:]) == 0


def test_more_jobs_are_read_than_one_script_returns(store):
    store.delete_jobs(None)
    assert not store.insert_jobs([row_of(store, f"j{n}", NOW + n) for n in range(5_500)])
    assert [row.job_id for row in store.read_jobs()] == [f"j{n}" for n in range(5_500)]
    assert len(store.get_due_jobs(as_time(NOW + 5_000))) == 5_001
    assert len(store.read_due(NOW + 9_000, 9_000).rows) == 5_500
    assert store.delete_jobs([f"j{n}" for n in range(5_400)]) == 5_400
    assert store.delete_jobs(None) == 100


def test_fewer_records_of_each_job_may_be_kept_from_one_time_to_the_next(store):
    for n in range(700):
        assert not store.insert_jobs([row_of(store, f"j{n}")])
        finished(store, f"j{n}", 3)
    for keep, removed in ((5, 0), (3, 0), (2, 700), (4, 0), (1, 700), (1, 0)):
        assert store.prune_runs(None, keep) == removed
    finished(store, "j5", 3)
    assert store.prune_runs(None, 3) == 1
    assert store.prune_runs(None, 1) == 2
    assert len(store.read_runs(RunQuery(limit=None))) == 700
