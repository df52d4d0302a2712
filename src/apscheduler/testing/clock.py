"""A clock that tests drive by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler._clock import Clock

__all__ = ("FakeClock",)


class FakeClock(Clock):
    """Stands still until `advance()`; give it to a scheduler as the option `clock`.

    Args:
        start: an aware datetime; 2030-01-01 00:00 UTC if not given.
    """

    def __init__(self, start: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.astimezone(UTC)
        self._monotonic = 1000.0

    def now(self, tz: tzinfo = UTC) -> datetime:
        """Return the time it shows, in `tz`."""
        return self._now.astimezone(tz)

    def time(self) -> float:
        """Return the time it shows, in seconds since the epoch."""
        return self._now.timestamp()

    def monotonic(self) -> float:
        """Return seconds that grow by what `advance()` is given, and not by `jump()`."""
        return self._monotonic

    def advance(self, **duration: float) -> None:
        """Let time pass: the arguments are those of `timedelta`."""
        step = timedelta(**duration)
        self._now += step
        self._monotonic += step.total_seconds()

    def jump(self, **duration: float) -> None:
        """Set the wall clock on or back, as somebody who sets the machine's time does."""
        self._now += timedelta(**duration)
