"""Waiting and running programs, for the tests of the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import apscheduler

PATIENCE = 20.0


def wait_until(condition: Callable[[], object]) -> None:
    """Return when `condition()` is true; fail where it has not become so for long."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < PATIENCE, "waited in vain"
        time.sleep(0.01)


class Command:
    """`apscheduler ARGUMENTS` in a process of its own, in the current folder."""

    def __init__(self, *arguments: str) -> None:
        path = str(Path(apscheduler.__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apscheduler.cli", *arguments],
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "TZ": "UTC"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def read_until(self, text: str) -> None:
        """Read the output up to the line that holds `text`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        raise AssertionError(f"{text!r} never came in:\n{self.output}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        self.process.send_signal(number)
        self.output += self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode
