"""Changing single arguments of a job's trigger: what `modify_job("id", minutes=5)` means.

Every argument that is not named keeps its value, but the units of an interval count as one: `minutes=5` on an interval
of one hour makes it five minutes, not an hour and five.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from apscheduler.triggers.base import BaseTrigger

_UNITS = ("weeks", "days", "hours", "minutes", "seconds")


@cache
def argument_names(trigger_class: type[BaseTrigger]) -> frozenset[str]:
    """Return the names of the arguments that a trigger of this class is made with."""
    parameters = inspect.signature(trigger_class).parameters.values()
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def with_arguments(trigger: BaseTrigger, changes: Mapping[str, Any], now: datetime) -> BaseTrigger:
    """Return a new trigger of the same class with `changes` among its arguments.

    Args:
        trigger: stays as it is.
        changes: names from `argument_names()`.
        now: what an interval that has not begun yet counts from.
    """
    arguments = {name: value for name, value in _arguments_of(trigger).items() if name not in changes}
    if any(unit in changes for unit in _UNITS) and hasattr(trigger, "interval"):
        for unit in _UNITS:
            arguments.pop(unit, None)
        start = arguments.get("start_date")
        # A start within one old interval from now is where 3.x puts a start that nobody asked for.
        if (
            start is not None
            and now.astimezone(UTC) < start.astimezone(UTC) <= now.astimezone(UTC) + trigger.interval
        ):
            del arguments["start_date"]
    return type(trigger)(**arguments, **changes)


def _arguments_of(trigger: BaseTrigger) -> dict[str, Any]:
    """Return the arguments that would make `trigger` again."""
    values: dict[str, Any] = {}
    fields = {field.name: field for field in getattr(trigger, "fields", ())}
    for name in argument_names(type(trigger)):
        if name in fields:
            if not fields[name].is_default:
                values[name] = str(fields[name])
        elif name == "seconds" and hasattr(trigger, "interval"):
            values[name] = trigger.interval.total_seconds()
        elif name in ("hour", "minute", "second") and hasattr(trigger, "_time"):
            values[name] = getattr(trigger._time, name)  # noqa: SLF001 - where the calendar interval keeps it
        elif hasattr(trigger, name):
            values[name] = getattr(trigger, name)
    return values
