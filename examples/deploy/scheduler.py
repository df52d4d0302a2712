"""The one process that runs jobs: `apscheduler run scheduler.py`."""

import os

import jobs

from apscheduler.schedulers.background import BackgroundScheduler

STORE = os.environ.get("APSCHEDULER_STORE", "sqlite:///jobs.sqlite")

scheduler = BackgroundScheduler(jobstores={"default": {"type": "sqlalchemy", "url": STORE}}, timezone="UTC")
scheduler.add_job(
    jobs.send_report, "cron", ["everybody"], hour=6, id="morning report", replace_existing="if_changed"
)
