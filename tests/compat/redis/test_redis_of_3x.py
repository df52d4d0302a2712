"""Keys that 3.11.3 wrote are read in place, and 3.11.3 can go on with them afterwards.

Set APSCHEDULER_ORACLE_PYTHON to an interpreter with apscheduler==3.11.3 and redis for the second half.
"""

import base64
import json
import os
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from _redis_server import redis_server
from apscheduler._core.claims import Claim, NewRun, RunQuery
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import LATER, StandIn, a_job
from apscheduler.triggers.interval import IntervalTrigger

HERE = Path(__file__).parent
ORACLE = os.environ.get("APSCHEDULER_ORACLE_PYTHON")
RECORDED = json.loads((HERE / "redis-3.11.3.json").read_text(encoding="utf-8"))
START = 1893499200.25

needs_oracle = pytest.mark.skipif(
    ORACLE is None, reason="APSCHEDULER_ORACLE_PYTHON does not name an interpreter with 3.11.3"
)


@pytest.fixture(scope="module")
def server():
    server = redis_server()
    yield server
    server.remove()


@pytest.fixture
def opened(server):
    """Return what opens stores on a server that holds what 3.11.3 wrote."""
    client = server.client()
    client.flushall()
    jobs = {key: base64.b64decode(value) for key, value in RECORDED["apscheduler.jobs"].items()}
    client.hset("apscheduler.jobs", mapping=jobs)
    client.zadd("apscheduler.run_times", RECORDED["apscheduler.run_times"])
    stores = []

    def open_store():
        stores.append(RedisJobStore(port=server.port))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield open_store
    client.close()
    for store in stores:
        store.shutdown()


def shown(job):
    return {
        "next_run_time": job.next_run_time.timestamp() if job.next_run_time else None,
        "func": job.func_ref,
        "args": json.loads(json.dumps(job.args)),
        "kwargs": job.kwargs,
        "trigger": str(job.trigger),
        "name": job.name,
        "misfire_grace_time": job.misfire_grace_time,
        "coalesce": job.coalesce,
        "max_instances": job.max_instances,
    }


def test_every_job_is_listed_as_3x_lists_it(opened):
    jobs = opened().get_all_jobs()
    assert {job.id: shown(job) for job in jobs} == RECORDED["listed"]
    assert [job.id for job in jobs][-2:] == ["ünïcødé", "paused"]


def test_opening_it_leaves_everything_as_it_was(server, opened):
    client = server.client()

    def contents():
        return {key: client.dump(key) for key in client.scan_iter()}

    before = contents()
    store = opened()
    store.get_all_jobs()
    store.read_due(START, 10)
    store.shutdown()
    assert contents() == before
    assert set(before) == {b"apscheduler.jobs", b"apscheduler.run_times"}
    client.close()


def test_jobs_start_with_revision_0_and_fire(opened):
    store = opened()
    due = store.read_due(START, 10)
    assert [(row.job_id, row.revision, row.live) for row in due.rows] == [("date", 0, 0), ("interval", 0, 0)]
    thens = {"date": None, "interval": START + 5400}
    claims = [Claim(row.job_id, 0, thens[row.job_id], [NewRun(START)]) for row in due.rows]
    assert list(store.claim("n1", claims[1:])) == [0]
    assert list(opened().claim("n2", claims[1:])) == []
    assert list(store.claim("n1", claims[:1])) == [0]
    assert store.read_job("date") is None
    assert store.read_job("interval")[1:3] == (START + 5400, 1)
    assert len(store.read_runs(RunQuery())) == 2


def test_a_job_that_3x_has_changed_since_it_was_read_is_not_claimed(server, opened):
    """3.x raises no revision, but it takes the run time away where it pauses or removes a job."""
    store, client = opened(), server.client()
    row = store.read_due(START, 1).rows[0]
    client.zrem("apscheduler.run_times", row.job_id)
    assert list(store.claim("n1", [Claim(row.job_id, 0, LATER, [NewRun(START)])])) == []
    assert store.read_job(row.job_id).next_run_time is None
    client.close()


def test_a_job_that_3x_adds_under_the_id_of_one_that_was_removed_gets_a_revision_never_used(opened, server):
    store, client = opened(), server.client()
    state = client.hget("apscheduler.jobs", "interval")
    row = store.read_job("interval")
    claim = Claim("interval", 0, START + 5400, [NewRun(START)])
    assert list(store.claim("n1", [claim])) == [0]
    assert store.delete_jobs(["interval"]) == 1
    client.hset("apscheduler.jobs", "interval", state)
    client.zadd("apscheduler.run_times", {"interval": START})
    again = store.read_job("interval")
    assert again == row
    assert list(store.claim("n2", [claim])) == []  # of the job that was removed, for all that can be told
    renewed = store.read_job("interval")
    assert renewed.revision > 1
    assert list(store.claim("n2", [claim._replace(revision=renewed.revision)])) == [0]
    assert [run.revision for run in store.read_runs(RunQuery("interval"))] == [renewed.revision, 0]
    client.close()


def test_a_scheduler_runs_a_job_from_it(server, opened):
    opened()
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore("redis", port=server.port)
    scheduler.add_listener(lambda event: ran.set(), EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    assert {job.id for job in scheduler.get_jobs()} == set(RECORDED["listed"])
    scheduler.modify_job("interval", next_run_time=datetime.now(UTC), misfire_grace_time=None)
    scheduler.resume()
    assert ran.wait(20)
    scheduler.shutdown()


# -- and back ----------------------------------------------------------------------------------------------------------


def in_3x(server, *command):
    """Return what 3.11.3 makes of the server."""
    script = [str(ORACLE), str(HERE / "show_redis_jobs.py"), str(server.port), *command]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(script, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_oracle
def test_after_a_shutdown_3x_finds_all_jobs_with_their_next_run_times(server, opened):
    store = opened()
    ours = a_job("ours", START, trigger=IntervalTrigger(minutes=90), func="os.path:join", args=("a", "b"))
    store.add_job(ours)
    claims = [
        Claim(row.job_id, row.revision, START + 86400.125, [NewRun(START)])
        for row in store.read_due(START, 10).rows
    ]
    assert len(store.claim("n1", claims)) == 3
    revisions = {row.job_id: row.revision for row in store.read_jobs()}
    store.shutdown()
    listed = in_3x(server)["jobs"]
    assert set(listed) == {*RECORDED["listed"], "ours"}
    assert listed["ours"] == [START + 86400.125, "os.path:join", ["a", "b"]]
    assert listed["date"][0] == listed["interval"][0] == START + 86400.125
    assert listed["cron"][0] == RECORDED["listed"]["cron"]["next_run_time"]
    assert {row.job_id: row.revision for row in opened().read_jobs()} == revisions


@needs_oracle
def test_3x_runs_adds_and_removes_jobs_and_we_go_on(server, opened):
    store = opened()
    assert in_3x(server, "run", "interval")["ran"][0] == ["interval", "{'k': 1, 'x': 'ü'}"]
    in_3x(server, "remove", "cron")
    in_3x(server, "add", "new")
    assert store.read_job("cron") is None
    row = store.read_job("new")
    assert list(store.claim("n1", [Claim("new", row.revision, None, [NewRun(row.next_run_time)])])) == [0]
    assert "new" not in in_3x(server)["jobs"]
