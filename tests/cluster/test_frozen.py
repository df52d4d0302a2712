"""A process that stands still for longer than its lease, and then goes on as if nothing had been."""

from __future__ import annotations

import signal
import time

import pytest
from cluster_jobs import nothing, wait_for

LEASE = 1.0
THAWS = 8


def freeze_until(cluster, process, true) -> None:
    """Freeze a process until that is true.

    A process that stops in the middle of a transaction holds its locks, and nobody gets past those of SQLite; then
    it goes on for a moment, and is stopped again.
    """
    for _ in range(THAWS):
        process.send_signal(signal.SIGSTOP)
        end = time.monotonic() + 4 * LEASE
        while time.monotonic() < end:
            if true():
                return
            time.sleep(0.05)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError(f"it did not come true\n{cluster.log()}")


@pytest.mark.parametrize(
    "backend", ["sqlite", "postgresql", "redis", "zookeeper", "etcd", "mongodb", "rethinkdb"]
)
def test_the_runs_of_a_frozen_process_are_taken_over_and_its_late_outcomes_overwrite_nothing(
    cluster, tmp_path
):
    gate = tmp_path / "gate"
    with cluster.scheduler() as scheduler:
        scheduler.add_job(wait_for, args=[str(gate)], id="held")
    [frozen] = cluster.start(lease=LEASE)
    node = cluster.node_of(frozen)
    cluster.until(cluster.lines)
    [other] = cluster.start(lease=LEASE)
    freeze_until(cluster, frozen, lambda: cluster.runs("held", "interrupted"))
    before = cluster.runs("held")
    assert [run.reason for run in before] == [f"node {node} died"]
    cluster.until(lambda: [n.pid for n in cluster.nodes()] == [other.pid])

    with cluster.scheduler() as scheduler:
        scheduler.add_job(nothing, "interval", seconds=0.1, id="often")
    cluster.until(lambda: cluster.runs("often", "succeeded"))
    gate.touch()
    frozen.send_signal(signal.SIGCONT)
    cluster.until(lambda: {n.pid for n in cluster.nodes()} == {frozen.pid, other.pid})
    cluster.stop(other)
    # Alone, it fires what is due.
    cluster.until(lambda: frozen.pid in {line.pid for line in cluster.lines() if line.job_id == "often"})
    cluster.stop(frozen)  # which writes all its outcomes

    [first, late] = cluster.runs("held")
    assert [first] == before
    assert (late.status, late.attempt, late.node) == ("succeeded", -1, node)
    assert late.reason.startswith("late: it ended")
    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    cluster.check_no_due_time_is_missing("often", 0.1)
    assert cluster.runs(None, "running") == []
