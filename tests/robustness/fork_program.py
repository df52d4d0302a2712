"""A program that forks with a scheduler running on a database; its children end as programs do.

Prints, as JSON: whether the parent's connection is still the same session of the server, what each child saw, and the
statuses of the runs.
"""

from __future__ import annotations

import json
import os
import sys
import time

from sqlalchemy import create_engine, text

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def nothing() -> int:
    return os.getpid()


def session_of(engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("SELECT pg_backend_pid()")).scalar()


def child(scheduler, engine, writing: int) -> None:
    seen = {"running": scheduler.running}
    scheduler.start()
    seen["session"] = session_of(engine)
    name = f"added by {os.getpid()}"
    scheduler.add_job(nothing, id=name, misfire_grace_time=None)  # any of the processes may run it
    while [run.status for run in scheduler.get_runs(name)] != ["succeeded"]:
        time.sleep(0.01)
    scheduler.shutdown()
    os.write(writing, (json.dumps(seen) + "\n").encode())


def main(url: str, children: int) -> None:
    # One connection, so that it is known which one the child would have taken; and no look before it is used.
    engine = create_engine(url, pool_size=1, max_overflow=5, pool_pre_ping=False)
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(engine=engine)}, lease=3.0)
    scheduler.start()
    scheduler.add_job(nothing, "interval", seconds=0.1, id="j", misfire_grace_time=None)
    before = session_of(engine)
    reading, writing = os.pipe()
    pids = []
    for _ in range(children):
        pid = os.fork()
        if not pid:
            os.close(reading)
            child(scheduler, engine, writing)
            sys.exit(0)  # with the whole end of an interpreter, which frees what was inherited
        pids.append(pid)
    os.close(writing)
    with os.fdopen(reading) as answers:
        seen = [json.loads(line) for line in answers]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    time.sleep(0.3)
    scheduler.shutdown()
    statuses = sorted({run.status for run in scheduler.get_runs(limit=None)})
    nodes = len(scheduler.get_nodes())
    after = session_of(engine)
    print(json.dumps([before, after, seen, codes, statuses, nodes]))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
