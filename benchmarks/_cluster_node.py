"""A scheduler in a process of its own, for `cluster_throughput.py`. It ends when its standard input is closed.

Arguments: URL of the store, file to make when it has started.
"""

import sys
from datetime import UTC
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def main() -> None:
    url, ready = sys.argv[1:]
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url, tablename="bench")},
        executors={"default": ThreadPoolExecutor(10)},
        timezone=UTC,
        run_log={"max_age": None, "per_job": None},
    )
    scheduler.start()
    Path(ready).touch()
    sys.stdin.read()
    scheduler.shutdown()


if __name__ == "__main__":
    main()
