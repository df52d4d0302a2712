"""What a user reads when something is wrong: each message names the thing, the value, and what to do.

Each mistake is made for real. A message is the error's text and its notes, which tracebacks show below it: where the text
is that of 3.x, or of a database driver, programs may look for it, and the remedy is a note.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from _programs import wait_until

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

Scheduler = BackgroundScheduler


def work(a: int = 1) -> None: ...


def needs(a: int) -> None: ...


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = BackgroundScheduler(timezone="UTC")
    yield made
    if made.running:
        made.shutdown()


@pytest.fixture
def running(scheduler: Scheduler) -> Scheduler:
    scheduler.start(paused=True)
    return scheduler


def message(call: Callable[[], object]) -> str:
    """Return what a traceback would end with after `call()`."""
    with pytest.raises(Exception) as info:
        call()
    return "\n".join([str(info.value), *getattr(info.value, "__notes__", [])])


def added_twice(scheduler: Scheduler) -> None:
    for _ in range(2):
        scheduler.add_job(work, "interval", hours=1, id="nightly")


# What is done, and what the message must have in it: the thing, the value, the remedy.
ADDING: dict[str, tuple[Callable[[Scheduler], object], list[str]]] = {
    "an argument is missing": (lambda s: s.add_job(needs), ["not been supplied: a", "needs()", "args=[...]"]),
    "an argument too many": (lambda s: s.add_job(work, args=[1, 2]), ["given in args: 2", "work(..., ...)"]),
    "an unknown keyword": (
        lambda s: s.add_job(work, kwargs={"b": 1}),
        ["keyword arguments: b", "work(b=...)"],
    ),
    "the function was called": (lambda s: s.add_job(work()), ["func", "None", "write f, not f()"]),
    "the trigger comes first": (
        lambda s: s.add_job("interval", work, minutes=2),
        ["'interval'", "'package.module:name'", "before the trigger"],
    ),
    "a module that is not there": (
        lambda s: s.add_job("nowhere.tasks:work"),
        ["nowhere.tasks:work", "No module named 'nowhere'"],
    ),
    "a name that is not there": (lambda s: s.add_job("json:dumpz"), ["json:dumpz", "no attribute 'dumpz'"]),
    "a trigger that is not there": (
        lambda s: s.add_job(work, "intervall"),
        ["intervall", "did you mean 'interval'"],
    ),
    "a trigger's class": (
        lambda s: s.add_job(work, IntervalTrigger),
        ["ABCMeta", "an instance such as IntervalTrigger(minutes=5)"],
    ),
    "an unknown argument of a trigger": (
        lambda s: s.add_job(work, "cron", hours=1),
        ["cron trigger has no argument hours", "did you mean hour?", "it takes year, month"],
    ),
    "a text for a number": (
        lambda s: s.add_job(work, "interval", minutes="5"),
        ["are numbers", "minutes='5'"],
    ),
    "a negative interval": (lambda s: s.add_job(work, "interval", minutes=-5), ["must be positive", "-300"]),
    "an hour that is not": (
        lambda s: s.add_job(work, "cron", hour=25),
        ["'25'", "'hour'", "allowed are 0 to 23"],
    ),
    "an hour of a calendar interval": (
        lambda s: CalendarIntervalTrigger(days=1, hour=25),
        ["hour must be in 0..23", "hour=25"],
    ),
    "a weekday among days": (
        lambda s: s.add_job(work, "cron", day="0, tue"),
        ["'0'", "'day'", "day_of_week='tue'"],
    ),
    "too few fields of a crontab": (
        lambda s: CronTrigger.from_crontab("* * *"),
        ["got 3, expected 5", "'* * *'", "as in '30 6 * * mon-fri'"],
    ),
    "a number among triggers": (lambda s: OrTrigger([1]), ["OrTrigger", "got 1", "CronTrigger(day=13)"]),
    "a date that is not": (
        lambda s: s.add_job(work, "date", run_date="tomorrow"),
        ["run_date", "'tomorrow'", "'YYYY-MM-DD"],
    ),
    "a zone that is not": (
        lambda s: s.add_job(work, "cron", hour=1, timezone="Asia/Shangai"),
        ["Asia/Shangai", "did you mean 'Asia/Shanghai'"],
    ),
    "a zone by its offset": (
        lambda s: s.add_job(work, "cron", hour=1, timezone=8),
        ["8", "such as 'Asia/Shanghai'"],
    ),
    "no instances": (
        lambda s: s.add_job(work, max_instances=0),
        ["max_instances", "positive integer", "got 0"],
    ),
    "a negative grace time": (
        lambda s: s.add_job(work, misfire_grace_time=-1),
        ["misfire_grace_time", "None or a positive integer (seconds)", "-1"],
    ),
    "a number for an id": (lambda s: s.add_job(work, id=7), ["id must be a nonempty string", "7"]),
    "a word for replace_existing": (
        lambda s: s.add_job(work, replace_existing="yes"),
        ["replace_existing", "True, False or 'if_changed'", "'yes'"],
    ),
    "a decorator with its function": (
        lambda s: s.scheduled_job(work, "interval", minutes=2),
        ["the function work", "leave it out", "scheduled_job('interval', minutes=2)"],
    ),
}

RUNNING: dict[str, tuple[Callable[[Scheduler], object], list[str]]] = {
    "an id that is taken": (added_twice, ["(nightly)", "replace_existing=True", "'if_changed'"]),
    "a store that is not there": (
        lambda s: s.add_job(work, jobstore="mongo"),
        ["No such job store: mongo", "has default", "add_jobstore()"],
    ),
    "a job that is not there": (
        lambda s: s.remove_job("nightly"),
        ["No job by the id of nightly", "get_jobs() lists"],
    ),
    "another id": (
        lambda s: s.add_job(work, "interval", hours=1, id="old").modify(id="new"),
        ["ID may not be changed", "'new'", "Remove old, add it as"],
    ),
    "an attribute that is not": (
        lambda s: s.add_job(work, "interval", hours=1).modify(hour=5),
        ["attributes of Job: hour", "interval[1:00:00]"],
    ),
    "an executor that is not there": (
        lambda s: s.remove_executor("processpool"),
        ["No such executor: processpool", "has default", "add_executor()"],
    ),
    "an alias that is taken": (
        lambda s: s.add_jobstore(MemoryJobStore(), "default"),
        ['"default"', "Give another alias", "remove_jobstore()"],
    ),
    "an executor's alias that is taken": (
        lambda s: s.add_executor(ThreadPoolExecutor(), "default"),
        ['"default"', "Give another alias", "remove_executor()"],
    ),
    "a store by half its name": (
        lambda s: s.add_jobstore("sqlachemy"),
        ["sqlachemy", "did you mean 'sqlalchemy'"],
    ),
    "a second start": (lambda s: s.start(), ["already running", "Call start() once"]),
    "options while it runs": (lambda s: s.configure(), ["already running", "needs shutdown() first"]),
    "a status that is not": (
        lambda s: s.get_runs(status="failled"),
        ["'failled'", "known are running, succeeded"],
    ),
    "a time that is not": (lambda s: s.get_runs(since="yesterday"), ["since", "'yesterday'", "'YYYY-MM-DD"]),
    "a listener that cannot be called": (
        lambda s: s.add_listener("tell"),
        ["callback", "'tell'", "one argument, the event"],
    ),
    "a file of something else": (
        lambda s: s.import_jobs(io.StringIO("hello")),
        ["not a file that export_jobs() wrote"],
    ),
    "a scheduler as an argument": (
        lambda s: s.__reduce_ex__(2),
        ["cannot be serialized", "as an argument to a job"],
    ),
}

OPTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a list of stores": (
        {"jobstores": [MemoryJobStore()]},
        ["jobstores must be a dict", "{'default': ...}", "list"],
    ),
    "a URL for a store": (
        {"jobstores": {"default": "postgresql://me:secret@host/db"}},
        ["jobstores['default']", "str", "{'type': 'sqlalchemy', 'url'"],
    ),
    "a store without a kind": (
        {"jobstores": {"default": {"url": "sqlite://"}}},
        ['"default"', '"type" or "class"', "Write it as {'type'"],
    ),
    "a store without a URL": (
        {"jobstores": {"default": {"type": "sqlalchemy"}}},
        ["jobstores['default']", 'either "engine" or "url"', "such as url='sqlite:///jobs.sqlite'"],
    ),
    "a URL that is none": (
        {"jobstores": {"default": {"type": "sqlalchemy", "url": "my database"}}},
        ["database URL", "'sqlite:///jobs.sqlite'"],
    ),
    "an unknown argument of a store": (
        {"jobstores": {"default": {"type": "sqlalchemy", "ur": "sqlite://"}}},
        ["jobstores['default']", "'ur'", "takes url, engine"],
    ),
    "a number for an executor": (
        {"executors": {"default": 20}},
        ["executors['default']", "int", "{'type': 'threadpool', 'max_workers': 20}"],
    ),
    "no workers": (
        {"executors": {"default": {"type": "threadpool", "max_workers": "many"}}},
        ["executors['default']", "'many'", "takes max_workers"],
    ),
    "a zone that is not": ({"timezone": "Shanghai"}, ["Shanghai", "did you mean 'Asia/Shanghai'"]),
    "defaults that are none": ({"job_defaults": 3}, ["job_defaults", "{'max_instances': 3}", "got 3"]),
    "no instances": (
        {"job_defaults": {"max_instances": 0}},
        ["job_defaults: max_instances", "positive", "got 0"],
    ),
    "a word for a truth": ({"job_defaults": {"coalesce": "maybe"}}, ['"maybe"', "one of true, yes"]),
    "a text for the run log": (
        {"run_log": "7 days"},
        ["run_log", "True, False or a dict with max_age", "'7 days'"],
    ),
    "a lease of nothing": ({"lease": 0}, ["lease", "positive number of seconds", "got 0"]),
    "a word for seconds": (
        {"jobstore_retry_interval": "soon"},
        ["jobstore_retry_interval", "number of seconds", "'soon'"],
    ),
    "renames without colons": ({"renames": {"a": "b"}}, ["renames", "'a'", "package.module:name"]),
}


@pytest.mark.parametrize("mistake", ADDING)
def test_a_mistake_in_adding_a_job(mistake: str, scheduler: Scheduler) -> None:
    call, words = ADDING[mistake]
    said = message(lambda: call(scheduler))
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize("mistake", RUNNING)
def test_a_mistake_in_using_a_scheduler(mistake: str, running: Scheduler) -> None:
    call, words = RUNNING[mistake]
    said = message(lambda: call(running))
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize("mistake", OPTIONS)
def test_a_mistake_in_the_options(mistake: str) -> None:
    options, words = OPTIONS[mistake]
    said = message(lambda: BackgroundScheduler(**options))
    assert [word for word in words if word not in said] == [], said
    assert "secret" not in said, "a password is shown"


@pytest.mark.parametrize("call", ["shutdown", "pause", "resume"])
def test_a_scheduler_that_was_not_started(call: str, scheduler: Scheduler) -> None:
    said = message(getattr(scheduler, call))
    assert said.startswith("Scheduler is not running\nCall start() first")


def test_a_scheduler_on_asyncio_without_a_loop() -> None:
    said = message(AsyncIOScheduler().start)
    assert said.startswith("no running event loop")
    assert "asyncio.run(main())" in said


def test_a_coroutine_that_was_called(scheduler: Scheduler) -> None:
    coroutine = asyncio.sleep(1)
    assert "write f, not f()" in message(lambda: scheduler.add_job(coroutine))
    coroutine.close()


# -- databases ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@127.0.0.1:9/db",
        "mysql://me:secret@127.0.0.1:9/db",
        "sqlite:////nowhere/jobs.sqlite",
    ],
)
def test_a_database_that_does_not_answer_at_the_start(url: str) -> None:
    """The error is the driver's own, as in 3.x; below it stands whose it is. No password is shown."""
    scheduler = BackgroundScheduler(jobstores={"archive": SQLAlchemyJobStore(url=url)})
    said = message(scheduler.start)
    assert 'The job store "archive"' in said
    assert "could not be opened, so the scheduler was not started" in said
    assert "Is its server running, and are its address and password right?" in said
    assert "secret" not in said
    assert not scheduler.running


def test_a_driver_that_is_not_installed() -> None:
    said = message(lambda: SQLAlchemyJobStore(url="oracle://me:secret@host/db"))
    assert "needs the driver of oracle, which is not installed: No module named" in said
    assert "secret" not in said


# -- what the log says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"time_zone": "UTC"}, "Unknown scheduler option time_zone is ignored; did you mean timezone?"),
        ({"max_instances": 3}, "set it for all jobs with job_defaults={'max_instances': ...}"),
        ({"job_defaults": {"coalesc": True}}, "coalesc in job_defaults is ignored; did you mean coalesce?"),
    ],
)
def test_an_unknown_option_is_named_with_the_nearest_known(
    options: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    BackgroundScheduler(**options)
    assert words in caplog.text


def test_what_happens_to_a_run_is_logged_with_the_job_and_the_reason(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    scheduler.add_job(time.sleep, "interval", [0.5], seconds=0.1, id="slow", name="slow work")
    scheduler.add_job(work, run_date=datetime.now(UTC) - timedelta(minutes=1), id="late", name="late work")
    scheduler.add_job(work, executor="processpool", id="lost", misfire_grace_time=60)
    scheduler.add_job(work, "date", run_date="2001-01-01", id="never", name="never", next_run_time=None)
    scheduler.start()
    wanted = [
        'Skipped a run of job "slow work',
        "which is its max_instances",
        'Run time of job "late work',
        "misfire_grace_time is 1",
        'Job lost in job store "default" is set aside',
        "No such executor: processpool",
        "This scheduler has default; add_executor() adds one.",
        "It is kept, and tried again.",
    ]
    wait_until(lambda: all(words in caplog.text for words in wanted))
