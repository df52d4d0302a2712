"""The executor on an asyncio event loop: coroutine functions are awaited, plain ones run in the loop's threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from apscheduler.executors._feed import CLOSED, ThreadFeed
from apscheduler.executors._run import CutOff, interrupted, run
from apscheduler.executors._run_async import AsyncRun, is_coroutine_function
from apscheduler.executors.base import BaseExecutor, Outcome, Report, Submission

__all__ = ("AsyncIOExecutor",)

_POLL = 0.05  # seconds between looks at whether the loop, which was asked to cut off the runs, still runs


class AsyncIOExecutor(BaseExecutor):
    """Runs jobs on the event loop of the scheduler, coroutine functions as tasks, plain functions in its threads.

    A coroutine that a plain function returns is awaited on the loop too. Outcomes are reported on the loop's thread,
    as in 3.x; after a shutdown those of functions that still run in threads are reported there.
    """

    _cuts_off = True
    """Whether a shutdown ends the coroutines at hand."""

    def __init__(self) -> None:
        super().__init__()
        self._eventloop: Any = None
        self._closed = False
        # Keeps the tasks alive: the loop itself only refers to them weakly.
        self._runs: dict[asyncio.Task[None], AsyncRun] = {}
        self._returned: set[concurrent.futures.Future[Any]] = set()
        self._outbox: deque[tuple[Report, Submission, Outcome]] = deque()
        self._flush_due = False
        self._of_the_parent: Any = None
        self._feed = ThreadFeed(self._spawn, self._thread_limit, partial(run, finish=self._finish))

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs on `scheduler._eventloop`."""
        super().start(scheduler, alias)
        self._eventloop = scheduler._eventloop  # noqa: SLF001 - the name that executors of 3.x read
        if self._closed:
            self._closed = False
            self._feed = ThreadFeed(self._spawn, self._thread_limit, partial(run, finish=self._finish))
        self._feed.clock = self.clock
        self._feed.logger = self._logger

    def forked(self) -> None:
        """Be without a loop; the tasks are those of the parent's loop, and are kept lest their end is complained of."""
        super().forked()
        self._of_the_parent = (self._runs, self._returned)
        self._eventloop, self._closed = None, True
        self._runs, self._returned, self._outbox = {}, set(), deque()

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Begin `submissions`, from any thread.

        Raises:
            RuntimeError: the executor was shut down, or its loop is closed.
        """
        if self._closed:
            raise RuntimeError(CLOSED)
        if self._on_loop():
            self._begin(submissions, report)
        else:
            self._eventloop.call_soon_threadsafe(self._begin, tuple(submissions), report)

    def shutdown(self, wait: bool = True) -> None:
        """Cancel the coroutines at hand and drop what waits for a thread; all of these are reported as interrupted.

        A function that runs in a thread cannot be stopped: it runs on, is not waited for, and is reported when it
        ends. As in 3.x, `wait` does not wait for coroutines, because the loop that would run them may be the caller;
        from another thread it waits until the loop has cut them off.
        """
        self._closed = True
        loop = self._eventloop
        if loop is None or self._on_loop() or not loop.is_running():
            self._cut_off()
            return
        done = threading.Event()

        def cut_off() -> None:
            self._cut_off()
            done.set()

        try:
            loop.call_soon_threadsafe(cut_off)
        except RuntimeError:  # closed in the meantime
            self._cut_off()
            return
        while wait and not done.wait(_POLL):
            if not loop.is_running():
                self._cut_off()
                return

    # -- on the loop's thread -----------------------------------------------------------------------------------

    def _on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._eventloop
        except RuntimeError:
            return False

    def _begin(self, submissions: Sequence[Submission], report: Report) -> None:
        if self._closed:  # between the hand-over to the loop and now
            for submission in submissions:
                self._interrupt(submission, report)
            return
        plain = []
        for submission in submissions:
            if self._awaits(submission.func):
                awaited = AsyncRun(submission, self.clock.time, report, self._logger)
                task = self._eventloop.create_task(awaited.run())
                self._runs[task] = awaited
                task.add_done_callback(self._ended)
            else:
                plain.append(submission)
        if plain:
            try:
                self._feed.submit(plain, partial(self._post, report))
            except RuntimeError:  # the loop's threads are gone, or the shutdown came in between
                for submission in plain:
                    self._interrupt(submission, report)

    def _awaits(self, func: Callable[..., Any]) -> bool:
        """Return whether a call of `func` gives something that the loop awaits."""
        return is_coroutine_function(func)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._runs.pop(task).cut_off("its task was cancelled before it began")
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._logger.error("Could not report a run", exc_info=exc)

    def _cut_off(self) -> None:
        for task, awaited in list(self._runs.items()):
            # Reported now and not when the task has noticed, because a loop that is about to stop may never run it.
            awaited.cut_off()
            task.cancel()
        for submission, report in self._feed.drop():
            self._interrupt(submission, report)
        for future in list(self._returned):
            future.cancel()
        self._flush()

    def _interrupt(self, submission: Submission, report: Report) -> None:
        for outcome in interrupted(submission, 0, None, self.clock.time()):
            report(submission, outcome)

    def _flush(self) -> None:
        """Report what threads have posted."""
        self._flush_due = (
            False  # before the outbox is emptied, so that what comes meanwhile asks for a flush again
        )
        while self._outbox:
            try:
                report, submission, outcome = self._outbox.popleft()
            except IndexError:
                return
            try:
                report(submission, outcome)
            except Exception:
                self._logger.exception('Could not report job "%s"', submission.job)

    # -- the loop's threads -------------------------------------------------------------------------------------

    def _spawn(self, work: Any, ticket: list[bool]) -> None:
        self._eventloop.run_in_executor(None, work, ticket)

    def _thread_limit(self) -> int:
        """Return how many threads the loop's default pool may have, or as many as there are submissions."""
        unlimited = 1 << 30
        pool = getattr(self._eventloop, "_default_executor", unlimited)
        if pool is None:
            return min(32, (os.cpu_count() or 1) + 4)  # documented: the pool that the loop is about to make
        return int(getattr(pool, "_max_workers", unlimited))

    def _post(self, report: Report, submission: Submission, outcome: Outcome) -> None:
        """Have an outcome reported by the loop; called in its threads."""
        self._outbox.append((report, submission, outcome))
        if self._closed:
            self._flush()
        elif not self._flush_due:
            self._flush_due = True
            try:
                self._eventloop.call_soon_threadsafe(self._flush)
            except RuntimeError:  # the loop is closed
                self._flush()

    def _finish(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await on the loop what a plain function returned; called in its threads."""
        if self._closed and self._cuts_off:
            coroutine.close()
            raise CutOff
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._eventloop)
        except RuntimeError:  # the loop is closed
            coroutine.close()
            raise CutOff from None
        self._returned.add(future)
        try:
            if self._closed and self._cuts_off:
                future.cancel()
            return future.result()
        except concurrent.futures.CancelledError:
            if self._closed and self._cuts_off:
                raise CutOff from None
            raise
        finally:
            self._returned.discard(future)
