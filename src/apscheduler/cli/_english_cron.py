"""Cron triggers in plain English: a phrase for the time of day, then one for the days."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from apscheduler.cli._words import listed, ordinal
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.cron._values import MAX_VALUES, MIN_VALUES
from apscheduler.triggers.cron.expressions import (
    AllExpression,
    LastDayOfMonthExpression,
    MonthRangeExpression,
    RangeExpression,
    WeekdayPositionExpression,
    WeekdayRangeExpression,
)

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_PERIOD = {"second": 60, "minute": 60, "hour": 24}
_MOST_TIMES = 8
_NUMERIC = (AllExpression, RangeExpression, MonthRangeExpression, WeekdayRangeExpression)


class _Field(NamedTuple):
    """What a field wants: its values in order, and the step between them: 1 for a row, 0 where it is not the same."""

    name: str
    values: tuple[int, ...]
    step: int

    @property
    def is_all(self) -> bool:
        return self.step == 1 and len(self.values) == MAX_VALUES[self.name] - MIN_VALUES[self.name] + 1

    @property
    def is_zero(self) -> bool:
        return self.values == (0,)

    @property
    def is_steps(self) -> bool:
        """Whether these are best told as `every so manieth`, all through the next longer unit."""
        period = _PERIOD.get(self.name)
        if period is None or self.step < 2 or (self.values[0] and len(self.values) < 4):
            return False
        return self.step * len(self.values) >= period - self.values[0]


def describe_cron(trigger: CronTrigger) -> str | None:
    """Return what a cron trigger's fields say; None where they hold what only their own class can tell."""
    # A copy is asked, because a trigger whose fields have been asked for is slower from then on.
    found = copy.copy(trigger).fields
    if any(type(field) is not CronTrigger.FIELDS_MAP.get(field.name) for field in found):
        return None
    fields = {field.name: field.expressions for field in found}
    for name, expressions in fields.items():
        allowed = (
            (*_NUMERIC, WeekdayPositionExpression, LastDayOfMonthExpression) if name == "day" else _NUMERIC
        )
        if any(type(expression) not in allowed for expression in expressions):
            return None
    numbers = {name: _field(name, fields[name]) for name in fields if name != "day"}
    time, is_point = _time(numbers["hour"], numbers["minute"], numbers["second"])
    days = _days(fields, numbers)
    if not days and is_point:
        days = ["every day"]
    phrase = " ".join([time, *days])
    return phrase[0].upper() + phrase[1:]


# -- the time of day ---------------------------------------------------------------------------------------------


def _time(hour: _Field, minute: _Field, second: _Field) -> tuple[str, bool]:
    """Return the phrase, and whether it names points in time (`at 03:00`) rather than how often."""
    count = len(hour.values) * len(minute.values) * len(second.values)
    if count <= _MOST_TIMES and not (hour.is_steps and len(hour.values) > 3):
        return (
            f"at {listed([_clock(h, m, s) for h in hour.values for m in minute.values for s in second.values])}",
            True,
        )
    if minute.is_zero and second.is_zero:
        return _hourly(hour), False
    parts = [_seconds(second), _minutes(minute, second)]
    parts.append(_hours(hour, often=minute.is_all or minute.is_steps, minute=minute))
    return " ".join(part for part in parts if part), False


def _clock(hour: int, minute: int, second: int) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


def _is_often(second: _Field) -> bool:
    return second.is_all or second.is_steps


def _hourly(hour: _Field) -> str:
    if hour.is_all:
        return "every hour"
    first, last = f"{hour.values[0]:02}:00", f"{hour.values[-1]:02}:00"
    if hour.is_steps and hour.values[0] == 0:
        return _every(hour)
    if hour.step:
        often = "every hour" if hour.step == 1 else f"every {hour.step} hours"
        return f"{often} from {first} to {last}"
    return f"at {listed([_clock(h, 0, 0) for h in hour.values])}"


def _seconds(second: _Field) -> str:
    if second.is_zero:
        return ""
    if _is_often(second):
        return _every(second)
    return f"at {_spelled('second', second)}"


def _minutes(minute: _Field, second: _Field) -> str:
    if minute.is_all:
        if second.is_zero:
            return "every minute"
        return "" if _is_often(second) else "of every minute"
    if minute.is_steps:
        if second.is_zero:
            return _every(minute)
        return f"{'during' if _is_often(second) else 'of'} every {ordinal(minute.step)} minute" + _from(
            minute
        )
    word = "at" if second.is_zero else "during" if _is_often(second) else "of"
    return f"{word} {_spelled('minute', minute)}"


def _hours(hour: _Field, often: bool, minute: _Field) -> str:
    if hour.is_all:
        return "" if often else "of every hour"
    if hour.is_steps:
        return f"{'during' if often else 'of'} every {ordinal(hour.step)} hour" + _from(hour)
    if often and hour.step == 1:
        return (
            f"from {hour.values[0]:02}:{minute.values[0]:02} to {hour.values[-1]:02}:{minute.values[-1]:02}"
        )
    return f"{'during' if often else 'of'} {_spelled('hour', hour)}"


def _every(field: _Field) -> str:
    """Return `every 5 minutes`, and where the count starts anew or does not begin at 0 also that."""
    if field.is_all:
        return f"every {field.name}"
    if _PERIOD[field.name] % field.step:
        longer = {"second": "minute", "minute": "hour", "hour": "day"}[field.name]
        return f"every {field.step} {field.name}s of each {longer}, from {field.name} {field.values[0]} on"
    return f"every {field.step} {field.name}s{_from(field)}"


def _from(field: _Field) -> str:
    return f" from {field.name} {field.values[0]} on" if field.values[0] else ""


# -- the days ----------------------------------------------------------------------------------------------------


def _days(fields: dict[str, Any], numbers: dict[str, _Field]) -> list[str]:
    weekday, month, week, year = (numbers[name] for name in ("day_of_week", "month", "week", "year"))
    months = "" if month.is_all else _named(month, _MONTHS, 1)
    parts = []
    day = _day_of_month(fields["day"], months)
    if day:
        parts.append(day)
    if not weekday.is_all:
        names = _named(weekday, _WEEKDAYS, 0)
        parts.append(
            f"if that is {'a ' if len(weekday.values) == 1 else ''}{names}" if day else f"on {names}"
        )
    if months and not day:
        parts.append(f"in {months}")
    if not week.is_all:
        parts.append(f"in ISO {_spelled('week', week)}")
    if not year.is_all:
        parts.append(f"in {_numbers(year)}")
    return parts


def _day_of_month(expressions: Sequence[Any], months: str) -> str:
    of = f"of {months}" if months else "of the month"
    positions = [
        _position(e) for e in expressions if type(e) in (WeekdayPositionExpression, LastDayOfMonthExpression)
    ]
    plain = [e for e in expressions if type(e) in _NUMERIC]
    parts = []
    if plain:
        days = _field("day", plain)
        if days.is_all:
            return ""
        if days.step > 1 and len(days.values) > 3:
            parts.append(f"every {ordinal(days.step)} day from day {days.values[0]} to {days.values[-1]}")
        else:
            parts.append(_spelled("day", days))
    if positions:
        parts.append(f"the {listed(positions)}")
    return f"on {listed(parts)} {of}"


def _position(expression: Any) -> str:
    if type(expression) is LastDayOfMonthExpression:
        return "last day"
    return f"{expression.options[expression.option_num]} {_WEEKDAYS[expression.weekday]}"


def _named(field: _Field, names: Sequence[str], lowest: int) -> str:
    return listed(
        [
            names[first - lowest] if first == last else f"{names[first - lowest]} to {names[last - lowest]}"
            for first, last in _rows(field.values)
        ]
    )


# -- fields as numbers -------------------------------------------------------------------------------------------


def _field(name: str, expressions: Sequence[Any]) -> _Field:
    values = tuple(sorted({value for expression in expressions for value in _values(name, expression)}))
    gaps = {later - earlier for earlier, later in pairwise(values)}
    # A single value is a row of one; 0 says that there is no pattern.
    return _Field(name, values, gaps.pop() if len(gaps) == 1 else int(not gaps))


def _values(name: str, expression: Any) -> range:
    first = getattr(expression, "first", MIN_VALUES[name])
    last = getattr(expression, "last", None)
    return range(first, (MAX_VALUES[name] if last is None else last) + 1, expression.step or 1)


def _rows(values: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last of each row of three or more successive values, single ones as both."""
    rows: list[tuple[int, int]] = []
    for value in values:
        if rows and rows[-1][1] == value - 1:
            rows[-1] = (rows[-1][0], value)
        else:
            rows.append((value, value))
    split: list[tuple[int, int]] = []
    for first, last in rows:
        split += [(first, first), (last, last)] if last == first + 1 else [(first, last)]
    return split


def _numbers(field: _Field) -> str:
    return listed([str(a) if a == b else f"{a} to {b}" for a, b in _rows(field.values)])


def _spelled(word: str, field: _Field) -> str:
    return f"{word}{'s' if len(field.values) > 1 else ''} {_numbers(field)}"
