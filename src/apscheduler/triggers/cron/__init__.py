"""The cron trigger: fires at the times whose year, month, day, weekday, hour, minute and second are wanted ones."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as FixedOffset
from functools import lru_cache
from typing import Any, ClassVar, Self

from apscheduler.triggers._zones import is_before, local_zone
from apscheduler.triggers.base import BaseTrigger, checked_jitter
from apscheduler.triggers.cron._plan import Plan, plan_of, signature_of
from apscheduler.triggers.cron._walk import search_fields, search_plan
from apscheduler.triggers.cron.fields import (
    DEFAULT_VALUES,
    SEPARATOR,
    BaseField,
    DayOfMonthField,
    DayOfWeekField,
    MonthField,
    WeekField,
)
from apscheduler.util import astimezone, convert_to_datetime, datetime_repr, datetime_utc_add

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class IgnoredTextWarning(UserWarning):
    """The end of a cron expression is not understood and has no effect, as in 3.x."""


class CronTrigger(BaseTrigger):
    """Fires at every whole second at which all fields match, in the trigger's time zone.

    Fields that are not given match every value where a shorter unit is given, else their smallest one; week and
    day_of_week match every value. What the fields take is said in `apscheduler.triggers.cron.fields`.

    Args:
        year: four digits.
        month: 1 to 12, or names from `jan` to `dec`.
        day: 1 to 31, `last`, or a position such as `3rd fri` or `last sun`.
        week: ISO week, 1 to 53.
        day_of_week: 0 (Monday) to 6 (Sunday), or names from `mon` to `sun`.
        hour: 0 to 23.
        minute: 0 to 59.
        second: 0 to 59.
        start_date: earliest fire time.
        end_date: latest fire time.
        timezone: a tzinfo or a name; default that of `start_date`, of `end_date`, or the local one.
        jitter: delays each fire time by a random part of this many seconds, but not beyond `end_date`.

    Raises:
        ValueError: for an expression that a field does not take; it says which, and what to write instead.
    """

    __slots__ = ("_fields", "_plan", "end_date", "jitter", "start_date", "timezone")

    FIELD_NAMES: ClassVar[tuple[str, ...]] = (
        "year",
        "month",
        "day",
        "week",
        "day_of_week",
        "hour",
        "minute",
        "second",
    )
    FIELDS_MAP: ClassVar[dict[str, type[BaseField]]] = {
        "year": BaseField,
        "month": MonthField,
        "week": WeekField,
        "day": DayOfMonthField,
        "day_of_week": DayOfWeekField,
        "hour": BaseField,
        "minute": BaseField,
        "second": BaseField,
    }

    def __init__(
        self,
        year: int | str | None = None,
        month: int | str | None = None,
        day: int | str | None = None,
        week: int | str | None = None,
        day_of_week: int | str | None = None,
        hour: int | str | None = None,
        minute: int | str | None = None,
        second: int | str | None = None,
        start_date: datetime | date | str | None = None,
        end_date: datetime | date | str | None = None,
        timezone: tzinfo | str | None = None,
        jitter: float | None = None,
    ) -> None:
        zone = astimezone(timezone) or _zone_of(start_date) or _zone_of(end_date) or local_zone()
        self.timezone = zone
        self.start_date = convert_to_datetime(start_date, zone, "start_date")
        self.end_date = convert_to_datetime(end_date, zone, "end_date")
        self.jitter = checked_jitter(jitter)
        given = (year, month, day, week, day_of_week, hour, minute, second)
        texts = tuple([None if value is None else str(value) for value in given])
        classes = tuple([self.FIELDS_MAP[name] for name in self.FIELD_NAMES])
        compilers = tuple([tuple(cls.COMPILERS) for cls in classes])
        self._plan: Plan | None
        self._fields: list[Any] | None = None
        self._plan, remarks = _parse(self.FIELD_NAMES, texts, classes, compilers)
        if self._plan is None:
            self._fields = _make_fields(self.FIELD_NAMES, texts, classes)
        for remark in remarks:
            warnings.warn(remark, IgnoredTextWarning, stacklevel=_stacklevel_of_caller())

    @classmethod
    def from_crontab(cls, expr: str, timezone: tzinfo | str | None = None) -> Self:
        """Return the trigger of a crontab line's five fields: minute, hour, day of month, month, day of week.

        Numbers in the last one count from Monday (0) to Sunday (6), unlike in crontab files: names such as `sun`
        say it best. Day of month and day of week must both match.

        Args:
            expr: the five fields, separated by blanks.
            timezone: as for the class.
        """
        if not isinstance(expr, str):
            raise TypeError(f"A crontab expression must be a text, not {type(expr).__name__}")
        values = expr.split()
        if len(values) != 5:
            raise ValueError(
                f"Wrong number of fields; got {len(values)}, expected 5:"
                f" minute, hour, day of month, month and day of week, as in '30 6 * * mon-fri' (got {expr!r})"
            )
        minute, hour, day, month, day_of_week = values
        return cls(minute=minute, hour=hour, day=day, month=month, day_of_week=day_of_week, timezone=timezone)

    @property
    def fields(self) -> list[Any]:
        """The field objects, from year to second. They may be changed or replaced; the trigger follows.

        Once they have been asked for, each search compares them with what was parsed, which takes it a few
        microseconds more.
        """
        if self._fields is None:
            assert self._plan is not None
            self._fields = list(self._plan.copy_fields())
        return self._fields

    @fields.setter
    def fields(self, fields: Sequence[Any]) -> None:
        self._fields = list(fields)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first matching time after `previous_fire_time`, or from `now` (or `start_date`) on without one.

        Where `now` is before `previous_fire_time`, it counts from `now`, as in 3.x. Within the hour that a clock
        change repeats, both passes match; a wall time that a change skips is run as much later, once.
        """
        plan = self._plan if self._fields is None else self._changed_plan()
        if previous_fire_time is None:
            start = now
            if self.start_date is not None and is_before(now, self.start_date):
                start = self.start_date
            second = start.second + 1 if start.microsecond else start.second
        elif now < previous_fire_time and is_before(now, previous_fire_time):
            start = now
            second = start.second + 1 if start.microsecond else start.second
        else:
            start = previous_fire_time
            second = start.second + 1
        zone = self.timezone
        if start.tzinfo is not zone:
            start = start.astimezone(zone)
        if plan is None:
            fire = search_fields(self.fields, _at_second(start, second))
        else:
            fire = plan.find(start.year, start.month, start.day, start.hour, start.minute, second, zone)
            if type(zone) is not FixedOffset and _is_change_near(start, fire, zone):
                fire = _search_near_change(plan, start, second, fire)
        if self.end_date is None and not self.jitter:
            return fire
        return self._finish(fire, now)

    def _finish(self, fire: datetime | None, now: datetime) -> datetime | None:
        end = self.end_date
        if fire is None or (end is not None and is_before(end, fire)):
            return None
        fire = self._apply_jitter(fire, self.jitter, now)
        return end if fire is not None and end is not None and is_before(end, fire) else fire

    def _changed_plan(self) -> Plan | None:
        """Return the plan of the field objects as they are now; None where they are not all of our own classes."""
        signature = signature_of(self.fields)
        return None if signature is None else plan_of(signature)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": 2,
            "timezone": self.timezone,
            "start_date": self.start_date,
            "end_date": self.end_date,
            "fields": self._plan.copy_fields() if self._fields is None and self._plan else self.fields,
            "jitter": self.jitter,
        }

    def __setstate__(self, state: Any) -> None:
        version = state.get("version", 1)
        if version > 2:
            raise ValueError(
                f"Got serialized data for version {version} of {type(self).__name__},"
                " but only versions up to 2 can be handled; it was written by a newer release"
            )
        self.timezone = astimezone(state["timezone"]) or UTC
        self.start_date = state["start_date"]
        self.end_date = state["end_date"]
        self.jitter = state.get("jitter")
        self._fields = state["fields"]
        self._plan = self._changed_plan()
        if self._plan is not None:
            # The plan can make equal fields again, so these need not be kept for each trigger.
            self._fields = None

    def __str__(self) -> str:
        return f"cron[{self._field_text()}]"

    def __repr__(self) -> str:
        options = [self._field_text()] if self._field_text() else []
        if self.start_date:
            options.append(f"start_date='{datetime_repr(self.start_date)}'")
        if self.end_date:
            options.append(f"end_date='{datetime_repr(self.end_date)}'")
        if self.jitter:
            options.append(f"jitter={self.jitter}")
        return f"<{type(self).__name__} ({', '.join(options)}, timezone='{self.timezone}')>"

    def _field_text(self) -> str:
        if self._fields is None and self._plan is not None:
            return self._plan.text
        return ", ".join(f"{field.name}='{field}'" for field in self.fields if not field.is_default)


def _is_change_near(start: datetime, fire: datetime | None, zone: tzinfo) -> bool:
    """Return whether the clock is changed within a day after one of two times: if not, both are shown once."""
    # Asked of the zone itself, because moment.utcoffset() takes several times as long.
    offset_at = zone.utcoffset
    try:
        if fire is None:
            return offset_at(start) != offset_at(start + _DAY)
        offset = offset_at(fire)
        if offset != offset_at(fire + _DAY):
            return True
        if fire - start < _DAY:
            return offset_at(start) != offset
        return offset_at(start) != offset_at(start + _DAY)
    except OverflowError:
        return True


def _stacklevel_of_caller() -> int:
    """Return the `stacklevel` with which a warning of the calling function names the line outside this package."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - what warnings and inspect themselves use
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("apscheduler."):
        level, frame = level + 1, frame.f_back
    return level


def _zone_of(moment: object) -> tzinfo | None:
    return astimezone(moment.tzinfo) if isinstance(moment, datetime) and moment.tzinfo else None


def _search_near_change(plan: Plan, start: datetime, second: int, wall: datetime | None) -> datetime | None:
    try:
        return search_plan(plan, _at_second(start, second), wall)
    except OverflowError:
        return None  # because the rest of the year 9999 in this zone is after the end of all datetimes in UTC


def _at_second(start: datetime, second: int) -> datetime:
    """Return `start` at that second of its minute (60 is the next minute), as a time that exists."""
    return datetime_utc_add(start.replace(microsecond=0), (second - start.second) * _SECOND)


def _make_fields(
    names: tuple[str, ...], texts: tuple[str | None, ...], classes: tuple[type[BaseField], ...]
) -> list[BaseField]:
    """Return the field objects for the given texts; those not given get what the ones around them imply."""
    wanted = dict(zip(CronTrigger.FIELD_NAMES, texts, strict=True))
    given = [index for index, name in enumerate(names) if wanted[name] is not None]
    shortest = given[-1] if given else len(names)
    fields = []
    for index, (name, cls) in enumerate(zip(names, classes, strict=True)):
        text = wanted[name]
        if text is not None:
            fields.append(cls(name, text, False))
        else:
            fields.append(cls(name, DEFAULT_VALUES[name] if index > shortest else "*", True))
    return fields


# Keyed by the compilers as well, so that an expression class registered later is seen.
@lru_cache(maxsize=4096)
def _parse(
    names: tuple[str, ...],
    texts: tuple[str | None, ...],
    classes: tuple[type[BaseField], ...],
    compilers: tuple[tuple[type[Any], ...], ...],
) -> tuple[Plan | None, tuple[str, ...]]:
    """Return the plan of the fields (None where a part is not one of our own classes), and what to warn of."""
    fields = _make_fields(names, texts, classes)
    signature = signature_of(fields)
    if signature is None:
        return None, ()
    remarks = [_ignored(field, text) for field, text in zip(fields, texts, strict=True) if text is not None]
    return plan_of(signature), tuple(remark for remark in remarks if remark)


def _ignored(field: BaseField, text: str) -> str:
    """Return what to say where the end of an expression has no effect; else an empty text.

    Refusing it would stop programs that 3.x runs; saying nothing is what made their authors miss it.
    """
    for expr in SEPARATOR.split(text.strip()):
        match = next(found for cls in field.COMPILERS if (found := cls.value_re.match(expr)))
        rest = expr[match.end() :]
        if rest.strip():
            return f"In {field.name}={text!r}, {rest!r} is not understood and has no effect: it reads {str(field)!r}"
    return ""
