"""Times, durations and zones as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler import _clock
from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.triggers._zones import local_zone
from apscheduler.util import astimezone, localize

_UNITS = {
    "weeks": ("w", "wk", "wks", "week", "weeks"),
    "days": ("d", "day", "days"),
    "hours": ("h", "hr", "hrs", "hour", "hours"),
    "minutes": ("m", "min", "mins", "minute", "minutes"),
    "seconds": ("s", "sec", "secs", "second", "seconds"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_PART = re.compile(r"(\d+(?:\.\d+)?) *([a-z]+)[ ,]*(?:and +)?")


def read_zone(name: str | None) -> tzinfo:
    """Return the zone of this name, the local one for None."""
    if name is None:
        return local_zone()
    try:
        zone = astimezone(name)
    except (LookupError, ValueError, OSError) as exc:
        text = exc.args[0] if exc.args and isinstance(exc.args[0], str) else first_line(exc)
        raise RefusedError(f"--tz {name!r}: {text}") from None
    return zone or UTC


def read_duration(text: str) -> dict[str, float] | None:
    """Return the parts of a duration such as `90s`, `1h30m` or `5 minutes` by their unit; None where it is none."""
    parts: dict[str, float] = {}
    text = text.strip().lower()
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        unit = _UNIT_OF.get(found[2]) if found else None
        if found is None or unit is None or unit in parts:
            return None
        number = float(found[1])
        parts[unit] = int(number) if number.is_integer() else number
        position = found.end()
    return parts or None


def read_time(text: str, zone: tzinfo, option: str) -> datetime:
    """Return an aware time: ISO 8601, in `zone` unless it has an offset; `now`; or a duration before now."""
    if text.strip().lower() == "now":
        return _clock.now(zone)
    try:
        parts = read_duration(text)
        if parts is not None:
            return (_clock.now(UTC) - timedelta(**parts)).astimezone(zone)
        time = datetime.fromisoformat(text.strip())
        return time if time.tzinfo is not None else localize(time, zone)
    except (ValueError, OverflowError):
        raise RefusedError(
            f"{option} {text!r} is no time: write it as 2030-12-31 or '2030-12-31 23:59',"
            " or as a duration before now such as 2h or '30 minutes'"
        ) from None
