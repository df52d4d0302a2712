"""The command line on the job stores of other servers than SQL databases."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from apscheduler.cli._store import hidden
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler

sys.path.insert(0, str(Path(__file__).parents[2]))

import _mongo_server
import _redis_server
import _rethink_server
import _tree_servers


def redis_store():
    url = _redis_server.redis_url()
    names = {"jobs_key": "cli.jobs", "run_times_key": "cli.run_times"}
    return {"type": "redis", "url": url, **names}, (url, "--table", "cli.jobs,cli.run_times")


def zookeeper_store():
    address = _tree_servers.zookeeper()
    return {"type": "zookeeper", "path": "/cli", "hosts": address}, (f"zookeeper://{address}/cli",)


def etcd_store():
    host, _, port = _tree_servers.etcd().partition(":")
    options = {"type": "etcd", "path": "/cli", "host": host, "port": int(port)}
    return options, (f"etcd://{host}:{port}/cli?timeout=10",)


def mongodb_store():
    url = _mongo_server.mongodb_url()
    return {"type": "mongodb", "database": "cli", "host": url}, (f"{url}cli?socketTimeoutMS=10000",)


def rethinkdb_store():
    host, _, port = _rethink_server.rethinkdb().partition(":")
    options = {"type": "rethinkdb", "database": "cli", "host": host, "port": int(port)}
    return options, (f"rethinkdb://{host}:{port}/cli?timeout=10",)


STORES = {
    "redis": redis_store,
    "mongodb": mongodb_store,
    "zookeeper": zookeeper_store,
    "etcd": etcd_store,
    "rethinkdb": rethinkdb_store,
}


@pytest.fixture(params=STORES)
def options(request, tasks):
    """Return what the command line is given for a store with the jobs nightly and gone, and one run of `now`."""
    config, (url, *more) = STORES[request.param]()
    scheduler = BackgroundScheduler(jobstores={"default": config}, timezone="UTC", lease=0.6)
    ended = threading.Event()
    scheduler.add_listener(lambda _: ended.set(), EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.remove_all_jobs()
    scheduler.add_job(tasks.tick, "cron", hour=3, id="nightly")
    scheduler.add_job(tasks.bad, "interval", hours=1, id="gone")
    scheduler.add_job(tasks.tick, id="now")
    assert ended.wait(20)
    scheduler.shutdown()
    del tasks.bad
    return "--store", url, *more


def test_jobs_and_runs_are_listed(cli, options):
    jobs = {job["id"]: job for job in json.loads(cli("jobs", "--json", *options).stdout)}
    assert jobs.keys() == {"nightly", "gone"}
    assert jobs["nightly"]["meaning"] == "At 03:00 every day"
    assert "bad" in jobs["gone"]["problem"]
    assert "now" in {run["job_id"] for run in json.loads(cli("runs", "--json", *options).stdout)}
    assert cli("nodes", *options).stdout == "No scheduler is running on this store.\n"
    assert cli("check", *options).exit_code == 1


def test_jobs_are_paused_resumed_and_removed(cli, options):
    assert cli("pause", "nightly", *options).stdout == "nightly: paused\n"
    assert "nightly: resumed, next run" in cli("resume", "nightly", *options).stdout
    assert cli("remove", "gone", *options).stdout == "gone: removed\n"
    assert [job["id"] for job in json.loads(cli("jobs", "--json", *options).stdout)] == ["nightly"]


@pytest.mark.parametrize("kind", STORES)
def test_a_name_of_nothing_is_refused_and_leaves_nothing_behind(refused, kind):
    _, (url, *more) = STORES[kind]()
    wrong = [url, "--table", "typo.jobs,typo.run_times"] if more else [url.replace("/cli", "/typo")]
    for _ in range(2):  # the second time too, because the first has made nothing
        assert "there is nothing of a job store" in refused("jobs", "--store", *wrong)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "mongodb://127.0.0.1:1/cli?serverSelectionTimeoutMS=500",
        "zookeeper://127.0.0.1:1/cli",
        "etcd://127.0.0.1:1/cli",
        "rethinkdb://127.0.0.1:1/cli",
    ],
)
def test_a_server_that_is_away_is_told_in_one_line(refused, url):
    assert "does not answer as it should" in refused("nodes", "--store", url)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("redis://127.0.0.1/0", "--table", "jobs"), "two keys"),
        (("zookeeper://127.0.0.1:2181/cli", "--table", "jobs"), "the path at the end of the URL"),
        (("etcd://127.0.0.1:2379/cli", "--table", "jobs"), "the path at the end of the URL"),
        (("etcd://127.0.0.1:2379/cli?colour=red",), "colour"),
        (("etcd://127.0.0.1:port/cli",), "port"),
        (("mongodb://127.0.0.1:port/cli",), "Port contains"),
        (("rethinkdb://127.0.0.1:28015/cli?colour=red",), "colour"),
    ],
)
def test_what_is_wrong_with_a_url_is_told_in_one_line(refused, arguments, said):
    assert said in refused("jobs", "--store", *arguments)


def test_no_message_shows_a_password():
    assert hidden("redis://:secret@host:6379/0") == "redis://:***@host:6379/0"
    assert hidden("etcd://user:secret@host:2379/cli") == "etcd://user:***@host:2379/cli"
