"""The executor on worker processes."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from apscheduler.executors._feed import ThreadFeed
from apscheduler.executors._pool_base import BasePoolExecutor
from apscheduler.executors.base import BaseExecutor, Report, Submission

if TYPE_CHECKING:
    from apscheduler.executors._workers import Workers

__all__ = ("ProcessPoolExecutor",)


class ProcessPoolExecutor(BasePoolExecutor):
    """Runs jobs in worker processes, which are spawned when they are needed and then kept.

    What a job is made of is pickled: its function must be importable under its name, its arguments must be values. A
    worker that dies fails the run that it had and is replaced; nothing else is lost. Whether a run comes too late is
    judged by the worker process when it starts the run, with the system's clock.

    Args:
        max_workers: how many jobs run at once.
        pool_kwargs: as for `concurrent.futures.ProcessPoolExecutor`: `mp_context` ("spawn" if absent), `initializer`,
            `initargs`, `max_tasks_per_child`.
    """

    def __init__(self, max_workers: int = 10, pool_kwargs: Mapping[str, Any] | None = None) -> None:
        BaseExecutor.__init__(self)
        self._max_workers = int(max_workers)
        if self._max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._pool_kwargs = dict(pool_kwargs or {})
        self._workers = _make_workers(**self._pool_kwargs)
        self._open()

    def shutdown(self, wait: bool = True) -> None:
        """Let the queue run empty and end the processes; with `wait`, return when they have ended.

        Called by a listener in a thread of this executor, it does not wait, because that would be for itself.
        """
        wait = wait and not self._feed.inside()
        super().shutdown(wait)
        # Without waiting these are the idle ones. The others are ended in _run(), when the queue is empty.
        self._workers.close(wait)

    def forked(self) -> None:
        """Have processes of its own in the child of a fork; those of the parent are left alone."""
        super().forked()
        self._workers = _make_workers(**self._pool_kwargs)
        self._open()

    def _open(self) -> None:
        # Each thread waits for one process. They are those of the standard library because it lets them run the queue
        # empty before the interpreter ends.
        self._pool = concurrent.futures.ThreadPoolExecutor(self._max_workers, "apscheduler-process")
        self._feed = ThreadFeed(self._pool.submit, lambda: self._max_workers, self._run)

    def _run(self, submission: Submission, time: Any, report: Report, logger: Any) -> None:
        # Imported here, because programs that only use threads import this module too, and need none of it.
        from apscheduler.executors._process_run import run_elsewhere

        run_elsewhere(self._workers.ask, submission, time, report, logger)
        if self._feed.closed and self._feed.empty():
            self._workers.close()


def run_in_pool(pool: Any) -> Callable[..., None]:
    """Return the `run` of a feed whose submissions are performed by a process pool that the caller has brought."""
    from apscheduler.executors._child import perform_packed
    from apscheduler.executors._process_run import run_elsewhere

    return partial(run_elsewhere, lambda payload: pool.submit(perform_packed, payload).result())


def _make_workers(
    mp_context: Any = None,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    max_tasks_per_child: int | None = None,
) -> Workers:
    import multiprocessing

    from apscheduler.executors._workers import Workers

    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    if max_tasks_per_child is not None:
        if not isinstance(max_tasks_per_child, int):
            raise TypeError(f"max_tasks_per_child must be an integer, got {max_tasks_per_child!r}")
        if max_tasks_per_child <= 0:
            raise ValueError(f"max_tasks_per_child must be greater than 0, got {max_tasks_per_child}")
    context = mp_context or multiprocessing.get_context("spawn")
    return Workers(context, initializer, tuple(initargs), max_tasks_per_child)
