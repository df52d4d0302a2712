"""The trigger that fires every so many years, months, weeks and days, always at the same time of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from apscheduler import _clock
from apscheduler.triggers._zones import local_zone
from apscheduler.triggers.base import BaseTrigger, checked_jitter
from apscheduler.util import asdate, astimezone, normalize, timezone_repr


class CalendarIntervalTrigger(BaseTrigger):
    """Fires on `start_date` and then every interval on the calendar, at a time of day of the zone's clock.

    A day that a month does not have, or on which a clock change skips the time of day, is passed over to the next
    interval. A time of day that comes twice is run the first time. With a start date in the past the first fire time
    is in the past too.

    Args:
        years: years of the interval.
        months: months of the interval.
        weeks: weeks of the interval, added after years and months.
        days: days of the interval, added after years and months.
        hour: hour of the fire times.
        minute: minute of the fire times.
        second: second of the fire times.
        start_date: first day; default today.
        end_date: last day.
        timezone: a tzinfo or a name; default the local one.
        jitter: delays each fire time by a random part of this many seconds.

    Raises:
        ValueError: where the interval does not always move on by a day, or `end_date` is before `start_date`.
    """

    __slots__ = (
        "_time",
        "days",
        "end_date",
        "jitter",
        "months",
        "start_date",
        "start_is_default",
        "timezone",
        "weeks",
        "years",
    )

    def __init__(
        self,
        *,
        years: int = 0,
        months: int = 0,
        weeks: int = 0,
        days: int = 0,
        hour: int = 0,
        minute: int = 0,
        second: int = 0,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        timezone: str | tzinfo | None = None,
        jitter: int | None = None,
    ) -> None:
        zone = astimezone(timezone) or local_zone()
        self.timezone: tzinfo = zone
        self.years, self.months, self.weeks, self.days = years, months, weeks, days
        self._check_interval()
        try:
            self._time = time(hour, minute, second, tzinfo=zone)
        except (TypeError, ValueError) as exc:
            raise type(exc)(f"{exc}; got hour={hour!r}, minute={minute!r}, second={second!r}") from exc
        self.start_is_default = start_date is None
        self.start_date: date = (
            _clock.now(zone).date() if start_date is None else _read_date(start_date, "start_date")
        )
        self.end_date: date | None = None if end_date is None else _read_date(end_date, "end_date")
        self.jitter = checked_jitter(jitter)
        if self.end_date is not None and self.end_date < self.start_date:
            raise ValueError(
                f"end_date cannot be earlier than start_date: {self.end_date} is before {self.start_date}"
            )

    def _check_interval(self) -> None:
        months = self.years * 12 + self.months
        if not isinstance(months, int):
            raise TypeError(f"years and months must be whole numbers, not {self.years!r} and {self.months!r}")
        least = months * (28 if months > 0 else 31) + self.weeks * 7 + self.days
        if not least > 0:
            raise ValueError(
                "interval must be at least 1 day long: give a positive number of years, months, weeks or days"
            )

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first time at least one interval after the day of `previous_fire_time`, or the very first one."""
        day: date | None = self.start_date
        if previous_fire_time is not None:
            day = self._day_after(previous_fire_time.astimezone(self.timezone).date())
        while day is not None and (self.end_date is None or day <= self.end_date):
            try:
                fire = normalize(datetime.combine(day, self._time))
            except OverflowError:
                return None  # because the rest of the year 9999 in this zone is after the end of all times in UTC
            # A zone that skipped a whole day has the time of day a day later, so that only skipped hours are seen here.
            if fire.time() == self._time.replace(tzinfo=None):
                return self._apply_jitter(fire, self.jitter, now)
            day = self._day_after(day)
        return None

    def _day_after(self, day: date) -> date | None:
        """Return the day one interval later; None where that is after the year 9999."""
        try:
            if self.years or self.months:
                day = self._months_after(day)
            return day + timedelta(days=self.weeks * 7 + self.days)
        except (OverflowError, _EndOfCalendarError):
            return None

    def _months_after(self, day: date) -> date:
        year, month = day.year, day.month
        while True:
            years, month0 = divmod(month - 1 + self.months, 12)
            year, month = year + self.years + years, month0 + 1
            if not 1 <= year <= 9999:
                raise _EndOfCalendarError
            try:
                return date(year, month, day.day)
            except ValueError:
                continue  # because this month has no such day

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": 1,
            "interval": [self.years, self.months, self.weeks, self.days],
            "time": [self._time.hour, self._time.minute, self._time.second],
            "start_date": self.start_date,
            "end_date": self.end_date,
            "timezone": self.timezone,
            "jitter": self.jitter,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.get("version", 1)
        if version > 1:
            raise ValueError(
                f"Got serialized data for version {version} of {type(self).__name__},"
                " but only versions up to 1 can be handled; it was written by a newer release"
            )
        self.timezone = astimezone(state["timezone"]) or UTC
        self.years, self.months, self.weeks, self.days = state["interval"]
        self._check_interval()
        hour, minute, second = state["time"]
        self._time = time(hour, minute, second, tzinfo=self.timezone)
        self.start_date = _read_date(state["start_date"], "start_date")
        self.start_is_default = False
        self.end_date = None if state["end_date"] is None else _read_date(state["end_date"], "end_date")
        self.jitter = state["jitter"]

    def __repr__(self) -> str:
        options = [
            f"{name}={value}"
            for name in ("years", "months", "weeks", "days")
            if (value := getattr(self, name)) > 0
        ]
        options.append(f"time={self._time.isoformat()!r}")
        options.append(f"start_date='{self.start_date}'")
        if self.end_date:
            options.append(f"end_date='{self.end_date}'")
        options.append(f"timezone={timezone_repr(self.timezone)!r}")
        return f"{type(self).__name__}({', '.join(options)})"


class _EndOfCalendarError(Exception):
    """The year is beyond those that a date can have."""


def _read_date(value: date | str, arg_name: str) -> date:
    day = asdate(value)
    if isinstance(day, datetime):
        return day.date()
    if not isinstance(day, date):
        raise TypeError(
            f"Unsupported type for {arg_name}: {type(value).__name__}; give a date or 'YYYY-MM-DD'"
        )
    return day
