"""EXPRESSION of `apscheduler next`: a text that says when, made into a trigger.

0 3 * * mon-fri                  five fields of a crontab line
hour=3 minute=*/5                fields of a cron trigger
every 5 minutes, 90s, 1h30m      an interval
2030-12-31 23:59                 a date
calendarinterval months=1 hour=3 any trigger by its name, with its arguments
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from inspect import Parameter, signature
from typing import Any

from apscheduler._plugins import plugin_class
from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.cli._times import read_duration
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from apscheduler.util import datetime_utc_add, localize

_NAMES = ("cron", "interval", "date", "calendarinterval")
_ARGUMENT = re.compile(r"(\w+)=(.*?)(?=\s+\w+=|\s*$)")
_ARGUMENTS = re.compile(rf"(?:{_ARGUMENT.pattern}\s*)+")
_EXAMPLES = "'0 3 * * mon-fri', 'hour=3 minute=*/5', 'every 5 minutes', '90s' or '2030-12-31 23:59'"
_A_DATE = re.compile(r"\d{4}-?\d\d-?\d\d")


def read_expression(text: str, zone: tzinfo, start: datetime) -> BaseTrigger:
    """Return the trigger that `text` describes, in `zone`; an interval without a start date counts from `start`."""
    text = text.strip()
    try:
        made = _read(text, zone, start)
    except (ValueError, TypeError, OverflowError, LookupError) as exc:
        raise RefusedError(f"EXPRESSION {text!r}: {first_line(exc)}") from None
    if made is None:
        raise RefusedError(
            f"EXPRESSION {text!r} is not understood: write it like {_EXAMPLES},"
            " in quotes, because a shell puts file names in place of *"
        )
    return made


def _read(text: str, zone: tzinfo, start: datetime) -> BaseTrigger | None:
    name, _, rest = text.partition(" ")
    if name in _NAMES:
        return _named(name, rest.strip(), zone, start)
    if _ARGUMENTS.fullmatch(text):
        return _named("cron", text, zone, start)
    interval = _interval(text)
    if interval is not None:
        return _from_start(IntervalTrigger(**interval, timezone=zone), start)
    if _A_DATE.match(text):
        return _date(text, zone)
    words = text.split()
    if len(words) == 5:
        return CronTrigger.from_crontab(text, timezone=zone)
    if (
        4 <= len(words) <= 7
        and all(re.fullmatch(r"[\d*/,?#\-a-zA-Z]+", word) for word in words)
        and "*" in text
    ):
        raise ValueError(
            f"a crontab line has 5 fields (minute, hour, day, month, day of week), this has {len(words)};"
            " for seconds or years write fields by name, such as 'hour=3 minute=0 second=30'"
        )
    return None


def _named(name: str, rest: str, zone: tzinfo, start: datetime) -> BaseTrigger | None:
    if not _ARGUMENTS.fullmatch(rest):
        if name == "cron" and len(rest.split()) == 5:
            return CronTrigger.from_crontab(rest, timezone=zone)
        if name == "interval" and (interval := _interval(rest)) is not None:
            return _from_start(IntervalTrigger(**interval, timezone=zone), start)
        return _date(rest, zone) if name == "date" and _A_DATE.match(rest) else None
    given = {key: value.strip("'\"") for key, value in _ARGUMENT.findall(rest)}
    cls: Any = plugin_class("trigger", name)
    parameters = signature(cls).parameters
    for key in given:
        if key not in parameters:
            raise ValueError(f"{name} has no argument {key!r}; it takes {', '.join(parameters)}")
    arguments = {key: _value(parameters[key], value) for key, value in given.items()}
    made: BaseTrigger = cls(**{"timezone": zone, **arguments})
    return _from_start(made, start) if "start_date" not in given else made


def _value(parameter: Parameter, text: str) -> Any:
    """Return a number where the argument takes only numbers, else the text itself."""
    kinds = str(parameter.annotation)
    if "str" in kinds or not ("int" in kinds or "float" in kinds):
        return text
    try:
        return float(text) if "float" in kinds and not text.lstrip("+-").isdecimal() else int(text)
    except ValueError:
        raise ValueError(f"{parameter.name}={text!r} is no number") from None


def _interval(text: str) -> dict[str, Any] | None:
    if not text.lower().startswith("every "):
        return read_duration(text)
    rest = text[len("every ") :].strip()
    return read_duration(rest) or read_duration(f"1 {rest}")


def _from_start(trigger: BaseTrigger, start: datetime) -> BaseTrigger:
    """Have an interval that counts from now count from `start`, and one on the calendar begin on that day."""
    if isinstance(trigger, IntervalTrigger):
        trigger.start_date = datetime_utc_add(start.astimezone(trigger.timezone), trigger.interval)
    elif isinstance(trigger, CalendarIntervalTrigger):
        trigger.start_date = start.astimezone(trigger.timezone).date()
    return trigger


def _date(text: str, zone: tzinfo) -> DateTrigger:
    time = datetime.fromisoformat(text)
    return DateTrigger(time if time.tzinfo is not None else localize(time, zone))
