"""What a scheduler holds does not grow with what it has run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("measure_memory.py")
JOBS = ["plain", "failing", "coroutine", "failing_coroutine"]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def memory_after(store: str, job: str, *points: int) -> list[int]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), store, job, *map(str, points)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize("job", JOBS)
def test_memory_is_flat_from_30_000_runs_to_90_000(job):
    # Not earlier, because the run log is full after 10,000 runs, and the allocator settles after that.
    early, late = memory_after("memory", job, 30_000, 90_000)
    assert late <= early * 1.02


@pytest.mark.skipif("APSCHEDULER_LONG_TESTS" not in os.environ, reason="takes minutes")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_memory_is_flat_from_100_000_runs_to_a_million(store, job, tmp_path):
    url = "memory" if store == "memory" else f"sqlite:///{tmp_path}/jobs.sqlite"
    early, late = memory_after(url, job, 100_000, 1_000_000)
    print(store, job, early, late)  # noqa: T201
    assert late <= early * 1.02
