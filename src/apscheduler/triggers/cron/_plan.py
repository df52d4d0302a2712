"""Cron fields turned into tables: the first matching wall time is found by looking up, not by trying values.

A plan knows nothing of time zones: it is a set of wall times. `_walk` says which instants they are on the days on which
a zone changes its clock. Plans are shared by all triggers whose fields are equal, and never change.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import isleap
from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any, TypeAlias

from apscheduler.triggers.cron._values import MAX_VALUES, MIN_VALUES
from apscheduler.triggers.cron.expressions import (
    AllExpression,
    LastDayOfMonthExpression,
    MonthRangeExpression,
    RangeExpression,
    WeekdayPositionExpression,
    WeekdayRangeExpression,
)
from apscheduler.triggers.cron.fields import (
    BaseField,
    DayOfMonthField,
    DayOfWeekField,
    MonthField,
    WeekField,
)

Signature: TypeAlias = tuple[Any, ...]

# BaseField for the month stands in what older releases pickled, before months had names.
_FIELD_TYPES: dict[str, tuple[type[BaseField], ...]] = {
    "year": (BaseField,),
    "month": (MonthField, BaseField),
    "day": (DayOfMonthField,),
    "week": (WeekField,),
    "day_of_week": (DayOfWeekField,),
    "hour": (BaseField,),
    "minute": (BaseField,),
    "second": (BaseField,),
}
_ATTRIBUTES: dict[type[Any], tuple[str, ...]] = {
    AllExpression: ("step",),
    RangeExpression: ("step", "first", "last"),
    MonthRangeExpression: ("step", "first", "last"),
    WeekdayRangeExpression: ("step", "first", "last"),
    WeekdayPositionExpression: ("step", "option_num", "weekday"),
    LastDayOfMonthExpression: ("step",),
}
_FIRST_YEAR, _LAST_YEAR = MIN_VALUES["year"], MAX_VALUES["year"]
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CYCLE = 400  # years after which the Gregorian calendar repeats, weekdays and week numbers included
# For each year of the cycle a multiple of 16 that it shares with the years whose days fall on the same weekdays.
_KINDS = tuple(16 * (date(2000 + n, 1, 1).weekday() + 7 * isleap(n)) for n in range(_CYCLE))
# The number of the first week depends on the year before as well, so with weeks every year is of its own kind.
_ALL_DIFFERENT = tuple(16 * n for n in range(_CYCLE))


def signature_of(fields: Sequence[Any]) -> Signature | None:
    """Return all that decides what these fields match, hashable; None where a part is not one of our own classes."""
    if len(fields) != len(_FIELD_TYPES):
        return None
    parts: list[Any] = []
    for field, (name, types) in zip(fields, _FIELD_TYPES.items(), strict=True):
        cls = type(field)
        if cls not in types or field.name != name or len(vars(field)) != 3:
            return None
        parts.append((cls, field.is_default))
        for expression in field.expressions:
            names = _ATTRIBUTES.get(type(expression))
            values = tuple(vars(expression).values())
            if names is None or tuple(vars(expression)) != names or not _are_small(values):
                return None
            parts.append((type(expression), *values))
    return tuple(parts)


def _are_small(values: Iterable[Any]) -> bool:
    return all(value is None or (type(value) is int and 0 <= value <= 9999) for value in values)


@lru_cache(maxsize=4096)
def plan_of(signature: Signature) -> Plan | None:
    """Return the plan of the fields that have this signature, None where their values make none."""
    names = iter(_FIELD_TYPES)
    fields: list[BaseField] = []
    for cls, *values in signature:
        part = cls.__new__(cls)
        if issubclass(cls, BaseField):
            part.name, part.is_default, part.expressions = next(names), values[0], []
            fields.append(part)
        else:
            vars(part).update(zip(_ATTRIBUTES[cls], values, strict=True))
            fields[-1].expressions.append(part)
    try:
        return Plan(fields)
    except (TypeError, ValueError, IndexError):
        return None


class Plan:
    """The wall times that eight cron fields match."""

    __slots__ = ("fields", "month_tables", "tables", "text")

    def __init__(self, fields: Sequence[BaseField]) -> None:
        year, month, day, week, day_of_week, hour, minute, second = fields
        self.fields = tuple(fields)
        self.text = ", ".join(f"{field.name}='{field}'" for field in fields if not field.is_default)
        kinds = _KINDS if _is_every(week) else _ALL_DIFFERENT
        hours, minutes, seconds = _next_table(hour), _next_table(minute), _next_table(second)
        next_month = _next_table(month)
        # None stands for every year, so that the search can end after one cycle of the calendar.
        years = None if _is_every(year) else _values(year)
        days = MonthDays(kinds, _values(month), day, week, day_of_week)
        # In tuples, because taking one apart is faster than reading eight attributes.
        self.tables = years, kinds, days, hours, minutes, seconds, minutes[0], seconds[0]
        in_order = None if years is None else sorted(years)
        self.month_tables = in_order, kinds, days, next_month, next_month[0], hours[0], minutes[0], seconds[0]
        if min(next_month[0], hours[0], minutes[0], seconds[0]) < 0:
            raise ValueError("a field without any value")

    def copy_fields(self) -> list[BaseField]:
        """Return fields that match the same, which the caller may change."""
        copies = []
        for field in self.fields:
            copy = _copy(field)
            copy.expressions = [_copy(expression) for expression in field.expressions]
            copies.append(copy)
        return copies

    def find(
        self, year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo | None
    ) -> datetime | None:
        """Return the first matching wall time from the given one on, or None. `second` may be 60.

        It is given the zone, but whether the zone's clock shows it is not looked at.
        """
        years, kinds, month_days, hours, minutes, seconds, first_minute, first_second = self.tables
        if year < _FIRST_YEAR or (years is not None and year not in years):
            return self._find_month(year, 12, zone)
        days = month_days[kinds[year % _CYCLE] + month] >> day
        if days & 1:
            then = hours[hour]
            if then == hour:
                at = minutes[minute]
                to = first_second
                if at == minute:
                    to = seconds[second]
                    if to < 0:
                        at = minutes[minute + 1]
                        to = first_second
                if at >= 0:
                    return datetime(year, month, day, hour, at, to, 0, zone)
                then = hours[hour + 1]
            if then >= 0:
                return datetime(year, month, day, then, first_minute, first_second, 0, zone)
        days >>= 1
        if days:
            # The lowest bit that is set is the next day.
            day += (days & -days).bit_length()
            return datetime(year, month, day, hours[0], first_minute, first_second, 0, zone)
        return self._find_month(year, month, zone)

    def _find_month(self, year: int, month: int, zone: tzinfo | None) -> datetime | None:
        """Return the first match after the given month, or None."""
        years, kinds, month_days, next_month, first_month, hour, minute, second = self.month_tables
        month = next_month[month + 1]
        last_year = 0
        while True:
            if month < 0:
                year, month = year + 1, first_month
                if years is not None:
                    position = bisect_left(years, year)
                    if position == len(years):
                        return None
                    year = years[position]
                elif year < _FIRST_YEAR:
                    year = _FIRST_YEAR
                last_year = last_year or (_LAST_YEAR if years else min(_LAST_YEAR, year + _CYCLE))
                if year > last_year:
                    return None
            days = month_days[kinds[year % _CYCLE] + month]
            if days:
                # The lowest bit that is set is the first day.
                day = (days & -days).bit_length() - 1
                return datetime(year, month, day, hour, minute, second, 0, zone)
            month = next_month[month + 1]


class MonthDays(dict[int, int]):
    """Kind of year + month -> an integer whose bit `d` is set where day `d` of that month matches. Filled as asked.

    The kind is a number that years with the same calendar share, and leaves the lowest four bits for the month.
    """

    __slots__ = (
        "_any_day",
        "_is_plain",
        "_kinds",
        "_last",
        "_months",
        "_positions",
        "_weekday_bits",
        "_weeks",
    )

    def __init__(
        self,
        kinds: Sequence[int],
        months: set[int],
        day: BaseField,
        week: BaseField,
        day_of_week: BaseField,
    ) -> None:
        super().__init__()
        self._kinds, self._months = kinds, months
        self._any_day = sum(1 << value for value in _values(day))
        self._last = any(type(part) is LastDayOfMonthExpression for part in day.expressions)
        self._positions = [
            (part.option_num, part.weekday)
            for part in day.expressions
            if type(part) is WeekdayPositionExpression
        ]
        weekdays = _values(day_of_week)
        # For each weekday that a month may begin with, the days that fall on a wanted weekday.
        self._weekday_bits = [
            sum(1 << d for d in range(1, 32) if (first + d - 1) % 7 in weekdays) for first in range(7)
        ]
        self._weeks = None if _is_every(week) else _values(week)
        self._is_plain = len(weekdays) == 7 and self._weeks is None and not self._last and not self._positions

    def __missing__(self, key: int) -> int:
        found = self[key] = self._bits(key & ~15, key & 15)
        return found

    def _bits(self, kind: int, month: int) -> int:
        if month not in self._months:
            return 0
        year = _CYCLE * 5 + self._kinds.index(kind)
        length = 29 if month == 2 and isleap(year) else _LENGTHS[month]
        bits = self._any_day & ((2 << length) - 1)
        if self._is_plain:
            return bits
        weekday = date(year, month, 1).weekday()
        if self._last:
            bits |= 1 << length
        for position, wanted in self._positions:
            first = (wanted - weekday) % 7 + 1
            day = first + 7 * position if position < 5 else first + (length - first) // 7 * 7
            if day <= length:
                bits |= 1 << day
        bits &= self._weekday_bits[weekday]
        return bits if self._weeks is None else _in_weeks(bits, year, month, self._weeks)


def _in_weeks(bits: int, year: int, month: int, weeks: set[int]) -> int:
    days = bits
    while days:
        day = days.bit_length() - 1
        days ^= 1 << day
        if date(year, month, day).isocalendar()[1] not in weeks:
            bits ^= 1 << day
    return bits


def _copy(part: Any) -> Any:
    copy = object.__new__(type(part))
    vars(copy).update(vars(part))
    return copy


def _is_every(field: BaseField) -> bool:
    return any(type(part) is AllExpression and part.step in (None, 1) for part in field.expressions)


def _values(field: BaseField) -> set[int]:
    """Return the values that the field's ranges allow, the days that depend on the month left out."""
    low, high = MIN_VALUES[field.name], MAX_VALUES[field.name]
    values: set[int] = set()
    for part in field.expressions:
        if type(part) is AllExpression:
            values.update(range(low, high + 1, part.step or 1))
        elif isinstance(part, RangeExpression):
            end = high if part.last is None else min(high, part.last)
            values.update(range(max(low, part.first), end + 1, part.step or 1))
    return values


def _next_table(field: BaseField) -> tuple[int, ...]:
    """Return for 0 to one above the field's range the smallest wanted value that is not below; -1 for none."""
    wanted, highest = _values(field), MAX_VALUES[field.name]
    table = [-1] * (highest + 2)
    for value in range(highest, -1, -1):
        table[value] = value if value in wanted else table[value + 1]
    return tuple(table)
