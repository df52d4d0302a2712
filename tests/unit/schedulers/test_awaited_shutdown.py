"""`ashutdown()` waits for what `shutdown()` cannot wait for on an event loop: the coroutines on it."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from _scheduler_parts import RAN, Every, WaitingStore, until

from apscheduler.errors import SchedulerNotRunningError
from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


@pytest.fixture
def store():
    return WaitingStore()


@pytest.fixture
def scheduler(store):
    return AsyncIOScheduler(
        timezone="UTC", jobstores={"default": store}, executors={"default": {"type": "asyncio"}, "threads": ThreadPoolExecutor(2)}
    )  # fmt: skip


class Long:
    """A coroutine function that has begun, and ends when it is let."""

    def __init__(self) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def run(self) -> str:
        self.begun.set()
        await self.go.wait()
        return "done"


async def begin(scheduler, long, job_id="j"):
    scheduler.add_job(long.run, id=job_id, misfire_grace_time=None)
    await long.begun.wait()


def statuses(scheduler):
    return {run.job_id: (run.status, run.result) for run in scheduler.get_runs()}


def test_it_waits_for_coroutines_on_the_loop(scheduler, store):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        ending = asyncio.create_task(scheduler.ashutdown())
        while scheduler.running:
            await asyncio.sleep(0)
        assert not ending.done()
        assert store.shutdowns == 0
        long.go.set()
        await ending
        assert store.shutdowns == 1
        assert statuses(scheduler) == {"j": ("succeeded", "done")}
        assert store.read_nodes() == []

    asyncio.run(main())


def test_it_waits_for_functions_in_threads_and_the_loop_goes_on(scheduler):
    go, begun = threading.Event(), threading.Event()

    def plain():
        begun.set()
        return go.wait(10)

    async def main():
        await scheduler.astart()
        scheduler.add_job(plain, id="loop", misfire_grace_time=None)
        await asyncio.to_thread(begun.wait)
        begun.clear()
        scheduler.add_job(plain, id="pool", executor="threads", misfire_grace_time=None)
        await asyncio.to_thread(begun.wait)
        ending = asyncio.create_task(scheduler.ashutdown())
        await asyncio.sleep(0.01)
        assert not ending.done()
        go.set()
        await ending
        assert statuses(scheduler) == {"loop": ("succeeded", True), "pool": ("succeeded", True)}

    asyncio.run(main())


def test_outcomes_are_written_while_it_waits_and_never_on_the_loops_thread(scheduler, store):
    async def main():
        short, long = Long(), Long()
        await scheduler.astart()
        await begin(scheduler, short, "short")
        await begin(scheduler, long, "long")
        ending = asyncio.create_task(scheduler.ashutdown())
        while scheduler.running:
            await asyncio.sleep(0)
        short.go.set()
        while store._log.live().get("short"):
            await asyncio.sleep(0.001)
        assert store._log.live().get("long")
        long.go.set()
        await ending
        assert threading.get_ident() not in store.threads["finish"]

    asyncio.run(main())


def test_after_the_timeout_coroutines_are_cancelled_and_recorded_as_interrupted(scheduler):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        await scheduler.ashutdown(timeout=0.01)
        [run] = scheduler.get_runs("j")
        assert run.status == "interrupted"

    asyncio.run(main())


def test_without_waiting_coroutines_are_cancelled(scheduler, store):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        await scheduler.ashutdown(wait=False)
        await asyncio.to_thread(until, lambda: store.shutdowns)
        assert statuses(scheduler) == {"j": ("interrupted", None)}

    asyncio.run(main())


def test_a_job_that_awaits_it_waits_for_the_others_and_ends_as_it_ends(scheduler, store):
    other = []

    async def last():
        await scheduler.ashutdown()
        other.extend(run.status for run in scheduler.get_runs("j"))
        await asyncio.sleep(0)
        return "last"

    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        scheduler.add_job(last, id="last", misfire_grace_time=None)
        while scheduler.running:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert other == []
        long.go.set()
        await asyncio.to_thread(until, lambda: store.shutdowns)
        assert other == ["succeeded"]
        assert statuses(scheduler) == {"j": ("succeeded", "done"), "last": ("succeeded", "last")}

    asyncio.run(main())


def test_it_goes_on_when_the_task_that_awaits_it_is_cancelled(scheduler, store):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        ending = asyncio.create_task(scheduler.ashutdown())
        while scheduler.running:
            await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert store.shutdowns == 0
        long.go.set()
        await asyncio.to_thread(until, lambda: store.shutdowns)
        assert statuses(scheduler) == {"j": ("succeeded", "done")}

    asyncio.run(main())


def test_a_loop_that_ends_meanwhile_does_not_leave_the_stores_open(scheduler, store):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        main.ending = asyncio.create_task(scheduler.ashutdown())
        while scheduler.running:
            await asyncio.sleep(0)

    asyncio.run(main())
    until(lambda: store.shutdowns)
    assert statuses(scheduler) == {"j": ("interrupted", None)}
    assert store.read_nodes() == []


def test_it_may_be_awaited_on_another_loop(scheduler, store):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        ending = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(scheduler.ashutdown())))
        while scheduler.running:
            await asyncio.sleep(0)
        long.go.set()
        await ending
        assert store.shutdowns == 1

    asyncio.run(main())


def test_a_turn_under_way_is_ended_and_what_it_has_claimed_is_run(scheduler):
    class Slow(WaitingStore):
        claiming, answer = threading.Event(), threading.Event()

        def claim(self, node, claims):
            self.claiming.set()
            assert self.answer.wait(10)
            return super().claim(node, claims)

    async def job():
        RAN.append("ran")

    store = Slow()
    scheduler = AsyncIOScheduler(jobstores={"default": store})

    async def main():
        await scheduler.astart()
        scheduler.add_job(job, id="j", misfire_grace_time=None)
        await asyncio.to_thread(store.claiming.wait)
        ending = asyncio.create_task(scheduler.ashutdown())
        await asyncio.sleep(0.01)
        store.answer.set()
        await ending
        assert RAN == ["ran"]

    asyncio.run(main())


def test_a_second_one_says_that_it_does_not_run(scheduler):
    async def main():
        with pytest.raises(SchedulerNotRunningError):
            await scheduler.ashutdown()
        await scheduler.astart()
        results = await asyncio.gather(scheduler.ashutdown(), scheduler.ashutdown(), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), SchedulerNotRunningError]

    asyncio.run(main())


def test_a_start_awaits_a_shutdown_that_is_under_way(scheduler):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        ending = asyncio.create_task(scheduler.ashutdown())
        while scheduler.running:
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="astart"):
            scheduler.start()
        starting = asyncio.create_task(scheduler.astart())
        await asyncio.sleep(0.01)
        assert not starting.done()
        long.go.set()
        await starting
        assert ending.done()
        assert scheduler.running
        await scheduler.ashutdown()

    asyncio.run(main())


def test_listeners_hear_of_the_end_on_the_loops_thread(scheduler):
    heard = []
    scheduler.add_listener(lambda _: heard.append(threading.get_ident()), EVENT_SCHEDULER_SHUTDOWN)

    async def main():
        async with scheduler:
            pass

    asyncio.run(main())
    assert heard == [threading.get_ident()]


# -- the shutdown that does not await --------------------------------------------------------------------------------------


def test_a_shutdown_that_cannot_wait_says_so_once_and_names_the_one_that_can(scheduler, caplog):
    async def main():
        long = Long()
        await scheduler.astart()
        await begin(scheduler, long)
        scheduler.shutdown(wait=True)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert [record.levelname for record in caplog.records if "ashutdown" in record.getMessage()] == [
        "WARNING"
    ]


@pytest.mark.parametrize("wait", [True, False])
def test_a_shutdown_that_has_nothing_to_wait_for_says_nothing(scheduler, caplog, wait):
    async def main():
        long = Long()
        await scheduler.astart()
        if not wait:
            await begin(scheduler, long)
        scheduler.shutdown(wait=wait)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert "ashutdown" not in caplog.text


# -- a loop that ends without a shutdown -----------------------------------------------------------------------------------


def test_a_node_whose_loop_was_closed_signs_off(store, caplog):
    """Others would wait for it for ever, because its heart beats in a thread."""
    before = set(threading.enumerate())
    scheduler = AsyncIOScheduler(jobstores={"default": store}, lease=0.05)

    async def main():
        scheduler.start()
        scheduler.add_job(lambda: None, Every(500), id="j")
        await asyncio.sleep(0)

    asyncio.run(main())
    until(lambda: not store.read_nodes())
    until(lambda: "APScheduler-heartbeat" not in {t.name for t in set(threading.enumerate()) - before})
    assert "was not shut down" in caplog.text
    scheduler.shutdown()


def test_nothing_of_a_scheduler_is_left_behind(scheduler):
    async def main():
        async with scheduler:
            pass
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert asyncio.run(main()) == []
    gc.collect()
