"""Which times an interval trigger fires at."""

import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from apscheduler import _clock
from apscheduler.triggers import base
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def noon(monkeypatch):
    """The time that constructors take for now."""
    moment = datetime(2027, 1, 1, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(_clock, "now", lambda tz: moment.astimezone(tz))
    return moment


def test_it_first_fires_one_interval_from_now(noon):
    trigger = IntervalTrigger(minutes=5, timezone=BERLIN)
    assert trigger.get_next_fire_time(None, noon) == noon + timedelta(minutes=5)


def test_the_first_fire_time_is_the_start_date_itself(noon):
    trigger = IntervalTrigger(minutes=5, timezone=UTC)
    assert trigger.get_next_fire_time(None, noon) is trigger.start_date


def test_a_new_one_tells_its_first_fire_time_without_a_clock(noon):
    trigger = IntervalTrigger(minutes=5, timezone=BERLIN)
    assert trigger.first_fire_time() is trigger.get_next_fire_time(None, noon)


class Later(IntervalTrigger):
    """Decides for itself."""


@pytest.mark.parametrize(
    "trigger",
    [
        pytest.param(lambda: IntervalTrigger(minutes=5, timezone=UTC, jitter=10), id="jitter"),
        pytest.param(lambda: IntervalTrigger(minutes=5, timezone=UTC, end_date="2020-01-01"), id="end"),
        pytest.param(lambda: IntervalTrigger(minutes=5, timezone=UTC, start_date="2020-01-01"), id="start"),
        pytest.param(lambda: Later(minutes=5, timezone=UTC), id="subclass"),
    ],
)
def test_whose_first_fire_time_depends_on_more_is_asked_with_the_clock(noon, trigger):
    assert trigger().first_fire_time() is None


def test_a_start_date_in_the_past_is_gone_on_from_in_whole_intervals():
    trigger = IntervalTrigger(minutes=10, start_date="2027-01-01 00:05:00", timezone=UTC)
    now = datetime(2027, 1, 1, 3, 15, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, now) == now
    assert trigger.get_next_fire_time(None, now + timedelta(microseconds=1)) == now + timedelta(minutes=10)


def test_the_next_time_counts_from_the_one_before_however_late_it_is_asked():
    trigger = IntervalTrigger(hours=1, start_date="2027-01-01", timezone=UTC)
    before = datetime(2027, 1, 1, 0, 20, tzinfo=UTC)
    assert trigger.get_next_fire_time(before, before + timedelta(days=9)) == before + timedelta(hours=1)


@given(
    start=st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1)),
    micros=st.integers(1, 10**13),
    later=st.integers(0, 10**15),
)
@settings(deadline=None)
def test_the_first_time_from_now_on_is_exact_to_the_microsecond(start, micros, later):
    interval = timedelta(microseconds=micros)
    trigger = IntervalTrigger(seconds=1, start_date=start, timezone=BERLIN)
    trigger.interval = interval
    begin = trigger.start_date.astimezone(UTC)
    now = begin + timedelta(microseconds=later)
    fire = trigger.get_next_fire_time(None, now)
    assert fire is not None
    distance = fire.astimezone(UTC) - begin
    assert distance % interval == timedelta(0)
    assert timedelta(0) <= fire.astimezone(UTC) - now < interval


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (
            datetime(2027, 3, 27, 2, 30),
            ["2027-03-27 02:30+01:00", "2027-03-28 03:30+02:00", "2027-03-29 03:30+02:00"],
        ),
        (
            datetime(2027, 10, 30, 2, 30),
            ["2027-10-30 02:30+02:00", "2027-10-31 02:30+02:00", "2027-11-01 01:30+01:00"],
        ),
    ],
    ids=["forward", "back"],
)
def test_a_day_is_24_hours_also_when_the_clock_changes(start, expected):
    trigger = IntervalTrigger(days=1, start_date=start, timezone=BERLIN)
    fires, previous = [], None
    for _ in range(3):
        previous = trigger.get_next_fire_time(previous, datetime(2027, 1, 1, tzinfo=UTC))
        fires.append(previous.isoformat(" ", "minutes"))
    assert fires == expected


def test_a_start_in_the_second_pass_of_a_repeated_hour_is_after_a_now_in_the_first():
    start = datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN, fold=1)
    trigger = IntervalTrigger(minutes=45, start_date=start, timezone=BERLIN)
    now = datetime(2027, 10, 31, 2, 45, tzinfo=BERLIN)
    assert trigger.get_next_fire_time(None, now).isoformat() == "2027-10-31T02:30:00+01:00"


def test_an_end_date_in_the_first_pass_ends_before_the_second():
    trigger = IntervalTrigger(
        minutes=30,
        start_date="2027-10-31 02:00:00",
        end_date=datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN),
        timezone=BERLIN,
    )
    last = datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN)
    assert trigger.get_next_fire_time(datetime(2027, 10, 31, 2, 0, tzinfo=BERLIN), last) == last
    assert trigger.get_next_fire_time(last, last) is None


def test_answers_are_in_the_zone_of_the_trigger():
    trigger = IntervalTrigger(hours=1, start_date=datetime(2027, 1, 1, tzinfo=NEW_YORK), timezone=BERLIN)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, now).tzinfo is BERLIN
    assert trigger.get_next_fire_time(now, now).tzinfo is BERLIN
    assert trigger.get_next_fire_time(None, now + timedelta(days=3)).tzinfo is BERLIN


def test_after_the_last_year_there_is_nothing():
    trigger = IntervalTrigger(weeks=52 * 9000, start_date="2027-01-01", timezone=BERLIN)
    assert trigger.get_next_fire_time(trigger.start_date, trigger.start_date) is None
    assert trigger.get_next_fire_time(None, datetime(2027, 1, 2, tzinfo=UTC)) is None


def test_jitter_delays_the_time_and_may_move_it_over_the_end(monkeypatch):
    monkeypatch.setattr(base.random, "uniform", lambda low, high: high)
    trigger = IntervalTrigger(
        hours=1, start_date="2027-01-01", end_date="2027-01-01 01:00:30", timezone=UTC, jitter=20
    )
    start = datetime(2027, 1, 1, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, start) == start + timedelta(seconds=20)
    assert trigger.get_next_fire_time(start, start) == start + timedelta(hours=1, seconds=20)
    trigger.jitter = 40
    assert trigger.get_next_fire_time(start, start) is None


class TestMaking:
    @pytest.mark.parametrize(
        ("given", "interval", "length"),
        [
            ({}, timedelta(seconds=1), 1),
            ({"weeks": 1, "days": 2, "hours": 3, "minutes": 4, "seconds": 5}, timedelta(9, 11045), 788645.0),
            ({"seconds": 0.5}, timedelta(seconds=0.5), 0.5),
            ({"seconds": 1e-9}, timedelta(seconds=1), 1),
            ({"days": -1, "hours": 25}, timedelta(hours=1), 3600.0),
        ],
        ids=str,
    )
    def test_the_parts_are_added_up(self, noon, given, interval, length):
        trigger = IntervalTrigger(**given, timezone=UTC)
        assert (trigger.interval, trigger.interval_length) == (interval, length)

    @pytest.mark.parametrize("given", [{"seconds": -5}, {"days": 1, "weeks": -1}], ids=str)
    def test_an_interval_that_goes_back_is_refused(self, given):
        with pytest.raises(ValueError, match="must be positive"):
            IntervalTrigger(**given, timezone=UTC)

    @pytest.mark.parametrize(
        "given", [{"seconds": "5"}, {"minutes": None}, {"start_date": 5}, {"timezone": 5}], ids=str
    )
    def test_other_types_are_a_type_error(self, given):
        with pytest.raises(TypeError):
            IntervalTrigger(**given)

    @pytest.mark.parametrize("given", [date(2027, 1, 1), datetime(2027, 1, 1), "2027-01-01"], ids=repr)
    def test_a_start_date_without_a_zone_is_in_that_of_the_trigger(self, given):
        assert IntervalTrigger(hours=1, start_date=given, timezone="Europe/Berlin").start_date == datetime(
            2027, 1, 1, tzinfo=BERLIN
        )

    @pytest.mark.parametrize("argument", ["start_date", "end_date"])
    def test_without_a_zone_that_of_the_limits_is_used(self, argument):
        assert IntervalTrigger(**{argument: datetime(2027, 1, 1, tzinfo=NEW_YORK)}).timezone is NEW_YORK

    def test_a_pytz_zone_becomes_a_zoneinfo(self, noon):
        assert IntervalTrigger(hours=1, timezone=pytz.timezone("Europe/Berlin")).timezone == BERLIN


def test_it_is_shown_as_in_3x():
    trigger = IntervalTrigger(
        minutes=5, start_date="2027-01-01", end_date="2028-01-01", timezone=BERLIN, jitter=3
    )
    assert str(trigger) == "interval[0:05:00]"
    assert repr(trigger) == (
        "<IntervalTrigger (interval=datetime.timedelta(seconds=300), start_date='2027-01-01 00:00:00 CET',"
        " end_date='2028-01-01 00:00:00 CET', jitter=3, timezone='Europe/Berlin')>"
    )


def test_a_hundred_thousand_of_them_need_little_memory():
    """No dictionary for each, and the interval and the first time are all that a trigger has of its own."""
    trigger = IntervalTrigger(minutes=5, timezone=UTC)
    assert not hasattr(trigger, "__dict__")
    own = (trigger.interval, trigger.interval_length, trigger.start_date)
    assert sys.getsizeof(trigger) + sum(map(sys.getsizeof, own)) < 250
