"""The search for a fire time step by step, for the days on which the clock changes and for fields of one's own.

Each step looks at the fields from the longest unit to the shortest. The first one that does not match either has a
larger value to go to, or is used up, and then the next longer unit moves on by one. That is how 3.x searches every fire
time, and what it decides when the clock is set forward or back depends on these steps (docs/explanation/fire-times.md
has the rules in the user's terms):

- a wall time that comes twice is two instants, and both match;
- a field that is *moved* to a value may come to stand in the hours that the clock skips: such a time is run at the
  instant that it would have been had the clock not changed, which is as much later on the new clock;
- a unit that *passes* into the skipped hours goes on to their end.

Where 3.x adds wall time as elapsed time and so comes out after the time it was going to, the step here ends at that
time; where it answers with a time that the clock skips, the answer here is the same instant on the clock that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.errors import TriggerSearchError
from apscheduler.triggers._zones import is_calm, is_plain, is_skipped
from apscheduler.triggers.cron._plan import Plan
from apscheduler.triggers.cron._values import MIN_VALUES
from apscheduler.util import normalize

MOST_STEPS = 50_000
"""How many steps a search with fields of one's own may take: some hundred years where days are tried one by one."""

_UNITS = ("year", "month", "day", "hour", "minute", "second")
_DAY = timedelta(days=1)


def search_fields(fields: Sequence[Any], start: datetime) -> datetime | None:
    """Return the first time from `start` on that all fields match, as an instant in its zone, or None.

    Raises:
        TriggerSearchError: where `MOST_STEPS` steps did not find one.
    """
    current: datetime | None = start
    for _ in range(MOST_STEPS):
        if current is None:
            return None
        later = _step(fields, current)
        if later is current:
            return normalize(current)
        current = later
    raise TriggerSearchError(
        f"No fire time of the cron fields {', '.join(map(repr, fields))} was found in {MOST_STEPS} steps"
        f" from {start.isoformat()} to {current}; end the search in get_next_value() of your own field or expression"
        " where no value is left, or bound the year field"
    )


def search_plan(plan: Plan, start: datetime, wall: datetime | None) -> datetime | None:
    """Return the first time from `start` on that the plan matches, as an instant in its zone, or None.

    `wall` is the first matching wall time. Steps are only taken across clock changes; the rest is looked up.
    """
    current = start
    while True:
        if is_plain(current) and (wall is None or not is_skipped(wall)):
            return wall and normalize(wall)
        calm = is_calm(_midnight(current))
        until = current.date()
        if calm and wall is not None:
            until = wall.date()
            current = max(current, _calm_day_before(wall), key=_wall)
        while True:
            later = _step(plan.fields, current)
            if later is None:
                return None
            if later is current:
                return normalize(current)
            current = later
            if current.date() > until:
                if wall is None:
                    return None
                if is_calm(_midnight(current)):
                    break
        wall = plan.find(*current.timetuple()[:6], current.tzinfo)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _wall(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _calm_day_before(moment: datetime) -> datetime:
    """Return the start of a day without clock change, at least two days before.

    Two, so that how the steps get to the day is seen: whether the day before it matches makes a difference.
    """
    midnight = _midnight(moment) - 2 * _DAY
    while not is_calm(midnight):
        midnight -= _DAY
    return midnight


def _step(fields: Sequence[Any], current: datetime) -> datetime | None:
    """Return `current` itself where all fields match, else a later time before which none does; None at the end."""
    for index, field in enumerate(fields):
        value, wanted = field.get_value(current), field.get_next_value(current)
        if wanted is None:
            unit = _longer_unit(fields, index)
            return None if unit is None else _pass_on(current, unit)
        if wanted > value:
            if field.REAL:
                return _move(current, field.name, wanted)
            unit = _longer_unit(fields, index)
            return None if unit is None else _pass_on(current, unit)
    return current


def _longer_unit(fields: Sequence[Any], index: int) -> str | None:
    """Return the name of the closest field before this one that a datetime can be moved by."""
    for field in reversed(fields[:index]):
        if field.REAL:
            return str(field.name)
    return None


def _move(current: datetime, unit: str, value: int) -> datetime:
    """Return the time at which `unit` has this value and all shorter units their smallest, skipped or not.

    Where the clock is set back on the way, return the time just after that: the second pass may match before.
    """
    values = {name: getattr(current, name) for name in _UNITS}
    values[unit] = value
    for name in _UNITS[_UNITS.index(unit) + 1 :]:
        values[name] = MIN_VALUES[name]
    wall = datetime(**values)  # noqa: DTZ001 - a wall time until it gets its zone
    target = _from(current, wall)
    way = wall - _wall(current)
    if not current.fold and target.astimezone(UTC) - current.astimezone(UTC) > way and not is_plain(current):
        return _set_back(current, way)
    return target


def _set_back(current: datetime, way: timedelta) -> datetime:
    """Return the time at which the clock is set back, which is at most `way` (and less than a day) from `current`."""
    begin, offset = current.astimezone(UTC), current.utcoffset()
    low, high = 0, min(int(way.total_seconds()), 86400)
    while high - low > 1:
        middle = (low + high) // 2
        if (begin + timedelta(seconds=middle)).astimezone(current.tzinfo).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return (begin + timedelta(seconds=high)).astimezone(current.tzinfo)


def _from(current: datetime, wall: datetime) -> datetime:
    """Return the first instant with this wall time that is not before `current`."""
    moment = wall.replace(tzinfo=current.tzinfo)
    if moment.astimezone(UTC) < current.astimezone(UTC):
        return moment.replace(fold=1)
    return moment


def _pass_on(current: datetime, unit: str) -> datetime | None:
    """Return the start of the next `unit`, or an earlier time where the clock is set back before; None at the end."""
    try:
        wall = _start_of_next(_wall(current), unit)
        later = (current.astimezone(UTC) + (wall - _wall(current))).astimezone(current.tzinfo)
    except (OverflowError, ValueError):
        return None
    if _wall(later) > wall:
        later = normalize(_from(current, wall))
    return later


def _start_of_next(wall: datetime, unit: str) -> datetime:
    if unit == "year":
        return datetime(wall.year + 1, 1, 1)  # noqa: DTZ001 - a wall time until it gets its zone
    if unit == "month":
        years, month0 = divmod(wall.month, 12)
        return datetime(wall.year + years, month0 + 1, 1)  # noqa: DTZ001 - as above
    if unit == "day":
        return wall.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    if unit == "hour":
        return wall.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if unit == "minute":
        return wall.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return wall.replace(microsecond=0) + timedelta(seconds=1)
