"""Running programs of the documentation as their readers do: each as a file, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apscheduler

SOURCES = Path(apscheduler.__file__).parents[1]
PATIENCE = 30.0
"""Seconds until a program counts as stuck; a healthy one needs two or three."""


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(SOURCES), os.environ.get("PYTHONPATH", "")]))
    # Without proxies, because the programs fetch from servers on the loopback interface.
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "no_proxy": "*"}


def finish(program: Path, folder: Path, arguments: Sequence[str] = ()) -> str:
    """Run a program that ends by itself, and return what it printed to its standard output."""
    command = [sys.executable, "-W", "error", str(program), *arguments]
    ended = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0, (
        f"{program.name} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
    )
    return ended.stdout


def run_until(text: str, enough: Callable[[str], bool], folder: Path, name: str = "program.py") -> str:
    """Run a program that would go on for ever until `enough(output)`; return that output, with its log."""
    program = folder / name
    program.write_text(text, encoding="utf-8")
    running = subprocess.Popen(
        [sys.executable, str(program)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    stuck = threading.Timer(PATIENCE, running.kill)
    stuck.start()
    output = ""
    try:
        assert running.stdout is not None
        for line in running.stdout:
            output += line
            if enough(output):
                return output
    finally:
        stuck.cancel()
        running.kill()
        running.communicate()
    raise AssertionError(f"{name} ended or was stuck before it had printed enough:\n{output}")


def wait_until(condition: Callable[[], object]) -> None:
    """Return when `condition()` is true; fail where it has not become so for long."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < PATIENCE, "waited in vain"
        time.sleep(0.01)
