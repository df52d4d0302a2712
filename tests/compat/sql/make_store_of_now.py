"""Writes the store that `test_stored_format.py` reads: as this release stores jobs, runs and nodes.

python make_store_of_now.py store-3.20.0.sqlite

The file is kept, so that later releases show that they read it; it is not made again when the format changes.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from apscheduler._core.claims import Claim, Finish, NewRun, NodeRow, RunKey
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

START = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
HOUR = 3600.0


def add_jobs(scheduler: BackgroundScheduler) -> None:
    add = scheduler.add_job
    add("os.path:join", "date", ["a", "b"], run_date=START, id="date", misfire_grace_time=None)
    add(
        "builtins:dict", "interval", [[("k", 1)]], {"x": "ü"}, id="interval", name="näme", hours=1,
        start_date=START, max_instances=3, coalesce=False, on_crash="rerun",
    )  # fmt: skip
    add("time:time", "cron", day_of_week="mon-fri", hour="6", minute="30", id="cron", start_date=START)
    add("time:time", "calendarinterval", months=1, hour=3, id="calendar", start_date="2030-01-31")
    either = OrTrigger([CronTrigger(hour=1), IntervalTrigger(hours=1, start_date=START)])
    add("time:time", either, id="combined", next_run_time=START)
    add("time:time", "interval", hours=1, start_date=START, id="paused", next_run_time=None)


def fire(store: SQLAlchemyJobStore) -> None:
    """Have the interval job run five times: one of each outcome, and one that is cut off and kept."""
    stamp = START.timestamp()
    outcomes = {
        0: ("succeeded", {"result": None}),
        1: ("failed", {"error": "ValueError: ü", "traceback": "Traceback ..."}),
        2: ("missed", {"reason": "2.000 s late, misfire_grace_time is 1 s"}),
    }
    for number in range(5):
        row = store.read_job("interval")
        due = stamp + number * HOUR
        runs = [NewRun(due, "skipped", "max_instances")] if number == 3 else [NewRun(due)]
        rerun = row.definition if number == 4 else None
        node = "gone:1:1:0" if number == 4 else "host:1:1:0"
        store.claim(node, [Claim("interval", row.revision, due + HOUR, runs, rerun=rerun)])
        if number in outcomes:
            status, more = outcomes[number]
            store.finish([Finish(RunKey("interval", row.revision, due), status, due, due + 0.5, **more)])
    store.heartbeat(NodeRow("host:1:1:0", "host", 1, stamp, 4))
    store.take_over("gone:1:1:0", stamp + 5 * HOUR, "node gone:1:1:0 died")


def main(path: str) -> None:
    Path(path).unlink(missing_ok=True)
    store = SQLAlchemyJobStore(f"sqlite:///{path}")
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone="UTC", run_log={"max_age": None})
    scheduler.start(paused=True)
    add_jobs(scheduler)
    fire(store)
    scheduler.shutdown()
    with store.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA journal_mode=DELETE")  # one file, not three
    store.engine.dispose()


main(sys.argv[1])
