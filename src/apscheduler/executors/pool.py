"""Executors on pools: threads, the default, and processes."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Mapping
from typing import Any

from apscheduler.executors._feed import ThreadFeed
from apscheduler.executors._pool_base import BasePoolExecutor
from apscheduler.executors._process import ProcessPoolExecutor

__all__ = ("BasePoolExecutor", "ProcessPoolExecutor", "ThreadPoolExecutor")


class ThreadPoolExecutor(BasePoolExecutor):
    """Runs jobs in a pool of threads. Coroutine functions run too, each in an event loop of its own.

    Args:
        max_workers: how many jobs run at once.
        pool_kwargs: further arguments of `concurrent.futures.ThreadPoolExecutor`.
    """

    def __init__(self, max_workers: int = 10, pool_kwargs: Mapping[str, Any] | None = None) -> None:
        self._max_workers = int(max_workers)
        self._pool_kwargs = dict(pool_kwargs or {})
        super().__init__(self._make_pool(), self._max_workers)

    def _make_pool(self) -> concurrent.futures.ThreadPoolExecutor:
        return concurrent.futures.ThreadPoolExecutor(self._max_workers, **self._pool_kwargs)

    def _open(self) -> None:
        self._pool = self._make_pool()
        self._feed = ThreadFeed(self._pool.submit, lambda: self._max_workers)

    def forked(self) -> None:
        """Have threads of its own in the child of a fork."""
        super().forked()
        self._open()
