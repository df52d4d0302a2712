"""Starting and ending a scheduler on an asyncio event loop without holding the loop up.

`shutdown()` cannot wait on the loop's thread for coroutines that need that thread. `ashutdown()` waits as a task does,
and leaves what waits for a store to threads of its own.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Self, TypeVar

from apscheduler.errors import SchedulerNotRunningError
from apscheduler.executors._current import current
from apscheduler.executors.base import Submission
from apscheduler.schedulers._lifecycle import LATE, LONGEST_TURN
from apscheduler.schedulers._loop_driver import run_to_end
from apscheduler.schedulers._timer_driver import TimerDriver
from apscheduler.schedulers._turn import recording

T = TypeVar("T")

THREADS = 4
A_TASK = 0
"""Stands for the thread that ends a scheduler where that is a task; no thread has this identity."""


class AsyncLifecycle(TimerDriver):
    """What is started and ended by awaiting it; mixed into schedulers whose loop is one of asyncio."""

    _threads: ThreadPoolExecutor | None = None
    _ending_task: asyncio.Task[None] | None = None

    @abstractmethod
    def _bind_loop(self) -> None:
        """Take the loop that runs in this thread, unless the scheduler has one."""

    @abstractmethod
    def _asyncio_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop that the scheduler runs on, or None before the first start."""

    # -- calls in threads ---------------------------------------------------------------------------------------

    async def _away(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, made in a thread with the context of this task."""
        return await asyncio.wrap_future(self._hand_away(partial(copy_context().run, call)))

    def _hand_away(self, call: Callable[[], T]) -> Future[T]:
        while True:
            threads = self._threads
            if threads is None:
                threads = self._threads = ThreadPoolExecutor(THREADS, "APScheduler-call")
            try:
                return threads.submit(call)
            except RuntimeError:
                if threads is self._threads:
                    raise  # the program ends
                # else it was closed by a shutdown meanwhile

    def _close_threads(self) -> None:
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)

    # -- starting -----------------------------------------------------------------------------------------------

    async def astart(self, paused: bool = False) -> None:
        """Do what `start()` does, without holding up the loop while job stores are opened.

        Listeners are called in another thread. A shutdown that is under way is waited for. Where the task that awaits
        this is cancelled, the start goes on.

        Raises:
            SchedulerAlreadyRunningError: it runs already.
        """
        while self._ending_task is not None:
            await asyncio.wait([self._ending_task])
        self._bind_loop()
        await self._away(partial(self.start, paused))

    async def __aenter__(self) -> Self:
        await self.astart()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.running:
            await self.ashutdown()

    def _await_ending(self) -> None:
        if self._ender == A_TASK and self._on_loop():
            raise RuntimeError(
                "The scheduler is being shut down: await that, or start it with `await astart()`"
            )
        super()._await_ending()

    # -- ending -------------------------------------------------------------------------------------------------

    async def ashutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Do what `shutdown()` does, and with `wait` also wait for coroutines on the loop, which goes on meanwhile.

        Args:
            wait: whether to wait for the runs in flight. If not, functions in threads go on, and their outcomes are
                still recorded; coroutines are cancelled, and recorded as interrupted.
            timeout: seconds to wait at most; then coroutines are cancelled, and what has not ended is recorded as
                interrupted.

        A job that awaits this is not waited for: it waits for the others, and the job stores are closed when it has
        ended itself. Where the task that awaits this is cancelled, the shutdown goes on.

        Raises:
            SchedulerNotRunningError: it does not run.
        """
        loop = self._asyncio_loop()
        if loop is asyncio.get_running_loop():
            await self._end_on_loop(wait, timeout)
        elif loop is not None and loop.is_running():
            there = asyncio.run_coroutine_threadsafe(self._end_on_loop(wait, timeout), loop)
            await asyncio.shield(asyncio.wrap_future(there))
        else:
            await self._away(partial(self.shutdown, wait, timeout))

    async def _end_on_loop(self, wait: bool, timeout: float | None) -> None:
        asking = current.get()
        if self._ask_to_end(lambda _: None, A_TASK) is not None:
            self._ending_task = asyncio.ensure_future(self._end_awaiting(wait, timeout, asking))
            await asyncio.shield(self._ending_task)

    async def _end_awaiting(self, wait: bool, timeout: float | None, asking: Submission | None) -> None:
        engine, in_flight = self._engine, self._engine.in_flight
        in_flight.begin_wait(asking)
        engine.flush = _at_the_end  # because what is reported on the loop's thread must not be written there
        late = None
        try:
            try:
                async with asyncio.timeout(timeout):
                    await self._turn_ended()
                    if wait:
                        await self._others_ended()
            except TimeoutError:
                late = LATE % timeout if timeout is not None else None
            self._end_turn(0.0)
            if wait and late is None and asking in in_flight:
                # It goes on after this; closing the executors now would cancel it.
                in_flight.on_idle = self._close_parts_away
                if not in_flight:
                    self._close_parts_away()
            else:
                await self._away(partial(self._close_parts, wait and late is None, late))
                engine.flush = None
        except (
            asyncio.CancelledError
        ):  # the loop is about to be closed, and no task can be waited for any more
            self._close_parts_away()
            raise
        finally:
            self._ending_task = None
            self._mark_ended()
            self._say_ended()

    def _close_parts_away(self) -> None:
        self._hand_away(partial(self._close_parts, False))

    async def _turn_ended(self) -> None:
        """Wait for a turn that is under way: what it has claimed is to be started."""
        if self._steps is not None:
            ended = asyncio.Event()
            self._at_turn_end = ended.set
            try:
                async with asyncio.timeout(LONGEST_TURN):
                    await ended.wait()
            finally:
                self._at_turn_end = None

    async def _others_ended(self) -> None:
        """Wait for the runs in flight, and write the outcomes that come meanwhile, as the turns do."""
        engine, loop, news = self._engine, asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            try:
                loop.call_soon_threadsafe(news.set)
            except RuntimeError:
                pass  # the loop is closed

        engine.flush = engine.in_flight.on_quiet = tell
        try:
            while True:
                news.clear()
                await self._away(self._write_outcomes)
                if not engine.in_flight.others:
                    return
                await news.wait()
        finally:
            engine.flush, engine.in_flight.on_quiet = _at_the_end, None

    def _write_outcomes(self) -> None:
        for slot in self._engine.registry:
            if slot.started:
                try:
                    run_to_end(recording(self._engine, slot))
                except Exception as exc:  # what could not be written is tried again at the end
                    self._engine.store_failed(slot, exc)

    def _close_when_idle(self) -> None:
        if self._on_loop():
            self._hand_away(super()._close_when_idle)
        else:
            super()._close_when_idle()

    def _say_ended(self) -> None:
        super()._say_ended()
        if not self._engine.live:
            self._close_threads()

    def _close_stores(self, reason: str) -> None:
        super()._close_stores(reason)
        if self._ender is None and not self.running:
            self._close_threads()

    def _leave_parent(self, parent: int) -> None:
        self._threads = self._ending_task = None
        super()._leave_parent(parent)

    # -- the shutdown that does not await -------------------------------------------------------------------------

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Stop. From another thread than the loop's, the loop is asked to do it.

        On the loop's thread coroutines cannot be waited for, so they are cancelled, and recorded as interrupted; a
        warning says so. `await ashutdown()` waits for them.
        """
        loop = self._asyncio_loop()
        if self.running and loop is not None and loop.is_running() and not self._on_loop():
            loop.call_soon_threadsafe(self._shut_down_on_loop, wait, timeout)
            return
        if wait and self.running and self._on_loop() and self._engine.live:
            self._logger.warning(
                "shutdown() cannot wait on the event loop's own thread: of %d runs in flight the coroutines are"
                " cancelled, and recorded as interrupted; `await scheduler.ashutdown()` waits for them",
                self._engine.live,
                extra={"event": "shutdown_cannot_wait"},
            )
        super().shutdown(wait, timeout)

    def _shut_down_on_loop(self, wait: bool, timeout: float | None) -> None:
        try:
            super().shutdown(wait, timeout)
        except SchedulerNotRunningError:
            pass  # another thread has asked for it, too

    def _loop_is_gone(self) -> bool:
        loop = self._asyncio_loop()
        return loop is not None and loop.is_closed()

    def _on_loop(self) -> bool:
        try:
            here: Any = asyncio.get_running_loop()
        except RuntimeError:
            return False
        return here is self._asyncio_loop()


def _at_the_end() -> None:
    """Ask nobody to write outcomes: they are written when the job stores are closed."""
