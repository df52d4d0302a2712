"""A table that 3.11.3 wrote is read in place, and 3.11.3 can go on with it afterwards.

Set APSCHEDULER_ORACLE_PYTHON to an interpreter with apscheduler==3.11.3 and rethinkdb for the second half.
"""

import base64
import json
import os
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rethinkdb import RethinkDB

from _rethink_server import drop, rethinkdb
from apscheduler._core.claims import Claim, NewRun, RunQuery
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores.rethinkdb import RethinkDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import StandIn, a_job, done, keys_of
from apscheduler.triggers.interval import IntervalTrigger

HERE = Path(__file__).parent
ORACLE = os.environ.get("APSCHEDULER_ORACLE_PYTHON")
RECORDED = json.loads((HERE / "rethinkdb-3.11.3.json").read_text(encoding="utf-8"))
DATABASE = "recorded"
START = 1893499200.25

r = RethinkDB()
needs_oracle = pytest.mark.skipif(
    ORACLE is None, reason="APSCHEDULER_ORACLE_PYTHON does not name an interpreter with 3.11.3"
)


@pytest.fixture
def connection():
    host, _, port = rethinkdb().partition(":")
    connection = r.connect(host, int(port))
    yield connection
    connection.close(noreply_wait=False)


@pytest.fixture
def opened(connection):
    """Return what opens stores on a server that holds what 3.11.3 wrote."""
    drop(rethinkdb(), DATABASE)
    r.db_create(DATABASE).run(connection)
    for name in RECORDED["tables"]:
        r.db(DATABASE).table_create(name).run(connection)
    table = r.db(DATABASE).table("jobs")
    for name in RECORDED["indexes"]:
        table.index_create(name).run(connection)
    for key, document in RECORDED["documents"].items():
        state = r.binary(base64.b64decode(document["job_state"]))
        table.insert({"id": key, **document, "job_state": state}).run(connection)
    stores = []

    def open_store():
        stores.append(RethinkDBJobStore(DATABASE, host=connection.host, port=connection.port))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield open_store
    for store in stores:
        store.shutdown()
    drop(rethinkdb(), DATABASE)


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


def test_opening_it_leaves_the_jobs_as_they_were(connection, opened):
    table = r.db(DATABASE).table("jobs")

    def contents():
        return {document["id"]: document for document in table.run(connection)}

    before = contents()
    store = opened()
    store.get_all_jobs()
    store.read_due(START, 10)
    store.shutdown()
    assert contents() == before


def test_jobs_start_with_revision_0_and_fire(opened):
    store = opened()
    due = store.read_due(START, 10)
    assert sorted((row.job_id, row.revision, row.live) for row in due.rows) == [
        ("date", 0, 0),
        ("interval", 0, 0),
    ]
    date = Claim("date", 0, None, [NewRun(START)])
    interval = Claim("interval", 0, START + 5400, [NewRun(START)])
    assert list(store.claim("n1", [interval])) == [0]
    assert list(opened().claim("n2", [date, interval])) == [0]
    assert store.read_job("date") is None
    assert store.read_job("interval")[1:3] == (START + 5400, 1)
    assert len(store.read_runs(RunQuery())) == 2


def test_a_scheduler_runs_a_job_from_it(connection, opened):
    opened()
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore("rethinkdb", database=DATABASE, host=connection.host, port=connection.port)
    scheduler.add_listener(lambda event: ran.set(), EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    assert {job.id for job in scheduler.get_jobs()} == set(RECORDED["listed"])
    scheduler.modify_job("interval", next_run_time=datetime.now(UTC), misfire_grace_time=None)
    scheduler.resume()
    assert ran.wait(20)
    scheduler.shutdown()


# -- and back ----------------------------------------------------------------------------------------------------------


def in_3x(*command):
    """Return what 3.11.3 makes of the server."""
    port = rethinkdb().partition(":")[2]
    script = [str(ORACLE), str(HERE / "show_rethinkdb_jobs.py"), port, *command]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    shown = subprocess.run(script, capture_output=True, text=True, check=False, env=environment)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


@needs_oracle
def test_after_a_shutdown_3x_finds_all_jobs_with_their_next_run_times(opened):
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
    listed = in_3x()["jobs"]
    assert set(listed) == {*RECORDED["listed"], "ours"}
    assert listed["ours"] == [START + 86400.125, "os.path:join", ["a", "b"]]
    assert listed["date"][0] == listed["interval"][0] == START + 86400.125
    assert listed["cron"][0] == RECORDED["listed"]["cron"]["next_run_time"]
    assert {row.job_id: row.revision for row in opened().read_jobs()} == revisions


@needs_oracle
def test_3x_runs_adds_and_removes_jobs_and_we_go_on(opened):
    store = opened()
    assert in_3x("run", "interval")["ran"][0] == ["interval", "{'k': 1, 'x': 'ü'}"]
    in_3x("remove", "cron")
    in_3x("add", "new")
    assert store.read_job("cron") is None
    row = store.read_job("new")
    claim = Claim("new", row.revision, None, [NewRun(row.next_run_time)])
    assert list(store.claim("n1", [claim])) == [0]
    store.finish([done(key) for key in keys_of(claim)])
    assert "new" not in in_3x()["jobs"]
