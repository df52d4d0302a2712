"""Feeding worker processes: a queue in the parent, from which each worker gets one submission at a time.

What waits here cannot be lost by the death of a worker; what has been handed over is lost with its worker only.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any

from apscheduler._clock import SYSTEM
from apscheduler.executors._feed import CLOSED, Entry
from apscheduler.executors._parcel import pack, unpack
from apscheduler.executors._run import Time, failed, log_start
from apscheduler.executors._slots import Answer, Pool, SharedSlot, Slot

if TYPE_CHECKING:
    from apscheduler.executors.base import Outcome, Report, Submission


class ProcessFeed:
    """Submissions on their way to at most `limit` slots, each of which `make_slot()` brings when it is needed."""

    def __init__(self, make_slot: Callable[[], Slot], limit: int) -> None:
        self.time: Time = SYSTEM.time
        self.logger = logging.getLogger("apscheduler.executors")
        self._make_slot = make_slot
        self._limit = limit
        self._guard = threading.Lock()
        self._queue: deque[Entry] = deque()
        self._idle: list[Slot] = []
        self._opened = 0
        self._unreported = 0
        self.closed = False
        self._joining = False
        self._drained = threading.Event()
        self._inside: set[int] = set()
        _feeds.add(self)

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Queue `submissions`, and hand over as many as there are workers for.

        Raises:
            RuntimeError: the feed is closed.
        """
        with self._guard:
            if self.closed:
                raise RuntimeError(CLOSED)
            self._queue.extend([(submission, report) for submission in submissions])
            self._unreported += len(submissions)
        self._hand_over()

    def close(self, wait: bool = False) -> None:
        """Take no more submissions; those in the queue are run. With `wait`, return when all workers have ended."""
        with self._guard:
            self.closed = True
            self._joining = self._joining or wait
            if not self._unreported:
                self._drained.set()
        if wait:
            self._drained.wait()
        with self._guard:
            idle, self._idle = self._idle, []
            self._opened -= len(idle)
        for slot in idle:
            slot.close(wait)

    def inside(self) -> bool:
        """Return whether the calling thread is one that reports what workers have done."""
        return threading.get_ident() in self._inside

    def _hand_over(self) -> None:
        """Give waiting submissions to free slots."""
        while (taken := self._take()) is not None:
            (submission, report), slot = taken
            try:
                payload = pack(submission)
                handed_over = self.time()
                answer = slot.submit(payload)
            except BaseException as exc:
                self._release(slot)
                self._report(submission, report, self._failures(submission, exc))
                if not isinstance(exc, Exception):
                    raise
            else:
                for index in range(len(submission.stamps)):
                    log_start(submission, index, self.logger)
                answer.add_done_callback(partial(self._answered, submission, report, slot, handed_over))

    def _take(self) -> tuple[Entry, Slot] | None:
        with self._guard:
            if not self._queue:
                return None
            if self._idle:
                slot = self._idle.pop()  # the one that was used last, so that few processes do the work
            elif self._opened < self._limit:
                slot = self._make_slot()
                self._opened += 1
            else:
                return None
            return self._queue.popleft(), slot

    def _release(self, slot: Slot) -> None:
        """Take a slot back that has done its work."""
        slot.release()
        with self._guard:
            over = self.closed and not self._joining and not self._queue
            if over:
                self._opened -= 1
            else:
                self._idle.append(slot)
        if over:
            slot.close(wait=False)

    def _answered(
        self, submission: Submission, report: Report, slot: Slot, handed_over: float, answer: Answer
    ) -> None:
        """Take what a worker has answered, or that it died; called in the thread that watches it."""
        work = partial(self._done, submission, report, slot, handed_over, answer)
        if not answer.cancelled() and isinstance(answer.exception(), BrokenProcessPool):
            # Elsewhere, because from Python 3.12 on this thread holds a lock that even to free the dead pool needs.
            try:
                threading.Thread(target=work, name="apscheduler-worker-died").start()
            except RuntimeError:  # there are no threads to be had
                slot.bury()
            else:
                return
        work()

    def _done(
        self, submission: Submission, report: Report, slot: Slot, handed_over: float, answer: Answer
    ) -> None:
        """Report what a worker has answered, and give it more to do."""
        ident = threading.get_ident()
        self._inside.add(ident)
        try:
            outcomes = self._outcomes(submission, slot, handed_over, answer)
            self._release(slot)
            self._hand_over()
            self._report(submission, report, outcomes)
        finally:
            self._inside.discard(ident)

    def _outcomes(
        self, submission: Submission, slot: Slot, handed_over: float, answer: Answer
    ) -> list[Outcome]:
        try:
            return list(unpack(submission, answer.result(), self.logger))
        except BrokenProcessPool:
            exc: BaseException = BrokenProcessPool(
                f"the worker process died while it had this job, {slot.cause_of_death()}"
            )
        except BaseException as other:  # a cancelled future, or a fault of the pool: still an outcome
            exc = other
        return self._failures(submission, exc, handed_over)

    def _failures(
        self, submission: Submission, exc: BaseException, started: float | None = None
    ) -> list[Outcome]:
        now = self.time()
        return [failed(index, started, now, exc) for index in range(len(submission.stamps))]

    def _report(self, submission: Submission, report: Report, outcomes: Sequence[Outcome]) -> None:
        try:
            for outcome in outcomes:
                report(submission, outcome)
        except BaseException:
            self.logger.exception('Could not report job "%s"', submission.job)
        finally:
            with self._guard:
                self._unreported -= 1
                if self.closed and not self._unreported:
                    self._drained.set()


class SharedFeed(ProcessFeed):
    """Submissions on their way to a pool that the caller has brought and that cannot be replaced."""

    def __init__(self, pool: Pool, limit: int) -> None:
        super().__init__(lambda: SharedSlot(pool), limit)

    def close(self, wait: bool = False) -> None:
        """As for any feed; without `wait` the pool is given all that waits, because it is closed right after."""
        if not wait:
            with self._guard:
                self._limit = sys.maxsize
            self._hand_over()
        super().close(wait)


_feeds: weakref.WeakSet[ProcessFeed] = weakref.WeakSet()


def _drain_all() -> None:
    """Run what waits in the feeds before the interpreter ends, as a pool of the standard library does.

    In 3.x the whole queue was in such a pool; here it is ours, so the same promise must be kept by us.
    """
    for feed in list(_feeds):
        feed.close(wait=True)


# Private; where it is absent, what waits at exit is not run. Registered after concurrent.futures.process was imported,
# because the last one is called first, and that module's ends the pools.
_register: Any = getattr(threading, "_register_atexit", None)
if _register is not None:
    _register(_drain_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_feeds.clear)  # because nothing in the child ever empties its copies
