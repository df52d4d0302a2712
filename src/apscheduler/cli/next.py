"""`apscheduler next`: when an expression fires."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, tzinfo
from typing import Annotated

import typer

from apscheduler import _clock
from apscheduler.cli._english import describe
from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.cli._expression import read_expression
from apscheduler.cli._options import AsJson, Zone
from apscheduler.cli._screen import duration_text, iso, note, print_json, say, time_text
from apscheduler.cli._times import read_time, read_zone
from apscheduler.cli._words import zone_text
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger


def next_times(
    expression: Annotated[
        list[str],
        typer.Argument(
            help="A cron expression ('0 3 * * mon-fri', or fields such as 'hour=3 minute=*/5'), an interval"
            " ('every 5 minutes', '90s', 'interval minutes=5') or a date ('2030-12-31 23:59').",
            show_default=False,
        ),
    ],
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, max=10_000, help="How many fire times.")
    ] = 10,
    tz: Zone = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Count from this time instead of from now.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say when EXPRESSION fires, and what it means in plain English."""
    zone = read_zone(tz)
    start = _clock.now(zone) if from_ is None else read_time(from_, zone, "--from")
    text = " ".join(expression)
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        trigger = read_expression(text, zone, start)
    try:
        times = fire_times(trigger, start, number)
    except ValueError as exc:
        raise RefusedError(f"EXPRESSION {text!r}: {first_line(exc)}") from None
    meaning = describe(trigger, zone)
    if as_json:
        shown = [iso(time, zone) for time in times]
        print_json({"trigger": str(trigger), "meaning": meaning, "timezone": zone_text(zone), "times": shown})
    else:
        _print(meaning, times, start, number, zone)
    for remark in remarks:
        note(f"Warning: {remark.message}")
    if isinstance(trigger, CronTrigger) and _has_numeric_weekday(trigger):
        note(
            "Note: weekdays count from 0 (Monday) to 6 (Sunday) here, unlike in crontab files; names are safer."
        )


def fire_times(trigger: BaseTrigger, start: datetime, number: int) -> list[datetime]:
    """Return the first fire times of a trigger from `start` on, at most `number`."""
    times: list[datetime] = []
    previous, now = None, start
    while len(times) < number:
        time = trigger.get_next_fire_time(previous, now)
        if time is None:
            break
        times.append(time)
        previous, now = time, max(now, time, key=lambda moment: moment.astimezone(UTC))
    return times


def _print(meaning: str, times: list[datetime], start: datetime, number: int, zone: tzinfo) -> None:
    say(f"{meaning}  [{zone_text(zone)}]")
    for time in times:
        away = time.astimezone(UTC) - start.astimezone(UTC)
        when = f"in {duration_text(away)}" if away.total_seconds() >= 0 else f"{duration_text(-away)} before"
        say(f"  {time_text(time, zone, weekday=True):31}{when}")
    if len(times) < number:
        say("  and never after that" if times else "  never")


def _has_numeric_weekday(trigger: CronTrigger) -> bool:
    field = next((field for field in trigger.fields if field.name == "day_of_week"), None)
    return field is not None and any(char.isdigit() for char in str(field).split("/")[0])
