"""Running the run times of one submission on an event loop: the rules of `_run`, with the call awaited."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from apscheduler._core.claims import SUCCEEDED
from apscheduler.executors._current import current
from apscheduler.executors._run import (
    SHUT_DOWN,
    Time,
    failed,
    interrupted,
    lateness_beyond_grace,
    log_start,
    missed,
)
from apscheduler.executors.base import Outcome, Report, Submission

CANCELLED = "its task was cancelled"


def is_coroutine_function(func: Callable[..., Any]) -> bool:
    """Return whether calling `func` gives a coroutine.

    True for coroutine functions and methods, partials of them, and objects whose `__call__` is one.
    """
    while isinstance(func, partial):
        func = func.func
    if inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__):
        return True
    # Until Python 3.12 decorators mark what is a coroutine function in all but form in a way only asyncio looks for.
    return sys.version_info < (3, 12) and asyncio.iscoroutinefunction(func)


def call_directly(submission: Submission) -> Awaitable[Any]:
    """Call the submission's function, which returns something to be awaited."""
    awaitable: Awaitable[Any] = submission.func(*submission.args, **submission.kwargs)
    return awaitable


class AsyncRun:
    """One submission that is awaited. Each of its run times is reported once, also when it is cut off.

    All methods are called in the thread of the loop.
    """

    def __init__(
        self,
        submission: Submission,
        time: Time,
        report: Report,
        logger: logging.Logger,
        call: Callable[[Submission], Awaitable[Any]] = call_directly,
    ) -> None:
        self._submission = submission
        self._time = time
        self._report = report
        self._logger = logger
        self._call = call
        self._next = 0
        self._started: float | None = None

    async def run(self) -> None:
        """Await the call for each run time that is not too late, reporting each in turn.

        A cancellation from outside ends the run at hand and those after it as interrupted. A `CancelledError` that
        the job raises by itself is a failure of that run.
        """
        task = _current_task()
        current.set(self._submission)  # in the context of its task, which ends with it
        try:
            while self._next < len(self._submission.stamps):
                outcome = await self._one(task)
                self._started = None
                if self._next == outcome.index:
                    self._next += 1
                    self._report(self._submission, outcome)
                if task is not None and task.cancelling():
                    raise asyncio.CancelledError  # the job has ended all the same, but no other run may start
        finally:
            self.cut_off(CANCELLED)

    def cut_off(self, reason: str = SHUT_DOWN) -> None:
        """Report the run at hand and those after it as interrupted; what becomes of them later is not told."""
        index, self._next = self._next, len(self._submission.stamps)
        if index < self._next:
            for outcome in interrupted(self._submission, index, self._started, self._time(), reason):
                self._report(self._submission, outcome)

    async def _one(self, task: asyncio.Task[Any] | None) -> Outcome:
        submission, index, started = self._submission, self._next, self._time()
        late = lateness_beyond_grace(submission.stamps[index], started, submission.misfire_grace_time)
        if late is not None:
            return missed(submission, index, started, late, self._logger)
        log_start(submission, index, self._logger)
        self._started = started
        try:
            retval = await self._call(submission)
        except BaseException as exc:
            if _comes_from_outside(exc, task):
                raise
            return failed(index, started, self._time(), exc)
        return Outcome(index, SUCCEEDED, started, self._time(), retval)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # somebody else's loop than one of asyncio awaits this
        return None


def _comes_from_outside(exc: BaseException, task: asyncio.Task[Any] | None) -> bool:
    if isinstance(exc, asyncio.CancelledError):
        return task is not None and task.cancelling() > 0
    if isinstance(
        exc, GeneratorExit
    ):  # our coroutine is being thrown away, unless the task is still running it
        try:
            return task is None or asyncio.current_task() is not task
        except RuntimeError:
            return True
    return False
