"""Feeding a pool of threads: a queue, and workers that take one submission after another until it is empty.

So a thousand jobs that are due at once cost a thousand appends and a few hand-overs between threads, instead of a
thousand futures.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from apscheduler._clock import SYSTEM, Clock
from apscheduler.executors._run import Time, failed
from apscheduler.executors._run import run as run_here
from apscheduler.executors.base import Report, Submission

Entry = tuple[Submission, Report]
Run = Callable[[Submission, Time, Report, logging.Logger], None]

CLOSED = (
    "cannot schedule new futures after shutdown"  # the words of concurrent.futures, which 3.x lets through
)


class ThreadFeed:
    """Submissions on their way to at most `limit()` threads, each of which `spawn(work, ticket)` brings.

    `run(submission, time, report, logger)` runs and reports one submission; by default in the thread itself.
    `spawn` is called once for each worker that is wanted, not for each submission; it may raise `RuntimeError`.
    """

    def __init__(self, spawn: Callable[..., object], limit: Callable[[], int], run: Run = run_here) -> None:
        self.clock: Clock = SYSTEM
        self.logger = logging.getLogger("apscheduler.executors")
        self._spawn = spawn
        self._limit = limit
        self._run = run
        self._queue: deque[Entry] = deque()
        self._workers = 0
        self._guard = threading.RLock()
        self.closed = False
        self._idents: set[int] = set()

    def anew(self) -> ThreadFeed:
        """Return a feed like this one that nothing was submitted to."""
        return ThreadFeed(self._spawn, self._limit, self._run)

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Queue `submissions`, and wake as many workers as there is work and room for.

        Raises:
            RuntimeError: the feed is closed, or there is no worker and none can be had.
        """
        with self._guard:
            if self.closed:
                raise RuntimeError(CLOSED)
            self._queue.extend([(submission, report) for submission in submissions])
            wanted = max(0, min(self._limit() - self._workers, len(submissions)))
            self._workers += wanted
        for started in range(wanted):
            ticket = [True]
            try:
                self._spawn(self._work, ticket)
            except RuntimeError as exc:  # the pool was shut down, or the system gives no more threads
                self._give_up(wanted - started, ticket, submissions, exc)
                return

    def close(self) -> None:
        """Take no more submissions; those in the queue are run."""
        with self._guard:
            self.closed = True

    def drop(self) -> list[Entry]:
        """Take no more submissions, and return those that no worker has begun."""
        with self._guard:
            self.closed = True
            waiting = list(self._queue)
            self._queue.clear()
        return waiting

    def empty(self) -> bool:
        """Return whether no submission waits for a worker."""
        return not self._queue

    def inside(self) -> bool:
        """Return whether the calling thread is one of the workers."""
        return threading.get_ident() in self._idents

    def _give_up(
        self, missing: int, ticket: list[bool], submissions: Sequence[Submission], exc: RuntimeError
    ) -> None:
        """Do without `missing` workers; where no other one lives, nobody would ever empty the queue."""
        try:
            ticket.pop()
        except IndexError:
            missing -= 1  # because the pool, which had queued it before it raised, has started it after all
        with self._guard:
            self._workers -= missing
            if self._workers:
                return
            stranded = list(self._queue)
            self._queue.clear()
        mine = {id(submission) for submission in submissions}
        if sum(id(submission) in mine for submission, _ in stranded) == len(mine):
            stranded = [entry for entry in stranded if id(entry[0]) not in mine]
            self._fail(stranded, exc)
            raise exc
        self._fail(stranded, exc)

    def _fail(self, entries: Sequence[Entry], exc: RuntimeError) -> None:
        now = self.clock.time()
        for submission, report in entries:
            for index in range(len(submission.stamps)):
                report(submission, failed(index, None, now, exc))

    def _work(self, ticket: list[bool]) -> None:
        try:
            ticket.pop()
        except IndexError:
            return  # because submit() has given this worker up
        ident = threading.get_ident()
        self._idents.add(ident)
        try:
            while True:
                self._run_queued()
                with self._guard:  # look again, because a submission may have come since
                    if not self._queue:
                        self._workers -= 1
                        return
        finally:
            self._idents.discard(ident)

    def _run_queued(self) -> None:
        """Run submissions until the queue is found empty, none before its run time."""
        time, hold = self.clock.time, self.clock.hold
        logger, run, take = self.logger, self._run, self._queue.popleft
        while True:
            try:
                submission, report = take()
            except IndexError:
                return
            try:
                if submission.stamps[0] > time():
                    hold(submission.stamps[0])
                run(submission, time, report, logger)
            except BaseException:
                # Only a fault of ours or of a logging handler gets here; this worker's place must not be lost by it.
                logger.exception('Could not run or report job "%s"', submission.job)
