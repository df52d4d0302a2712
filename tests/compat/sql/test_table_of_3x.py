"""A table that 3.11.3 wrote is read in place, and 3.11.3 can go on with it afterwards.

Set APSCHEDULER_ORACLE_PYTHON to an interpreter with apscheduler==3.11.3 and SQLAlchemy for the second half.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apscheduler._core.claims import Claim, NewRun, RunQuery
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import StandIn, a_job
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

HERE = Path(__file__).parent
ORACLE = os.environ.get("APSCHEDULER_ORACLE_PYTHON")
EXPECTED = json.loads((HERE / "jobs-3.11.3.json").read_text(encoding="utf-8"))
START = 1893499200.25

needs_oracle = pytest.mark.skipif(
    ORACLE is None, reason="APSCHEDULER_ORACLE_PYTHON does not name an interpreter with 3.11.3"
)


@pytest.fixture
def url(tmp_path):
    shutil.copy(HERE / "jobs-3.11.3.sqlite", tmp_path / "jobs.sqlite")
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
def store(url):
    store = SQLAlchemyJobStore(url)
    store.start(StandIn(), "default")
    yield store
    store.shutdown()


def shown(job):
    """Return what `show_jobs.py` prints of a job."""
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


def test_every_job_is_listed_as_3x_lists_it(store):
    assert {job.id: shown(job) for job in store.get_all_jobs()} == EXPECTED


def test_the_order_is_that_of_3x(store):
    assert [job.id for job in store.get_all_jobs()][-2:] == ["ünïcødé", "paused"]
    assert store.get_next_run_time() == datetime.fromtimestamp(START, UTC)


def test_jobs_start_with_revision_0_and_fire(store):
    due = store.read_due(START, 10)
    assert sorted((row.job_id, row.revision, row.live) for row in due.rows) == [
        ("date", 0, 0),
        ("interval", 0, 0),
    ]
    claims = [
        Claim(row.job_id, 0, None if row.job_id == "date" else START + 5400, [NewRun(START)])
        for row in due.rows
    ]
    assert len(store.claim("n1", claims)) == 2
    assert store.read_job("date") is None
    assert store.lookup_job("interval").next_run_time.timestamp() == START + 5400
    assert len(store.read_runs(RunQuery())) == 2


def test_a_scheduler_runs_a_job_from_it(url):
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": SQLAlchemyJobStore(url)})
    scheduler.add_listener(lambda event: ran.set(), EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    assert {job.id for job in scheduler.get_jobs()} == set(EXPECTED)
    scheduler.modify_job("interval", next_run_time=datetime.now(UTC), misfire_grace_time=None)
    scheduler.resume()
    assert ran.wait(20)
    scheduler.shutdown()


def test_opening_it_leaves_the_jobs_as_they_were(tmp_path, url):
    before = rows(tmp_path / "jobs.sqlite")
    store = SQLAlchemyJobStore(url)
    store.start(StandIn(), "default")
    store.get_all_jobs()
    store.shutdown()
    assert rows(tmp_path / "jobs.sqlite") == before


# -- and back ------------------------------------------------------------------------------------------------


def rows(path):
    conn = sqlite3.connect(path)
    found = conn.execute("SELECT id, next_run_time, job_state FROM apscheduler_jobs ORDER BY id").fetchall()
    conn.close()
    return found


def in_3x(url, *command):
    """Return what 3.11.3 makes of the table."""
    script = [str(ORACLE), str(HERE / "show_jobs.py"), url, "apscheduler_jobs", *command]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(script, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def all_kinds_of_jobs():
    triggers = {
        "interval": IntervalTrigger(minutes=90, timezone="Europe/Berlin"),
        "cron": CronTrigger(day_of_week="mon-fri", hour=6, timezone="Europe/Berlin"),
        "calendar": CalendarIntervalTrigger(months=1, hour=3, timezone="UTC"),
        "or": OrTrigger([CronTrigger(hour=1, timezone="UTC"), IntervalTrigger(hours=1, timezone="UTC")]),
        "and": AndTrigger([CronTrigger(hour=2, timezone="UTC"), IntervalTrigger(hours=1, timezone="UTC")]),
    }
    common = {"func": "os.path:join", "args": ("a", "b"), "misfire_grace_time": None}
    return [a_job(job_id, START, trigger=trigger, **common) for job_id, trigger in triggers.items()] + [
        a_job("date", START, **common),
        a_job("paused", None, **common),
    ]


@pytest.fixture
def our_url(tmp_path):
    """Return the URL of a table that this package has made."""
    url = f"sqlite:///{tmp_path}/ours.sqlite"
    store = SQLAlchemyJobStore(url)
    store.start(StandIn(), "default")
    for job in all_kinds_of_jobs():
        store.add_job(job)
    store.shutdown()
    return url


@needs_oracle
@pytest.mark.timeout(60)
def test_3x_lists_the_jobs_of_a_table_that_was_made_here(our_url):
    listed = in_3x(our_url)["jobs"]
    ours = {job.id: shown(job) for job in all_kinds_of_jobs()}
    for job_id, job in ours.items():
        assert {**listed[job_id], "trigger": ""} == {**job, "trigger": ""}
    assert set(listed) == set(ours)


@needs_oracle
@pytest.mark.timeout(60)
def test_after_a_shutdown_3x_finds_the_next_run_times_of_jobs_that_were_fired_here(our_url):
    store = SQLAlchemyJobStore(our_url)
    store.start(StandIn(), "default")
    claims = [
        Claim(row.job_id, row.revision, START + 86400.125, [NewRun(START)])
        for row in store.read_due(START, 10).rows
    ]
    assert len(store.claim("n1", claims)) == len(claims) == 6
    revisions = {row.job_id: row.revision for row in store.read_jobs()}
    store.shutdown()
    listed = in_3x(our_url)["jobs"]
    assert {job["next_run_time"] for job_id, job in listed.items() if job_id != "paused"} == {
        START + 86400.125
    }
    again = SQLAlchemyJobStore(our_url)
    again.start(StandIn(), "default")
    assert {row.job_id: row.revision for row in again.read_jobs()} == revisions
    again.shutdown()


@needs_oracle
@pytest.mark.timeout(60)
def test_3x_runs_adds_and_removes_jobs_in_a_table_of_ours_and_we_go_on(our_url):
    assert in_3x(our_url, "run", "interval")["ran"] == [["interval", "'a/b'"]]
    in_3x(our_url, "remove", "cron")
    in_3x(our_url, "add", "new")
    store = SQLAlchemyJobStore(our_url)
    store.start(StandIn(), "default")
    assert store.read_job("cron") is None
    row = store.read_job("new")
    assert list(store.claim("n1", [Claim("new", row.revision, None, [NewRun(row.next_run_time)])])) == [0]
    store.shutdown()
    assert "new" not in in_3x(our_url)["jobs"]
