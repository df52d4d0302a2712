"""Writes the table that the tests of this folder read; run with a Python that has APScheduler 3.11.3.

python make_jobs_of_3x.py jobs-3.11.3.sqlite
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger


def main(path: str) -> None:
    Path(path).unlink(missing_ok=True)
    scheduler = BackgroundScheduler(timezone="Europe/Berlin")
    scheduler.add_jobstore(SQLAlchemyJobStore(f"sqlite:///{path}"))
    scheduler.start(paused=True)
    start = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    add = scheduler.add_job
    add("os.path:join", "date", ["a", "b"], run_date=start, id="date", misfire_grace_time=None)
    add(
        "builtins:dict", "interval", [[("k", 1)]], {"x": "ü"}, id="interval", name="näme", minutes=90,
        start_date=start, jitter=5, max_instances=3, coalesce=False, next_run_time=start,
    )  # fmt: skip
    add("time:time", "cron", day_of_week="mon-fri", hour="6", minute="30", id="cron", misfire_grace_time=3600,
        next_run_time=datetime(2030, 1, 2, 5, 30, tzinfo=UTC))  # fmt: skip
    add("time:time", "calendarinterval", months=1, hour=3, id="calendar", start_date="2030-01-31",
        next_run_time=datetime(2030, 1, 31, 2, 0, tzinfo=UTC))  # fmt: skip
    either = OrTrigger([CronTrigger(hour=1), AndTrigger([CronTrigger(hour=2), IntervalTrigger(hours=1)])])
    add("time:time", either, id="combined", next_run_time=datetime(2030, 1, 2, 0, 0, tzinfo=UTC))
    add("time:time", "interval", hours=1, id="paused", next_run_time=None)
    add("time:time", "interval", hours=1, id="ünïcødé", next_run_time=datetime(2030, 2, 1, tzinfo=UTC))
    scheduler.shutdown()


main(sys.argv[1])
