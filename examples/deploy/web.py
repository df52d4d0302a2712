"""The web application, in as many workers as you like: they add jobs and show runs, and run none.

Each worker has a scheduler that is started paused. It is a door to the store: `uvicorn web:app --workers 4`.
"""

import os
from contextlib import asynccontextmanager

import jobs
from fastapi import FastAPI

from apscheduler.schedulers.background import BackgroundScheduler

STORE = os.environ.get("APSCHEDULER_STORE", "sqlite:///jobs.sqlite")
store = BackgroundScheduler(jobstores={"default": {"type": "sqlalchemy", "url": STORE}}, timezone="UTC")


@asynccontextmanager
async def lifespan(app: FastAPI):
    store.start(paused=True)
    yield
    store.shutdown()


app = FastAPI(lifespan=lifespan)


@app.post("/reports/{customer}")
def order_report(customer: str) -> dict[str, object]:
    job = store.add_job(jobs.send_report, args=[customer], misfire_grace_time=3600)
    return {"job": job.id, "worker": os.getpid()}


@app.get("/reports")
def reports() -> list[dict[str, object]]:
    return [
        {"job": run.job_id, "status": run.status, "result": run.result} for run in store.get_runs(limit=100)
    ]
