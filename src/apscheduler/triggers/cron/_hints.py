"""What a wrong cron expression was probably meant to be: the second half of every parse error."""

from __future__ import annotations

import re
from collections.abc import Iterable

from apscheduler.triggers.cron._values import MAX_VALUES, MIN_VALUES, MONTHS, WEEKDAYS

_NAMES = {
    "month": ", and names such as 'jan' and 'jan-mar'",
    "day_of_week": ", and names such as 'mon' and 'mon-fri'",
    "day": ", and '3rd fri', 'last sun' and 'last'",
}
_OTHER_DIALECTS = {
    "": "A comma too many or an empty text: leave the argument out for a field that does not matter",
    "?": "'?' of other cron dialects is '*' here",
    "none": "Leave the argument out for a field that does not matter",
}
_RANGE_OF_NAMES = re.compile(r"([a-z]{3})-([a-z]{3})")
_POSITION = re.compile(r"(\d)(?:st|nd|rd|th) *([a-z]{3})")


def accepted(name: str) -> str:
    """Return the forms that a field takes, in words."""
    if name not in MIN_VALUES:
        return "what its COMPILERS match"
    return (
        f"numbers from {MIN_VALUES[name]} to {MAX_VALUES[name]}, '*', '*/n', 'a-b', 'a-b/n',"
        f" lists of them separated by commas{_NAMES.get(name, '')}"
    )


def for_expressions(name: str, exprs: Iterable[str]) -> list[str]:
    """Return what to write instead of those parts that look like something well known."""
    hints = (_for_expression(name, expr.strip().lower()) for expr in exprs)
    return list(dict.fromkeys(hint for hint in hints if hint))


def _for_expression(name: str, expr: str) -> str:
    if expr in _OTHER_DIALECTS:
        return _OTHER_DIALECTS[expr]
    if name == "day":
        return _for_day(expr)
    if name == "day_of_week":
        return _for_weekday(expr)
    if _first_name(expr) in WEEKDAYS:
        return f"A weekday belongs in day_of_week={expr!r}"
    if name == "month":
        return _around_the_end(expr, MONTHS)
    return f"A month belongs in month={expr!r}" if _first_name(expr) in MONTHS else ""


def _first_name(expr: str) -> str:
    found = re.match("[a-z]{3}", expr)
    return found[0] if found else ""


def _for_day(expr: str) -> str:
    if _first_name(expr) in WEEKDAYS:
        return f"A weekday belongs in day_of_week={expr!r}; its position in the month in day='1st {expr[:3]}'"
    if expr == "0":
        return "Days count from 1, weekdays (in day_of_week) from 0, which is mon"
    if expr in ("l", "lw"):
        return "The last day of the month is 'last'"
    if position := _POSITION.match(expr):
        ordinal = {"1": "1st", "2": "2nd", "3": "3rd"}.get(position[1], "5th" if position[1] > "4" else "4th")
        return f"Positions are 1st, 2nd, 3rd, 4th, 5th and last with one weekday, as in '{ordinal} {position[2]}'"
    return ""


def _for_weekday(expr: str) -> str:
    if expr.isdecimal():
        return "0 is mon and 6 is sun here, unlike in crontab files; names such as 'sun' cannot be mistaken"
    if _POSITION.match(expr) or expr.startswith("last"):
        return f"The position of a weekday in the month belongs in day={expr!r}"
    return _around_the_end(expr, WEEKDAYS)


def _around_the_end(expr: str, names: list[str]) -> str:
    ends = _RANGE_OF_NAMES.fullmatch(expr)
    if ends is None or ends[1] not in names or ends[2] not in names:
        return ""
    first, last = names.index(ends[1]), names.index(ends[2])
    if first <= last:
        return ""
    tail = ends[1] if first == len(names) - 1 else f"{ends[1]}-{names[-1]}"
    head = ends[2] if last == 0 else f"{names[0]}-{ends[2]}"
    return f"Write '{tail},{head}'"
