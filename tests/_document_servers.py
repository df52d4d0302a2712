"""RethinkDB servers for tests, or programs that speak their protocol: on free ports, in temporary folders.

reqlite stands in for RethinkDB. It does not change a document atomically (it reads it and then writes it), so what is
promised of several nodes at the same moment is tested on a real server only.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import _servers

START_TIMEOUT = 30.0
INSTALLED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apscheduler-tests"

# What several nodes do to one document at the same moment.
RACES = frozenset(
    {
        "test_a_firing_is_won_by_exactly_one_of_several_nodes",
        "test_nodes_that_claim_the_same_jobs_in_opposite_orders_win_each_job_once",
        "test_of_a_claim_and_a_replacement_at_the_same_time_one_is_done",
        "test_of_several_nodes_that_replace_a_job_one_does",
        "test_of_several_nodes_that_delete_a_job_one_did",
        "test_a_repetition_is_won_by_exactly_one_of_several_nodes",
    }
)


def skip_races_on_a_stand_in(request: pytest.FixtureRequest, program: str, variable: str) -> None:
    """Skip a test of `RACES` where no real server is named in the environment and none is installed."""
    if request.node.originalname in RACES and not is_real(program, variable):
        pytest.skip(f"the stand-in does not change a document atomically; name a real server in {variable}")


def is_real(program: str, variable: str) -> bool:
    return variable in os.environ or shutil.which(program) is not None


@cache
def rethinkdb_address() -> tuple[str, int]:
    """Return host and port of a RethinkDB server for this test session."""
    if url := os.environ.get("APSCHEDULER_TEST_RETHINKDB_URL"):
        parts = urlsplit(url)
        return parts.hostname or "127.0.0.1", parts.port or 28015
    port, folder = _servers._free_port(), _folder("rethinkdb")
    if rethinkdb := shutil.which("rethinkdb"):
        command = [
            rethinkdb, "--directory", f"{folder}/data", "--driver-port", str(port), "--cluster-port",
            str(_servers._free_port()), "--no-http-admin", "--bind", "127.0.0.1",
        ]  # fmt: skip
    else:
        command = [
            _program("reqlite", "reqlite/node_modules/.bin/reqlite"),
            "--port-offset",
            str(port - 28015),
        ]
    _start(command, folder, port)
    return "127.0.0.1", port


def _program(name: str, path: str) -> str:
    found = shutil.which(name) or (INSTALLED / path if (INSTALLED / path).exists() else None)
    if found is None:
        reason = f"{name} is not installed (see tests/install-servers.sh), and no URL of a server is given"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return str(found)


def _folder(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"apscheduler-{name}-"))


def _start(command: Sequence[str], folder: Path, port: int) -> None:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
    atexit.register(_remove, process, folder)
    end = time.monotonic() + START_TIMEOUT
    while not _accepts(port):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:])
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _remove(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)
