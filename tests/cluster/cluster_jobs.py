"""What the scheduler processes of these tests run: jobs, and an executor that notes which run time it starts."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor

LINES = "started"
PATH = "/cluster"


def open_store(url: str) -> Any:
    """Return the store of a test at a URL."""
    if url.startswith("redis:"):
        from apscheduler.jobstores.redis import RedisJobStore

        return RedisJobStore(url=url, jobs_key="cluster.jobs", run_times_key="cluster.run_times")
    kind, _, address = url.partition("://")
    if kind == "zookeeper":
        from apscheduler.jobstores.zookeeper import ZooKeeperJobStore

        return ZooKeeperJobStore(PATH, hosts=address)
    if kind == "etcd":
        from apscheduler.jobstores.etcd import EtcdJobStore

        host, _, port = address.partition(":")
        return EtcdJobStore(PATH, host=host, port=int(port))
    if kind == "mongodb":
        from apscheduler.jobstores.mongodb import MongoDBJobStore

        return MongoDBJobStore("cluster", host=url)
    if kind == "rethinkdb":
        from apscheduler.jobstores.rethinkdb import RethinkDBJobStore

        host, _, port = address.partition(":")
        return RethinkDBJobStore("cluster", host=host, port=int(port))
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

    return SQLAlchemyJobStore(url, tablename="cluster")


def nothing() -> None:
    pass


def slow(seconds: float) -> None:
    time.sleep(seconds)


def wait_for(path: str, patience: float = 60.0) -> None:
    """Return when there is a file of that name."""
    end = time.monotonic() + patience
    while not Path(path).exists() and time.monotonic() < end:
        time.sleep(0.01)


class NotingExecutor(ThreadPoolExecutor):
    """Appends a line to a file before each run: job id, run time, process id, attempt."""

    def __init__(self, folder: str) -> None:
        super().__init__(4)
        self._file = os.open(f"{folder}/{LINES}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def submit(self, submissions: Any, report: Any) -> None:
        for submission in submissions:
            submission.func = partial(self._note_and_call, submission, submission.func)
        super().submit(submissions, report)

    def _note_and_call(self, submission: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        stamp = submission.stamps[len(submission.stamps) - submission.left]
        # One write, because that is what O_APPEND keeps whole between processes.
        os.write(self._file, f"{submission.job_id} {stamp!r} {os.getpid()} {submission.attempt}\n".encode())
        return func(*args, **kwargs)
