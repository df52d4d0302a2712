"""The clocks: the one module that reads them.

Everything else takes a time as an argument or a `Clock` by hand, so that tests can drive time. A trigger without a
start date begins now, and asks `now()` here; while a scheduler with a clock of its own makes one, that clock answers.
"""

from __future__ import annotations

import sys
import time as _time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo

TIMER_SLACK = 50e-6 if sys.platform == "linux" else 0.0
"""Seconds that Linux lets a sleep last longer, to end several at once; see PR_SET_TIMERSLACK in prctl(2)."""


class Clock:
    """Where a scheduler reads the time: the wall clock, and one that never jumps."""

    head_start: float = 0.0
    """Seconds before a run time at which a scheduler may begin its turn, to submit the run at its time and no later.

    0 with a clock that `hold()` cannot wait for.
    """

    time: Callable[[], float] = staticmethod(_time.time)
    """Wall clock: seconds since the epoch, UTC."""

    monotonic: Callable[[], float] = staticmethod(_time.monotonic)
    """Seconds that only grow, from an arbitrary start; jumps of the wall clock do not touch them."""

    def now(self, tz: tzinfo = UTC) -> datetime:
        """Return the wall clock's time as an aware datetime in `tz`."""
        return datetime.fromtimestamp(self.time(), tz)

    def hold(self, until: float) -> None:
        """Return when the wall clock shows `until`, no earlier and as little later as the system can.

        Longer than `head_start` is not waited, so a clock that is set back meanwhile holds nobody.
        """
        while 0.0 < (left := until - self.time()) <= self.head_start:
            _time.sleep(max(left - TIMER_SLACK, 0.0))


class _SystemClock(Clock):
    head_start = (
        400e-6  # what waking two threads and the turn between them take at most; see benchmarks/NOTES.md
    )

    def now(self, tz: tzinfo = UTC) -> datetime:
        return datetime.now(tz)


SYSTEM: Clock = _SystemClock()
_in_use: ContextVar[Clock | None] = ContextVar("clock", default=None)


def now(tz: tzinfo = UTC) -> datetime:
    """Return the current time as an aware datetime in `tz`; what triggers without a start date begin from."""
    clock = _in_use.get()
    return datetime.now(tz) if clock is None else clock.now(tz)


@contextmanager
def using(clock: Clock) -> Iterator[None]:
    """Have `now()` read `clock` within the block, in this thread or task."""
    token = _in_use.set(None if clock is SYSTEM else clock)
    try:
        yield
    finally:
        _in_use.reset(token)
