"""Thousands of one-shot jobs that are due at once, through four schedulers: what has run is what was added."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from cluster_jobs import nothing

LONG = os.environ.get("APSCHEDULER_LONG_TESTS") == "1"
JOBS = 10_000 if LONG else 1_500


@pytest.mark.timeout(180 if LONG else 60)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb", "mongodb"])
def test_the_set_of_runs_is_the_set_of_jobs(cluster, backend):
    processes = cluster.start(4)
    ids = {f"once-{number}" for number in range(JOBS)}
    now = datetime.now(UTC)
    with cluster.scheduler() as scheduler:
        scheduler.add_jobs({"func": nothing, "trigger": "date", "run_date": now, "id": i} for i in ids)
        begin = time.monotonic()
        cluster.until(lambda: len(cluster.lines()) >= JOBS)
        seconds = time.monotonic() - begin
        assert scheduler.get_jobs() == []
    cluster.stop(*processes)
    lines = cluster.lines()
    shares = sorted(Counter(line.pid for line in lines).values())
    print(f"{backend}: {JOBS} jobs in {seconds:.1f} s, of four schedulers each ran {shares}")  # noqa: T201
    assert Counter(line.job_id for line in lines) == Counter(ids)
    assert Counter(run.job_id for run in cluster.runs(None, "succeeded")) == Counter(ids)
    assert len(cluster.runs()) == JOBS
