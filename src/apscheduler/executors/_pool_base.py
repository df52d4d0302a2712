"""The base of the executors that run jobs in a pool of `concurrent.futures`."""

from __future__ import annotations

import concurrent.futures
import sys
import threading
from collections.abc import Sequence
from typing import Any

from apscheduler.executors._feed import ThreadFeed
from apscheduler.executors.base import BaseExecutor, Report, Submission


class BasePoolExecutor(BaseExecutor):
    """Runs jobs in a pool of `concurrent.futures` that the caller brings: one of threads, or one of processes.

    At most `max_workers` of the pool's workers are used at a time; without a number, as many as the pool has.
    """

    holds_back = True
    _feed: ThreadFeed
    _waiters: concurrent.futures.Executor | None = None

    def __init__(self, pool: Any, max_workers: int | None = None) -> None:
        super().__init__()
        self._pool = pool
        limit: int = max_workers or getattr(pool, "_max_workers", None) or 1
        if _is_process_pool(pool):
            from apscheduler.executors._process import run_in_pool

            self._waiters = concurrent.futures.ThreadPoolExecutor(limit)
            self._feed = ThreadFeed(self._waiters.submit, lambda: limit, run_in_pool(pool))
        else:
            self._feed = ThreadFeed(pool.submit, lambda: limit)

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs, with the scheduler's clock."""
        super().start(scheduler, alias)
        if self._feed.closed:
            self._open()
        self._feed.clock = self.clock
        self._feed.logger = self._logger

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Queue `submissions`, and wake as many workers as there is work and room for."""
        self._feed.submit(submissions, report)

    def shutdown(self, wait: bool = True) -> None:
        """Let the queue run empty and end the pool; with `wait`, return when it has ended.

        Called by a worker of the pool (a job, or a listener), it does not wait, because that would be for itself.
        """
        wait = wait and not self._feed.inside()
        self._feed.close()
        if self._waiters is None:
            self._pool.shutdown(wait)
        elif wait:
            self._shut_down_in_turn()
        else:
            threading.Thread(target=self._shut_down_in_turn).start()

    def forked(self) -> None:
        """Take it that no thread runs; a pool that the caller has brought must be made to work by the caller."""
        super().forked()
        self._feed = self._feed.anew()

    def _shut_down_in_turn(self) -> None:
        """End the pool of processes when the threads have handed it what was queued."""
        assert self._waiters is not None
        self._waiters.shutdown()
        self._pool.shutdown()

    def _open(self) -> None:
        """Be ready for work again after a shutdown; a pool that the caller brought can only be used once."""


def _is_process_pool(pool: object) -> bool:
    # Asked of sys.modules, because the import costs more than all the rest and a pool of threads does not need it.
    module = sys.modules.get("concurrent.futures.process")
    return module is not None and isinstance(pool, concurrent.futures.ProcessPoolExecutor)
