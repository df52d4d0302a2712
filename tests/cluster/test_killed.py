"""A scheduler that is killed at any moment, again and again, and started again on what it left."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest
from cluster_jobs import nothing, slow

OFTEN = 0.15
SLOW = 0.3


@pytest.mark.parametrize(
    ("backend", "kills"),
    [
        ("sqlite", 6),
        ("postgresql", 5),
        ("mariadb", 4),
        ("redis", 5),
        ("zookeeper", 4),
        ("etcd", 4),
        ("mongodb", 5),
        ("rethinkdb", 4),
    ],
)
def test_a_killed_scheduler_loses_no_job_and_repeats_no_run(cluster, kills):
    once = [f"once-{number}" for number in range(200)]
    with cluster.scheduler() as scheduler:
        cluster.add_once(scheduler, once, over=kills * 1.2)
        scheduler.add_job(nothing, "interval", seconds=OFTEN, id="often")
        scheduler.add_job(nothing, "interval", seconds=OFTEN * 2, id="each", coalesce=False)
        scheduler.add_job(slow, "interval", seconds=SLOW, id="slow", args=[SLOW * 0.7], max_instances=1)
    killed = set()
    for _ in range(kills):
        [process] = cluster.start()
        # A dead process is noticed at once, so before this one has started its first run.
        assert {run.node for run in cluster.runs(None, "running")} <= {cluster.node_of(process)}
        killed.add(cluster.node_of(process))
        time.sleep(random.uniform(0.0, 1.0))
        cluster.kill(process)

    [last] = cluster.start()
    node = cluster.node_of(last)
    cluster.until(lambda: {run.job_id for run in cluster.runs()} >= set(once))
    # Had a dead node's run still counted, the job would be skipped for ever.
    cluster.until(lambda: any(run.node == node for run in cluster.runs("slow", "succeeded")))
    cluster.stop(last)

    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    cluster.check_no_due_time_is_missing("often", OFTEN)
    cluster.check_no_due_time_is_missing("each", OFTEN * 2)
    cluster.check_no_due_time_is_missing("slow", SLOW)
    assert cluster.runs(None, "running") == []
    interrupted = cluster.runs(None, "interrupted")
    assert {run.node for run in interrupted} <= killed
    assert all(run.reason == f"node {run.node} died" for run in interrupted)
    with cluster.scheduler() as scheduler:
        assert {job.id for job in scheduler.get_jobs()} == {"often", "each", "slow"}
    assert cluster.nodes() == []


def test_a_run_that_was_in_flight_when_its_process_was_killed_is_interrupted(cluster):
    with cluster.scheduler() as scheduler:
        scheduler.add_job(slow, "interval", seconds=0.2, id="j", args=[60])
    [first] = cluster.start()
    node = cluster.node_of(first)
    cluster.until(cluster.lines)
    cluster.kill(first)
    [second] = cluster.start()
    [run] = cluster.runs("j", "interrupted")
    assert (run.node, run.reason) == (node, f"node {node} died")
    cluster.until(lambda: len(cluster.lines()) == 2)  # there is room for the next one
    cluster.kill(second)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_killed_process_that_its_parent_has_not_asked_for_is_dead_all_the_same(cluster):
    """In a container there is often nobody who does."""
    with cluster.scheduler() as scheduler:
        scheduler.add_job(slow, args=[60], id="j")
    [first] = cluster.start()
    cluster.until(cluster.lines)
    first.kill()
    stat = Path(f"/proc/{first.pid}/stat")
    cluster.until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    [second] = cluster.start()
    assert cluster.runs("j", "interrupted")
    cluster.kill(second)


def test_a_process_that_lives_takes_over_from_one_that_was_killed_with_its_next_beat(cluster):
    with cluster.scheduler() as scheduler:
        scheduler.add_job(slow, "interval", seconds=0.2, id="j", args=[60], max_instances=1)
    [first] = cluster.start()
    cluster.until(cluster.lines)
    [second] = cluster.start(lease=1)
    cluster.kill(first)
    cluster.until(lambda: cluster.runs("j", "interrupted"))
    cluster.until(lambda: [line.pid for line in cluster.lines()] == [first.pid, second.pid])
    cluster.kill(second)
