"""A FastAPI application with a scheduler in each of its worker processes, all on one database: each run happens once.

uvicorn --workers 4 --port 8000 fastapi_app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from apscheduler.schedulers.asyncio import AsyncIOScheduler

url = os.environ.get("DATABASE_URL", "sqlite:///jobs.sqlite")
scheduler = AsyncIOScheduler(jobstores={"default": {"type": "sqlalchemy", "url": url}})


async def tick() -> int:
    return os.getpid()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # "if_changed": a worker that starts later, or again, leaves the schedule of the others as it is.
    scheduler.add_job(tick, "interval", seconds=1, id="tick", replace_existing="if_changed")
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/")
def index() -> dict[str, object]:  # not async, because it reads the database
    runs = [
        f"{run.run_time:%H:%M:%S} {run.status} in process {run.result}"
        for run in scheduler.get_runs("tick", limit=9)
    ]
    return {
        "answered by": os.getpid(),
        "schedulers": [node.pid for node in scheduler.get_nodes()],
        "runs": runs,
    }
