"""add_jobs(): many jobs in one transaction, all of them or none."""

import time

from apscheduler.errors import ConflictingIdError
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def ping(host: str) -> str:
    return f"pinged {host}"


if __name__ == "__main__":
    store = SQLAlchemyJobStore(url="sqlite:///many.sqlite")
    scheduler = BackgroundScheduler(jobstores={"default": store})
    scheduler.start(paused=True)
    scheduler.remove_all_jobs()
    begin = time.perf_counter()
    jobs = scheduler.add_jobs(
        {"func": ping, "trigger": "interval", "minutes": 5, "args": [f"host{n}"], "id": f"ping-{n}"}
        for n in range(1000)
    )
    print(f"added {len(jobs)} jobs in {time.perf_counter() - begin:.2f} s")
    try:
        new = {"func": ping, "args": ["new"], "id": "new"}
        scheduler.add_jobs([new, {"func": ping, "args": ["again"], "id": "ping-7"}])
    except ConflictingIdError as exc:
        print("refused:", str(exc).partition(" (replace")[0])
    print("new was added:", scheduler.get_job("new") is not None)
    scheduler.shutdown()
