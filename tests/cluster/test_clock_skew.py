"""Schedulers whose clocks disagree by half a minute: run times come early, but none of them twice."""

from __future__ import annotations

import time

import pytest
from cluster_jobs import nothing

SKEW = 30.0
OFTEN = 0.25
LEASE = 3.0


def started(cluster, lease, *skews):
    processes = [cluster.begin(lease, skew) for skew in skews]
    cluster.until(lambda: all(cluster.is_ready(process) for process in processes))
    return processes


@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb"])
def test_clocks_that_disagree_double_nothing_and_fire_no_earlier_than_the_fastest_says(cluster):
    with cluster.scheduler() as scheduler:
        scheduler.add_job(nothing, "interval", seconds=OFTEN, id="often", coalesce=False)
        processes = started(cluster, LEASE, SKEW, 0.0, -SKEW)
        once = [f"once-{number}" for number in range(200)]
        cluster.add_once(scheduler, once, over=SKEW)
        cluster.until(lambda: {line.job_id for line in cluster.lines()} >= set(once))
        now = time.time()  # all of them have run, though some of them are due half a minute later
        count = len(cluster.lines())
        cluster.until(lambda: len(cluster.lines()) > count + 5)
    cluster.stop(*processes)
    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    cluster.check_no_due_time_is_missing("often", OFTEN)
    assert max(line.run_time for line in cluster.lines() if line.job_id != "often") > now
    assert max(line.run_time for line in cluster.lines()) <= time.time() + SKEW


def test_no_clock_is_asked_whether_a_node_lives(cluster):
    """A node whose clock is far behind has a heartbeat like any other, and is not taken for dead."""
    processes = started(cluster, 2.0, 0.0, -3600.0)
    pids = {process.pid for process in processes}
    beats = {}

    def have_beaten_for_a_lease() -> bool:
        for node in cluster.nodes():
            beats.setdefault(node.pid, set()).add(node.counter)
        return all(len(beats.get(pid, ())) > 3 for pid in pids)

    cluster.until(have_beaten_for_a_lease)
    assert {node.pid for node in cluster.nodes()} == pids
    cluster.stop(*processes)
