"""What the tests of the command line share: a runner, and a database with jobs and runs in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("sqlalchemy")

from typer.testing import CliRunner

from apscheduler.cli._app import app
from apscheduler.schedulers.background import BackgroundScheduler

FAR = datetime(2999, 1, 1, 3, tzinfo=UTC)
TASKS = """
def tick():
    return "tock"

def bad():
    raise ValueError("no luck")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder with a module of tasks, in UTC; modules imported from there are forgotten again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr("apscheduler.cli._times.local_zone", lambda: UTC)
    for name in ("APSCHEDULER_STORE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "cli_tasks.py").write_text(TASKS)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def cli() -> Callable[..., Any]:
    """Run a command, and return its result."""
    runner = CliRunner()
    return lambda *arguments: runner.invoke(
        app, list(arguments), prog_name="apscheduler", catch_exceptions=False
    )


@pytest.fixture
def refused(cli: Callable[..., Any]) -> Callable[..., str]:
    """Run a command that has to be refused, in one line on standard error with status 2; return the line."""

    def run(*arguments: str) -> str:
        result = cli(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.stderr
        return result.stderr.strip()

    return run


@pytest.fixture
def tasks(folder: Path) -> ModuleType:
    import cli_tasks

    return cli_tasks


@pytest.fixture
def scheduler(folder: Path) -> Iterator[BackgroundScheduler]:
    """A scheduler on `jobs.sqlite` of the current folder, not started; it beats five times a second."""
    store = {"type": "sqlalchemy", "url": "sqlite:///jobs.sqlite"}
    made = BackgroundScheduler(jobstores={"default": store}, timezone="UTC", lease=0.6)
    yield made
    if made.running:
        made.shutdown()


@pytest.fixture
def store(scheduler: BackgroundScheduler, tasks: ModuleType) -> str:
    """The URL of a store with the jobs nightly, paused and gone; the function of the last one has been removed."""
    scheduler.add_job(tasks.tick, "cron", day_of_week="0-4", hour=3, id="nightly", next_run_time=FAR)
    scheduler.add_job(tasks.tick, "interval", seconds=90, id="paused", next_run_time=None)
    scheduler.add_job("cli_tasks:bad", "interval", hours=1, id="gone", next_run_time=FAR)
    scheduler.start(paused=True)
    scheduler.shutdown()
    del tasks.bad
    return "sqlite:///jobs.sqlite"


@pytest.fixture
def store_with_runs(scheduler: BackgroundScheduler, tasks: ModuleType) -> str:
    """The URL of a store with a run of `ok` that succeeded, and one of `broken` that failed."""
    import threading

    from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED

    ended = threading.Semaphore(0)
    scheduler.add_listener(lambda _: ended.release(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(tasks.tick, id="ok")
    scheduler.add_job(tasks.bad, id="broken")
    scheduler.start()
    for _ in range(2):
        assert ended.acquire(timeout=10)
    scheduler.shutdown()
    return "sqlite:///jobs.sqlite"
