"""Each file of examples/ runs, ends by itself, and prints what it is there to show."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from _programs import environment, finish
from pymongo import MongoClient

import _rethink_server
import _tree_servers
from _mongo_server import mongodb_url
from _redis_server import redis_server

EXAMPLES = Path(__file__).parents[2] / "examples"

# What each example must have printed, as regular expressions, in this order.
EXPECTED = {
    "add_jobs": ["added 1000 jobs in", r"refused: Job identifier \(ping-7\)", "new was added: False"],
    "custom_executor": ["broken: failed, ZeroDivisionError: division by zero", "name: succeeded, job-name"],
    "custom_store": ["from a dict", "'succeeded'"],
    "custom_trigger": ["backing off from 0.2 s", "(tried\n){3}", "still scheduled: False"],
    "executor_processpool": ["there: 333328333350000 computed in another process"],
    "run_log": [
        "heard: slow is still running",
        "quarter +succeeded result=0.25",
        "impossible failed .*error=ZeroDivisionError",
        "slow +skipped .*reason=max_instances",
        r"failed: \['impossible'\]",
    ],
    "scheduler_asyncio": ["fetch ran in MainThread", "fetch ran in MainThread"],
    "scheduler_background": ["goes on in MainThread", "succeeded", "skipped +coalesced", "succeeded"],
    "scheduler_blocking": [r"tick at \d\d:\d\d:\d\d", r"start\(\) has returned; tick ran [2-4] times"],
    "scheduler_gevent": ["polled here", "polled there", "polled here", "the greenlet has ended: True"],
    "scheduler_qt": ["(measured in ThreadPoolExecutor-0, shown in MainThread\n){2,}"],
    "scheduler_tornado": ["fetch ran in MainThread", "compute ran in ThreadPoolExecutor-0"],
    "scheduler_twisted": ["fetch .*: True", "compute .*: False"],
    "store_memory": ["Jobstore other:\n +print .*paused", r"\['a lambda ran'\]"],
    "store_sqlalchemy": [
        "found 0 jobs and 0 runs",
        r"\d runs succeeded by now, the last one said: weather at",
    ],
    "trigger_and_or": [
        "unlucky +Fri 2030-09-13",
        "twice a week +Thu 2030-01-03",
        "twice a week +Mon 2030-01-07",
    ],
    "trigger_calendarinterval": ["2030-01-31 .*\n.*2030-03-31", r"2030-01-07 09:30:00\+01:00\n.*2030-01-21"],
    "trigger_cron": [
        "weekdays at 6:30 +Tue 2030-01-01 06:30:00, Wed 2030-01-02",
        "every ten seconds .*00:00:10",
        "third friday +Fri 2030-06-21 00:00:00, Fri 2030-06-21 01:00:00",
        "last day of the month .*2030-01-31",
        "a crontab line +Mon 2030-01-07 09:00:00",
    ],
    "trigger_date": ["next run of far: 2099-12-31", "half a second later", r"still to come: \['far'\]"],
    "trigger_interval": [
        "09:30:00.*\n.*11:30:00.*\n.*13:30:00.*\n",
        "now it is interval.0:05:00.",
        "and now interval.1 day, 0:00:00.",
    ],
}


WEB = {"web_flask", "web_fastapi", "web_starlette"}
"""They are run behind their servers, in test_web_examples.py."""


def test_every_example_is_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {
        *EXPECTED,
        "demo",
        "demo_jobs",
        "store_redis",
        "store_zookeeper",
        "store_etcd",
        "store_mongodb",
        "store_rethinkdb",
        *WEB,
    }


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(background: ThreadPoolExecutor, demo_folder: Path) -> Future[list[str]]:
    def run_twice() -> list[str]:
        # Seven seconds, because an inventory is taken in the first four, and a try to collect it follows in two.
        seconds = ("7", "2")
        return [
            finish(EXAMPLES / "demo.py", demo_folder, ["--seconds", n, "--data", "data"]) for n in seconds
        ]

    return background.submit(run_twice)


@pytest.fixture(scope="module")
def outputs(
    demo: Future[list[str]], background: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Future[str]]:
    return {
        name: background.submit(finish, EXAMPLES / f"{name}.py", tmp_path_factory.mktemp(name))
        for name in EXPECTED
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_the_example_runs_and_prints_what_it_shows(name: str, outputs: dict[str, Future[str]]) -> None:
    output = outputs[name].result()
    at = 0
    for pattern in EXPECTED[name]:
        found = re.compile(pattern).search(output, at)
        assert found, f"{pattern!r} is not printed (in this place) in:\n{output}"
        at = found.end()


def test_the_sql_example_takes_a_url_and_finds_its_job_there_again(tmp_path: Path) -> None:
    for found in ("0 jobs and 0 runs", "1 jobs and [2-4] runs"):
        output = finish(EXAMPLES / "store_sqlalchemy.py", tmp_path, ["sqlite:///elsewhere.sqlite"])
        assert re.match(f"found {found}", output)
    assert [path.name for path in tmp_path.glob("*.sqlite")] == ["elsewhere.sqlite"]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("store_zookeeper", _tree_servers.zookeeper),
        ("store_etcd", _tree_servers.etcd),
        ("store_rethinkdb", _rethink_server.rethinkdb),
    ],
)
def test_an_example_on_a_server_finds_its_job_there_again(name, address, tmp_path: Path) -> None:
    first, again = (finish(EXAMPLES / f"{name}.py", tmp_path, [address()]) for _ in range(2))
    assert first.startswith("found 0 jobs and 0 runs")
    assert again.startswith("found 1 jobs and ")
    assert "the last one said: weather at " in again


def test_the_mongodb_example_finds_its_job_there_again(tmp_path: Path) -> None:
    with MongoClient(mongodb_url()) as client:
        client.drop_database("example")
        for found in ("0 jobs and 0 runs", "1 jobs and [2-4] runs"):
            output = finish(EXAMPLES / "store_mongodb.py", tmp_path, [mongodb_url()])
            assert re.match(f"found {found}", output)
            assert "kept in jobs, jobs_nodes, jobs_runs\n" in output
            assert re.search(r"\d runs succeeded by now, the last one said: weather at", output)
        client.drop_database("example")


def test_the_redis_example_finds_its_job_there_again(tmp_path: Path) -> None:
    server = redis_server()
    for found in ("0 jobs and 0 runs", "1 jobs and [2-4] runs"):
        output = finish(EXAMPLES / "store_redis.py", tmp_path, [server.url])
        assert re.match(f"found {found}", output)
        assert re.search("on the server: example.jobs, example.run_times, .*runs.succeeded", output)
        assert re.search(r"\d runs succeeded by now, the last one said: weather at", output)
    server.remove()


# -- the demo ---------------------------------------------------------------------------------------------


def counts(output: str) -> dict[str, list[int]]:
    """Return the numbers of the demo's table by job: succeeded, failed, missed, skipped, interrupted."""
    lines = re.findall(r"^(\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +\S+ ms", output, re.MULTILINE)
    return {job: [int(number) for number in numbers] for job, *numbers in lines}


def test_the_demo_shows_successes_failures_and_skips(demo: Future[list[str]]) -> None:
    first, _ = demo.result()
    assert "Found no jobs: this is the first run." in first
    table = counts(first)
    assert set(table) == {"check", "collect", "inventory", "sample", "summary"}
    assert table["sample"][0] >= 5
    assert table["collect"][0] >= 1, "no inventory was collected"
    assert table["collect"][1] >= 1, "no attempt to collect failed"
    assert table["check"][3] >= 1, "no run time was skipped"
    assert "FileNotFoundError" in first
    assert re.search(r"check: \d+ skipped, max_instances", first)


def test_the_demo_goes_on_where_it_was(demo: Future[list[str]], demo_folder: Path) -> None:
    first, again = demo.result()
    recorded = sum(map(sum, counts(first).values()))
    names = "check, collect, inventory, sample, summary"
    assert f"Found 5 jobs from before ({names}), with {recorded} runs on record. They go on." in again
    assert counts(again)["sample"][0] > counts(first)["sample"][0]
    sizes = [
        int(re.search(r"samples\.csv +([\d,]+) bytes", text)[1].replace(",", "")) for text in (first, again)
    ]
    assert sizes[0] < sizes[1]
    # The intervals still count from when the jobs were first added, to the same part of a second.
    with closing(sqlite3.connect(demo_folder / "data" / "jobs.sqlite")) as database:
        times = database.execute(
            "SELECT run_time FROM apscheduler_jobs_runs WHERE job_id = 'sample'"
        ).fetchall()
    assert len({round(time % 1, 3) for (time,) in times}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent to a process as SIGINT")
def test_ctrl_c_ends_the_demo_with_its_summary(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--seconds", "60"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Running for"):
                break
        samples = tmp_path / "demo-data" / "samples.csv"
        while not samples.exists():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.wait(20) == 0
    assert counts(rest)["sample"][0] >= 1
    assert "samples.csv" in rest
