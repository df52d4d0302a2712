"""The interface of APScheduler 2: what 2.1.2 answered when it was run, and what is said where it is otherwise here."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from apscheduler.errors import SchedulerAlreadyRunningError
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.scheduler import Scheduler
from apscheduler.triggers.interval import IntervalTrigger


def work(*args: object) -> object:
    return args


@pytest.fixture
def sched() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    yield scheduler
    scheduler.shutdown()


def test_the_decorators_return_the_function_with_its_job(sched: Scheduler) -> None:
    @sched.interval_schedule(seconds=2, misfire_grace_time=3600)
    def every_two_seconds() -> None: ...

    @sched.cron_schedule(day_of_week="mon-fri", hour=1, name="tests")
    def at_night() -> None: ...

    assert str(every_two_seconds.job.trigger) == "interval[0:00:02]"
    assert every_two_seconds.job.misfire_grace_time == 3600
    assert str(at_night.job.trigger) == "cron[day_of_week='mon-fri', hour='1']"
    assert at_night.job.name == "tests"
    assert [job.func for job in sched.get_jobs()] == [every_two_seconds, at_night]


def test_the_three_ways_to_add_a_job(sched: Scheduler) -> None:
    sched.start()
    interval = sched.add_interval_job(work, weeks=1, days=1, start_date="2099-01-01 00:00:00")
    cron = sched.add_cron_job(work, month="6-8,11-12", day="3rd fri", hour="0-3", args=["x"])
    dates = [sched.add_date_job(work, when) for when in ("2099-01-01 10:00:00", date(2099, 1, 2))]
    assert interval.next_run_time.replace(tzinfo=None) == datetime(2099, 1, 1)
    assert (str(cron.trigger), cron.args) == ("cron[month='6-8,11-12', day='3rd fri', hour='0-3']", ("x",))
    assert [job.next_run_time.replace(tzinfo=None) for job in dates] == [
        datetime(2099, 1, 1, 10),
        datetime(2099, 1, 2),
    ]


def test_any_trigger_can_be_given(sched: Scheduler) -> None:
    job = sched.add_job(IntervalTrigger(seconds=7), work, [1], {}, name="seven")
    assert (str(job.trigger), job.args, job.name) == ("interval[0:00:07]", (1,), "seven")


def test_a_job_and_a_function_are_unscheduled_once(sched: Scheduler) -> None:
    sched.start()
    first, _, _ = [sched.add_interval_job(work, hours=1) for _ in range(3)]
    sched.add_interval_job(print, hours=1)
    sched.unschedule_job(first)
    with pytest.raises(KeyError, match=first.id):
        sched.unschedule_job(first)
    sched.unschedule_func(work)
    assert [job.func for job in sched.get_jobs()] == [print]
    with pytest.raises(KeyError, match=r"work.* is not scheduled in this scheduler; get_jobs\(\) lists"):
        sched.unschedule_func(work)


def test_max_runs_ends_a_job(sched: Scheduler) -> None:
    ran, done = [], threading.Event()
    sched.add_interval_job(lambda: ran.append(1), seconds=0.1, max_runs=2, misfire_grace_time=30)
    # The end of the job is a fact of its trigger, so that a store keeps it.
    cron = sched.add_cron_job(work, hour=5, max_runs=3)
    sched.add_listener(lambda event: len(ran) == 2 and done.set(), EVENT_JOB_EXECUTED)
    sched.start()
    assert done.wait(20)
    assert [job.func for job in sched.get_jobs()] == [work]
    assert cron.trigger.end_date - cron.next_run_time == timedelta(days=2)


def test_the_events_of_a_job_have_the_job(sched: Scheduler) -> None:
    heard, enough = [], threading.Event()

    def listener(event: object) -> None:
        heard.append((event.job.name, event.retval, type(event.exception)))
        if len(heard) == 2:
            enough.set()

    sched.add_listener(listener, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    sched.start()
    soon = datetime.now(UTC) + timedelta(seconds=0.1)
    sched.add_date_job(lambda: 42, soon, name="answer", misfire_grace_time=30)
    sched.add_date_job(lambda: 1 / 0, soon, name="crash", misfire_grace_time=30)
    assert enough.wait(20)
    assert sorted(heard) == [("answer", 42, type(None)), ("crash", None, ZeroDivisionError)]
    sched.remove_listener(listener)
    sched.add_date_job(work, datetime.now(UTC) + timedelta(seconds=60))


def test_a_standalone_scheduler_returns_when_it_is_shut_down() -> None:
    sched = Scheduler(standalone=True)
    threads = []

    @sched.interval_schedule(seconds=0.1)
    def once() -> None:
        threads.append(sched.scheduler.health().loop_alive)
        sched.shutdown(wait=False)

    sched.start()
    assert threads == [True]
    assert not sched.running


@pytest.mark.parametrize("daemonic", [True, False])
def test_daemonic_says_whether_the_scheduler_keeps_the_program_alive(daemonic: bool) -> None:
    sched = Scheduler(daemonic=daemonic)
    sched.start()
    [thread] = [thread for thread in threading.enumerate() if thread.name == "APScheduler"]
    assert thread.daemon is daemonic
    sched.shutdown()


def test_options_come_from_a_dict_with_prefix_as_texts() -> None:
    sched = Scheduler(
        {
            "apscheduler.misfire_grace_time": "30",
            "apscheduler.daemonic": "false",
            "apscheduler.threadpool.max_threads": "7",
            "apscheduler.jobstore.x.class": "apscheduler.jobstores.ram_store:RAMJobStore",
            "other.thing": 1,
        },
        coalesce=False,
    )
    sched.start()
    job = sched.add_interval_job(work, hours=1, jobstore="x")
    assert (job.misfire_grace_time, job.coalesce, sched.daemonic) == (30, False, False)
    out = io.StringIO()
    sched.print_jobs(out)
    assert re.search(
        r"Jobstore default:\n    No .*\nJobstore x:\n    work \(trigger: interval.1:00:00", out.getvalue()
    )
    with pytest.raises(SchedulerAlreadyRunningError):
        sched.configure()
    sched.shutdown()


def test_start_twice_is_refused_and_shutdown_twice_is_not(sched: Scheduler) -> None:
    sched.start()
    assert sched.running
    with pytest.raises(SchedulerAlreadyRunningError):
        sched.start()
    sched.shutdown()
    sched.shutdown()
    sched.start()
    assert sched.running


def test_job_stores_are_added_and_removed_under_their_alias(sched: Scheduler) -> None:
    sched.add_jobstore(MemoryJobStore(), "other")
    with pytest.raises(KeyError, match="other"):
        sched.add_jobstore(MemoryJobStore(), "other")
    sched.remove_jobstore("other")
    with pytest.raises(KeyError, match="other"):
        sched.remove_jobstore("other")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda s: s.add_date_job(work, datetime(2001, 1, 1)), ValueError, "never be run.*2001.*later date"),
        (lambda s: s.add_interval_job("no", seconds=1), TypeError, "func must be callable, got 'no'"),
        (
            lambda s: s.add_interval_job(work, seconds=1, max_run=2),
            TypeError,
            "max_run=2; did you mean max_runs",
        ),
        (lambda s: s.add_interval_job(work, seconds=1, max_runs=0), ValueError, "max_runs must be .*got 0"),
        (lambda s: s.add_job("interval", work, [], {}), TypeError, "'interval': use add_interval_job"),
        (lambda s: s.add_cron_job(work, day="0, tue"), ValueError, r"'day'.*day_of_week='tue'"),
        (lambda s: (s.start(), s.add_interval_job(work, jobstore="zz")), KeyError, "No such job store: zz"),
        (
            lambda s: s.configure(
                jobstore={"f": {"class": "apscheduler.jobstores.shelve_store:ShelveJobStore"}}
            ),
            ValueError,
            "ShelveJobStore: .*SQLAlchemyJobStore with url=",
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_do(sched, call, error, words) -> None:
    with pytest.raises(error, match=words):
        call(sched)


def test_an_unknown_option_is_a_warning_that_names_the_nearest(caplog: pytest.LogCaptureFixture) -> None:
    Scheduler(demonic=True)
    assert "Unknown option demonic of the 2.x Scheduler is ignored; did you mean daemonic?" in caplog.text
