"""Around every kind of clock change that a zone has had, fire times increase, exist and are what was asked for."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

ZONES = sorted(available_timezones())
YEARS = range(1975, 2060)


@cache
def changes(name, year):
    """Return a time in UTC within the day before each change of the zone's clock in a year."""
    zone, start = ZoneInfo(name), datetime(year, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [day for day, (before, after) in zip(days, pairwise(offsets), strict=False) if before != after]


@st.composite
def before_a_change(draw):
    """Draw a time in a zone, up to two days before a change of its clock where that year has one."""
    name, year = draw(st.sampled_from(ZONES)), draw(st.sampled_from(YEARS))
    found = changes(name, year)
    assume(found)
    moment = draw(st.sampled_from(found)) - timedelta(minutes=draw(st.integers(-1440, 2880)))
    return moment.astimezone(ZoneInfo(name))


def chain(trigger, now, length):
    fires, previous = [], None
    for _ in range(length):
        previous = trigger.get_next_fire_time(previous, previous or now)
        if previous is None:
            break
        fires.append(previous)
    return fires


def check(fires):
    for one, other in pairwise(fires):
        assert one.astimezone(UTC) < other.astimezone(UTC)
    for fire in fires:
        shown = fire.astimezone(UTC).astimezone(fire.tzinfo)
        assert (shown.replace(tzinfo=None), shown.fold) == (fire.replace(tzinfo=None, fold=0), fire.fold)


@given(now=before_a_change(), fields=st.sampled_from([
    {"minute": "*/10"},
    {"hour": "*"},
    {"hour": "0-4", "minute": "30"},
    {"hour": "0", "minute": "*/20"},
    {"hour": "1,2", "minute": "15,45"},
    {"hour": "2", "minute": "*/7"},
    {"hour": "23", "minute": "59"},
    {"day": "*"},
    {"day_of_week": "sun", "hour": "2"},
    {"day": "last,1,31", "hour": "0,3"},
]))  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_cron_fire_times_increase_and_exist_in_every_zone(now, fields):
    check(chain(CronTrigger(timezone=now.tzinfo, **fields), now, 60))


@given(now=before_a_change())
@settings(deadline=None, max_examples=200)
def test_a_cron_job_of_every_ten_minutes_misses_none_in_any_zone(now):
    """Of the instants whose wall time matches none is left out: this can be told by trying every minute."""
    trigger = CronTrigger(minute="*/10", timezone=now.tzinfo)
    begin = now.astimezone(UTC)
    minutes = (begin.replace(second=0, microsecond=0) + timedelta(minutes=n) for n in range(2 * 1440))
    shown = (minute.astimezone(now.tzinfo) for minute in minutes if minute >= begin)
    expected = [moment.astimezone(UTC) for moment in shown if moment.minute % 10 == 0 and moment.second == 0]
    fires = [fire.astimezone(UTC) for fire in chain(trigger, now, len(expected))]
    assume(all(moment.astimezone(now.tzinfo).utcoffset().seconds % 60 == 0 for moment in expected))
    assert fires == expected


@given(now=before_a_change(), minutes=st.integers(1, 3000))
@settings(deadline=None, max_examples=200)
def test_intervals_are_of_elapsed_time_in_every_zone(now, minutes):
    interval = timedelta(minutes=minutes)
    fires = chain(IntervalTrigger(minutes=minutes, start_date=now, timezone=now.tzinfo), now, 30)
    check(fires)
    assert all(other.astimezone(UTC) - one.astimezone(UTC) == interval for one, other in pairwise(fires))


@given(now=before_a_change(), hour=st.integers(0, 23), minute=st.sampled_from([0, 15, 30, 45]))
@settings(deadline=None, max_examples=200)
def test_calendar_intervals_keep_the_time_of_day_in_every_zone(now, hour, minute):
    trigger = CalendarIntervalTrigger(
        days=1, hour=hour, minute=minute, start_date=now.date(), timezone=now.tzinfo
    )
    fires = chain(trigger, now, 6)
    check(fires)
    assert all((fire.hour, fire.minute) == (hour, minute) for fire in fires)
