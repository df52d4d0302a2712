"""The web applications among the examples, each behind its real server on the loopback interface."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from _programs import PATIENCE, SOURCES, environment, wait_until

if sys.platform == "win32":
    pytest.skip("servers are ended with SIGTERM", allow_module_level=True)

pytestmark = pytest.mark.timeout(150)  # real servers, which a busy machine starts slowly
EXAMPLES = Path(__file__).parents[2] / "examples"
DEPLOY = EXAMPLES / "deploy"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url: str, method: str = "GET") -> Any:
    """Return what the server answers, which is JSON; wait while it is starting."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[Path]:
    """Run a server; at the end it is asked to stop, and must have ended by itself. Yields the file with its output."""
    output = folder / f"output-{time.monotonic_ns()}.txt"
    with output.open("wb") as file:
        variables = {"PYTHONPATH": f"{folder}:{SOURCES}", "APSCHEDULER_STORE": "sqlite:///jobs.sqlite"}
        server = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**environment(), **variables},
            stdout=file,
            stderr=file,
            start_new_session=True,  # so that the processes which it starts are ended with it
        )
        try:
            yield output
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(PATIENCE)
        except BaseException as error:
            error.add_note(output.read_text(encoding="utf-8"))
            raise
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def copied(folder: Path, *names: str) -> Path:
    for name in names:
        shutil.copy(EXAMPLES / name, folder)
    return folder


def test_flask_shows_what_its_job_did(tmp_path: Path) -> None:
    pytest.importorskip("flask")
    port = free_port()
    with running(["web_flask.py", str(port)], copied(tmp_path, "web_flask.py")):
        url = f"http://127.0.0.1:{port}/runs"
        wait_until(lambda: any(run["status"] == "succeeded" for run in ask(url)))
        assert ask(url)[-1]["result"] == "nothing to clean"


def test_the_two_processes_of_flask_s_reloader_run_each_time_once(tmp_path: Path) -> None:
    pytest.importorskip("flask")
    port = free_port()
    command = ["web_flask.py", str(port), "--debug"]
    with running(command, copied(tmp_path, "web_flask.py")) as output:
        url = f"http://127.0.0.1:{port}/runs"
        wait_until(lambda: sum(run["status"] == "succeeded" for run in ask(url)) >= 3)
        times = [run["at"] for run in ask(url)]
        assert len(times) == len(set(times))
        assert "Restarting with" in output.read_text(encoding="utf-8"), "the reloader does not run"


def test_fastapi_takes_reminders_and_runs_each_once(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    port = free_port()
    command = ["-m", "uvicorn", "web_fastapi:app", "--port", str(port)]
    with running(command, copied(tmp_path, "web_fastapi.py")) as output:
        url = f"http://127.0.0.1:{port}"
        tea = ask(f"{url}/reminders?text=tea&seconds=0.2", "POST")
        ask(f"{url}/reminders?text=late&seconds=3600", "POST")
        wait_until(lambda: ask(f"{url}/runs") == [{"job": tea["id"], "status": "succeeded", "result": "tea"}])
        assert ask(f"{url}/health")["ok"] is True
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask(f"{url}/reminders/{tea['id']}", "DELETE")
    log = output.read_text(encoding="utf-8")
    assert log.count("reminder: tea") == 1
    assert "Application shutdown complete" in log


def test_starlette_runs_a_coroutine_on_its_loop(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    port = free_port()
    command = ["-m", "uvicorn", "web_starlette:app", "--port", str(port)]
    with running(command, copied(tmp_path, "web_starlette.py")):
        url = f"http://127.0.0.1:{port}/runs?job=refresh"
        wait_until(lambda: any(run["result"] == "refreshed" for run in ask(url)))


# -- one scheduler, many workers ------------------------------------------------------------------------------------


def test_many_workers_order_and_one_scheduler_runs(tmp_path: Path) -> None:
    """The programs of the containers, with two workers and SQLite instead of PostgreSQL."""
    for package in ("fastapi", "uvicorn", "typer"):
        pytest.importorskip(package)
    for file in DEPLOY.glob("*.py"):
        shutil.copy(file, tmp_path)
    port = free_port()
    url = f"http://127.0.0.1:{port}/reports"
    scheduler = ["-m", "apscheduler.cli", "run", "--plain", "scheduler.py"]
    web = ["-m", "uvicorn", "web:app", "--port", str(port), "--workers", "2"]
    with running(web, tmp_path):
        assert ask(url) == []  # first, because a scheduler that starts knows at once that it shares its store
        with running(scheduler, tmp_path):
            _order_and_check(url, tmp_path)


def _order_and_check(url: str, tmp_path: Path) -> None:
    ordered = [ask(f"{url}/customer-{number}", "POST") for number in range(6)]
    wait_until(lambda: sum(run["status"] == "succeeded" for run in ask(url)) == 6)
    runs = recorded(tmp_path)
    assert sorted(run["job"] for run in runs) == sorted(order["job"] for order in ordered)
    processes = {re.search(r"process (\d+)", run["result"])[1] for run in runs}
    assert len(processes) == 1
    assert processes.isdisjoint({str(order["worker"]) for order in ordered})


def recorded(folder: Path) -> list[dict[str, Any]]:
    """Return the runs of the store, read by a program of their own, as `apscheduler runs --json` prints them."""
    command = [sys.executable, "-m", "apscheduler.cli", "runs", "--json", "--store", "sqlite:///jobs.sqlite"]
    ended = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    runs = json.loads(ended.stdout)
    return [{"job": run["job_id"], "result": run["result"]} for run in runs]


def test_the_systemd_unit_is_accepted_by_systemd(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    unit = (DEPLOY / "apscheduler.service").read_text(encoding="utf-8")
    command = re.search(r"^ExecStart=(\S+)/apscheduler run --plain scheduler.py$", unit, re.MULTILINE)
    assert command, "the unit does not run the scheduler"
    assert "User=" in unit
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "apscheduler"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    there = tmp_path / "apscheduler-example.service"
    there.write_text(unit.replace(command[1], str(tmp_path)), encoding="utf-8")
    ended = subprocess.run(
        [verify, "verify", "--man=no", str(there)], capture_output=True, text=True, check=False, timeout=30
    )
    said = [line for line in ended.stderr.splitlines() if "apscheduler-example" in line]
    assert said == []


def test_the_containers_hold_the_same_code_and_differ_in_their_command() -> None:
    yaml = pytest.importorskip("yaml")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    image = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    services = compose["services"]
    assert services["scheduler"]["build"] == services["web"]["build"]
    assert services["scheduler"]["environment"] == services["web"]["environment"]
    assert "command" not in services["scheduler"]
    for name in re.search(r"^COPY (.*\.py) \./$", image, re.MULTILINE)[1].split():
        assert (DEPLOY / name).exists()
    assert 'CMD ["apscheduler", "run", "--plain", "scheduler.py"]' in image
