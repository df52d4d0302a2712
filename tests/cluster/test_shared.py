"""Several processes on one store: together they run each run time once."""

from __future__ import annotations

import random
import time

import pytest
from cluster_jobs import nothing

import _rethink_server

BACKENDS = ["sqlite", "postgresql", "mariadb", "redis", "zookeeper", "etcd", "mongodb", "rethinkdb"]
INTERVALS = {"a": 0.1, "b": 0.17, "c": 0.5}
LEASE = 3.0


@pytest.fixture
def slower(backend, request) -> int:
    """By how much less is asked of a backend: reqlite, which stands in for RethinkDB, is slow where many ask at once."""
    if backend != "rethinkdb" or _rethink_server.is_real():
        return 1
    return 10 if request.node.originalname.startswith("test_four") else 4


@pytest.fixture
def intervals(cluster, slower) -> dict[str, float]:
    intervals = {job_id: seconds * slower for job_id, seconds in INTERVALS.items()}
    with cluster.scheduler() as scheduler:
        for job_id, seconds in intervals.items():
            scheduler.add_job(nothing, "interval", seconds=seconds, id=job_id)
    return intervals


def add_until_all_work(cluster, processes, slower) -> set[str]:
    """Add one-shot jobs, 500 at least, until each of the processes has run some of them."""
    added: set[str] = set()
    with cluster.scheduler() as scheduler:

        def all_work():
            working = {line.pid for line in cluster.lines()} >= {p.pid for p in processes}
            if working and len(added) >= 500 / slower:
                return True
            new = [f"once-{len(added) + number}" for number in range(100 // slower)]
            cluster.add_once(scheduler, new, over=0.5)
            added.update(new)
            return False

        cluster.until(all_work)
    return added


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_processes_run_each_of_many_jobs_once(cluster, intervals, slower):
    processes = cluster.start(2, LEASE)
    added = add_until_all_work(cluster, processes, slower)
    cluster.until(lambda: len({line.job_id for line in cluster.lines()} & added) == len(added))
    cluster.stop(*processes)
    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    assert {run.job_id for run in cluster.runs()} - intervals.keys() == added
    assert {run.status for run in cluster.runs()} <= {"succeeded", "skipped"}
    for job_id, seconds in intervals.items():
        cluster.check_no_due_time_is_missing(job_id, seconds)
    assert cluster.nodes() == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_four_processes_run_each_of_many_jobs_once_while_one_is_killed(cluster, intervals, slower):
    processes = cluster.start(4, LEASE)
    added = add_until_all_work(cluster, processes, slower)
    time.sleep(random.uniform(0, 0.3))
    dead, *alive = processes
    node = cluster.node_of(dead)
    cluster.kill(dead)
    cluster.until(lambda: len(cluster.nodes()) == 3)
    cluster.until(lambda: len({run.job_id for run in cluster.runs()} & added) == len(added))
    count = len(cluster.lines())
    cluster.until(lambda: len(cluster.lines()) > count + 5)  # the others go on
    cluster.stop(*alive)
    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    assert {run.job_id for run in cluster.runs()} - intervals.keys() == added
    assert {run.node for run in cluster.runs(None, "interrupted")} <= {node}
    assert cluster.runs(None, "running") == []
    for job_id, seconds in intervals.items():
        cluster.check_no_due_time_is_missing(job_id, seconds)
