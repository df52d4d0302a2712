"""The hub of one thread: calls into it from other threads, and work for threads that do not hold it up.

A hub is gevent's event loop. Each thread has its own, and only that thread may use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

# The original, because under monkey patching every greenlet has an identity of its own.
_thread_ident = get_original("_thread", "get_ident")


class HubCalls:
    """Calls into the hub of the thread that makes this."""

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._own: Any = None

    def here(self) -> bool:
        """Return whether the calling thread is that of the hub."""
        return bool(_thread_ident() == self._hub.thread_ident)

    def call(self, callback: Callable[[], Any]) -> None:
        """Call `callback`, which must not wait, in the hub's thread: at once if this is it, else soon."""
        if self.here():
            callback()
            return
        loop = self._hub.loop
        if loop is not None:  # None when the thread has ended
            loop.run_callback_threadsafe(callback)

    def in_a_thread(self, function: Callable[[], Any]) -> Any:
        """Call `function` in a thread of the hub's pool while other greenlets go on; return what it returns."""
        return _unpacked(self._hub.threadpool.apply(_packed, (function,)))

    def in_own_thread(self, function: Callable[[], Any]) -> Any:
        """Like `in_a_thread()`, in the one thread that nothing else uses and that `close()` ends."""
        if self._own is None:
            self._own = ThreadPool(1, self._hub)
        return _unpacked(self._own.apply(_packed, (function,)))

    def close(self) -> None:
        """End the own thread; called in the hub's thread when it has nothing to do."""
        pool, self._own = self._own, None
        if pool is not None:
            pool.kill()


def _packed(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Return what a call gives or raises, because gevent takes a `SystemExit` of its threads for the program's end."""
    try:
        return function(), None
    except BaseException as exc:
        return None, exc


def _unpacked(packed: tuple[Any, BaseException | None]) -> Any:
    value, exc = packed
    if exc is not None:
        raise exc
    return value


class HubWakeup(HubCalls):
    """What the loop of a scheduler sleeps on, in a greenlet; `set()` may be called from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._event = Event()

    def set(self) -> None:
        """End the sleep, or the next one."""
        self.call(self._event.set)

    def is_set(self) -> bool:
        """Return whether the next sleep would end at once."""
        return bool(self._event.is_set())

    def clear(self) -> None:
        """Have the next `wait()` sleep."""
        self._event.clear()

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep until `set()` is called or `seconds` have passed; return whether it was called."""
        gevent.sleep(
            0
        )  # because neither an event that is set nor a wait of 0 seconds lets other greenlets run
        return bool(self._event.wait(seconds))
