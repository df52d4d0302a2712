"""A program that sets up its store and its jobs as web workers do: all of them at once, when a file appears.

Arguments: URL of the store, folder. It writes a file named after its process id when it is about to begin, one that
ends in ".done" when its scheduler runs, and ends when its standard input is closed.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from cluster_jobs import nothing

from apscheduler.schedulers.background import BackgroundScheduler

SEEDS = [f"seed-{number}" for number in range(5)]


def open_store(url: str) -> Any:
    """Return a store on tables or collections named "race"."""
    if url.startswith("mongodb:"):
        from apscheduler.jobstores.mongodb import MongoDBJobStore

        return MongoDBJobStore("race", "race", host=url)
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

    return SQLAlchemyJobStore(url, tablename="race")


def main() -> None:
    url, folder = sys.argv[1:]
    store = open_store(url)
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone="UTC")
    for job_id in SEEDS:
        scheduler.add_job(nothing, "interval", hours=1, id=job_id, replace_existing=True)
    Path(folder, f"{os.getpid()}.ready").touch()
    go = Path(folder, "go")
    while not go.exists():
        time.sleep(0.001)
    scheduler.start()
    Path(folder, f"{os.getpid()}.done").touch()
    sys.stdin.read()
    scheduler.shutdown()


if __name__ == "__main__":
    main()
