"""A Starlette application with a scheduler on its event loop.

    pip install starlette uvicorn
    uvicorn web_starlette:app

Calls that read the database are made in a thread (`run_in_threadpool`), so that the loop goes on meanwhile.
"""

from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from apscheduler.schedulers.asyncio import AsyncIOScheduler

scheduler = AsyncIOScheduler()


@scheduler.scheduled_job("interval", seconds=1, id="refresh")
async def refresh() -> str:
    return "refreshed"


async def runs(request: Request) -> JSONResponse:
    found = await run_in_threadpool(scheduler.get_runs, request.query_params.get("job"), limit=20)
    return JSONResponse([{"job": run.job_id, "status": run.status, "result": run.result} for run in found])


@asynccontextmanager
async def lifespan(app: Starlette):
    scheduler.start()
    yield
    scheduler.shutdown()


app = Starlette(routes=[Route("/runs", runs)], lifespan=lifespan)
