"""A program whose signal handlers use the scheduler that its main thread uses, at every possible moment.

A timer sends SIGALRM all the time while the main thread calls the scheduler; SIGTERM shuts it down wherever it comes.
Prints what the handlers did, and "ended" when the shutdown is through.
"""

from __future__ import annotations

import collections
import itertools
import signal
import sys
import threading

from apscheduler.errors import JobLookupError, SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler

INTERVAL = 0.0007
NESTED = (
    4  # handlers that interrupt each other; on a slow machine they would pile up until no connection is left
)


def nothing() -> None:
    pass


def calls(scheduler, name):
    """Every kind of call, one after another."""
    options = {"id": name, "replace_existing": True, "misfire_grace_time": None}
    return [
        lambda: scheduler.add_job(nothing, "interval", hours=1, **options),
        lambda: scheduler.modify_job(name, name="x"),
        lambda: scheduler.add_listener(nothing, 1),
        lambda: scheduler.get_jobs(),
        lambda: scheduler.pause_job(name),
        lambda: scheduler.remove_listener(nothing),
        lambda: scheduler.get_runs(limit=5),
        lambda: scheduler.resume_job(name),
        lambda: scheduler.get_job(name),
        lambda: scheduler.health(),
        lambda: scheduler.remove_job(name),
        lambda: scheduler.add_job(
            nothing, misfire_grace_time=None
        ),  # the storm may well put it off for a second
    ]


def main(url: str) -> None:
    stores = {} if url == "memory" else {"default": {"type": "sqlalchemy", "url": url}}
    scheduler = BackgroundScheduler(jobstores=stores, timezone="UTC")
    scheduler.start()
    over, did = threading.Event(), collections.Counter()
    turns = itertools.cycle(calls(scheduler, "of handlers"))
    depth = 0

    def on_alarm(*_):
        nonlocal depth
        if depth >= NESTED:
            return
        depth += 1
        try:
            next(turns)()
            did["calls"] += 1
        except JobLookupError:
            did["calls"] += 1
        except RuntimeError as exc:
            if "signal's handler" not in str(exc):
                raise
            did["refused"] += 1
        except SchedulerNotRunningError:
            pass
        finally:
            depth -= 1

    def on_term(*_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        scheduler.shutdown()
        over.set()

    for call in calls(scheduler, "first"):
        call()  # because what is used for the first time is imported, and half a module is of no use to a handler
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, on_term)
    signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
    print("begun", flush=True)  # noqa: T201
    for call in itertools.cycle(calls(scheduler, "of the program")):
        if over.is_set():
            break
        try:
            call()
        except (JobLookupError, SchedulerNotRunningError):
            pass
    for thread in threading.enumerate():
        if thread.name.startswith("APScheduler") and thread is not threading.current_thread():
            thread.join(30)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("APScheduler")]
    statuses = {run.status for run in scheduler.get_runs(limit=None)} - {"succeeded"}
    nodes = len(scheduler.get_nodes())
    print("ended", did["calls"], did["refused"], sorted(statuses), nodes, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
