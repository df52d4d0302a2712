"""`apscheduler run`, in processes of their own, ended by signals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from _cli_tools import Command, wait_until

from apscheduler._core.claims import RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

STORE = 'jobstores={"default": {"type": "sqlalchemy", "url": "sqlite:///jobs.sqlite"}}'
SLOW = """
import asyncio, pathlib, time

def tick():
    return "tock"

def slow():
    pathlib.Path("begun").touch()
    time.sleep(0.5)
    pathlib.Path("done").touch()

async def slow_coroutine():
    pathlib.Path("begun").touch()
    await asyncio.sleep(0.5)
    pathlib.Path("done").touch()
"""
APP = """
from apscheduler.schedulers.{module} import {kind} as Scheduler
import slow_tasks

def make():
    made = Scheduler({store}, timezone="UTC")
    made.add_job(slow_tasks.{job}, id="job", replace_existing=True)
    return made

scheduler = make()
"""
KINDS = [
    ("blocking", "BlockingScheduler", "slow"),
    ("background", "BackgroundScheduler", "slow"),
    ("asyncio", "AsyncIOScheduler", "slow_coroutine"),
]


@pytest.fixture
def program(folder: Path):
    (folder / "slow_tasks.py").write_text(SLOW)

    def write(module: str, kind: str, job: str) -> None:
        (folder / "app.py").write_text(APP.format(module=module, kind=kind, job=job, store=STORE))

    return write


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("module", "kind", "job"), KINDS)
def test_a_signal_lets_the_run_in_flight_end_and_the_status_is_0(program, folder, module, kind, job, number):
    program(module, kind, job)
    command = Command("run", "app.py")
    wait_until((folder / "begun").exists)
    assert command.end(number) == 0, command.output
    assert (folder / "done").exists()
    assert "Scheduler has been shut down" in command.output
    with closing(SQLAlchemyJobStore(url="sqlite:///jobs.sqlite").engine.connect()):
        store = SQLAlchemyJobStore(url="sqlite:///jobs.sqlite")
        assert [run.status for run in store.read_runs(RunQuery())] == ["succeeded"]
        assert store.read_nodes() == []
        store.shutdown()


@pytest.mark.parametrize("target", ["app:scheduler", "app", "app.py:make", "app:make"])
def test_a_target_is_a_scheduler_or_what_makes_one(program, target):
    program("background", "BackgroundScheduler", "tick")
    command = Command("run", target)
    command.read_until("executed successfully")
    assert command.end() == 0


def test_a_scheduler_that_is_started_by_its_program_is_gone_on_with(program, folder):
    program("background", "BackgroundScheduler", "tick")
    with (folder / "app.py").open("a") as file:
        file.write(
            "scheduler.add_job(slow_tasks.tick, 'interval', seconds=0.3, id='often')\nscheduler.start()\n"
        )
    command = Command("run", "app.py")
    command.read_until("executed successfully")
    assert command.end() == 0
    assert "Scheduler has been shut down" in command.output


def test_a_scheduler_that_shuts_itself_down_ends_the_command(folder):
    (folder / "app.py").write_text(
        "import threading\n"
        "from apscheduler.schedulers.background import BackgroundScheduler\n"
        "scheduler = BackgroundScheduler()\n"
        "scheduler.add_job(lambda: threading.Thread(target=scheduler.shutdown).start())\n"
    )
    command = Command("run", "app.py")
    command.output += command.process.communicate(timeout=20)[0]
    assert command.process.returncode == 0, command.output


def test_a_terminal_shows_a_live_table(program, folder):
    program("background", "BackgroundScheduler", "tick")
    with (folder / "app.py").open("a") as file:
        file.write("scheduler.add_job(slow_tasks.tick, 'cron', day_of_week='0-4', hour=3, id='nightly')\n")
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "150", "LINES": "30", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "apscheduler.cli", "run", "app.py"]
    process = subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower, env=env)
    os.close(follower)
    screen = bytearray()

    def read() -> None:
        try:
            while data := os.read(leader, 4096):
                screen.extend(data)
        except OSError:  # what reading from a terminal ends with when its last program has
            pass

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: b"At 03:00 on Monday to Friday" in screen and b"BackgroundScheduler running" in screen)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    reader.join(20)
    os.close(leader)
    assert b"BackgroundScheduler stopped." in screen


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere:scheduler", "no module 'nowhere'"),
        ("nowhere.py", "there is no file"),
        (":scheduler", "names no module"),
        ("cli_tasks", "has no scheduler at its top level"),
        ("cli_tasks:tic", "did you mean 'tick'"),
        ("cli_tasks:tick", "returned a str"),
        ("cli_tasks:__doc__", "is a NoneType"),
        ("broken.py", "ZeroDivisionError: division by zero at"),
        ("broken", "ZeroDivisionError"),
        ("leaving.py", "SystemExit: 3"),
        ("two.py", "several schedulers (one, other)"),
        ("json.py", "another module is named 'json'"),
    ],
)
def test_a_target_that_leads_nowhere_is_refused(refused, folder, target, words):
    make = "from apscheduler.schedulers.background import BackgroundScheduler as S\n"
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    (folder / "two.py").write_text(f"{make}one, other = S(), S()\n")
    (folder / "json.py").write_text(f"{make}scheduler = S()\n")
    assert words in refused("run", target)
