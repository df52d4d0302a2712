"""The driver of schedulers that own their loop: turn, sleep, be woken.

Sleeping is bounded by the turn, so a clock that jumps or a machine that was suspended is noticed within a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import TIMEOUT_MAX, Lock
from typing import Any

from apscheduler._clock import TIMER_SLACK
from apscheduler.schedulers._steps import Call, Steps


def in_this_thread(call: Call) -> Any:
    """Make a call of a turn."""
    return call.make()


def run_to_end(steps: Steps, make: Callable[[Call], Any] = in_this_thread) -> float:
    """Have `make` answer the calls of a turn, one after another; return the seconds until the next turn."""
    try:
        call = next(steps)
        while True:
            try:
                answer = make(call)
            except BaseException as exc:
                call = steps.throw(exc)
            else:
                call = steps.send(answer)
    except StopIteration as stop:
        seconds: float = stop.value
        return seconds


class Wakeup:
    """What a loop sleeps on: an event for one waiter, which a signal may interrupt at any point.

    An exception that a signal's handler raises within `threading.Event.wait()` can leave its lock held, or not held.
    Here there is one primitive lock, which is taken to sleep and released to wake up.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._lock.acquire()

    def set(self) -> None:
        """End the sleep, or the next one."""
        try:
            self._lock.release()
        except RuntimeError:
            pass  # it is set already

    def is_set(self) -> bool:
        """Return whether the next sleep would end at once."""
        return not self._lock.locked()

    def clear(self) -> None:
        """Have the next `wait()` sleep."""
        self._lock.acquire(blocking=False)

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep until `set()` is called or `seconds` have passed; return whether it was called.

        The sleep is asked for without the time that the system will add to it, so that it ends when it should. It may
        end so much earlier.
        """
        if seconds is None:
            return self._lock.acquire()
        return self._lock.acquire(timeout=min(max(seconds - TIMER_SLACK, 0.0), TIMEOUT_MAX))


def loop(event: Any, go_on: Callable[[], bool], turn: Callable[[], float]) -> None:
    """Make turns until `go_on()` is False; `event` (`set`, `clear`, `wait(seconds)`) ends a sleep."""
    while go_on():
        seconds = turn()
        # Waited for also for 0 seconds, because a busy scheduler must hear signals too.
        if go_on() and event.wait(seconds):
            event.clear()
