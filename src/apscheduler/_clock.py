"""The clocks: the one module that reads them.

Everything else takes a time as an argument or a `Clock` by hand, so that tests can drive time.
"""

from __future__ import annotations

import time as _time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo


class Clock:
    """Where a scheduler reads the time: the wall clock, and one that never jumps."""

    time: Callable[[], float] = staticmethod(_time.time)
    """Wall clock: seconds since the epoch, UTC."""

    monotonic: Callable[[], float] = staticmethod(_time.monotonic)
    """Seconds that only grow, from an arbitrary start; jumps of the wall clock do not touch them."""


SYSTEM = Clock()


def now(tz: tzinfo = UTC) -> datetime:
    """Return the current time as an aware datetime in `tz`; what triggers without a start date begin from."""
    return datetime.now(tz)
