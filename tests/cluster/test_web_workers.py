"""Web servers with four worker processes, each with a scheduler: one run for each run time, also when one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from _cluster import PATIENCE

import _servers
from apscheduler._core.claims import RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

EXAMPLES = Path(__file__).parents[2] / "examples" / "several_web_workers"
WORKERS = 4
COMMANDS = {
    "flask": ["gunicorn", "--workers", f"{WORKERS}", "--bind", "127.0.0.1:{port}", "flask_app:app"],
    "fastapi": ["uvicorn", "--workers", f"{WORKERS}", "--port", "{port}", "fastapi_app:app"],
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn runs where processes can be forked")


class Server(NamedTuple):
    """A server, where it answers, the store of its schedulers, and what it has printed."""

    process: subprocess.Popen[bytes]
    address: str
    store: SQLAlchemyJobStore
    log: Path

    def until(self, true):
        end = time.monotonic() + PATIENCE
        while not (found := true()):
            assert time.monotonic() < end, f"it did not come true\n{self.log.read_text()[-3000:]}"
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.05)
        return found

    def answer(self):
        try:
            return httpx.get(self.address, timeout=20, trust_env=False).raise_for_status().json()
        except httpx.TransportError:
            return None

    def runs(self):
        return list(reversed(self.store.read_runs(RunQuery("tick", limit=None))))


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[dict[str, Server]]:
    """Start both servers, side by side, because what they do most of the time is wait."""
    started = {}
    for name, command in COMMANDS.items():
        folder = tmp_path_factory.mktemp(name)
        url, port, log = f"sqlite:///{folder}/jobs.sqlite", _servers._free_port(), folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *(part.format(port=port) for part in command)],
                cwd=EXAMPLES,
                env={**os.environ, "DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        store = SQLAlchemyJobStore(url)
        started[name] = Server(process, f"http://127.0.0.1:{port}/", store, log)
    yield started
    for server in started.values():
        server.process.terminate()
    for server in started.values():
        try:
            server.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.process.pid, signal.SIGKILL)  # a session of its own: the server and its workers
            server.process.wait()
        server.store.engine.dispose()


@pytest.mark.parametrize("name", COMMANDS)
def test_four_workers_run_each_run_time_once_and_killing_one_changes_nothing(servers, name):
    server = servers[name]
    server.until(server.answer)
    server.until(lambda: len(server.store.read_nodes()) == WORKERS)
    count = len(server.runs())
    server.until(lambda: len(server.runs()) >= count + 2)

    victim = server.store.read_nodes()[0]
    assert victim.pid != server.process.pid
    os.kill(victim.pid, signal.SIGKILL)
    count = len(server.runs())
    server.until(lambda: len(server.runs()) >= count + 3)
    server.until(lambda: len({node.id for node in server.store.read_nodes()} - {victim.id}) == WORKERS)
    assert server.answer()["schedulers"]

    runs = server.runs()
    assert {run.attempt for run in runs} == {1}
    assert {run.status for run in runs} <= {"succeeded", "running", "interrupted", "missed", "skipped"}
    # Once each, and none left out: nobody has begun the schedule anew.
    assert [round(later.run_time - run.run_time, 3) for run, later in pairwise(runs)] == [1.0] * (
        len(runs) - 1
    )
