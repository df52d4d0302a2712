"""A scheduler on a Twisted reactor."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers._timer_driver import TimerDriver
from apscheduler.util import maybe_ref

try:
    from twisted.python import threadable
except ImportError as exc:
    raise ImportError("TwistedScheduler needs twisted: pip install 'apscheduler[twisted]'") from exc

__all__ = ("TwistedScheduler", "run_in_reactor")


def run_in_reactor(func: Callable[..., Any]) -> Callable[..., None]:
    """Have a method called in the thread of the scheduler's reactor; for subclasses written for 3.x."""

    @wraps(func)
    def wrapper(self: TwistedScheduler, *args: Any, **kwargs: Any) -> None:
        self._reactor.callFromThread(func, self, *args, **kwargs)

    return wrapper


class TwistedScheduler(TimerDriver):
    """Runs on the reactor, which may be started later.

    Coroutine functions run in the reactor's thread, plain functions in its thread pool. Option `reactor`: the reactor
    to use; the installed one if not given. A shutdown lets the runs at hand go on, and they are recorded when they end
    or when the reactor stops.
    """

    _known_options = (*TimerDriver._known_options, "reactor")
    _reactor: Any = None

    def _configure(self, config: dict[str, Any]) -> None:
        self._reactor = maybe_ref(config.pop("reactor", None))
        super()._configure(config)

    def start(self, paused: bool = False) -> None:
        """Start and return. See `BaseScheduler.start()`."""
        if self._reactor is None:
            from twisted.internet import reactor  # here, because this import installs one

            self._reactor = reactor
        super().start(paused)

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler.executors.twisted import TwistedExecutor

        return TwistedExecutor()

    def _loop_alive(self) -> bool:
        return self._reactor is not None and bool(self._reactor.running)

    def _on_loop(self) -> bool:
        here: bool = threadable.isInIOThread()  # type: ignore[no-untyped-call]
        return here

    def _call_soon(self, callback: Callable[[], Any]) -> None:
        self._reactor.callFromThread(callback)

    def _call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        return self._reactor.callLater(seconds, callback)

    def _cancel(self, timer: Any) -> None:
        if timer.active():
            timer.cancel()
