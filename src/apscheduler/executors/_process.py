"""The executor on worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apscheduler.executors._pool_base import BasePoolExecutor
from apscheduler.executors.base import BaseExecutor

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor as Pool

    from apscheduler.executors._process_feed import ProcessFeed

__all__ = ("ProcessPoolExecutor",)


class ProcessPoolExecutor(BasePoolExecutor):
    """Runs jobs in worker processes, which are spawned when they are needed and then kept.

    What a job is made of is pickled: its function must be importable under its name, its arguments must be values. A
    worker that dies fails the run that it had and is replaced; nothing else is lost. Whether a run comes too late is
    judged by the worker process when it starts the run, with the system's clock.

    Args:
        max_workers: how many jobs run at once.
        pool_kwargs: further arguments of `concurrent.futures.ProcessPoolExecutor`: `mp_context` ("spawn" if absent),
            `initializer`, `initargs`, `max_tasks_per_child`.
    """

    def __init__(self, max_workers: int = 10, pool_kwargs: Mapping[str, Any] | None = None) -> None:
        BaseExecutor.__init__(self)
        self._max_workers = int(max_workers)
        if self._max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._pool_kwargs = dict(pool_kwargs or {})
        self._max_tasks = self._pool_kwargs.pop("max_tasks_per_child", None)
        if self._max_tasks is not None:
            if not isinstance(self._max_tasks, int):
                raise TypeError(f"max_tasks_per_child must be an integer, got {self._max_tasks!r}")
            if self._max_tasks <= 0:
                raise ValueError(f"max_tasks_per_child must be greater than 0, got {self._max_tasks}")
        self._pool = None  # each worker has one of its own, see _slots
        self._make_pool().shutdown()  # so that wrong arguments show here, and not when a job is due
        self._feed = self._make_feed()

    def _make_pool(self) -> Pool:
        # Imported here, because programs that only use threads import this module too, and need none of it.
        import concurrent.futures
        import multiprocessing

        kwargs = {"mp_context": multiprocessing.get_context("spawn"), **self._pool_kwargs}
        return concurrent.futures.ProcessPoolExecutor(1, **kwargs)

    def _make_feed(self) -> ProcessFeed:
        from apscheduler.executors._process_feed import ProcessFeed
        from apscheduler.executors._slots import Slot

        return ProcessFeed(lambda: Slot(self._make_pool, self._max_tasks), self._max_workers)

    def _open(self) -> None:
        self._feed = self._make_feed()
