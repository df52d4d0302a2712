"""The executor on a Twisted reactor: coroutine functions run in the reactor's thread, plain ones in its thread pool."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Coroutine, Sequence
from functools import partial
from threading import Lock
from types import coroutine as generator_coroutine
from typing import Any

from apscheduler.executors._feed import CLOSED, ThreadFeed
from apscheduler.executors._run import CutOff, run
from apscheduler.executors._run_async import AsyncRun, call_directly, is_coroutine_function
from apscheduler.executors.base import BaseExecutor, Report, Submission

try:
    from twisted.internet.defer import Deferred
except ImportError as exc:
    raise ImportError("TwistedExecutor needs twisted: pip install 'apscheduler[twisted]'") from exc

__all__ = ("TwistedExecutor",)

STOPPED = "the reactor was stopped"
HINT = (
    "On this reactor a coroutine function can await Deferreds. For what needs asyncio, install"
    " twisted.internet.asyncioreactor, or give the job an executor of the type 'threadpool'."
)


class TwistedExecutor(BaseExecutor):
    """Runs jobs on the reactor of the scheduler.

    Coroutine functions may await Deferreds; on the asyncio reactor whatever asyncio awaits, too. A Deferred that a
    plain function returns is waited for. As in 3.x a shutdown lets the runs at hand go on; those that the stop of the
    reactor cuts off are reported as interrupted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reactor: Any = None
        self._closed = False
        self._stopped = False
        self._guard = Lock()
        self._at_stop: Any = None
        self._runs: dict[Any, AsyncRun] = {}
        self._returned: set[concurrent.futures.Future[Any]] = set()
        self._feed = self._new_feed()

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs on `scheduler._reactor`, or on the installed reactor."""
        super().start(scheduler, alias)
        self._reactor = getattr(scheduler, "_reactor", None)
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        if self._closed:
            self._closed = False
            self._feed = self._new_feed()
        self._feed.clock = self.clock
        self._feed.logger = self._logger

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Begin `submissions`, from any thread.

        Raises:
            RuntimeError: the executor was shut down.
        """
        if self._closed:
            raise RuntimeError(CLOSED)
        plain = []
        for submission in submissions:
            if is_coroutine_function(submission.func):
                self._reactor.callFromThread(self._await, submission, report)
            else:
                plain.append(submission)
        if plain:
            self._feed.submit(plain, report)

    def shutdown(self, wait: bool = True) -> None:
        """Take no more submissions. As in 3.x, those at hand run on, are not waited for, and are reported."""
        self._closed = True
        self._feed.close()

    def _new_feed(self) -> ThreadFeed:
        return ThreadFeed(
            lambda work, ticket: self._reactor.callInThread(work, ticket),
            lambda: int(self._reactor.getThreadPool().max),
            partial(run, finish=self._finish, awaited=(Coroutine, Deferred)),
        )

    # -- in the reactor's thread --------------------------------------------------------------------------------

    def _await(self, submission: Submission, report: Report) -> None:
        awaited = AsyncRun(submission, self.clock.time, report, self._logger, _call)
        deferred = _begin(awaited.run())
        if not deferred.called:
            self._watch_the_reactor()
            self._runs[deferred] = awaited
        deferred.addBoth(self._ended, deferred)

    def _ended(self, result: Any, deferred: Any) -> None:
        awaited = self._runs.pop(deferred, None)
        if awaited is not None:
            awaited.cut_off("it was cancelled before it began")
        if getattr(result, "value", None) is not None:
            self._logger.error("Could not report a run", exc_info=result.value)

    def _watch_the_reactor(self) -> None:
        if self._at_stop is None:
            self._at_stop = self._reactor.addSystemEventTrigger("before", "shutdown", self._reactor_stops)

    def _reactor_stops(self) -> None:
        """Report what will never end: the reactor makes no more calls, and waits for its threads."""
        self._at_stop = None
        with self._guard:
            self._stopped = True
            waiting = list(self._returned)
        for awaited in list(self._runs.values()):
            awaited.cut_off(STOPPED)
        for future in waiting:
            future.cancel()

    # -- in a thread of the pool --------------------------------------------------------------------------------

    def _finish(self, awaitable: Any) -> Any:
        """Wait for what a plain function has returned."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        with self._guard:
            if self._stopped:
                raise CutOff
            self._returned.add(future)
        self._reactor.callFromThread(self._attend, awaitable, future)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            if future.cancelled():
                raise CutOff from None
            raise
        finally:
            self._returned.discard(future)

    def _attend(self, awaitable: Any, future: concurrent.futures.Future[Any]) -> None:
        self._watch_the_reactor()
        deferred = awaitable if isinstance(awaitable, Deferred) else _begin(awaitable)

        def failed(failure: Any) -> None:
            if not future.done():
                future.set_exception(failure.value)

        def succeeded(value: Any) -> None:
            if not future.done():
                future.set_result(value)

        deferred.addCallbacks(succeeded, failed)


async def _call(submission: Submission) -> Any:
    try:
        return await call_directly(submission)
    except RuntimeError as exc:
        if str(exc) == "no running event loop":  # what asyncio says of a thread that has none
            exc.add_note(HINT)
        raise


def _begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in the reactor's thread, and return a Deferred of its end."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return Deferred.fromCoroutine(coroutine)
    return Deferred.fromFuture(loop.create_task(_on_asyncio(coroutine, loop)))


@generator_coroutine
def _until_called(deferred: Any, loop: Any) -> Any:
    """Wait in a task of asyncio until a Deferred has its result, which stays there for who awaits it."""
    called = loop.create_future()

    def pass_on(result: Any) -> Any:
        if not called.done():
            called.set_result(None)
        return result

    deferred.addBoth(pass_on)
    try:
        yield from called
    except asyncio.CancelledError:
        deferred.cancel()
        raise


@generator_coroutine
def _on_asyncio(coroutine: Coroutine[Any, Any, Any], loop: Any) -> Any:
    """Run `coroutine` in a task of asyncio, which alone could not wait for a Deferred."""
    step, value = coroutine.send, None
    while True:
        try:
            awaited = step(value)
        except StopIteration as stop:
            return stop.value
        try:
            if isinstance(awaited, Deferred):
                value = yield from _until_called(awaited, loop)
            else:
                value = yield awaited
            step = coroutine.send
        except BaseException as exc:
            step, value = coroutine.throw, exc
