"""Triggers in plain English: `At 03:00 on Monday to Friday`."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from typing import Any

from apscheduler.cli._english_cron import describe_cron
from apscheduler.cli._words import listed, plural, zone_text
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from apscheduler.util import datetime_repr


def describe(trigger: BaseTrigger, zone: tzinfo | None = None) -> str:
    """Return what a trigger does, as an English phrase; a trigger of another kind describes itself.

    Args:
        trigger: the trigger.
        zone: the zone that the reader is told; where the trigger counts in another one, the phrase names it.
    """
    if isinstance(trigger, (AndTrigger, OrTrigger)):
        return _combined(trigger, zone)
    if type(trigger) is DateTrigger:
        run_date = trigger.run_date if zone is None else trigger.run_date.astimezone(zone)
        return f"Once, at {datetime_repr(run_date)}"
    if type(trigger) is IntervalTrigger:
        # Whatever the clocks show meanwhile: the zone says nothing about when it fires.
        return _interval(trigger.interval) + _limits(trigger, start=False)
    if type(trigger) is CalendarIntervalTrigger:
        return _calendar_interval(trigger) + _limits(trigger) + _zone(trigger, zone)
    if isinstance(trigger, CronTrigger):
        phrase = describe_cron(trigger)
        if phrase is not None:
            return phrase + _limits(trigger) + _zone(trigger, zone)
    return str(trigger)


def _combined(trigger: AndTrigger | OrTrigger, zone: tzinfo | None) -> str:
    parts = [describe(child, zone) for child in trigger.triggers]
    if len(parts) == 1:
        return parts[0] + _jitter(trigger)
    word = "When all agree: " if isinstance(trigger, AndTrigger) else "Whenever one fires: "
    between = "; and " if isinstance(trigger, AndTrigger) else "; or "
    return word + between.join(part[0].lower() + part[1:] for part in parts) + _jitter(trigger)


def _interval(interval: timedelta) -> str:
    seconds = interval.total_seconds()
    parts = []
    for size, unit in ((604800, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(plural(int(count), unit))
    if seconds:
        parts.append("1 second" if seconds == 1 else f"{seconds:g} seconds")
    return f"Every {_without_one(parts)}"


def _calendar_interval(trigger: CalendarIntervalTrigger) -> str:
    counts = (
        (trigger.years, "year"),
        (trigger.months, "month"),
        (trigger.weeks, "week"),
        (trigger.days, "day"),
    )
    parts = [plural(count, unit) for count, unit in counts if count]
    state = trigger.__getstate__()
    hour, minute, second = state["time"]
    time = f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")
    return f"Every {_without_one(parts)} on the calendar, at {time}"


def _without_one(parts: list[str]) -> str:
    return parts[0].removeprefix("1 ") if len(parts) == 1 else listed(parts)


def _limits(trigger: Any, start: bool = True) -> str:
    text = ""
    if start and trigger.start_date is not None:
        text += f", from {_day_or_time(trigger.start_date)} on"
    if trigger.end_date is not None:
        text += f", until {_day_or_time(trigger.end_date)}"
    return text + _jitter(trigger)


def _day_or_time(value: Any) -> str:
    return datetime_repr(value) if hasattr(value, "hour") else str(value)


def _jitter(trigger: Any) -> str:
    return f", delayed at random by up to {trigger.jitter:g} s" if trigger.jitter else ""


def _zone(trigger: Any, zone: tzinfo | None) -> str:
    """Return the trigger's zone in parentheses where the reader is told another one."""
    if zone is None or str(trigger.timezone) == str(zone):
        return ""
    return f" ({zone_text(trigger.timezone)})"
