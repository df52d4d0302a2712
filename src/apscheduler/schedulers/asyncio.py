"""A scheduler on an asyncio event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers._timer_driver import TimerDriver
from apscheduler.util import maybe_ref

__all__ = ("AsyncIOScheduler", "run_in_event_loop")


def run_in_event_loop(func: Callable[..., Any]) -> Callable[..., None]:
    """Have a method called on the scheduler's event loop; for subclasses written for 3.x."""

    @wraps(func)
    def wrapper(self: AsyncIOScheduler, *args: Any, **kwargs: Any) -> None:
        self._eventloop.call_soon_threadsafe(lambda: func(self, *args, **kwargs))

    return wrapper


class AsyncIOScheduler(TimerDriver):
    """Runs on the event loop that runs when `start()` is called.

    Coroutine functions are awaited on the loop, plain functions run in its thread pool. Option `event_loop`: the loop
    to use instead; then `start()` may be called before it runs.
    """

    _known_options = (*TimerDriver._known_options, "event_loop")
    _eventloop: Any = None

    def _configure(self, config: dict[str, Any]) -> None:
        self._eventloop = maybe_ref(config.pop("event_loop", None))
        super()._configure(config)

    def start(self, paused: bool = False) -> None:
        """Start and return. See `BaseScheduler.start()`.

        Raises:
            RuntimeError: no event loop runs, and none was given.
        """
        if self._eventloop is None or self._eventloop.is_closed():
            self._eventloop = asyncio.get_running_loop()
        super().start(paused)

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Stop. From another thread than the loop's, the loop is asked to do it.

        On the loop's thread coroutines cannot be waited for, so they are cancelled, and recorded as interrupted.
        """
        self._require_running()
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._eventloop or not self._eventloop.is_running():
            super().shutdown(wait, timeout)
        else:
            self._eventloop.call_soon_threadsafe(super().shutdown, wait, timeout)

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler.executors.asyncio import AsyncIOExecutor

        return AsyncIOExecutor()

    def _loop_alive(self) -> bool:
        return self._eventloop is not None and bool(self._eventloop.is_running())

    def _call_soon(self, callback: Callable[[], Any]) -> None:
        if not self._eventloop.is_closed():
            self._eventloop.call_soon_threadsafe(callback)

    def _call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        return self._eventloop.call_later(seconds, callback)

    def _cancel(self, timer: Any) -> None:
        timer.cancel()
