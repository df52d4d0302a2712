"""A web application whose module starts a scheduler, served by gunicorn with --preload."""

from __future__ import annotations

import json
import os
import threading

from apscheduler.errors import SchedulerNotRunningError
from apscheduler.schedulers.background import BackgroundScheduler


def who_runs_it() -> int:
    return os.getpid()


scheduler = BackgroundScheduler(
    jobstores={"default": {"type": "sqlalchemy", "url": os.environ["JOBS_URL"]}}, lease=3.0
)
scheduler.add_job(
    who_runs_it, "interval", seconds=0.1, id="tick", replace_existing=True, misfire_grace_time=None
)
scheduler.start()


def application(environ, start_response):
    try:
        said = f"added {scheduler.add_job(who_runs_it).id}"
    except SchedulerNotRunningError as exc:
        said = str(exc)
    answer = {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "running": scheduler.running,
        "threads": [thread.name for thread in threading.enumerate()],
        "said": said,
        "ran in": sorted({run.result for run in scheduler.get_runs("tick", status="succeeded")}),
        "nodes": [node.pid for node in scheduler.get_nodes()],
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
