"""Four schedulers under load that are killed and frozen at random: no run time is started twice, none is lost.

A few seconds of it here; a minute of it for each database with APSCHEDULER_LONG_TESTS=1.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from cluster_jobs import nothing, slow

NODES = 4
LEASE = 1.2
LONG = os.environ.get("APSCHEDULER_LONG_TESTS") == "1"
SECONDS = 60.0 if LONG else 5.0

# 200 run times a second: how many jobs of a kind, how often each of them runs, its options.
KINDS = {
    "coalesced": (40, 0.5, {}),
    "each": (60, 1.0, {"coalesce": False}),
    "rerun": (20, 0.5, {"on_crash": "rerun", "func": slow, "args": [0.05]}),
    "strict": (20, 1.0, {"misfire_grace_time": 1}),
}


def interval_of(job_id: str) -> float:
    return KINDS[job_id.partition("-")[0]][1]


def add_jobs(cluster) -> dict[str, float]:
    """Add the jobs, and return when each of them is first due."""
    with cluster.scheduler() as scheduler:
        now = datetime.now(UTC)
        jobs = scheduler.add_jobs(
            {
                "func": nothing,
                "trigger": "interval",
                "seconds": seconds,
                "start_date": now + timedelta(seconds=random.uniform(0, seconds)),
                "id": f"{kind}-{number}",
                **options,
            }
            for kind, (count, seconds, options) in KINDS.items()
            for number in range(count)
        )
        return {job.id: job.next_run_time.timestamp() for job in jobs}


class Storm:
    """Kills some of the schedulers, and starts others in their place; stops some for longer than a lease."""

    def __init__(self, cluster) -> None:
        self.cluster = cluster
        self.alive = cluster.start(NODES, LEASE)
        self.frozen: dict = {}
        self.kills = self.freezes = 0

    def rage(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.thaw()
            victim = random.choice(self.alive)
            if random.random() < 0.4:
                self.kill(victim)
            elif victim not in self.frozen and len(self.frozen) < 2:
                victim.send_signal(signal.SIGSTOP)
                self.frozen[victim] = time.monotonic() + LEASE * random.uniform(1.2, 2.5)
                self.freezes += 1
            time.sleep(random.uniform(0.2, 1.2))
        self.thaw(all_of_them=True)

    def kill(self, process) -> None:
        self.frozen.pop(process, None)
        self.alive.remove(process)
        self.cluster.kill(process)
        self.kills += 1
        self.alive.append(self.cluster.begin(LEASE))

    def thaw(self, all_of_them: bool = False) -> None:
        for process, until in list(self.frozen.items()):
            if all_of_them or time.monotonic() > until:
                process.send_signal(signal.SIGCONT)
                del self.frozen[process]


@pytest.mark.timeout(180 if LONG else 60)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb", "mongodb"])
def test_a_storm_of_kills_and_freezes_starts_no_run_time_twice_and_loses_none(cluster, backend):
    first = add_jobs(cluster)
    storm = Storm(cluster)
    storm.rage(SECONDS)
    cluster.until(lambda: all(cluster.is_ready(process) for process in storm.alive))
    cluster.stop(*storm.alive[1:])
    # A run that was cut off is repeated when there is room for one more.
    cluster.until(lambda: not cluster.store.read_reruns(1))
    cluster.stop(storm.alive[0])

    runs = cluster.runs()
    count = Counter(run.status for run in runs if run.attempt == 1)
    late = [run for run in runs if run.attempt < 0]
    again = [run for run in runs if run.attempt > 1]
    print(  # noqa: T201 - the figures are what the long form is run for
        f"{backend}: {len(runs)} records, {storm.kills} kills, {storm.freezes} freezes, {dict(count)},"
        f" {len(again)} repeated, {len(late)} late"
    )
    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    assert cluster.nodes() == []
    assert storm.kills + storm.freezes > 0
    check_every_due_time_has_its_record(cluster, first, runs)
    check_repetitions(runs, again, late)


def check_every_due_time_has_its_record(cluster, first, runs) -> None:
    """Check that the records of each job are those of all its due times, from the first to the last that has come."""
    recorded: dict[str, list[float]] = {}
    for run in runs:
        if run.attempt == 1:
            assert run.status in {"succeeded", "skipped", "missed", "interrupted"}, run
            recorded.setdefault(run.job_id, []).append(run.run_time)
    then = {row.job_id: row.next_run_time for row in cluster.store.read_jobs()}
    assert then.keys() == first.keys()
    for job_id, begin in first.items():
        seconds = interval_of(job_id)
        steps = [round((stamp - begin) / seconds, 3) for stamp in sorted(recorded.get(job_id, []))]
        assert steps == list(range(round((then[job_id] - begin) / seconds))), job_id


def check_repetitions(runs, again, late) -> None:
    """Check that just what was cut off, of jobs that ask for it, was repeated, and once; and what late records say."""
    cut_off = {(run.job_id, run.run_time) for run in runs if run.attempt == 1 and run.status == "interrupted"}
    asked = {key for key in cut_off if key[0].startswith("rerun")}
    assert sorted((run.job_id, run.run_time) for run in again) == sorted(asked)
    assert {run.attempt for run in again} <= {2}
    interrupted = {(run.job_id, run.run_time, run.attempt) for run in runs if run.status == "interrupted"}
    assert {(run.job_id, run.run_time, -run.attempt) for run in late} <= interrupted
    assert all(run.reason.startswith("late: ") for run in late)
