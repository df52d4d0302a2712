"""The programs around a scheduler under test: who runs its loop, and how a test waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from apscheduler.testing._jobs import PATIENCE

PAUSE = 0.002
"""Seconds between looks at what another thread does."""


class Host:
    """A program without a loop of its own; what schedulers with a thread of their own live in.

    A program with a loop overrides `call()` and `later()`, and `until()` where the loop runs only while it waits.
    """

    has_loop = False

    def close(self) -> None:
        """End the loop."""

    def start(self, scheduler: Any, **arguments: Any) -> None:
        """Start a scheduler as such a program does; return when it runs."""
        self.call(lambda: scheduler.start(**arguments))

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the loop's thread, and return what it returns or raise what it raises."""
        return function()

    def later(self, seconds: float, callback: Callable[[], Any]) -> None:
        """Have the loop call `callback` after `seconds`; called in the loop's thread."""
        raise NotImplementedError

    def until(self, true: Callable[[], Any]) -> None:
        """Let everything go on until `true()` is; gives up with an AssertionError."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, "it did not come true"
            self.let_it_run()

    def let_it_run(self) -> None:
        """Let the loop run for a moment."""
        time.sleep(PAUSE)

    def rest(self) -> set[Hashable]:
        """Return the timers and tasks that the loop has at hand."""
        return set()

    def tick(self, seconds: float, ticks: list[float], on: Callable[[], bool]) -> None:
        """Have the loop note the time in `ticks` every so many seconds, while `on()`."""

        def once() -> None:
            ticks.append(time.monotonic())
            if on():
                self.later(seconds, once)

        self.call(once)


class OwnThreadHost(Host):
    """Starts a scheduler whose `start()` returns only after its shutdown, in a thread."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def start(self, scheduler: Any, **arguments: Any) -> None:
        """Start the scheduler in a thread."""
        thread = threading.Thread(target=scheduler.start, kwargs=arguments)
        thread.start()
        self._threads.append(thread)
        self.until(lambda: scheduler.running)

    def close(self) -> None:
        """Wait for the threads."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "start() has not returned after the shutdown"


class LoopHost(Host):
    """A program whose loop runs in a thread beside the test. A subclass says how it is run, stopped, and called."""

    has_loop = True

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self.run, name="host")
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def run(self) -> None:
        """Make the loop, have it call `self.ready()`, and run it until `stop()`."""
        raise NotImplementedError

    def ready(self) -> None:
        """Say that the loop runs."""
        self._ready.set()

    def soon(self, callback: Callable[[], Any]) -> None:
        """Have the loop call `callback`; called in another thread."""
        raise NotImplementedError

    def stop(self) -> None:
        """Have the loop end; called in its thread."""
        raise NotImplementedError

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the loop's thread."""
        answer: Future[Any] = Future()

        def make() -> None:
            try:
                answer.set_result(function())
            except BaseException as exc:
                answer.set_exception(exc)

        self.soon(make)
        return answer.result(PATIENCE)

    def close(self) -> None:
        """Stop the loop."""
        self.soon(self.stop)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the loop did not stop"
