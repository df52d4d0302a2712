"""Whole programs that fork: with connections to PostgreSQL, and a web server that loads the application first."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from _servers import postgresql_url

HERE = Path(__file__).parent
PATIENCE = 30.0

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture
def database():
    """A database of the PostgreSQL server that nobody else uses."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    url, name = make_url(postgresql_url()), f"forks_{os.getpid()}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def test_children_neither_use_nor_close_the_connections_of_their_parent(database):
    done = subprocess.run(
        [sys.executable, str(HERE / "fork_program.py"), database, "3"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after, seen, codes, statuses, nodes = json.loads(done.stdout)
    assert after == before  # the one connection was never lost, nor shared
    assert codes == [0, 0, 0]
    assert [child["running"] for child in seen] == [False, False, False]
    assert before not in [child["session"] for child in seen]
    assert set(statuses) <= {"succeeded", "skipped"}
    assert nodes == 0
    for word in ("Traceback", "Error", "does not answer"):
        assert word not in done.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request, tmp_path):
    """A gunicorn with two workers; its port and its process."""
    pytest.importorskip("gunicorn")
    url = (
        request.getfixturevalue("database") if request.param == "postgresql" else f"sqlite:///{tmp_path}/jobs"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}",
            "--chdir", str(HERE), "--no-control-socket", "preloaded_app:application",
        ],
        env={**os.environ, "JOBS_URL": url},
        stdout=log,
        stderr=log,
    )  # fmt: skip
    yield port, process, tmp_path / "log"
    if process.poll() is None:
        process.kill()
        process.wait()
    log.close()


def ask(port, process, log):
    """Return what the application answers, when it answers."""
    end = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/")
            return json.loads(connection.getresponse().read())
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        finally:
            connection.close()


def test_a_preloaded_application_has_one_scheduler_in_the_first_process(server):
    port, process, log = server
    answer = ask(port, process, log)
    while not answer["ran in"]:
        answer = ask(port, process, log)
    assert answer["pid"] != process.pid == answer["parent"]
    assert not answer["running"]
    assert answer["threads"] == ["MainThread"]
    assert f"started in process {process.pid}" in answer["said"]
    assert answer["ran in"] == [process.pid]
    assert answer["nodes"] == [process.pid]
    # A worker that ends takes nothing of the scheduler with it, and neither does the one that takes its place.
    os.kill(answer["pid"], signal.SIGTERM)
    while (later := ask(port, process, log))["pid"] == answer["pid"]:
        time.sleep(0.05)
    assert later["nodes"] == [process.pid]
    assert later["ran in"] == [process.pid]
    process.terminate()
    assert process.wait(PATIENCE) == 0
    text = log.read_text()
    for word in ("Traceback", "does not answer", "interrupted"):
        assert word not in text, text
