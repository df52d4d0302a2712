"""Handlers of signals may use the scheduler: whatever they interrupt, nothing waits for itself."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("signal_program.py")

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system sends no such signals")


def run_and_stop(url: str, after: float) -> tuple[int, int, str]:
    """Let the program run for some seconds under a storm of signals, then have a signal shut it down."""
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", str(PROGRAM), url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(after)
        process.send_signal(signal.SIGTERM)
        try:
            out, err = process.communicate(timeout=25)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # so that it says where it is stuck
            _, err = process.communicate()
            pytest.fail(f"the program is stuck:\n{err[-4000:]}")
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err[-4000:]
    assert "Traceback" not in err, err[-4000:]
    word, called, refused, rest = out.split(maxsplit=3)
    assert word == "ended"
    return int(called), int(refused), rest


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_storm_of_signals_whose_handlers_call_the_scheduler(store, tmp_path):
    url = "memory" if store == "memory" else f"sqlite:///{tmp_path}/jobs.sqlite"
    called, refused, rest = run_and_stop(url, 1.5)
    assert called > 20
    assert rest.startswith("[] 0")  # every run has ended, and the node has signed off
    if store == "memory":
        assert refused == 0


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_handler_shuts_the_scheduler_down_wherever_it_comes(store, tmp_path):
    for number in range(4):
        url = "memory" if store == "memory" else f"sqlite:///{tmp_path}/jobs{number}.sqlite"
        *_, rest = run_and_stop(url, random.uniform(0.0, 0.1))
        assert rest.startswith("[] 0")
