"""Make `exported-by-3.11.3.json`: run with the interpreter that has 3.11.3 installed."""

import logging
from datetime import datetime
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import AndTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

if __name__ == "__main__":
    logging.disable()
    scheduler = BackgroundScheduler(timezone="Europe/Berlin")
    scheduler.start(paused=True)
    start = {"start_date": "2100-01-01"}
    scheduler.add_job(
        "builtins:dict",
        "interval",
        args=[1, "two", (3, 4)],
        kwargs={"key": datetime(2020, 2, 2)},
        id="interval",
        hours=1,
        minutes=5,
        **start,
    )
    scheduler.add_job(
        "time:time",
        "cron",
        id="cron",
        name="Cron job",
        misfire_grace_time=None,
        coalesce=False,
        day_of_week="mon-fri",
        hour=5,
        minute=30,
        timezone="America/New_York",
    )
    scheduler.add_job("time:time", "date", id="date", run_date="2100-01-01 12:00:00Z", max_instances=5)
    scheduler.add_job("time:time", "interval", id="paused", days=1, next_run_time=None, **start)
    both = AndTrigger([IntervalTrigger(hours=1, **start), CronTrigger(hour=5)])
    scheduler.add_job("time:time", both, id="and")
    scheduler.add_job(
        "time:time", "calendarinterval", id="calendar", months=1, hour=5, start_date="2100-01-31"
    )
    scheduler.export_jobs(str(Path(__file__).with_name("exported-by-3.11.3.json")))
    scheduler.shutdown()
