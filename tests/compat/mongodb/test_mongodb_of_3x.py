"""Documents that 3.11.3 wrote are read in place, and 3.11.3 can go on with them afterwards.

Set APSCHEDULER_ORACLE_PYTHON to an interpreter with apscheduler==3.11.3 and pymongo for the second half.
"""

import json
import os
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bson import json_util
from pymongo import MongoClient

from _mongo_server import mongodb_url
from apscheduler._core.claims import Claim, NewRun, RunKey, RunQuery
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import StandIn, a_job, done
from apscheduler.triggers.interval import IntervalTrigger

HERE = Path(__file__).parent
ORACLE = os.environ.get("APSCHEDULER_ORACLE_PYTHON")
RECORDED = json.loads((HERE / "mongodb-3.11.3.json").read_text(encoding="utf-8"))
START = 1893499200.25

needs_oracle = pytest.mark.skipif(
    ORACLE is None, reason="APSCHEDULER_ORACLE_PYTHON does not name an interpreter with 3.11.3"
)


@pytest.fixture
def jobs():
    """Return the collection that holds what 3.11.3 wrote."""
    with MongoClient(mongodb_url()) as client:
        client.drop_database("recorded")
        jobs = client.recorded.jobs
        jobs.insert_many(json_util.loads(json.dumps(RECORDED["documents"])))
        for options in json_util.loads(json.dumps(RECORDED["indexes"])).values():
            jobs.create_index([tuple(key) for key in options["key"]], sparse=options["sparse"])
        yield jobs
        client.drop_database("recorded")


@pytest.fixture
def opened(jobs):
    """Return what opens stores on it."""
    stores = []

    def open_store():
        stores.append(MongoDBJobStore("recorded", host=mongodb_url()))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield open_store
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
    assert [job.id for job in jobs][-2:] == ["ünïcødé. with $ dots", "paused"]


def test_opening_it_leaves_the_jobs_as_they_were_and_uses_the_index_that_is_there(jobs, opened):
    before = list(jobs.find())
    store = opened()
    store.get_all_jobs()
    store.read_due(START, 10)
    store.shutdown()
    assert list(jobs.find()) == before
    assert sorted(jobs.index_information()) == ["_id_", "busy_1", "next_run_time_1"]


def test_jobs_start_with_revision_0_and_fire(opened):
    store = opened()
    due = store.read_due(START, 10)
    found = [(row.job_id, row.revision, row.live) for row in due.rows]
    assert sorted(found) == [("date", 0, 0), ("interval", 0, 0)]
    thens = {"date": None, "interval": START + 5400}
    claims = {row.job_id: Claim(row.job_id, 0, thens[row.job_id], [NewRun(START)]) for row in due.rows}
    assert list(store.claim("n1", [claims["interval"]])) == [0]
    assert list(opened().claim("n2", [claims["interval"]])) == []
    assert list(store.claim("n1", [claims["date"]])) == [0]
    assert store.read_job("date") is None
    assert store.read_job("interval")[1:3] == (START + 5400, 1)
    assert len(store.read_runs(RunQuery())) == 2


def test_a_scheduler_runs_a_job_from_it(opened):
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore("mongodb", database="recorded", host=mongodb_url())
    scheduler.add_listener(lambda event: ran.set(), EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    assert {job.id for job in scheduler.get_jobs()} == set(RECORDED["listed"])
    scheduler.modify_job("interval", next_run_time=datetime.now(UTC), misfire_grace_time=None)
    scheduler.resume()
    assert ran.wait(20)
    scheduler.shutdown()


# -- and back ----------------------------------------------------------------------------------------------------------


def in_3x(*command):
    """Return what 3.11.3 makes of the database."""
    script = [str(ORACLE), str(HERE / "show_mongodb_jobs.py"), mongodb_url(), *command]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(script, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
    [row] = [row for row in store.read_due(START, 10).rows if row.job_id == "interval"]
    claim = Claim(row.job_id, row.revision, START + 5400, [NewRun(START)])
    assert list(store.claim("n1", [claim])) == [0]
    store.shutdown()
    assert in_3x("run", "interval")["ran"][0] == ["interval", "{'k': 1, 'x': 'ü'}"]
    in_3x("remove", "cron")
    in_3x("add", "new")
    store = opened()
    assert store.read_job("cron") is None
    assert store.read_job("interval").revision == 1
    row = store.read_job("new")
    assert list(store.claim("n1", [Claim("new", row.revision, None, [NewRun(row.next_run_time)])])) == [0]
    [run] = store.read_runs(RunQuery("new"))
    store.finish([done(RunKey(*run[1:5]))])
    assert "new" not in in_3x()["jobs"]
