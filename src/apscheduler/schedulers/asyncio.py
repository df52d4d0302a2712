"""A scheduler on an asyncio event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import wraps
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers._awaitable import AwaitableCalls
from apscheduler.util import maybe_ref

__all__ = ("AsyncIOScheduler", "run_in_event_loop")


def run_in_event_loop(func: Callable[..., Any]) -> Callable[..., None]:
    """Have a method called on the scheduler's event loop; for subclasses written for 3.x."""

    @wraps(func)
    def wrapper(self: AsyncIOScheduler, *args: Any, **kwargs: Any) -> None:
        self._eventloop.call_soon_threadsafe(lambda: func(self, *args, **kwargs))

    return wrapper


class AsyncIOScheduler(AwaitableCalls):
    """Runs on the event loop that runs when `start()` is called.

    Coroutine functions are awaited on the loop, plain functions run in its thread pool. Option `event_loop`: the loop
    to use instead; then `start()` may be called before it runs.

    Calls that may wait for a job store have awaitable twins: `await scheduler.aadd_job(...)` and so on. `async with`
    starts the scheduler and, at the end, awaits `ashutdown()`.
    """

    _known_options = (*AwaitableCalls._known_options, "event_loop")
    _eventloop: Any = None
    _context = Context()

    def _configure(self, config: dict[str, Any]) -> None:
        self._eventloop = maybe_ref(config.pop("event_loop", None))
        super()._configure(config)

    def start(self, paused: bool = False) -> None:
        """Start and return. See `BaseScheduler.start()`.

        Raises:
            RuntimeError: no event loop runs, and none was given.
        """
        self._bind_loop()
        super().start(paused)

    def _bind_loop(self) -> None:
        if self._eventloop is None or self._eventloop.is_closed():
            try:
                self._eventloop = asyncio.get_running_loop()
            except RuntimeError as exc:
                exc.add_note(
                    f"{type(self).__name__}.start() is called within a coroutine, as in asyncio.run(main()), or is"
                    " given the loop that will run: AsyncIOScheduler(event_loop=loop)."
                )
                raise
        # That of the start, because else the turns, and the jobs, would get that of whoever wakes the scheduler.
        self._context = copy_context()

    def _asyncio_loop(self) -> Any:
        return self._eventloop

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler.executors.asyncio import AsyncIOExecutor

        return AsyncIOExecutor()

    def _loop_alive(self) -> bool:
        return self._eventloop is not None and bool(self._eventloop.is_running())

    def _leave_parent(self, parent: int) -> None:
        self._eventloop = None  # also one that was given, because its selector is shared with the parent
        super()._leave_parent(parent)

    def _call_soon(self, callback: Callable[[], Any]) -> None:
        try:
            self._eventloop.call_soon_threadsafe(callback, context=self._context.copy())
        except RuntimeError:
            pass  # the loop is closed

    def _call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        return self._eventloop.call_later(seconds, callback, context=self._context.copy())

    def _cancel(self, timer: Any) -> None:
        timer.cancel()
