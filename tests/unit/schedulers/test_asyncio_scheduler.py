"""The scheduler on an asyncio event loop, and the driver of schedulers that somebody's loop calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from _scheduler_parts import RAN, Every, WaitingStore, anote, note

from apscheduler.errors import SchedulerNotRunningError
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED, EVENT_SCHEDULER_SHUTDOWN
from apscheduler.schedulers._timer_driver import TimerDriver
from apscheduler.schedulers.asyncio import AsyncIOScheduler, run_in_event_loop
from apscheduler.testing.clock import FakeClock


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.002)


def on_loop(main: Callable[[AsyncIOScheduler], Any], **options: Any) -> AsyncIOScheduler:
    """Run a coroutine function with a scheduler that is started, and shut down at the end if it still runs."""
    scheduler = AsyncIOScheduler(timezone="UTC", **options)

    async def run():
        scheduler.start()
        await main(scheduler)
        if scheduler.running:
            scheduler.shutdown()

    asyncio.run(run())
    return scheduler


# -- jobs -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [None, WaitingStore])
def test_coroutine_functions_are_awaited_on_the_loop_and_plain_ones_run_in_threads(store):
    async def coroutine():
        RAN.append(("coroutine", threading.get_ident()))

    def plain():
        RAN.append(("plain", threading.get_ident()))

    async def main(scheduler):
        scheduler.add_job(coroutine)
        scheduler.add_job(plain)
        await until(lambda: len(RAN) == 2)
        where = dict(RAN)
        assert where["coroutine"] == threading.get_ident()
        assert where["plain"] != threading.get_ident()

    class Local(WaitingStore):
        def dump(self, job):
            return job

    on_loop(main, **({"jobstores": {"default": Local()}} if store else {}))


def test_jobs_run_again_and_again():
    async def main(scheduler):
        scheduler.add_job(anote, "interval", seconds=0.02)
        await until(lambda: len(RAN) >= 3)

    on_loop(main)


def test_the_return_value_of_a_coroutine_is_in_the_event_and_the_record():
    async def main(scheduler):
        events = []
        scheduler.add_listener(events.append, EVENT_JOB_EXECUTED)
        scheduler.add_job(anote, args=["value"], id="j")
        await until(lambda: events)
        assert events[0].retval == "value"
        assert [run.result for run in scheduler.get_runs("j")] == ["value"]

    on_loop(main)


def test_jobs_added_before_the_start_run():
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(anote, args=["pending"])

    async def main():
        scheduler.start()
        await until(lambda: RAN == ["pending"])
        scheduler.shutdown()

    asyncio.run(main())


def test_a_job_added_from_another_thread_wakes_the_loop():
    async def main(scheduler):
        await asyncio.sleep(0.01)
        await asyncio.to_thread(scheduler.add_job, anote, args=["from a thread"])
        await until(lambda: RAN)

    on_loop(main)


# -- starting ---------------------------------------------------------------------------------------------------------------------


def test_a_start_without_a_loop_says_so():
    scheduler = AsyncIOScheduler()
    with pytest.raises(RuntimeError, match="event loop"):
        scheduler.start()
    assert not scheduler.running


def test_a_loop_that_is_given_may_run_later():
    loop = asyncio.new_event_loop()
    scheduler = AsyncIOScheduler(timezone="UTC", event_loop=loop)
    scheduler.start()
    scheduler.add_job(anote, args=["later"])
    assert RAN == []
    loop.run_until_complete(until(lambda: RAN == ["later"]))
    scheduler.shutdown()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_a_scheduler_starts_again_on_another_loop():
    scheduler = AsyncIOScheduler(timezone="UTC")

    async def main(number):
        scheduler.start()
        scheduler.add_job(anote, args=[number])
        await until(lambda: number in RAN)
        scheduler.shutdown()

    for number in range(3):
        asyncio.run(main(number))


def test_a_scheduler_starts_again_on_the_same_loop():
    async def main(scheduler):
        for number in range(3):
            scheduler.add_job(anote, args=[number])
            await until(lambda number=number: number in RAN)
            scheduler.shutdown()
            scheduler.start()

    on_loop(main)


# -- shutting down ------------------------------------------------------------------------------------------------------------------


def test_a_shutdown_that_comes_first_says_so_with_or_without_a_loop():
    scheduler = AsyncIOScheduler()
    with pytest.raises(SchedulerNotRunningError):
        scheduler.shutdown()

    async def main():
        with pytest.raises(SchedulerNotRunningError):
            scheduler.shutdown()

    asyncio.run(main())


def test_a_shutdown_on_the_loop_cuts_coroutines_off_and_records_that():
    async def endless():
        RAN.append("begun")
        await asyncio.sleep(1000)

    async def main(scheduler):
        scheduler.add_job(endless, id="j")
        await until(lambda: RAN)
        scheduler.shutdown()
        assert not scheduler.running
        assert [run.status for run in scheduler.get_runs("j")] == ["interrupted"]
        await asyncio.sleep(0)

    on_loop(main)


def test_a_plain_function_that_outlasts_the_shutdown_has_its_own_outcome():
    go = threading.Event()

    def plain():
        RAN.append("begun")
        go.wait(10)

    async def main(scheduler):
        scheduler.add_job(plain, id="j")
        await until(lambda: RAN)
        scheduler.shutdown()
        assert [run.status for run in scheduler.get_runs("j")] == ["running"]
        go.set()
        await until(lambda: [run.status for run in scheduler.get_runs("j")] == ["succeeded"])

    on_loop(main)


@pytest.mark.parametrize("code", [EVENT_JOB_SUBMITTED, EVENT_JOB_EXECUTED])
def test_a_listener_may_shut_the_scheduler_down(code):
    async def main(scheduler):
        scheduler.add_listener(lambda _: scheduler.running and scheduler.shutdown(), code)
        scheduler.add_job(anote)
        await until(lambda: not scheduler.running)
        await asyncio.sleep(0.01)

    on_loop(main)


def test_a_job_may_shut_the_scheduler_down():
    async def main(scheduler):
        async def end():
            scheduler.shutdown(wait=False)

        scheduler.add_job(end)
        await until(lambda: not scheduler.running)

    on_loop(main)


def test_another_thread_asks_the_loop_to_shut_down():
    async def main(scheduler):
        seen = []
        scheduler.add_listener(lambda _: seen.append(threading.get_ident()), EVENT_SCHEDULER_SHUTDOWN)
        await asyncio.to_thread(scheduler.shutdown)
        await until(lambda: seen)
        assert seen == [threading.get_ident()]

    on_loop(main)


def test_a_thread_with_a_loop_of_its_own_asks_the_schedulers_loop_too():
    async def main(scheduler):
        seen = []
        scheduler.add_listener(lambda _: seen.append(threading.get_ident()), EVENT_SCHEDULER_SHUTDOWN)

        async def elsewhere():
            scheduler.shutdown()

        await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
        await until(lambda: seen)
        assert seen == [threading.get_ident()]

    on_loop(main)


def test_a_scheduler_whose_loop_has_ended_can_be_shut_down():
    scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": WaitingStore()})

    async def main():
        scheduler.start()
        scheduler.add_job(anote, Every(500), id="j")
        await asyncio.sleep(0)

    asyncio.run(main())
    scheduler.shutdown()
    assert not scheduler.running
    assert scheduler._lookup_jobstore("default").read_nodes() == []


# -- stores that wait -----------------------------------------------------------------------------------------------------------------


def test_a_store_that_waits_is_never_called_on_the_loops_thread_during_a_turn():
    store = WaitingStore()

    async def main(scheduler):
        scheduler.add_job(anote, "interval", seconds=0.01, id="j")
        await until(lambda: len(RAN) >= 3 and "finish" in store.threads)
        for name in ("read_due", "claim", "finish"):
            assert threading.get_ident() not in store.threads[name]
            assert len(store.threads[name]) == 1

    on_loop(main, jobstores={"default": store})


def test_the_loop_goes_on_while_a_store_does_not_answer():
    class Slow(WaitingStore):
        answer = threading.Event()

        def read_due(self, now, limit):
            self.answer.wait(10)
            return super().read_due(now, limit)

    store = Slow()

    async def main(scheduler):
        scheduler.add_job(anote, id="j", misfire_grace_time=None)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert RAN == []
        store.answer.set()
        await until(lambda: RAN)

    on_loop(main, jobstores={"default": store})


def test_a_wake_up_during_a_turn_is_followed_by_another_turn():
    class Slow(WaitingStore):
        reading, answer = threading.Event(), threading.Event()

        def read_due(self, now, limit):
            due = super().read_due(now, limit)
            self.reading.set()
            self.answer.wait(10)
            return due

    store = Slow()

    async def main(scheduler):
        await asyncio.to_thread(store.reading.wait)
        scheduler.add_job(anote, misfire_grace_time=None)  # the reading that is under way has not seen it
        store.answer.set()
        await until(lambda: RAN)

    on_loop(main, jobstores={"default": store})


def test_a_shutdown_during_a_turn_brings_the_turn_to_its_end():
    class Slow(WaitingStore):
        claiming, answer = threading.Event(), threading.Event()

        def claim(self, node, claims):
            self.claiming.set()
            self.answer.wait(10)
            return super().claim(node, claims)

    store = Slow()

    async def main(scheduler):
        scheduler.add_job(anote, id="j", misfire_grace_time=None)
        await asyncio.to_thread(store.claiming.wait)
        threading.Timer(0.02, store.answer.set).start()
        scheduler.shutdown()
        assert [run.status for run in store.read_runs_of("j")] == ["interrupted"]
        assert store.read_nodes() == []

    def read_runs_of(job_id):
        from apscheduler._core.claims import RunQuery

        return WaitingStore.read_runs(store, RunQuery(job_id))

    store.read_runs_of = read_runs_of
    on_loop(main, jobstores={"default": store})


@pytest.mark.parametrize("error", [OSError, SystemExit])
def test_a_store_that_fails_does_not_end_the_scheduler(error):
    class Failing(WaitingStore):
        failures = 2

        def read_due(self, now, limit):
            if self.failures:
                self.failures -= 1
                raise error("down")
            return super().read_due(now, limit)

    async def main(scheduler):
        scheduler.add_job(anote, misfire_grace_time=None)
        await until(lambda: RAN)

    on_loop(main, jobstores={"default": Failing()}, jobstore_retry_interval=0.01)


# -- subclasses of 3.x ------------------------------------------------------------------------------------------------------------------


def test_a_method_with_the_decorator_of_3x_is_called_on_the_loop():
    class Own(AsyncIOScheduler):
        @run_in_event_loop
        def note_thread(self, value):
            RAN.append((value, threading.get_ident()))

    scheduler = Own(timezone="UTC")

    async def main():
        scheduler.start()
        await asyncio.to_thread(scheduler.note_thread, "x")
        await until(lambda: RAN)
        assert RAN == [("x", threading.get_ident())]
        scheduler.shutdown()

    asyncio.run(main())


# -- the driver, by hand -----------------------------------------------------------------------------------------------------------------


class HandLoop(TimerDriver):
    """An event loop that a test turns."""

    def __init__(self, **options):
        self.soon: list[Any] = []
        self.timers: list[Any] = []
        super().__init__(timezone="UTC", clock=FakeClock(), **options)

    def _call_soon(self, callback):
        self.soon.append(callback)

    def _call_later(self, seconds, callback):
        timer = [seconds, callback]
        self.timers.append(timer)
        return timer

    def _cancel(self, timer):
        self.timers.remove(timer)

    def run_soon(self):
        while self.soon:
            self.soon.pop(0)()


def test_there_is_one_timer_between_turns_set_to_what_comes_next():
    scheduler = HandLoop()
    scheduler.start()
    scheduler.run_soon()
    assert [seconds for seconds, _ in scheduler.timers] == [60]
    scheduler.add_job(note, Every(5))
    scheduler.run_soon()
    assert [seconds for seconds, _ in scheduler.timers] == [5]
    scheduler.add_job(note, Every(2))
    scheduler.run_soon()
    assert [seconds for seconds, _ in scheduler.timers] == [2]
    scheduler.shutdown()
    assert scheduler.timers == []


def test_a_wake_up_after_the_shutdown_does_nothing():
    scheduler = HandLoop()
    scheduler.start()
    late = list(scheduler.soon)
    scheduler.shutdown()
    for callback in late:
        callback()
    assert scheduler.timers == []


def test_an_interrupt_in_a_turn_goes_through_and_the_next_turn_is_made_all_the_same():
    from apscheduler.jobstores.memory import MemoryJobStore

    class Interrupted(MemoryJobStore):
        interrupts = 1

        def read_due(self, now, limit):
            if self.interrupts:
                self.interrupts -= 1
                raise KeyboardInterrupt
            return super().read_due(now, limit)

    scheduler = HandLoop(jobstores={"default": Interrupted()}, executors={"default": {"type": "debug"}})
    scheduler.start()
    scheduler.add_job(note, Every(5))
    with pytest.raises(KeyboardInterrupt):
        scheduler.run_soon()
    assert len(scheduler.timers) == 1
    scheduler.clock.advance(seconds=5)
    scheduler.timers[0][1]()
    assert RAN == [None]
    scheduler.shutdown()
