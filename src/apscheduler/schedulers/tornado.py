"""A scheduler on a Tornado I/O loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers._awaitable import AwaitableCalls
from apscheduler.util import maybe_ref

try:
    from tornado.ioloop import IOLoop
except ImportError as exc:
    raise ImportError("TornadoScheduler needs tornado: pip install 'apscheduler[tornado]'") from exc

__all__ = ("TornadoScheduler", "run_in_ioloop")


def run_in_ioloop(func: Callable[..., Any]) -> Callable[..., None]:
    """Have a method called on the scheduler's I/O loop; for subclasses written for 3.x."""

    @wraps(func)
    def wrapper(self: TornadoScheduler, *args: Any, **kwargs: Any) -> None:
        self._ioloop.add_callback(func, self, *args, **kwargs)

    return wrapper


class TornadoScheduler(AwaitableCalls):
    """Runs on the I/O loop that is current when `start()` is called.

    Coroutine functions run on the loop, plain functions in ten threads. Option `io_loop`: the loop to use instead. A
    shutdown lets the runs at hand go on, and they are recorded when they end, as long as the loop runs. The awaitable
    twins are those of `AsyncIOScheduler`.
    """

    _known_options = (*AwaitableCalls._known_options, "io_loop")
    _ioloop: Any = None

    def _configure(self, config: dict[str, Any]) -> None:
        self._ioloop = maybe_ref(config.pop("io_loop", None))
        super()._configure(config)

    def start(self, paused: bool = False) -> None:
        """Start and return. See `BaseScheduler.start()`."""
        self._bind_loop()
        super().start(paused)

    def _bind_loop(self) -> None:
        if self._ioloop is None or self._eventloop.is_closed():
            self._ioloop = IOLoop.current()

    def _asyncio_loop(self) -> Any:
        return None if self._ioloop is None else self._eventloop

    @property
    def _eventloop(self) -> Any:
        """The asyncio loop that an I/O loop is made of; what executors for asyncio ask for."""
        return self._ioloop.asyncio_loop

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler.executors.tornado import TornadoExecutor

        return TornadoExecutor()

    def _loop_alive(self) -> bool:
        return self._ioloop is not None and bool(self._eventloop.is_running())

    def _leave_parent(self, parent: int) -> None:
        self._ioloop = None  # also one that was given, because its selector is shared with the parent
        super()._leave_parent(parent)

    def _call_soon(self, callback: Callable[[], Any]) -> None:
        self._ioloop.add_callback(callback)

    def _call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        return self._ioloop.call_later(seconds, callback)

    def _cancel(self, timer: Any) -> None:
        self._ioloop.remove_timeout(timer)
