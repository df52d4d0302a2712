"""A FastAPI application with a scheduler on its event loop: reminders are added by request, and run once.

    pip install fastapi uvicorn
    uvicorn web_fastapi:app
    curl -X POST '127.0.0.1:8000/reminders?text=tea&seconds=2'
    curl 127.0.0.1:8000/runs

The scheduler starts and ends with the application. Functions of requests that call it are `def` and not `async def`:
FastAPI runs those in a thread, so that a slow database does not hold up other requests.
"""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI, HTTPException

from apscheduler.errors import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

scheduler = AsyncIOScheduler(jobstores={"default": {"type": "sqlalchemy", "url": "sqlite:///fastapi.sqlite"}})


async def remind(text: str) -> str:
    print("reminder:", text, flush=True)
    return text


@asynccontextmanager
async def lifespan(app: FastAPI):
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.post("/reminders")
def add_reminder(text: str, seconds: float) -> dict[str, str]:
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    job = scheduler.add_job(remind, "date", [text], run_date=when, misfire_grace_time=3600)
    return {"id": job.id, "at": when.isoformat()}


@app.delete("/reminders/{job_id}")
def forget_reminder(job_id: str) -> None:
    try:
        scheduler.remove_job(job_id)
    except JobLookupError as error:
        raise HTTPException(404, str(error)) from error


@app.get("/runs")
def runs() -> list[dict[str, object]]:
    return [
        {"job": run.job_id, "status": run.status, "result": run.result}
        for run in scheduler.get_runs(limit=20)
    ]


@app.get("/health")
def health() -> dict[str, object]:
    state = scheduler.health()
    if not state.ok:
        raise HTTPException(503, "the scheduler does not do its work")
    return {"ok": state.ok, "last_turn_age": state.last_turn_age}
