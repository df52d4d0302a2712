"""The fields of a cron trigger: each reads one number off a datetime and knows which values are wanted of it.

A field class of your own is put in place with a `CronTrigger` subclass whose `FIELDS_MAP` names it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime
from typing import Any, ClassVar

from apscheduler.triggers.cron import _hints
from apscheduler.triggers.cron._values import DEFAULT_VALUES, MAX_VALUES, MIN_VALUES
from apscheduler.triggers.cron.expressions import (
    AllExpression,
    LastDayOfMonthExpression,
    MonthRangeExpression,
    RangeExpression,
    WeekdayPositionExpression,
    WeekdayRangeExpression,
)

__all__ = (
    "DEFAULT_VALUES",
    "MAX_VALUES",
    "MIN_VALUES",
    "BaseField",
    "DayOfMonthField",
    "DayOfWeekField",
    "MonthField",
    "WeekField",
)

SEPARATOR = re.compile(" *, *")


class BaseField:
    """A field whose number is an attribute of the datetime: year, month, day, hour, minute or second.

    Args:
        name: which field this is; it says the range of its values.
        exprs: the wanted values: expressions separated by commas, or a number.
        is_default: whether the user did not give this field, so that it is left out of the trigger's repr.
    """

    REAL: ClassVar[bool] = True
    """Whether a datetime can be moved to a value of this field by replacing the attribute of its name."""

    COMPILERS: ClassVar[list[type[Any]]] = [AllExpression, RangeExpression]
    """The expression classes, in the order in which they are tried."""

    def __init__(self, name: str, exprs: Any, is_default: bool = False) -> None:
        self.name = name
        self.is_default = is_default
        self.compile_expressions(exprs)

    def get_min(self, dateval: datetime) -> int:
        """Return the smallest value of the field."""
        return MIN_VALUES[self.name]

    def get_max(self, dateval: datetime) -> int:
        """Return the largest value of the field at the time of `dateval`."""
        return MAX_VALUES[self.name]

    def get_value(self, dateval: datetime) -> int:
        """Return the value of the field in `dateval`."""
        return int(getattr(dateval, self.name))

    def get_next_value(self, dateval: datetime) -> int | None:
        """Return the smallest wanted value that is not below that in `dateval`, or None where there is none."""
        smallest: int | None = None
        for expression in self.expressions:
            value = expression.get_next_value(dateval, self)
            if value is not None and (smallest is None or value < smallest):
                smallest = value
        return smallest

    def compile_expressions(self, exprs: Any) -> None:
        """Set `expressions` to those of the comma-separated text."""
        self.expressions: list[Any] = []
        texts = SEPARATOR.split(str(exprs).strip())
        try:
            for expr in texts:
                self.compile_expression(expr)
        except ValueError as exc:
            # All parts are looked at, because in '0, tue' the second says what the first was meant to be.
            hints = _hints.for_expressions(self.name, texts)
            raise ValueError(". ".join((str(exc), *hints))) from exc.__cause__

    def compile_expression(self, expr: str) -> None:
        """Append the first expression that one of the `COMPILERS` makes of `expr`; `ValueError` where none does."""
        for compiler in self.COMPILERS:
            match = compiler.value_re.match(expr)
            if match is None:
                continue
            try:
                compiled = compiler(**match.groupdict())
                compiled.validate_range(self.name)
            except ValueError as exc:
                raise ValueError(
                    f"Error validating expression {expr!r} of the field {self.name!r}: {exc}"
                ) from exc
            self.expressions.append(compiled)
            return
        raise ValueError(
            f'Unrecognized expression "{expr}" for field "{self.name}"; it takes {_hints.accepted(self.name)}'
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseField):
            return NotImplemented
        return bool(isinstance(self, type(other)) and self.expressions == other.expressions)

    # Equal by what can be changed, as in 3.x: so it has no hash.
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return ",".join(map(str, self.expressions))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {str(self)!r})"


class WeekField(BaseField):
    """The ISO 8601 week number."""

    REAL = False

    def get_value(self, dateval: datetime) -> int:
        """Return the ISO week of `dateval`: 1 to 53."""
        return dateval.isocalendar()[1]


class DayOfMonthField(BaseField):
    """The day of the month, also by weekday position and as `last`."""

    COMPILERS: ClassVar[list[type[Any]]] = [
        AllExpression,
        RangeExpression,
        WeekdayPositionExpression,
        LastDayOfMonthExpression,
    ]

    def get_max(self, dateval: datetime) -> int:
        """Return the number of days in the month of `dateval`."""
        return monthrange(dateval.year, dateval.month)[1]


class DayOfWeekField(BaseField):
    """The weekday: 0 is Monday and 6 is Sunday, not as in crontab files; or a name."""

    REAL = False
    COMPILERS: ClassVar[list[type[Any]]] = [AllExpression, RangeExpression, WeekdayRangeExpression]

    def get_value(self, dateval: datetime) -> int:
        """Return the weekday of `dateval`: 0 (Monday) to 6."""
        return dateval.weekday()


class MonthField(BaseField):
    """The month, also by name."""

    COMPILERS: ClassVar[list[type[Any]]] = [AllExpression, RangeExpression, MonthRangeExpression]
