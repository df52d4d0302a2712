"""The awaitable twins on a Tornado loop: one program that uses them as a Tornado application does."""

from __future__ import annotations

import asyncio
import threading
import time

from _scheduler_parts import RAN, anote
from tornado.ioloop import IOLoop, PeriodicCallback

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.tornado import TornadoScheduler


async def slow() -> str:
    await asyncio.sleep(0.2)
    return "done"


def test_a_tornado_program_awaits_its_scheduler_and_its_loop_goes_on(tmp_path):
    ticks: list[float] = []

    async def program() -> None:
        ticker = PeriodicCallback(lambda: ticks.append(time.monotonic()), 10)
        ticker.start()
        store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")
        scheduler = TornadoScheduler(jobstores={"default": store}, timezone="UTC")
        await scheduler.astart()
        job = await scheduler.aadd_job(anote, "interval", seconds=60, args=["a"], id="j")
        assert (await scheduler.aget_job("j")).id == job.id
        await scheduler.apause_job("j")
        assert (await scheduler.aget_jobs())[0].next_run_time is None
        await scheduler.aresume_job("j")
        await scheduler.amodify_job("j", seconds=30)
        await scheduler.aadd_job(slow, id="slow")
        while not await scheduler.aget_runs("slow"):
            await asyncio.sleep(0.01)
        await scheduler.ashutdown()  # waits for the coroutine that runs on this loop
        assert [(run.status, run.result) for run in scheduler.get_runs("slow")] == [("succeeded", "done")]
        ticker.stop()

    RAN.clear()
    before = set(threading.enumerate())
    IOLoop(make_current=False).run_sync(program, timeout=30)
    assert len(ticks) > 5
    assert "APScheduler-heartbeat" not in {thread.name for thread in set(threading.enumerate()) - before}
