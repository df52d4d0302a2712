"""The expressions of a cron field: which of its values one item of the comma-separated list allows.

An expression is parsed by matching `value_re` (ignoring case, from the start of the text) and calling the class with
the groups found, all of them texts or None. A class of your own that does the same, has `get_next_value()` and is
listed in the `COMPILERS` of a field class becomes part of the language; it is found to be one of its own and asked for
each value, where the expressions below are turned into tables once.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from apscheduler.triggers.cron._values import MAX_VALUES, MIN_VALUES, MONTHS, WEEKDAYS
from apscheduler.util import asint

if TYPE_CHECKING:
    from apscheduler.triggers.cron.fields import BaseField

__all__ = (
    "MONTHS",
    "WEEKDAYS",
    "AllExpression",
    "LastDayOfMonthExpression",
    "MonthRangeExpression",
    "RangeExpression",
    "WeekdayPositionExpression",
    "WeekdayRangeExpression",
)


def _index_of(name: str, names: Sequence[str], kind: str) -> int:
    """Return the position of a name, or raise `ValueError` with the one that is probably meant."""
    lowered = name.lower()
    try:
        return names.index(lowered)
    except ValueError:
        pass
    near = [known for known in names if lowered.startswith(known)]
    near = near or get_close_matches(lowered, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? The" if near else "the"
    raise ValueError(f'Invalid {kind} name "{name}": {hint} names are {", ".join(names)}')


def _form(text: str) -> re.Pattern[str]:
    """Return the pattern of a form such as `#first[-#last]`: # is digits, @ letters, brackets may be missing."""
    text = text.replace("[", "(?:").replace("]", ")?")
    text = re.sub(r"#(\w+)", r"(?P<\1>\\d+)", text)
    return re.compile(re.sub(r"@(\w+)", r"(?P<\1>[a-z]+)", text), re.IGNORECASE)


class AllExpression:
    """`*` is every value; `*/step` the smallest value, and from there every one that is `step` further."""

    value_re: ClassVar[re.Pattern[str]] = _form(r"\*[/#step]$")

    def __init__(self, step: Any = None) -> None:
        self.step = asint(step)
        if self.step == 0:
            raise ValueError("Increment must be higher than 0: write '*' or '*/1' for every value")

    def validate_range(self, field_name: str) -> None:
        """Raise `ValueError` where the field has no two values that are `step` apart."""
        lowest, highest = MIN_VALUES[field_name], MAX_VALUES[field_name]
        self._check_step(highest - lowest, field_name)

    def _check_step(self, span: int, field_name: str) -> None:
        if self.step and self.step > span:
            raise ValueError(
                f"the step value ({self.step}) is higher than the total range of the expression ({span})"
                "; leave the step out to get the first value only"
            )

    def get_next_value(self, date: datetime, field: BaseField) -> int | None:
        """Return the smallest allowed value that is not below the field's value in `date`, or None."""
        lowest = field.get_min(date)
        return self._step_from(lowest, max(field.get_value(date), lowest), field.get_max(date))

    def _step_from(self, origin: int, value: int, highest: int) -> int | None:
        if self.step:
            value += (origin - value) % self.step
        return value if value <= highest else None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    # Equal by what can be changed, as in 3.x: so it has no hash.
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"*/{self.step}" if self.step else "*"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.step})"


class RangeExpression(AllExpression):
    """`first`, `first-last`, or either with `/step`; `first/step` goes on to the largest value."""

    value_re = _form("#first[-#last][/#step]$")

    def __init__(self, first: Any, last: Any = None, step: Any = None) -> None:
        super().__init__(step)
        start, end = asint(first), asint(last)
        if end is None and self.step is None:
            end = start
        if start is not None and end is not None and start > end:
            raise ValueError(
                "The minimum value in a range must not be higher than the maximum;"
                " a range that goes round the end is written as two, separated by a comma"
            )
        self.first: int = start  # type: ignore[assignment]
        self.last = end

    def validate_range(self, field_name: str) -> None:
        """Raise `ValueError` where the range leaves the values of the field, or the step the range."""
        lowest, highest = MIN_VALUES[field_name], MAX_VALUES[field_name]
        last = highest if self.last is None else self.last
        allowed = f"({lowest if self.first < lowest else highest}); allowed are {lowest} to {highest}"
        if self.first < lowest:
            raise ValueError(f"the first value ({self.first}) is lower than the minimum value {allowed}")
        if self.last is not None and self.last > highest:
            raise ValueError(f"the last value ({self.last}) is higher than the maximum value {allowed}")
        self._check_step(last - self.first, field_name)

    def get_next_value(self, date: datetime, field: BaseField) -> int | None:
        """Return the smallest value of the range that is not below the field's value in `date`, or None."""
        lowest, highest = field.get_min(date), field.get_max(date)
        first = max(lowest, self.first)
        if self.last is not None:
            highest = min(highest, self.last)
        return self._step_from(first, max(first, field.get_value(date)), highest)

    def __str__(self) -> str:
        text = str(self.first)
        if self.last is not None and self.last != self.first:
            text = f"{text}-{self.last}"
        return f"{text}/{self.step}" if self.step else text

    def __repr__(self) -> str:
        arguments: list[int | None] = [self.first]
        if self.step:
            arguments += [self.last, self.step]
        elif self.last is not None and self.last != self.first:
            arguments.append(self.last)
        return f"{type(self).__name__}({', '.join(map(str, arguments))})"


def _repr_of_names(expression: RangeExpression, names: Sequence[str], offset: int) -> str:
    first, last = expression.first, expression.last
    spelled = [names[first - offset]]
    if last is not None and last != first:
        spelled.append(names[last - offset])
    return f"{type(expression).__name__}({', '.join(map(repr, spelled))})"


def _str_of_names(expression: RangeExpression, names: Sequence[str], offset: int) -> str:
    first, last = expression.first, expression.last
    if last is not None and last != first:
        return f"{names[first - offset]}-{names[last - offset]}"
    return names[first - offset]


class MonthRangeExpression(RangeExpression):
    """A month, or a range of months, by name: `jan`, `jan-mar`."""

    value_re = _form("@first[-@last]")

    def __init__(self, first: str, last: str | None = None) -> None:
        super().__init__(
            _index_of(first, MONTHS, "month") + 1,
            _index_of(last, MONTHS, "month") + 1 if last else None,
        )

    def __str__(self) -> str:
        return _str_of_names(self, MONTHS, 1)

    def __repr__(self) -> str:
        return _repr_of_names(self, MONTHS, 1)


class WeekdayRangeExpression(RangeExpression):
    """A weekday, or a range of weekdays from Monday on, by name: `mon`, `mon-fri`."""

    value_re = _form("@first[-@last]")

    def __init__(self, first: str, last: str | None = None) -> None:
        super().__init__(
            _index_of(first, WEEKDAYS, "weekday"),
            _index_of(last, WEEKDAYS, "weekday") if last else None,
        )

    def __str__(self) -> str:
        return _str_of_names(self, WEEKDAYS, 0)

    def __repr__(self) -> str:
        return _repr_of_names(self, WEEKDAYS, 0)


class WeekdayPositionExpression(AllExpression):
    """The first to fifth, or the last, of a weekday in the month: `3rd fri`, `last sun`."""

    options: ClassVar[list[str]] = ["1st", "2nd", "3rd", "4th", "5th", "last"]
    value_re = re.compile(rf"(?P<option_name>{'|'.join(options)}) +(?P<weekday_name>\w+)", re.IGNORECASE)

    def __init__(self, option_name: str, weekday_name: str) -> None:
        super().__init__(None)
        self.option_num = self._position(option_name)
        self.weekday = _index_of(weekday_name, WEEKDAYS, "weekday")

    @classmethod
    def _position(cls, option_name: str) -> int:
        try:
            return cls.options.index(option_name.lower())
        except ValueError:
            raise ValueError(
                f'Invalid weekday position "{option_name}": write one of {", ".join(cls.options)}'
            ) from None

    def get_next_value(self, date: datetime, field: BaseField) -> int | None:
        """Return the day of this month that is meant, where it exists and is not before `date`; else None."""
        weekday_of_first, days = monthrange(date.year, date.month)
        first = (self.weekday - weekday_of_first) % 7 + 1
        day = first + 7 * self.option_num
        if self.option_num == 5:
            day = first + (days - first) // 7 * 7
        return day if date.day <= day <= days else None

    def __str__(self) -> str:
        return f"{self.options[self.option_num]} {WEEKDAYS[self.weekday]}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.options[self.option_num]!r}, {WEEKDAYS[self.weekday]!r})"


class LastDayOfMonthExpression(AllExpression):
    """`last`: the last day of the month."""

    value_re = re.compile(r"last", re.IGNORECASE)

    def __init__(self) -> None:
        super().__init__(None)

    def get_next_value(self, date: datetime, field: BaseField) -> int | None:
        """Return the number of the month's last day."""
        return monthrange(date.year, date.month)[1]

    def __str__(self) -> str:
        return "last"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
