"""Small programs whose answers are the same in 3.11.3 and here.

Run with the interpreter that has 3.11.3 installed, this writes `behaviour-3.11.3.json`:

    python tests/compat/oracle_behaviour.py
"""

from __future__ import annotations

import io
import json
import logging
import pickle
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from apscheduler import events
from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

UTC = UTC
PROGRAMS: dict[str, Callable[[], Any]] = {}
NAMES = {
    value: name for name, value in vars(events).items() if name.startswith("EVENT_") and name != "EVENT_ALL"
}
NAMES[1] = "EVENT_SCHEDULER_STARTED"
FAR = {"start_date": "2100-01-01", "timezone": "UTC"}


def program(function: Callable[[], Any]) -> Callable[[], Any]:
    PROGRAMS[function.__name__] = function
    return function


class Still(BaseScheduler):
    """Makes no turn by itself."""

    def wakeup(self) -> None:
        pass

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)


def still(**options: Any) -> Still:
    return Still(timezone="UTC", executors={"default": DebugExecutor()}, **options)


def noop(*args: Any, **kwargs: Any) -> Any:
    return args[0] if args else None


def one(a: Any, b: Any = None) -> None: ...


def fail() -> None:
    raise ValueError("no luck")


class Thing:
    def method(self) -> None: ...

    @classmethod
    def of_class(cls) -> None: ...

    @staticmethod
    def static() -> None: ...

    def __call__(self) -> None: ...


def told(call: Callable[[], Any]) -> Any:
    """Return what a call returns as a text, or the type of what it raises."""
    try:
        return repr(call())
    except BaseException as exc:
        return type(exc).__name__


def message(call: Callable[[], Any]) -> str:
    """Return the type and the first sentence of what a call raises."""
    try:
        call()
    except BaseException as exc:
        text = str(exc.args[0]) if exc.args else str(exc)
        return f"{type(exc).__name__}: {text}"
    return "nothing"


def recorded(scheduler: Any) -> list[Any]:
    seen: list[Any] = []

    def listener(event: Any) -> None:
        seen.append(
            [
                NAMES[event.code],
                type(event).__name__,
                event.alias,
                getattr(event, "job_id", None),
                getattr(event, "jobstore", None),
            ]
        )

    scheduler.add_listener(listener)
    return seen


@program
def errors_of_a_scheduler_that_does_not_run() -> Any:
    s = BackgroundScheduler()
    return [message(call) for call in (s.shutdown, s.pause, s.resume)]


@program
def errors_of_a_scheduler_that_runs() -> Any:
    s = still()
    s.start()
    answers = [message(s.start), message(s.configure)]
    s.shutdown()
    return [*answers, message(s.shutdown)]


@program
def wrong_functions() -> Any:
    s = still()
    return [
        told(partial(s.add_job, func)) for func in (1, None, "nocolon", "no.such:mod", "math:nothing", ":x")
    ]


@program
def wrong_arguments_of_functions() -> Any:
    s = still()
    return [
        told(partial(s.add_job, one, **kwargs))
        for kwargs in (
            {},
            {"args": [1, 2, 3]},
            {"args": [1], "kwargs": {"a": 2}},
            {"args": [1], "kwargs": {"c": 2}},
            {"args": 5},
            {"kwargs": 5},
        )
    ]


@program
def wrong_triggers() -> Any:
    s = still()
    return [
        told(partial(s.add_job, noop, "foo")),
        told(partial(s.add_job, noop, 5)),
        told(partial(s.add_job, noop, "interval", foo=1)),
        told(partial(s.add_job, noop, "cron", hour=25)),
        told(partial(s.add_job, noop, "cron", hour="x")),
        told(partial(s.add_job, noop, "date", run_date="soon")),
        told(partial(s.add_job, noop, "interval", minutes="x")),
    ]


@program
def wrong_values_of_jobs() -> Any:
    s = still()
    wrong = [
        {"name": ""},
        {"name": 5},
        {"id": 5},
        {"misfire_grace_time": 0},
        {"misfire_grace_time": "1"},
        {"max_instances": 0},
        {"max_instances": "2"},
        {"executor": 5},
        {"next_run_time": 5},
        {"next_run_time": "x"},
    ]
    return [told(partial(s.add_job, noop, **kwargs)) for kwargs in wrong]


@program
def messages_that_programs_match() -> Any:
    s = still()
    s.start(paused=True)
    s.add_job(noop, "interval", days=1, id="a")
    return [
        message(partial(s.remove_job, "zz")),
        message(partial(s.modify_job, "zz", name="x")),
        message(partial(s.pause_job, "zz")),
        message(partial(s.resume_job, "zz")),
        message(partial(s.modify_job, "a", foo="x")),
        message(partial(s.modify_job, "a", id="b")),
        message(partial(s.add_job, noop, jobstore="zz")),
        message(partial(s.add_executor, 5, "new")),
        message(partial(s.add_jobstore, 5, "new")),
        message(partial(s.add_jobstore, "memory", "default")),
        message(partial(s.add_executor, "debug", "default")),
        message(partial(s.remove_jobstore, "zz")),
        message(partial(s.remove_executor, "zz")),
        message(partial(BackgroundScheduler, executors={"x": {}})),
        message(partial(BackgroundScheduler, jobstores={"x": {}})),
        message(partial(BackgroundScheduler, executors={"x": 5})),
        message(partial(BackgroundScheduler, jobstores={"x": 5})),
        message(partial(BackgroundScheduler, timezone=5)),
        message(partial(pickle.dumps, s)),
    ]


@program
def messages_that_go_on_here() -> Any:
    """Ours begin with these words and say more."""
    s = still()
    s.start(paused=True)
    s.add_job(noop, "interval", days=1, id="a")
    return [
        message(partial(s.add_job, noop, id="a")),
        message(partial(s.add_job, 1)),
        message(partial(s.add_job, "nocolon")),
        message(partial(s.add_job, noop, "foo")),
        message(partial(s.add_job, noop, name="")),
        message(partial(s.add_job, noop, id=5)),
        message(partial(s.add_job, noop, misfire_grace_time=0)),
        message(partial(s.add_job, noop, max_instances=0)),
        message(partial(s.add_job, noop, executor=5)),
        message(partial(s.add_job, noop, next_run_time=5)),
        message(partial(s.add_job, noop, next_run_time="x")),
        message(partial(BackgroundScheduler, timezone="Nope/Zone")),
    ]


@program
def a_pending_job() -> Any:
    s = still()
    job = s.add_job(noop, "interval", minutes=5, id="a", **FAR)
    attributes = {
        name: hasattr(job, name)
        for name in ("next_run_time", "misfire_grace_time", "coalesce", "max_instances")
    }
    return [
        repr(job),
        str(job),
        job.pending,
        attributes,
        [j.id for j in s.get_jobs()],
        told(lambda: s.get_job("a")),
    ]


@program
def defaults_of_a_job() -> Any:
    s = still()
    s.start(paused=True)
    job = s.add_job(noop)
    state = {
        name: getattr(job, name)
        for name in ("args", "kwargs", "name", "executor", "misfire_grace_time", "coalesce", "max_instances")
    }
    return [state, type(job.trigger).__name__, len(job.id), job.pending]


@program
def names_and_references() -> Any:
    s = still()
    s.start(paused=True)
    answers = []
    for func in (
        noop,
        Thing().method,
        Thing.of_class,
        Thing.static,
        Thing(),
        len,
        "json:dumps",
        lambda: None,
    ):
        args = [1] if func in (len, "json:dumps") else []
        job = s.add_job(func, "interval", days=1, args=args)
        answers.append([job.name, job.func_ref])
    return answers


@program
def the_state_of_a_job() -> Any:
    s = still()
    s.start(paused=True)
    job = s.add_job(
        "json:dumps",
        "interval",
        args=[1],
        kwargs={"indent": 2},
        id="i",
        name="n",
        misfire_grace_time=7,
        coalesce=False,
        max_instances=3,
        next_run_time="2100-02-03",
        days=1,
        **FAR,
    )
    state = job.__getstate__()
    trigger = state.pop("trigger").__getstate__()
    return [{k: repr(v) for k, v in state.items()}, {k: repr(v) for k, v in trigger.items()}]


@program
def what_is_printed() -> Any:
    s = still()
    out = io.StringIO()
    s.print_jobs(out=out)
    s.add_job(noop, "interval", minutes=5, name="N", **FAR)
    s.print_jobs(out=out)
    s.start(paused=True)
    s.add_jobstore("memory", "alt")
    s.add_job(noop, "date", run_date="2100-01-02", name="D")
    s.add_job(noop, "interval", days=1, next_run_time=None, name="P")
    s.add_job(noop, "cron", hour=5, name="C", next_run_time="2100-05-05")
    s.print_jobs(out=out)
    s.print_jobs("alt", out=out)
    s.print_jobs("nope", out=out)
    return out.getvalue().split("\n")


@program
def the_order_of_jobs() -> Any:
    s = still()
    s.start(paused=True)
    s.add_jobstore("memory", "alt")
    for name, date in (("c", "2100-01-03"), ("a", "2100-01-01"), ("b", "2100-01-02")):
        s.add_job(noop, "date", run_date=date, id=name)
    s.add_job(noop, "interval", days=1, id="p", next_run_time=None)
    s.add_job(noop, "date", run_date="2099-01-01", id="other", jobstore="alt")
    return [
        [j.id for j in s.get_jobs("default")],
        [j.id for j in s.get_jobs("alt")],
        [j.id for j in s.get_jobs("nope")],
    ]


@program
def events_of_a_lifecycle() -> Any:
    s = still()
    seen = recorded(s)
    s.add_jobstore("memory", "alt")
    s.add_executor("debug", "more")
    s.start()
    s.pause()
    s.resume()
    s.remove_jobstore("alt")
    s.remove_executor("more")
    s.shutdown()
    return seen


@program
def events_of_jobs_that_change() -> Any:
    s = still()
    seen = recorded(s)
    s.add_job(noop, "interval", days=1, id="pending")
    s.start()
    s.add_job(noop, "interval", days=1, id="a")
    s.modify_job("a", name="x")
    s.pause_job("a")
    s.resume_job("a")
    s.reschedule_job("a", trigger="interval", days=2)
    s.add_job(noop, "interval", days=1, id="a", replace_existing=True)
    s.remove_job("a")
    s.add_job(noop, "date", run_date="2020-01-01", id="over", next_run_time=None)
    s.remove_all_jobs()
    s.shutdown()
    return seen


@program
def events_of_runs() -> Any:
    """Sorted, because what is told of the submission comes first here and last in 3.x."""
    s = still()
    s.start()
    seen = recorded(s)
    now = datetime.now(UTC)
    s.add_job(noop, "date", run_date=now, id="good", misfire_grace_time=None)
    s.add_job(fail, "date", run_date=now, id="bad", misfire_grace_time=None)
    s.add_job(noop, "date", run_date=now - timedelta(days=1), id="late", misfire_grace_time=1)
    s._process_jobs()
    s.shutdown()
    return sorted(seen, key=str)


@program
def runs_that_are_coalesced_or_not() -> Any:
    s = still()
    s.start()
    times: dict[str, int] = {}
    lists: dict[str, int] = {}

    def executed(event: Any) -> None:
        times[event.job_id] = times.get(event.job_id, 0) + 1

    def submitted(event: Any) -> None:
        lists[event.job_id] = len(event.scheduled_run_times)

    s.add_listener(executed, events.EVENT_JOB_EXECUTED)
    s.add_listener(submitted, events.EVENT_JOB_SUBMITTED)
    start = datetime.now(UTC) - timedelta(seconds=55)
    for name, coalesce in (("one", True), ("all", False)):
        s.add_job(
            noop,
            IntervalTrigger(seconds=10, start_date=start),
            id=name,
            coalesce=coalesce,
            misfire_grace_time=None,
            next_run_time=start,
        )
    s._process_jobs()
    s.shutdown()
    return [times, lists]


@program
def what_an_event_of_an_outcome_carries() -> Any:
    s = still()
    s.start()
    seen = []
    s.add_listener(seen.append, events.EVENT_JOB_EXECUTED | events.EVENT_JOB_ERROR | events.EVENT_JOB_MISSED)
    now = datetime.now(UTC)
    s.add_job(noop, "date", run_date=now, id="good", args=["value"], misfire_grace_time=None)
    s.add_job(fail, "date", run_date=now, id="bad", misfire_grace_time=None)
    s.add_job(noop, "date", run_date=now - timedelta(days=1), id="late")
    s._process_jobs()
    s.shutdown()
    return sorted(
        [
            e.job_id,
            e.retval,
            repr(e.exception),
            type(e.traceback).__name__,
            e.scheduled_run_time.tzinfo is not None,
            isinstance(e, events.JobExecutionEvent),
        ]
        for e in seen
    )


@program
def max_instances_in_threads() -> Any:
    s = Still(timezone="UTC")
    s.start()
    codes = []
    go, begun = threading.Event(), threading.Event()
    s.add_listener(lambda e: codes.append(NAMES[e.code]), events.EVENT_JOB_MAX_INSTANCES)
    start = datetime.now(UTC) - timedelta(seconds=1)

    def wait() -> None:
        begun.set()
        go.wait(10)

    s.add_job(
        wait,
        IntervalTrigger(seconds=0.01, start_date=start),
        id="j",
        misfire_grace_time=None,
        next_run_time=start,
    )
    s._process_jobs()
    begun.wait(10)
    threading.Event().wait(0.03)
    s._process_jobs()
    go.set()
    s.shutdown()
    return codes


@program
def next_run_times() -> Any:
    s = still()
    s.start(paused=True)
    far = datetime(2100, 1, 1, tzinfo=UTC)
    job = s.add_job(noop, "interval", days=1, id="a", **FAR)
    answers = [job.next_run_time == far]
    s.pause_job("a")
    answers.append(job.next_run_time)
    s.resume_job("a")
    answers.append(job.next_run_time == far)
    job.modify(trigger=DateTrigger("2101-01-01", "UTC"))
    answers.append(job.next_run_time == far)
    job.reschedule("date", run_date="2102-01-01")
    answers.append(job.next_run_time.isoformat())
    s.add_job(noop, "date", run_date="2020-01-01", id="past", next_run_time=None)
    answers.append(str(s.resume_job("past").next_run_time.year))
    s.add_job(noop, IntervalTrigger(days=1, end_date="2020-01-01"), id="over", next_run_time=None)
    answers.append([told(lambda: s.resume_job("over")), told(lambda: s.get_job("over"))])
    return answers


@program
def handles() -> Any:
    s = still()
    s.start(paused=True)
    job = s.add_job(noop, "interval", days=1, id="a")
    other = s.add_job(noop, "interval", days=1, id="b")
    return [
        s.get_job("a") is job,
        job == other,
        job != job,
        job == "a",
        told(lambda: hash(job)),
        job.modify(name="x") is job,
        s.modify_job("a", name="y") is job,
        s.pause_job("a") is job,
        s.resume_job("a") is job,
        s.reschedule_job("a", trigger="interval", days=2) is job,
        job.remove(),
        told(lambda: s.get_job("a")),
    ]


@program
def triggers_shown() -> Any:
    triggers = [
        DateTrigger("2100-01-01", "UTC"),
        IntervalTrigger(hours=1, minutes=5, **FAR),
        CronTrigger(day_of_week="mon-fri", hour="*/2", timezone="UTC"),
        CronTrigger.from_crontab("*/5 1-3 * * 0", "UTC"),
    ]
    return [[str(t), repr(t)] for t in triggers]


@program
def a_failed_start() -> Any:
    s = still()
    for name in ("a", "b", "a"):
        s.add_job(noop, "interval", days=1, id=name)
    return [told(s.start), s.state, s.running, [j.id for j in s.get_jobs()]]


@program
def configuration() -> Any:
    s = BackgroundScheduler(
        {
            "apscheduler.jobstores.alt": {"type": "memory"},
            "apscheduler.executors.default": {
                "class": "apscheduler.executors.pool:ThreadPoolExecutor",
                "max_workers": "7",
            },
            "apscheduler.job_defaults.coalesce": "false",
            "apscheduler.job_defaults.max_instances": "3",
            "apscheduler.timezone": "Europe/Berlin",
        },
        daemon="no",
    )
    return [
        sorted(s._jobstores),
        {alias: type(executor).__name__ for alias, executor in s._executors.items()},
        {k: s._job_defaults[k] for k in ("coalesce", "max_instances", "misfire_grace_time")},
        str(s.timezone),
        s._daemon,
    ]


@program
def exports() -> Any:
    s = still()
    before = told(lambda: s.export_jobs(io.StringIO()))
    s.start(paused=True)
    s.add_job("json:dumps", "interval", args=[[1, [2]]], kwargs={"indent": None}, id="a", days=1, **FAR)
    out = io.StringIO()
    s.export_jobs(out)
    document = json.loads(out.getvalue())
    [job] = document["jobs"]
    job["trigger"] = job["trigger"]["__apscheduler_class__"]
    job["next_run_time"] = sorted(job["next_run_time"])
    conflict = told(lambda: s.import_jobs(io.StringIO(out.getvalue())))
    s.remove_all_jobs()
    s.import_jobs(io.StringIO(out.getvalue()))
    return [before, document["version"], job, conflict, str(s.get_job("a"))]


@program
def stores_after_a_restart() -> Any:
    store = MemoryJobStore()
    s = Still(timezone="UTC", jobstores={"default": store})
    s.start(paused=True)
    s.add_job(noop, "interval", days=1, id="a")
    s.shutdown()
    after = len(s.get_jobs())
    s.start(paused=True)
    again = len(s.get_jobs())
    s.shutdown()
    return [after, again]


def run_all() -> dict[str, Any]:
    logging.disable()
    try:
        return {name: json.loads(json.dumps(function())) for name, function in PROGRAMS.items()}
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    import oracle_behaviour  # by its name, because references to what is in it are part of the answers

    import apscheduler

    if apscheduler.version != "3.11.3":
        sys.exit("run this with the interpreter that has 3.11.3 installed")
    answers = json.dumps(oracle_behaviour.run_all(), indent=1)
    Path(__file__).with_name("behaviour-3.11.3.json").write_text(answers + "\n")
