"""Which times a calendar interval trigger fires at."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apscheduler import _clock
from apscheduler.triggers import base
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def days(trigger, length):
    fires, previous = [], None
    for _ in range(length):
        previous = trigger.get_next_fire_time(previous, NOW)
        if previous is None:
            break
        fires.append(previous.isoformat(" ", "minutes"))
    return fires


def make(**arguments):
    return CalendarIntervalTrigger(
        **{"timezone": BERLIN, "start_date": "2027-01-31", "hour": 2, "minute": 30, **arguments}
    )


def test_days_that_a_month_does_not_have_are_passed_over():
    assert days(make(months=1), 4) == [
        "2027-01-31 02:30+01:00",
        "2027-03-31 02:30+02:00",
        "2027-05-31 02:30+02:00",
        "2027-07-31 02:30+02:00",
    ]


def test_a_leap_day_comes_again_in_leap_years():
    assert days(make(years=1, start_date="2092-02-29"), 3) == [
        "2092-02-29 02:30+01:00",
        "2096-02-29 02:30+01:00",
        "2104-02-29 02:30+01:00",
    ]


def test_weeks_and_days_are_added_after_years_and_months():
    assert days(make(months=1, weeks=1, days=3, start_date="2027-01-28"), 2) == [
        "2027-01-28 02:30+01:00",
        "2027-03-10 02:30+01:00",
    ]


def test_a_time_of_day_that_is_skipped_is_passed_over_to_the_next_interval():
    assert days(make(days=1, start_date="2027-03-27"), 2) == [
        "2027-03-27 02:30+01:00",
        "2027-03-29 02:30+02:00",
    ]
    assert days(make(weeks=1, start_date="2027-03-28"), 1) == ["2027-04-04 02:30+02:00"]


def test_a_time_of_day_that_comes_twice_is_run_the_first_time_only():
    assert days(make(days=1, start_date="2027-10-31"), 2) == [
        "2027-10-31 02:30+02:00",
        "2027-11-01 02:30+01:00",
    ]


def test_a_whole_day_that_is_skipped_is_run_a_day_later():
    """Apia had no 30 December 2011."""
    trigger = make(days=1, start_date="2011-12-29", hour=12, minute=0, timezone="Pacific/Apia")
    assert days(trigger, 3) == ["2011-12-29 12:00-10:00", "2011-12-31 12:00+14:00", "2012-01-01 12:00+14:00"]


def test_now_does_not_matter_as_in_3x():
    assert make(days=1).get_next_fire_time(None, NOW.replace(year=2050)) == make(days=1).get_next_fire_time(
        None, NOW
    )


def test_the_day_of_the_time_before_is_taken_in_the_zone_of_the_trigger():
    """3.x takes the date as it reads in the other zone, and goes back an hour here."""
    before = datetime(2027, 2, 1, 22, tzinfo=ZoneInfo("America/New_York"))
    fire = make(days=1, start_date="2027-01-01", hour=3, minute=0).get_next_fire_time(before, before)
    assert fire == datetime(2027, 2, 3, 3, tzinfo=BERLIN)


def test_the_last_day_is_run():
    assert len(days(make(days=1, end_date="2027-02-02"), 9)) == 3


@pytest.mark.parametrize("start", ["9999-12-30", "9000-01-01"])
def test_after_the_last_year_there_is_nothing(start):
    fires = days(make(years=500, days=1, start_date=start, timezone="America/New_York"), 9)
    assert 1 <= len(fires) <= 2


@given(
    years=st.integers(0, 3),
    months=st.integers(0, 30),
    weeks=st.integers(0, 6),
    extra=st.integers(0, 50),
    start=st.dates(date(1990, 1, 1), date(2040, 1, 1)),
)
@settings(deadline=None)
def test_every_fire_day_is_whole_intervals_after_the_one_before(years, months, weeks, extra, start):
    if not years + months + weeks + extra:
        extra = 1
    trigger = make(years=years, months=months, weeks=weeks, days=extra, start_date=start, timezone=UTC)
    first = trigger.get_next_fire_time(None, NOW)
    second = trigger.get_next_fire_time(first, NOW)
    assert first.date() == start
    base_day = second.date() - timedelta(days=weeks * 7 + extra)
    step = years * 12 + months
    if step:
        distance = (base_day.year - start.year) * 12 + base_day.month - start.month
        assert base_day.day == start.day
        assert distance >= step
        assert distance % step == 0
    else:
        assert base_day == start


class TestMaking:
    def test_it_starts_today_where_nothing_else_is_said(self, monkeypatch):
        late = datetime(2027, 1, 1, 23, 30, tzinfo=UTC)
        monkeypatch.setattr(_clock, "now", lambda tz: late.astimezone(tz))
        assert make(days=1, start_date=None).start_date == date(2027, 1, 2)

    @pytest.mark.parametrize(
        "interval",
        [{}, {"days": 0}, {"days": -1}, {"months": 1, "days": -28}, {"years": 1, "months": -12}],
        ids=str,
    )
    def test_an_interval_that_does_not_always_move_on_is_refused(self, interval):
        with pytest.raises(ValueError, match="at least 1 day"):
            make(**interval)

    @pytest.mark.parametrize("interval", [{"years": -1, "months": 13}, {"months": -1, "days": 40}], ids=str)
    def test_parts_may_be_negative_where_the_sum_moves_on(self, interval):
        assert len(set(days(make(**interval, start_date="2027-01-01"), 5))) == 5

    def test_an_end_before_the_start_is_refused(self):
        with pytest.raises(ValueError, match="2027-01-30 is before 2027-01-31"):
            make(days=1, end_date="2027-01-30")

    @pytest.mark.parametrize(
        "arguments",
        [
            {"days": "1"},
            {"days": 1, "hour": "5"},
            {"months": 1.5},
            {"days": 1, "start_date": 5},
            {"days": 1, "timezone": 5},
        ],
        ids=str,
    )
    def test_other_types_are_a_type_error(self, arguments):
        with pytest.raises(TypeError):
            make(**arguments)

    def test_everything_is_given_by_name(self):
        with pytest.raises(TypeError):
            CalendarIntervalTrigger(1)

    def test_of_a_datetime_the_date_is_taken(self):
        assert make(days=1, start_date=datetime(2027, 1, 5, 7)).start_date == date(2027, 1, 5)


def test_jitter_delays_the_time(monkeypatch):
    monkeypatch.setattr(base.random, "uniform", lambda low, high: high)
    assert days(make(days=1, jitter=60), 2) == ["2027-01-31 02:31+01:00", "2027-02-01 02:31+01:00"]


def test_it_is_shown_as_in_3x():
    trigger = make(years=1, days=3, end_date="2030-01-01")
    assert str(trigger) == repr(trigger)
    assert repr(trigger) == (
        "CalendarIntervalTrigger(years=1, days=3, time='02:30:00', start_date='2027-01-31', end_date='2030-01-01',"
        " timezone='Europe/Berlin')"
    )
