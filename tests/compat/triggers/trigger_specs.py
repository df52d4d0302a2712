"""Triggers and times as plain data, so that two implementations can be given the same ones.

A trigger is a list: its kind, its arguments, and for and/or the list of its children. Zones are names; `pytz:NAME` is
that pytz zone, `+3` a fixed offset in hours. Only the public interface of 3.x is used.
"""

from __future__ import annotations

import random
import zlib
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

UTC = timezone.utc  # noqa: UP017 - so that it runs on every Python that the recorded release runs on
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The first year and the number of years that times are taken from: where the zone's clock changes are.
ZONES = {
    "UTC": (2000, 40),
    "Europe/Berlin": (2000, 40),
    "America/New_York": (2000, 40),
    "America/Los_Angeles": (2000, 40),
    "Australia/Lord_Howe": (2000, 40),
    "Australia/Sydney": (2000, 40),
    "America/Sao_Paulo": (2000, 20),
    "Asia/Shanghai": (1985, 8),
    "Africa/Casablanca": (2010, 25),
    "Pacific/Apia": (2008, 15),
    "Asia/Kathmandu": (1984, 6),
    "America/St_Johns": (2000, 20),
    "Africa/Cairo": (2008, 20),
    "Asia/Tehran": (2005, 18),
    "+3": (2000, 40),
}

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
RANGES = {
    "month": (1, 12),
    "day": (1, 31),
    "week": (1, 53),
    "day_of_week": (0, 6),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}


def zone_of(name: str) -> tzinfo:
    if name.startswith("pytz:"):
        try:
            import pytz
        except ImportError:
            return ZoneInfo(name[5:])
        return pytz.timezone(name[5:])
    if name.startswith("+"):
        return timezone(timedelta(hours=int(name)))
    return ZoneInfo(name)


def describe_zone(zone: tzinfo | None) -> str:
    return f"{type(zone).__name__}:{zone}"


def fingerprint(name: str) -> int:
    """Return a checksum of the zone's offsets in the years that are used, to tell other time zone data apart."""
    zone = zone_of(name)
    first, years = ZONES[name]
    start = datetime(first, 1, 1, tzinfo=UTC)
    offsets = (
        (start + timedelta(hours=6 * n)).astimezone(zone).utcoffset() for n in range(1461 * (years + 3))
    )
    return zlib.crc32(
        ",".join(str(int(offset.total_seconds())) for offset in offsets if offset is not None).encode()
    )


def to_micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(microseconds=micros)).astimezone(zone)


def later(moment: datetime, seconds: float) -> datetime:
    """Return the time after that much elapsed time, as an instant in the same zone."""
    return (moment.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(moment.tzinfo)


_changes: dict[str, list[datetime]] = {}


def changes_of(name: str) -> list[datetime]:
    """Return the days around which the zone changes its clock, in the years that are used."""
    if name not in _changes:
        zone, (first, years) = zone_of(name), ZONES[name]
        days = [datetime(first, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(365 * years)]
        offsets = [day.astimezone(zone).utcoffset() for day in days]
        _changes[name] = [
            day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after
        ]
    return _changes[name]


def random_moment(rng: random.Random, name: str) -> datetime:
    """Return a time in the zone, more often than not near a clock change."""
    zone, (first, years) = zone_of(name), ZONES[name]
    changes = changes_of(name)
    if changes and rng.random() < 0.7:
        base = rng.choice(changes)
        base += timedelta(seconds=rng.randrange(-3600 * 4, 3600 * 30))
        if rng.random() < 0.3:
            base -= timedelta(days=rng.randrange(40))
    else:
        base = datetime(first, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(years * 365 * 86400))
    if rng.random() < 0.5:
        base = base.replace(second=0, minute=rng.choice((0, 0, 15, 30, 59)))
    if rng.random() < 0.1:
        base += timedelta(microseconds=rng.choice((1, 500000, 999999)))
    return base.astimezone(zone)


def random_field(rng: random.Random, name: str) -> str:
    low, high = RANGES[name]

    def number() -> int:
        return rng.randint(low, high)

    def one() -> str:
        kind = rng.random()
        if kind < 0.4:
            return str(number())
        if kind < 0.55:
            return f"*/{rng.randint(1, high - low)}"
        first, last = sorted((number(), number()))
        if kind < 0.7:
            return f"{first}-{last}"
        if kind < 0.8 and last > first:
            return f"{first}-{last}/{rng.randint(1, last - first)}"
        if kind < 0.85 and first < high:
            return f"{first}/{rng.randint(1, high - first)}"
        names = {"day_of_week": WEEKDAYS, "month": MONTHS}.get(name)
        if names:
            begin, end = sorted((rng.choice(names), rng.choice(names)), key=names.index)
            return begin if rng.random() < 0.5 else f"{begin}-{end}"
        if name == "day":
            if rng.random() < 0.25:
                return "last"
            return f"{rng.choice(('1st', '2nd', '3rd', '4th', '5th', 'last'))} {rng.choice(WEEKDAYS)}"
        return "*" if rng.random() < 0.3 else str(number())

    return ",".join(one() for _ in range(rng.choice((1, 1, 1, 2, 3))))


def random_cron(rng: random.Random, zone: str) -> list[Any]:
    shape = rng.random()
    fields: dict[str, Any] = {}
    if shape < 0.35:  # what people write
        fields = {
            "hour": rng.choice((0, 1, 2, 3, 23, "0-3", "1-2", "2,3", "*", "*/2", "1-5/2", "22-23", "0,12"))
        }
        fields["minute"] = rng.choice((0, 30, 59, "*", "*/20", "*/15", "0,30", "10,40", "15"))
        if rng.random() < 0.2:
            fields["second"] = rng.choice((0, 30, "*/30", "*"))
        if rng.random() < 0.25:
            fields["day_of_week"] = rng.choice(("mon", "sun", "sat-sun", "mon-fri", "0,6"))
        if rng.random() < 0.25:
            fields["day"] = rng.choice((1, 15, "last", "1st sun", "last sun", "2nd sun", "20-31", "*/2"))
    elif shape < 0.55:  # one field, the rest follows from it
        name = rng.choice(list(RANGES))
        fields[name] = random_field(rng, name)
    else:
        for name in RANGES:
            if rng.random() < (0.06 if name == "week" else 0.35):
                fields[name] = random_field(rng, name)
    if rng.random() < 0.04:
        fields["year"] = rng.choice(("*", "*/2", "2001", "2010-2020", "2018,2021", "2020-2035/5", 2030))
    arguments: dict[str, Any] = {"timezone": zone, **fields}
    add_limits(rng, arguments, zone)
    return ["cron", arguments]


def add_limits(rng: random.Random, arguments: dict[str, Any], zone: str) -> None:
    """Add start and end: as texts, which are read in the zone, or with an offset of their own."""
    for name, likely in (("start_date", 0.2), ("end_date", 0.1)):
        if rng.random() < likely:
            moment = random_moment(rng, zone.removeprefix("pytz:"))
            if rng.random() < 0.5:
                moment = moment.astimezone(UTC)
                arguments[name] = moment.strftime("%Y-%m-%d %H:%M:%SZ")
            else:
                arguments[name] = moment.strftime("%Y-%m-%d %H:%M:%S")


def random_interval(rng: random.Random, zone: str) -> list[Any]:
    length = rng.choice(
        (
            {"seconds": rng.randint(1, 7200)},
            {"minutes": rng.randint(1, 600)},
            {"hours": rng.randint(1, 100)},
            {"days": rng.randint(1, 40)},
            {"weeks": rng.randint(1, 10)},
            {"hours": 1},
            {"minutes": 30},
            {"days": 1},
            {"days": 1, "hours": 1, "seconds": 1},
        )
    )
    arguments: dict[str, Any] = {"timezone": zone, **length}
    add_limits(rng, arguments, zone)
    arguments.setdefault(
        "start_date", random_moment(rng, zone.removeprefix("pytz:")).strftime("%Y-%m-%d %H:%M:%S")
    )
    return ["interval", arguments]


def random_calendarinterval(rng: random.Random, zone: str) -> list[Any]:
    arguments: dict[str, Any] = {"timezone": zone}
    for name, most in (("years", 3), ("months", 14), ("weeks", 5), ("days", 40)):
        if rng.random() < 0.35:
            arguments[name] = rng.randint(1, most)
    if len(arguments) == 1:
        arguments["days"] = 1
    arguments |= {
        "hour": rng.choice((0, 1, 2, 2, 3, 12, 23)),
        "minute": rng.choice((0, 30, rng.randint(0, 59))),
    }
    start = random_moment(rng, zone.removeprefix("pytz:")).date()
    arguments["start_date"] = start.isoformat()
    if rng.random() < 0.1:
        arguments["end_date"] = (start + timedelta(days=rng.randrange(900))).isoformat()
    return ["calendarinterval", arguments]


def random_date(rng: random.Random, zone: str) -> list[Any]:
    moment = random_moment(rng, zone.removeprefix("pytz:"))
    return ["date", {"run_date": moment.strftime("%Y-%m-%d %H:%M:%S"), "timezone": zone}]


def random_trigger(rng: random.Random) -> tuple[list[Any], str]:
    """Return a trigger and the zone that times for it are taken from."""
    zone = rng.choice(list(ZONES))
    given = f"pytz:{zone}" if rng.random() < 0.1 and not zone.startswith("+") else zone
    kind = rng.random()
    if kind < 0.68:
        return random_cron(rng, given), zone
    if kind < 0.82:
        return random_interval(rng, given), zone
    if kind < 0.92:
        return random_calendarinterval(rng, given), zone
    if kind < 0.93:
        return random_date(rng, given), zone
    makers = (random_cron, random_cron, random_cron, random_interval, random_date, random_calendarinterval)
    children = [rng.choice(makers)(rng, given) for _ in range(rng.choice((1, 2, 2, 3)))]
    if kind < 0.985:
        return ["or", {}, children], zone
    return ["and", {}, children], zone


def build(spec: list[Any]) -> Any:
    """Return the trigger, made by whichever implementation can be imported."""
    from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
    from apscheduler.triggers.combining import AndTrigger, OrTrigger
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.date import DateTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    kind, given, *children = spec
    if kind in ("and", "or"):
        return {"and": AndTrigger, "or": OrTrigger}[kind]([build(child) for child in children[0]], **given)
    arguments = {**given, "timezone": zone_of(given["timezone"])}
    classes = {
        "cron": CronTrigger,
        "interval": IntervalTrigger,
        "calendarinterval": CalendarIntervalTrigger,
        "date": DateTrigger,
    }
    return classes[kind](**arguments)


def is_wall_match(arguments: dict[str, Any], moment: datetime) -> bool:
    """Return whether a time matches cron fields, by trying each; slow and plain, to check the fast search with."""
    names = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"]
    given = [index for index, name in enumerate(names) if name in arguments]
    for index, name in enumerate(names):
        if name in arguments:
            text = str(arguments[name])
        elif given and index > given[-1]:
            text = {"week": "*", "day_of_week": "*", "month": "1", "day": "1"}.get(name, "0")
        else:
            text = "*"
        if not any(_item_matches(name, item.strip(), moment) for item in text.split(",")):
            return False
    return True


def _item_matches(name: str, item: str, moment: datetime) -> bool:
    value = {
        "week": moment.isocalendar()[1],
        "day_of_week": moment.weekday(),
    }.get(name, getattr(moment, name, None))
    assert value is not None
    if name == "day" and (item == "last" or " " in item):
        return _position_matches(item, moment)
    low, high = {**RANGES, "year": (1970, 9999)}[name]
    names = {"day_of_week": WEEKDAYS, "month": MONTHS}.get(name)
    span, _, step = item.partition("/")
    if span == "*":
        first, last = low, high
    else:
        begin, dash, end = span.partition("-")
        if names and begin in names:
            begin = str(names.index(begin) + low)
            end = str(names.index(end) + low) if end else ""
        first = int(begin)
        last = int(end) if dash else (high if step else first)
    return first <= value <= last and (value - first) % int(step or 1) == 0


def _position_matches(item: str, moment: datetime) -> bool:
    following = date(moment.year + moment.month // 12, moment.month % 12 + 1, 1)
    length = (following - timedelta(days=1)).day
    if item == "last":
        return moment.day == length
    position, weekday = item.split()
    if moment.weekday() != WEEKDAYS.index(weekday):
        return False
    if position == "last":
        return moment.day + 7 > length
    return (moment.day - 1) // 7 == int(position[0]) - 1


def fires(trigger: Any, count: int = 6) -> list[int]:
    """Return the first fire times from 2026 on, in microseconds since the epoch."""
    times: list[int] = []
    previous, now = None, datetime(2026, 1, 1, tzinfo=UTC)
    while len(times) < count:
        previous = trigger.get_next_fire_time(previous, now)
        if previous is None:
            break
        times.append(to_micros(previous))
        now = max(now, previous)
    return times
