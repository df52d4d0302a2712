"""Starting and shutting down, again and again, from threads that compete: nothing is left, and nobody waits for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("start_stop_program.py")

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def start_and_stop(kind: str, url: str, times: int, seconds: float) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), kind, url, str(times), str(seconds)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    assert "Traceback" not in done.stderr, done.stderr[-6000:]
    counted = json.loads(done.stdout)
    assert counted["started"] >= times
    return counted


def is_left(counted: dict[str, float]) -> dict[str, float]:
    return {
        what: counted[what]
        for what in ("threads", "tasks", "timers", "files")
        if what in counted and counted[what] > 0
    }


@pytest.mark.parametrize(("kind", "times"), [("background", 10_000), ("asyncio", 2_000)])
def test_starts_and_shutdowns_in_memory_leave_nothing_behind(kind, times):
    assert is_left(start_and_stop(kind, "memory", times, 55)) == {}


@pytest.mark.parametrize("kind", ["background", "asyncio"])
def test_starts_and_shutdowns_on_sqlite_leave_nothing_behind(kind, tmp_path):
    assert is_left(start_and_stop(kind, f"sqlite:///{tmp_path}/jobs.sqlite", 60, 55)) == {}


@pytest.mark.skipif("APSCHEDULER_LONG_TESTS" not in os.environ, reason="takes minutes")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["background", "asyncio"])
@pytest.mark.parametrize(("store", "times"), [("memory", 10_000), ("sqlite", 500)])
def test_ten_thousand_starts_and_shutdowns_leave_nothing_behind(kind, store, times, tmp_path):
    url = "memory" if store == "memory" else f"sqlite:///{tmp_path}/jobs.sqlite"
    counted = start_and_stop(kind, url, times, 1100)
    print(kind, store, counted)  # noqa: T201
    assert is_left(counted) == {}
