"""Programs from guides to APScheduler that add, change and remove jobs, and say where they are kept and run.

Each is executed as written; mends are noted at each program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from _programs import wait_until
from pymongo import MongoClient

from _mongo_server import mongodb_url
from apscheduler.errors import SchedulerNotRunningError
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

Execute = Callable[[str], dict[str, Any]]

HEAD = """
import datetime
from apscheduler.schedulers.background import BackgroundScheduler

def job_func(text='text'):
    print(text)

scheduler = BackgroundScheduler()
"""

# -- adding, changing and removing --------------------------------------------------------------------------------


def test_a_decorator_adds_the_function(execute: Execute) -> None:
    # Mended: the scheduler is made before it is used, and the decorator does not name the function that it decorates.
    space = execute("""
        import datetime
        from apscheduler.schedulers.background import BackgroundScheduler

        scheduler = BackgroundScheduler()

        @scheduler.scheduled_job('interval', ['text'], minutes=2)
        def job_func(text):
            print(datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3])

        scheduler.start()
    """)
    [job] = space["scheduler"].get_jobs()
    assert job.func is space["job_func"]
    assert str(job.trigger) == "interval[0:02:00]"


def test_a_decorator_that_names_its_function_is_refused(execute: Execute) -> None:
    # As in the guide but for the scheduler, which is made before it is used.
    with pytest.raises(TypeError, match="the function job_func where the trigger belongs: leave it out"):
        execute(f"""{HEAD}
@scheduler.scheduled_job(job_func, 'interval', minutes=2)
def job_func(text):
    print(text)
""")


def test_a_job_is_removed_by_its_id_and_by_its_handle(execute: Execute) -> None:
    # Mended: remove_job('job_one') had no quotes, add_job() no scheduler, and `remvoe` is remove.
    scheduler = execute(f"""{HEAD}
scheduler.start()
scheduler.add_job(job_func, 'interval', minutes=2, id='job_one')
scheduler.remove_job('job_one')
assert scheduler.get_jobs() == []

job = scheduler.add_job(job_func, 'interval', minutes=2, id='job_one')
job.remove()
    """)["scheduler"]
    assert scheduler.get_jobs() == []


def test_a_job_is_controlled_by_its_id_before_and_after_the_start(execute: Execute) -> None:
    program = """
job = sched.add_job(job_function, 'interval', minutes=5)
job_id = job.id
sched.pause_job(job_id)
paused = sched.get_job(job_id).next_run_time
sched.resume_job(job_id)
jobs = sched.get_jobs()
# Mended: this came first in the guide, before the job was paused.
sched.remove_job(job_id)
    """
    space = execute(f"""
from apscheduler.schedulers.background import BackgroundScheduler
def job_function(): pass
sched = BackgroundScheduler()
{program}
before = paused, len(jobs)
sched.start()
{program}
after = paused, len(jobs)
    """)
    assert space["before"] == space["after"] == (None, 1)
    assert space["sched"].get_jobs() == []


def test_the_interval_is_changed_with_modify_job_and_with_modify(execute: Execute) -> None:
    space = execute(f"""{HEAD}
scheduler.add_job(job_func, 'interval', minutes=2, id='job_one')
scheduler.start()
scheduler.modify_job('job_one', minutes=5)

job = scheduler.add_job(job_func, 'interval', minutes=2)
job.modify(minutes=5)
    """)
    jobs = space["scheduler"].get_jobs()
    assert [str(job.trigger) for job in jobs] == ["interval[0:05:00]"] * 2
    for job in jobs:
        assert 290 < (job.next_run_time - datetime.now(UTC)).total_seconds() <= 300


@pytest.mark.parametrize("call", ["scheduler.shutdown()", "scheduler.shutdown(wait=False)"])
def test_shutdown_with_and_without_waiting(execute: Execute, call: str) -> None:
    # Mended: `false` is False, and the two calls are alternatives.
    scheduler = execute(f"{HEAD}scheduler.start()\n{call}")["scheduler"]
    assert not scheduler.running
    with pytest.raises(SchedulerNotRunningError):
        scheduler.shutdown()


# -- stores and executors -----------------------------------------------------------------------------------------

# As written, but that the address of the server is added by the test: `MongoDBJobStore()` means one at the usual port.
CONFIGURED = """
from pytz import utc

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.executors.pool import ThreadPoolExecutor, ProcessPoolExecutor


jobstores = {
    'mongo': MongoDBJobStore(),
    'default': SQLAlchemyJobStore(url='sqlite:///jobs.sqlite')
}
executors = {
    'default': ThreadPoolExecutor(20),
    'processpool': ProcessPoolExecutor(5)
}
job_defaults = {
    'coalesce': False,
    'max_instances': 3
}
scheduler = BackgroundScheduler(jobstores=jobstores, executors=executors, job_defaults=job_defaults, timezone=utc)
"""

BY_NAME = """
from apscheduler.schedulers.background import BackgroundScheduler

scheduler = BackgroundScheduler({
    'apscheduler.jobstores.mongo': {'type': 'mongodb'},
    'apscheduler.jobstores.default': {'type': 'sqlalchemy', 'url': 'sqlite:///jobs.sqlite'},
    'apscheduler.executors.default': {
        'class': 'apscheduler.executors.pool:ThreadPoolExecutor',
        'max_workers': '20'
    },
    'apscheduler.executors.processpool': {'type': 'processpool', 'max_workers': '5'},
    'apscheduler.job_defaults.coalesce': 'false',
    'apscheduler.job_defaults.max_instances': '3',
    'apscheduler.timezone': 'UTC',
})
"""


# Mended: `print 'hello world'` is print(...), the job is due sooner than in five seconds, and ends the scheduler.
OF_ITS_OWN_CLIENT = """
from pymongo import MongoClient
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.executors.pool import ThreadPoolExecutor, ProcessPoolExecutor


def my_job():
    print('hello world')
host = '127.0.0.1'
port = 27017
client = MongoClient(host, port)

jobstores = {
    'mongo': MongoDBJobStore(collection='job', database='test', client=client),
    'default': MemoryJobStore()
}
executors = {
    'default': ThreadPoolExecutor(10),
    'processpool': ProcessPoolExecutor(3)
}
job_defaults = {
    'coalesce': False,
    'max_instances': 3
}
scheduler = BlockingScheduler(jobstores=jobstores, executors=executors, job_defaults=job_defaults)
scheduler.add_job(my_job, 'interval', seconds=5)
scheduler.add_job('builtins:print', 'interval', ['from mongo'], seconds=0.2, jobstore='mongo')
scheduler.add_job(scheduler.shutdown, 'date', jobstore='default', kwargs={'wait': False}, run_date=soon)

try:
    scheduler.start()
except SystemExit:
    client.close()
"""


@pytest.fixture
def mongodb() -> Iterator[str]:
    url = mongodb_url()
    with MongoClient[dict[str, Any]](url) as client:
        yield url
        for name in ("test", "apscheduler"):
            client.drop_database(name)


def test_a_mongodb_store_is_given_a_client_of_the_program(
    execute: Execute, mongodb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = OF_ITS_OWN_CLIENT.replace("MongoClient(host, port)", f"MongoClient({mongodb!r})")
    soon = datetime.now(UTC) + timedelta(seconds=1.2)
    space = execute(program.replace("run_date=soon", f"run_date='{soon.isoformat()}'"))
    stored = list(space["client"].test.job.find())
    space["client"].close()
    assert capsys.readouterr().out.count("from mongo") >= 2
    assert [document["_id"] for document in stored] != []


@pytest.mark.parametrize("program", [CONFIGURED, BY_NAME], ids=["objects", "names"])
def test_stores_and_executors_are_configured_by_alias(
    execute: Execute, program: str, mongodb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = program.replace("MongoDBJobStore()", f"MongoDBJobStore(host={mongodb!r})")
    scheduler = execute(program.replace("'mongodb'}", f"'mongodb', 'host': {mongodb!r}}}"))["scheduler"]
    scheduler.start()
    kept = scheduler.add_job(print, "interval", hours=1, id="kept")
    scheduler.add_job(print, "interval", hours=1, id="passing", jobstore="mongo")
    scheduler.add_job(pow, args=[2, 10], id="power", executor="processpool", misfire_grace_time=None)
    assert (kept.coalesce, kept.max_instances, str(scheduler.timezone)) == (False, 3, "UTC")
    assert [job.id for job in scheduler.get_jobs("mongo")] == ["passing"]
    wait_until(lambda: scheduler.get_runs("power", status="succeeded"))
    assert scheduler.get_runs("power")[0].result == 1024
    assert (tmp_path / "jobs.sqlite").exists()


def test_a_scheduler_may_be_configured_after_jobs_were_added(
    execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space = execute(HEAD.replace("scheduler = ", "early = "))
    early = space["early"]
    early.add_job("time:sleep", "interval", [0], hours=1, id="early")
    early.configure(
        jobstores={"default": SQLAlchemyJobStore(url="sqlite:///jobs.sqlite"), "mongo": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(20), "processpool": ProcessPoolExecutor(5)},
        job_defaults={"coalesce": False, "max_instances": 3},
        timezone="UTC",
    )
    early.start()
    [job] = early.get_jobs("default")
    assert (job.id, job.coalesce, job.max_instances) == ("early", False, 3)
