"""The trigger that fires again and again after the same time has passed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as FixedOffset
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler import _clock
from apscheduler.triggers._zones import add_elapsed, local_zone
from apscheduler.triggers.base import BaseTrigger, checked_jitter
from apscheduler.util import astimezone, convert_to_datetime, datetime_repr, datetime_utc_add

# Shared, because a million jobs have a few different intervals.
_interval = lru_cache(4096)(timedelta)
_NOTHING = timedelta(0)
# Zones of these kinds need no conversion.
_AS_THEY_ARE = frozenset({FixedOffset, ZoneInfo})


class IntervalTrigger(BaseTrigger):
    """Fires at `start_date` and every interval of elapsed time after it, whatever the clocks are set to meanwhile.

    Args:
        weeks: weeks of the interval; all the parts are added up. Nothing, or less than a microsecond, means 1 s.
        days: days of 24 hours.
        hours: hours.
        minutes: minutes.
        seconds: seconds.
        start_date: first fire time; default one interval from now.
        end_date: latest fire time.
        timezone: a tzinfo or a name; default that of `start_date`, of `end_date`, or the local one.
        jitter: delays each fire time by a random part of this many seconds; the next interval counts from there.

    Raises:
        ValueError: where the interval is negative.
    """

    __slots__ = ("end_date", "interval", "jitter", "start_date", "start_is_default", "timezone")

    def __init__(
        self,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        start_date: datetime | date | str | None = None,
        end_date: datetime | date | str | None = None,
        timezone: tzinfo | str | None = None,
        jitter: float | None = None,
    ) -> None:
        try:
            interval = _interval(days, seconds, 0, 0, minutes, hours, weeks)
        except TypeError as exc:
            given = {"weeks": weeks, "days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
            wrong = ", ".join(
                f"{name}={value!r}" for name, value in given.items() if not isinstance(value, int | float)
            )
            raise TypeError(f"The parts of an interval are numbers, got {wrong} ({exc})") from exc
        if interval <= _NOTHING:
            if interval:
                raise ValueError(
                    f"The interval must be positive, not {interval.total_seconds()} s: a fire time must come later"
                    " than the one before"
                )
            interval = _interval(seconds=1)
        self.interval = interval
        if timezone is None:
            zone = _zone_of(start_date) or _zone_of(end_date) or local_zone()
        elif type(timezone) in _AS_THEY_ARE:
            zone = timezone  # type: ignore[assignment]  # which is no text
        else:
            zone = astimezone(timezone) or local_zone()
        self.timezone: tzinfo = zone
        self.jitter = None if jitter is None else checked_jitter(jitter)
        self.start_date: datetime
        if start_date is None:
            self.start_is_default = True
            now = _clock.now(zone)
            self.start_date = now + interval if type(zone) is FixedOffset else datetime_utc_add(now, interval)
        else:
            self.start_is_default = False
            self.start_date = convert_to_datetime(start_date, zone, "start_date")
        self.end_date = None if end_date is None else convert_to_datetime(end_date, zone, "end_date")

    @property
    def interval_length(self) -> float:
        """The interval in seconds; setting it sets the interval."""
        return self.interval.total_seconds()

    @interval_length.setter
    def interval_length(self, seconds: float) -> None:
        self.interval = timedelta(seconds=seconds)

    def first_fire_time(self) -> datetime | None:
        """Return the start date that was counted from now, which nothing but another option can change."""
        plain = self.start_is_default and self.jitter is None and self.end_date is None
        return self.start_date if plain and type(self) is IntervalTrigger else None

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return one interval after `previous_fire_time`; without one, the first fire time from `now` on."""
        zone = self.timezone
        fire: datetime
        try:
            if previous_fire_time is not None:
                if previous_fire_time.tzinfo is zone:
                    fire = add_elapsed(previous_fire_time, self.interval, zone)
                else:
                    fire = (previous_fire_time.astimezone(UTC) + self.interval).astimezone(zone)
            else:
                fire = self._first_from(now)
        except OverflowError:
            return None  # because no datetime is later than the year 9999
        if self.jitter:
            fire = self._apply_jitter(fire, self.jitter, now) or fire
        end = self.end_date
        if end is not None and fire.astimezone(UTC) > end.astimezone(UTC):
            return None
        return fire

    def _first_from(self, now: datetime) -> datetime:
        start = self.start_date
        if now.tzinfo is start.tzinfo and type(now.tzinfo) is not FixedOffset:
            elapsed = now.astimezone(UTC) - start.astimezone(UTC)
        else:
            elapsed = now - start
        if elapsed <= _NOTHING:
            # The object itself, so that a job that has not fired yet keeps one datetime and not two.
            return start if start.tzinfo is self.timezone else start.astimezone(self.timezone)
        # In whole microseconds, so that no interval is lost or gained by rounding.
        return datetime_utc_add(start.astimezone(self.timezone), -(-elapsed // self.interval) * self.interval)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": 2,
            "timezone": self.timezone,
            "start_date": self.start_date,
            "end_date": self.end_date,
            "interval": self.interval,
            "jitter": self.jitter,
        }

    def __setstate__(self, state: Any) -> None:
        version = state.get("version", 1)
        if version > 2:
            raise ValueError(
                f"Got serialized data for version {version} of {type(self).__name__},"
                " but only versions up to 2 can be handled; it was written by a newer release"
            )
        zone, interval = state["timezone"], state["interval"]
        if interval <= _NOTHING:
            raise ValueError(
                f"The serialized {type(self).__name__} has an interval that is not positive: {interval}"
            )
        self.timezone = (astimezone(zone) or UTC) if isinstance(zone, str) else zone
        self.start_date = state["start_date"]
        self.start_is_default = False
        self.end_date = state["end_date"]
        self.interval = interval
        self.jitter = state.get("jitter")

    def __str__(self) -> str:
        return f"interval[{self.interval}]"

    def __repr__(self) -> str:
        options = [f"interval={self.interval!r}", f"start_date='{datetime_repr(self.start_date)}'"]
        if self.end_date:
            options.append(f"end_date='{datetime_repr(self.end_date)}'")
        if self.jitter:
            options.append(f"jitter={self.jitter}")
        return f"<{type(self).__name__} ({', '.join(options)}, timezone='{self.timezone}')>"


def _zone_of(moment: object) -> tzinfo | None:
    return astimezone(moment.tzinfo) if isinstance(moment, datetime) else None
