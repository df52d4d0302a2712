"""What every scheduler promises of its loop, as tests: subclass `DriverContract` and say how yours is made.

    class TestMyScheduler(DriverContract):
        def make_host(self):
            return MyHost()

        def make_scheduler(self, **options):
            return MyScheduler(**options)

A host is the program around the scheduler: it runs the main loop, in which the scheduler is started. `Host` is one
without a loop, `OwnThreadHost` one for schedulers whose `start()` does not return, `LoopHost` one whose loop runs in a
thread beside the test.
"""

from __future__ import annotations

# ruff: noqa: D102 - the names of the tests are sentences
import asyncio
import gc
import os
import signal
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apscheduler import _clock
from apscheduler._native import Flag
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
)
from apscheduler.testing._hosts import Host, LoopHost, OwnThreadHost
from apscheduler.testing._jobs import PATIENCE
from apscheduler.testing._slow_store import SlowStore

if TYPE_CHECKING:
    from apscheduler.schedulers.base import BaseScheduler

__all__ = ("DriverContract", "Host", "LoopHost", "OwnThreadHost", "SlowStore")


class DriverContract:
    """The promises that concern a scheduler's loop. A subclass overrides `make_host()` and `make_scheduler()`."""

    runs_jobs_on_the_loop = False
    """Whether the default executor runs jobs, at least coroutine functions, in the loop's thread."""
    sleep_of_coroutines = True
    """Whether coroutine functions may await what needs a running loop of asyncio."""
    waits_elsewhere = True
    """Whether a store that waits is called in another thread than the loop's; so for every loop of somebody else."""

    def make_host(self) -> Host:
        """Return a program, running."""
        return Host()

    def make_scheduler(self, **options: Any) -> BaseScheduler:
        """Return a scheduler that is not started."""
        raise NotImplementedError

    @pytest.fixture
    def host(self) -> Iterator[Host]:
        """The program around the scheduler."""
        host = self.make_host()
        yield host
        host.close()

    @pytest.fixture
    def ran(self) -> list[Any]:
        """What the jobs of the test leave."""
        return []

    @pytest.fixture
    def store(self) -> SlowStore:
        """A store that waits."""
        return SlowStore()

    @pytest.fixture(params=["a store in memory", "a store that waits"])
    def scheduler(self, request: pytest.FixtureRequest, host: Host, store: SlowStore) -> Iterator[Any]:
        """A scheduler that runs, once with each kind of store."""
        waits = request.param == "a store that waits"
        yield from self._started(host, **({"jobstores": {"default": store}} if waits else {}))

    @pytest.fixture
    def waiting(self, host: Host, store: SlowStore) -> Iterator[Any]:
        """A scheduler that runs on `store`."""
        yield from self._started(host, jobstores={"default": store}, jobstore_retry_interval=0.01, lease=0.3)

    def _started(self, host: Host, **options: Any) -> Iterator[Any]:
        scheduler = self.make_scheduler(timezone="UTC", **options)
        host.start(scheduler)
        yield scheduler
        self.end(host, scheduler)

    def end(self, host: Host, scheduler: Any) -> None:
        """Shut a scheduler down as its program does, unless that has been done."""
        if scheduler.running:
            host.call(scheduler.shutdown)
        host.until(lambda: not scheduler.running)

    # -- it runs what is due ------------------------------------------------------------------------------------

    def test_a_job_added_from_another_thread_wakes_a_loop_that_sleeps(
        self, scheduler: Any, host: Host, ran: list[Any]
    ) -> None:
        host.until(lambda: scheduler.health().ok)
        adding = threading.Thread(target=scheduler.add_job, args=(ran.append,), kwargs={"args": ["now"]})
        adding.start()
        host.until(lambda: ran == ["now"])
        adding.join(PATIENCE)

    def test_a_job_added_on_the_loop_runs(self, scheduler: Any, host: Host, ran: list[Any]) -> None:
        host.call(lambda: scheduler.add_job(ran.append, args=["now"]))
        host.until(lambda: ran == ["now"])

    def test_a_job_added_before_the_start_runs(self, host: Host, ran: list[Any]) -> None:
        scheduler = self.make_scheduler()
        scheduler.add_job(ran.append, args=["pending"], misfire_grace_time=None)
        host.start(scheduler)
        host.until(lambda: ran == ["pending"])
        self.end(host, scheduler)

    def test_a_job_runs_again_and_again(self, scheduler: Any, host: Host, ran: list[Any]) -> None:
        scheduler.add_job(ran.append, "interval", seconds=0.02, args=[1])
        host.until(lambda: len(ran) >= 4)

    def test_a_coroutine_function_is_run_to_its_end(self, scheduler: Any, host: Host) -> None:
        events: list[Any] = []

        async def answer() -> str:
            await asyncio.sleep(0.001 if self.sleep_of_coroutines else 0)
            return "awaited"

        scheduler.add_listener(events.append, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        scheduler.add_job(answer)
        host.until(lambda: events)
        assert events[0].retval == "awaited"

    def test_a_job_may_add_a_job(self, scheduler: Any, host: Host, ran: list[Any]) -> None:
        scheduler.add_job(lambda: scheduler.add_job(ran.append, args=["from a job"]))
        host.until(lambda: ran == ["from a job"])

    def test_a_listener_may_add_a_job(self, scheduler: Any, host: Host, ran: list[Any]) -> None:
        def listen(event: Any) -> None:
            if event.job_id == "first":
                scheduler.add_job(ran.append, args=["from a listener"])

        scheduler.add_listener(listen, EVENT_JOB_SUBMITTED)
        scheduler.add_job(int, id="first")
        host.until(lambda: ran == ["from a listener"])

    def test_a_run_time_that_is_centuries_ahead_disturbs_nothing(
        self, scheduler: Any, host: Host, ran: list[Any]
    ) -> None:
        scheduler.add_job(ran.append, "date", run_date=datetime(9999, 1, 1, tzinfo=UTC), args=["far"])
        scheduler.add_job(ran.append, "interval", days=10_000, args=["far"])
        soon = _clock.now(UTC) + timedelta(seconds=0.1)
        scheduler.add_job(ran.append, "date", run_date=soon, args=["near"], misfire_grace_time=None)
        host.until(lambda: ran)
        assert ran == ["near"]
        assert scheduler.health().ok

    # -- pause, resume ------------------------------------------------------------------------------------------

    def test_nothing_runs_while_it_is_paused(self, scheduler: Any, host: Host, ran: list[Any]) -> None:
        turned: list[Any] = []
        host.call(scheduler.pause)
        scheduler.add_job(ran.append, args=["late"], misfire_grace_time=None)
        host.call(scheduler.wakeup)
        for _ in range(10):
            host.let_it_run()
        assert ran == turned == []
        host.call(scheduler.resume)
        host.until(lambda: ran == ["late"])

    def test_it_may_be_started_paused(self, host: Host, ran: list[Any]) -> None:
        scheduler = self.make_scheduler()
        scheduler.add_job(ran.append, args=["late"], misfire_grace_time=None)
        host.start(scheduler, paused=True)
        for _ in range(10):
            host.let_it_run()
        assert ran == []
        host.call(scheduler.resume)
        host.until(lambda: ran == ["late"])
        self.end(host, scheduler)

    # -- the end ------------------------------------------------------------------------------------------------

    def _told_of_shutdowns(self, scheduler: Any) -> list[Any]:
        told: list[Any] = []
        scheduler.add_listener(told.append, EVENT_SCHEDULER_SHUTDOWN)
        return told

    def test_it_may_be_shut_down_on_the_loop(self, scheduler: Any, host: Host) -> None:
        told = self._told_of_shutdowns(scheduler)
        host.call(scheduler.shutdown)
        assert not scheduler.running
        host.until(lambda: len(told) == 1)

    def test_it_may_be_shut_down_from_another_thread(self, scheduler: Any, host: Host) -> None:
        told = self._told_of_shutdowns(scheduler)
        other = threading.Thread(target=scheduler.shutdown)
        other.start()
        host.until(lambda: len(told) == 1)
        other.join(PATIENCE)
        assert not scheduler.running

    def test_it_may_be_shut_down_by_a_job(self, scheduler: Any, host: Host) -> None:
        told = self._told_of_shutdowns(scheduler)
        scheduler.add_job(scheduler.shutdown, kwargs={"wait": False}, id="last")
        host.until(lambda: len(told) == 1 and not scheduler.running)
        host.until(lambda: [run.status for run in scheduler.get_runs("last")] == ["succeeded"])

    def test_it_may_be_shut_down_by_a_listener_in_the_middle_of_a_turn(
        self, scheduler: Any, host: Host
    ) -> None:
        told = self._told_of_shutdowns(scheduler)
        scheduler.add_listener(lambda _: scheduler.running and scheduler.shutdown(), EVENT_JOB_SUBMITTED)
        scheduler.add_job(int)
        host.until(lambda: len(told) == 1 and not scheduler.running)

    @pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no such signal here")
    def test_it_may_be_shut_down_by_a_signal_handler(self, scheduler: Any, host: Host) -> None:
        told = self._told_of_shutdowns(scheduler)
        previous = signal.signal(signal.SIGUSR1, lambda *_: scheduler.shutdown())
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
            host.until(lambda: len(told) == 1 and not scheduler.running)
        finally:
            signal.signal(signal.SIGUSR1, previous)

    def test_it_is_started_again_after_a_shutdown(self, scheduler: Any, host: Host, ran: list[Any]) -> None:
        started: list[Any] = []
        scheduler.add_listener(started.append, EVENT_SCHEDULER_STARTED)
        for number in range(3):
            self.end(host, scheduler)
            host.start(scheduler)
            scheduler.add_job(ran.append, args=[number])
            host.until(lambda number=number: number in ran)  # type: ignore[misc]
        assert len(started) == 3

    def test_nothing_is_left_after_a_shutdown(self, host: Host) -> None:
        def live() -> weakref.ref[Any]:
            ran: list[Any] = []
            scheduler = self.make_scheduler(jobstores={"default": SlowStore()}, lease=0.3)
            host.start(scheduler)
            scheduler.add_job(ran.append, args=[1])
            scheduler.add_job(int, "interval", seconds=3600)
            host.until(lambda: ran)
            host.until(lambda: not scheduler.get_runs(status="running"))
            self.end(host, scheduler)
            return weakref.ref(scheduler)

        of_others = _our_threads()
        live()  # once before counting, because a loop makes its threads when they are first asked for
        host.until(lambda: _our_threads() <= of_others)
        before = (threading.active_count(), _open_files(), host.call(host.rest))
        gone = [live() for _ in range(2)]
        host.until(lambda: _our_threads() <= of_others and threading.active_count() <= before[0])
        host.until(lambda: gc.collect() is not None and [ref() for ref in gone] == [None, None])
        host.until(lambda: host.call(host.rest) <= before[2])
        host.until(lambda: gc.collect() is not None and _open_files() <= before[1])

    # -- the loop and stores that wait --------------------------------------------------------------------------

    def need_a_loop(self, host: Host) -> None:
        """Skip the test where no loop but the scheduler's own takes part."""
        if not (host.has_loop and self.waits_elsewhere):
            pytest.skip("there is no loop of somebody else's here")

    def test_a_store_that_waits_is_not_called_on_the_loops_thread(
        self, waiting: Any, host: Host, store: SlowStore, ran: list[Any]
    ) -> None:
        self.need_a_loop(host)
        host.until(lambda: store.asked.is_set())
        store.callers.clear()
        waiting.add_job(ran.append, "interval", seconds=0.02, args=[1])
        host.until(lambda: len(ran) >= 3)
        assert host.call(threading.get_native_id) not in store.callers
        assert store.callers

    def test_the_loop_goes_on_while_a_store_does_not_answer(
        self, waiting: Any, host: Host, store: SlowStore, ran: list[Any]
    ) -> None:
        self.need_a_loop(host)
        ticks: list[float] = []
        store.hold()
        waiting.add_job(ran.append, args=["answered"], misfire_grace_time=None)
        host.until(lambda: store.asked.is_set())
        host.tick(0.001, ticks, lambda: len(ticks) < 20)
        host.until(lambda: len(ticks) == 20)
        assert ran == []
        store.answers.set()
        host.until(lambda: ran == ["answered"])

    def test_listeners_are_told_of_submissions_on_the_loops_thread(self, waiting: Any, host: Host) -> None:
        self.need_a_loop(host)
        where: list[int] = []
        waiting.add_listener(lambda _: where.append(threading.get_native_id()), EVENT_JOB_SUBMITTED)
        waiting.add_job(int)
        host.until(lambda: where)
        assert where == [host.call(threading.get_native_id)]

    def test_what_is_added_while_a_store_is_read_is_found(
        self, waiting: Any, host: Host, store: SlowStore, ran: list[Any]
    ) -> None:
        store.hold()
        waiting.add_job(ran.append, args=[1], misfire_grace_time=None)
        host.until(lambda: store.asked.is_set())
        waiting.add_job(ran.append, args=[2], misfire_grace_time=None)
        store.answers.set()
        host.until(lambda: sorted(ran) == [1, 2])

    @pytest.mark.parametrize("error", [OSError, SystemExit])
    def test_a_turn_that_fails_is_followed_by_another(
        self, waiting: Any, host: Host, store: SlowStore, ran: list[Any], error: type[BaseException]
    ) -> None:
        store.fails_with = [error("down"), error("down")]
        waiting.add_job(ran.append, args=["all the same"], misfire_grace_time=None)
        host.until(lambda: ran == ["all the same"])
        assert store.fails_with == []

    # -- jobs that hold the loop up -----------------------------------------------------------------------------

    def test_the_lease_is_renewed_while_a_job_holds_the_loop_up(
        self, waiting: Any, host: Host, store: SlowStore
    ) -> None:
        beats: list[int] = []

        async def hog() -> None:
            hog_plainly()

        def hog_plainly() -> None:
            before = store.beats
            Flag().wait(0.7)  # in a way that no loop knows of
            beats.append(store.beats - before)

        waiting.add_job(hog if self.runs_jobs_on_the_loop else hog_plainly, misfire_grace_time=None)
        waiting.add_job(hog_plainly, misfire_grace_time=None)
        host.until(lambda: len(beats) == 2)
        assert min(beats) >= 2
        assert len(waiting.get_nodes()) == 1


def _our_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("APScheduler")}


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0
