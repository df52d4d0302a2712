"""Awaitable twins: they do what their originals do, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import io
import threading
from contextvars import ContextVar

import pytest
from _scheduler_parts import RAN, Every, WaitingStore, anote, note

from apscheduler.errors import ConflictingIdError, JobLookupError
from apscheduler.events import EVENT_JOB_ADDED, EVENT_SCHEDULER_STARTED
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import BaseScheduler

TWINS = sorted(
    name
    for name, member in inspect.getmembers(AsyncIOScheduler, inspect.iscoroutinefunction)
    if not name.startswith("_")
)
# What waits for no store, or is a decorator; every other public method has a twin.
WITHOUT_TWIN = {
    "add_executor", "remove_executor", "add_listener", "remove_listener", "configure", "health", "pause", "resume",
    "scheduled_job", "wakeup",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


class SlowStore(WaitingStore):
    """A store whose calls last until the test lets them go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()
        self.slow = False

    def insert_jobs(self, rows):
        if self.slow:
            self.begun.set()
            assert self.go.wait(10)
        return super().insert_jobs(rows)


# -- what there is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_has_the_signature_of_its_original(twin):
    ours = inspect.signature(getattr(AsyncIOScheduler, twin), eval_str=False)
    original = inspect.signature(getattr(BaseScheduler, twin.removeprefix("a")))
    assert ours == original


def test_each_public_method_that_may_wait_has_a_twin():
    public = {
        name for name, _ in inspect.getmembers(BaseScheduler, inspect.isfunction) if not name.startswith("_")
    }
    assert {name.removeprefix("a") for name in TWINS} == public - WITHOUT_TWIN


def test_a_life_with_twins_alone(tmp_path):
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")
    scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": store})

    async def main():
        await scheduler.astart(paused=True)
        assert scheduler.running
        job = await scheduler.aadd_job(note, "interval", ["a"], id="a", hours=1)
        assert job.id == "a"
        jobs = [{"func": note, "trigger": "interval", "hours": 2, "id": name} for name in "bc"]
        assert [job.id for job in await scheduler.aadd_jobs(jobs)] == ["b", "c"]
        with pytest.raises(ConflictingIdError):
            await scheduler.aadd_job(note, id="a")
        assert (await scheduler.amodify_job("a", name="named")).name == "named"
        assert "0:05:00" in str((await scheduler.areschedule_job("b", trigger="interval", minutes=5)).trigger)
        assert (await scheduler.apause_job("c")).next_run_time is None
        assert (await scheduler.aresume_job("c")).next_run_time is not None
        assert (await scheduler.aget_job("a")).name == "named"
        assert await scheduler.aget_job("nobody") is None
        assert {job.id for job in await scheduler.aget_jobs()} == {"a", "b", "c"}
        out = io.StringIO()
        await scheduler.aprint_jobs(out=out)
        assert "named" in out.getvalue()
        exported = io.StringIO()
        await scheduler.aexport_jobs(exported)
        await scheduler.aremove_job("a")
        with pytest.raises(JobLookupError):
            await scheduler.aremove_job("a")
        await scheduler.aremove_all_jobs()
        await scheduler.aimport_jobs(io.StringIO(exported.getvalue()))
        assert {job.id for job in await scheduler.aget_jobs()} == {"a", "b", "c"}
        await scheduler.aadd_jobstore("memory", "more")
        await scheduler.aremove_jobstore("more")
        assert len(await scheduler.aget_nodes()) == 1
        assert await scheduler.aget_runs() == []
        await scheduler.ashutdown()
        assert not scheduler.running

    asyncio.run(main())


def test_async_with_starts_and_shuts_down():
    async def main():
        async with AsyncIOScheduler(timezone="UTC") as scheduler:
            await scheduler.aadd_job(anote, args=["x"])
            await asyncio.sleep(0)
            assert scheduler.running
        assert not scheduler.running

    asyncio.run(main())


def test_async_with_allows_that_it_was_shut_down_inside():
    async def main():
        async with AsyncIOScheduler() as scheduler:
            await scheduler.ashutdown()

    asyncio.run(main())


def test_jobs_may_be_added_by_twins_before_the_start():
    async def main():
        scheduler = AsyncIOScheduler(timezone="UTC")
        await scheduler.aadd_job(note, "interval", id="j", hours=1)
        assert [job.id for job in await scheduler.aget_jobs()] == ["j"]
        async with scheduler:
            assert [job.id for job in await scheduler.aget_jobs()] == ["j"]

    asyncio.run(main())


# -- where and when -------------------------------------------------------------------------------------------------------


def test_the_loop_goes_on_while_a_store_does_not_answer():
    store = SlowStore()

    async def main():
        async with AsyncIOScheduler(jobstores={"default": store}) as scheduler:
            store.slow = True
            adding = asyncio.create_task(scheduler.aadd_job(note, Every(500), id="j"))
            while not store.begun.is_set():
                await asyncio.sleep(0)
            assert not adding.done()
            store.go.set()
            assert (await adding).id == "j"

    asyncio.run(main())


def test_the_loop_goes_on_while_a_start_waits_for_a_store():
    class SlowToOpen(WaitingStore):
        begun, go = threading.Event(), threading.Event()

        def start(self, scheduler, alias):
            super().start(scheduler, alias)
            self.begun.set()
            assert self.go.wait(10)

    store = SlowToOpen()

    async def main():
        scheduler = AsyncIOScheduler(jobstores={"default": store})
        starting = asyncio.create_task(scheduler.astart())
        while not store.begun.is_set():
            await asyncio.sleep(0)
        assert not scheduler.running
        store.go.set()
        await starting
        assert scheduler.running
        await scheduler.ashutdown()

    asyncio.run(main())


def test_a_default_pool_that_is_full_does_not_hold_twins_up():
    go = threading.Event()

    async def main():
        loop = asyncio.get_running_loop()
        busy = [loop.run_in_executor(None, go.wait, 10) for _ in range(64)]
        async with AsyncIOScheduler() as scheduler, asyncio.timeout(9):
            await scheduler.aadd_job(note, Every(500))
        go.set()
        await asyncio.gather(*busy)

    asyncio.run(main())


def test_a_call_goes_on_when_the_task_that_awaits_it_is_cancelled():
    store = SlowStore()

    async def main():
        async with AsyncIOScheduler(jobstores={"default": store}) as scheduler:
            store.slow = True
            adding = asyncio.create_task(scheduler.aadd_job(note, Every(500), id="j"))
            while not store.begun.is_set():
                await asyncio.sleep(0)
            adding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await adding
            store.go.set()
            while await scheduler.aget_job("j") is None:
                await asyncio.sleep(0)

    asyncio.run(main())


def test_listeners_are_called_in_the_thread_of_the_call_with_the_context_of_the_task():
    request = ContextVar("request", default=None)
    heard = []

    async def main():
        scheduler = AsyncIOScheduler()
        scheduler.add_listener(
            lambda event: heard.append((request.get(), threading.current_thread().name)),
            EVENT_JOB_ADDED | EVENT_SCHEDULER_STARTED,
        )
        request.set("mine")
        async with scheduler:
            await scheduler.aadd_job(note, Every(500))

    asyncio.run(main())
    assert [value for value, _ in heard] == ["mine", "mine"]
    assert all(name.startswith("APScheduler-call") for _, name in heard)


def test_a_twin_may_be_awaited_on_another_loop():
    async def main():
        async with AsyncIOScheduler() as scheduler:
            job = await asyncio.to_thread(lambda: asyncio.run(scheduler.aadd_job(note, Every(500), id="j")))
            assert job.id == "j"

    asyncio.run(main())


def test_no_thread_of_twins_outlasts_the_shutdown():
    async def main():
        async with AsyncIOScheduler() as scheduler:
            await asyncio.gather(*(scheduler.aadd_job(note, Every(500)) for _ in range(20)))

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name.startswith("APScheduler-call"):
            thread.join(10)
            assert not thread.is_alive()


# -- jobs do not inherit who woke the scheduler ------------------------------------------------------------------------------


def test_jobs_have_the_context_of_the_start_not_of_whoever_added_one():
    request = ContextVar("request", default=None)
    seen = []

    async def job():
        seen.append(request.get())

    async def main():
        request.set("program")
        async with AsyncIOScheduler(jobstores={"default": MemoryJobStore()}) as scheduler:
            request.set("request 1")
            scheduler.add_job(job)
            while not seen:
                await asyncio.sleep(0.001)
            scheduler.add_job(job)
            while len(seen) < 2:
                await asyncio.sleep(0.001)

    asyncio.run(main())
    assert seen == ["program", "program"]
