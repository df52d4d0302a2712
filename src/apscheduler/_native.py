"""Threads that stay threads under gevent's monkey patching, which turns those of `threading` into greenlets.

A greenlet runs when the others let it. A lease must be renewed while a job computes, or waits in a library that does
not know gevent.
"""

from __future__ import annotations

import _thread
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

LOOK_AGAIN = 0.01
"""Seconds between two looks at whether a thread has ended, for a greenlet, which must not wait for a lock."""


def threads_are_greenlets() -> bool:
    """Return whether gevent has patched `threading` in this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _original(name: str) -> Any:
    monkey = sys.modules.get("gevent.monkey")
    return getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name)


class Flag:
    """Something that one thread sets and one thread waits for."""

    def __init__(self) -> None:
        self._lock = _original("allocate_lock")()
        self._lock.acquire()

    def set(self) -> None:
        """Set it, for good."""
        try:
            self._lock.release()
        except RuntimeError:
            pass  # it is set already

    def is_set(self) -> bool:
        """Return whether it is set."""
        return not self._lock.locked()

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most `seconds`; return whether it is."""
        if self._lock.acquire(timeout=seconds):
            self._lock.release()
            return True
        return False


class NativeThread:
    """A daemon thread of the operating system that calls `target()` once."""

    def __init__(self, target: Callable[[], None], name: str) -> None:
        self._target = target
        self._ended = Flag()
        self._ident: int | None = None
        self._plain: threading.Thread | None = None
        if not threads_are_greenlets():
            self._plain = threading.Thread(target=target, name=name, daemon=True)

    def start(self) -> None:
        """Start it."""
        if self._plain is not None:
            self._plain.start()
        else:
            self._ident = _original("start_new_thread")(self._run, ())

    def is_current(self) -> bool:
        """Return whether this is the calling thread."""
        if self._plain is not None:
            return self._plain is threading.current_thread()
        return bool(self._ident == _original("get_ident")())

    def join(self, timeout: float) -> None:
        """Wait until it has ended, at most `timeout` seconds."""
        if self._plain is not None:
            self._plain.join(timeout)
            return
        for _ in range(int(timeout / LOOK_AGAIN)):
            if self._ended.is_set():
                return
            time.sleep(LOOK_AGAIN)  # which gevent has patched, so other greenlets go on

    def _run(self) -> None:
        try:
            self._target()
        finally:
            self._ended.set()
            from gevent import get_hub

            get_hub().destroy(destroy_loop=True)  # the one that patched calls have made for this thread
