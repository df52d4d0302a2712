"""The executor on a Tornado I/O loop: coroutine functions run on the loop, plain ones in threads of its own."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from functools import partial
from typing import Any

from apscheduler.executors.asyncio import AsyncIOExecutor

try:
    from tornado.gen import is_coroutine_function
except ImportError as exc:
    raise ImportError("TornadoExecutor needs tornado: pip install 'apscheduler[tornado]'") from exc

__all__ = ("TornadoExecutor",)


class TornadoExecutor(AsyncIOExecutor):
    """Runs jobs on the I/O loop of the scheduler: `async def` functions and those decorated with `gen.coroutine`.

    Args:
        max_workers: how many plain functions run at once, in threads.
    """

    _cuts_off = False

    def __init__(self, max_workers: int = 10) -> None:
        self._max_workers = int(max_workers)
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        super().__init__()

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs on the loop of `scheduler`."""
        super().start(scheduler, alias)
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(self._max_workers)

    def shutdown(self, wait: bool = True) -> None:
        """Take no more submissions. As in 3.x, those at hand run on, are not waited for, and are reported."""
        self._closed = True
        self._feed.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def _awaits(self, func: Callable[..., Any]) -> bool:
        inner = func
        while isinstance(inner, partial):
            inner = inner.func
        return super()._awaits(func) or bool(is_coroutine_function(inner))

    def _spawn(self, work: Any, ticket: list[bool]) -> None:
        if self._pool is None:
            raise RuntimeError("the executor was shut down")
        self._pool.submit(work, ticket)

    def _thread_limit(self) -> int:
        return self._max_workers
