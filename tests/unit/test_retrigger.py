"""Changing single arguments of a trigger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apscheduler._retrigger import argument_names, with_arguments
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

NOW = datetime(2030, 1, 1, tzinfo=UTC)
START = datetime(2029, 6, 1, tzinfo=UTC)


class Own(BaseTrigger):
    def __init__(self, phase, *moons, colour="white", **rest):
        self.phase, self.colour = phase, colour

    def get_next_fire_time(self, previous_fire_time, now):
        return None


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (DateTrigger, {"run_date", "timezone"}),
        (Own, {"phase", "colour"}),
        (AndTrigger, {"triggers", "jitter"}),
        (
            CronTrigger,
            {*CronTrigger.FIELD_NAMES, "start_date", "end_date", "timezone", "jitter"},
        ),
    ],
)
def test_the_arguments_of_a_trigger_are_known_by_name(cls, names):
    assert argument_names(cls) == names


def test_the_trigger_that_is_given_stays_as_it_is():
    one = IntervalTrigger(hours=1, start_date=START)
    other = with_arguments(one, {"minutes": 5}, NOW)
    assert (one.interval, other.interval) == (timedelta(hours=1), timedelta(minutes=5))


def test_everything_that_is_not_named_keeps_its_value():
    one = IntervalTrigger(hours=1, start_date=START, end_date="2031-01-01", timezone="Asia/Tokyo", jitter=3)
    other = with_arguments(one, {"minutes": 5}, NOW)
    assert (other.start_date, other.end_date, other.timezone, other.jitter) == (
        one.start_date,
        one.end_date,
        one.timezone,
        one.jitter,
    )


def test_units_of_an_interval_count_as_one():
    assert with_arguments(IntervalTrigger(weeks=1, hours=2), {"minutes": 5}, NOW).interval == timedelta(
        minutes=5
    )
    assert with_arguments(IntervalTrigger(weeks=1), {"hours": 1, "minutes": 5}, NOW).interval == timedelta(
        hours=1, minutes=5
    )


def test_an_interval_stays_where_something_else_is_changed():
    other = with_arguments(IntervalTrigger(hours=1, seconds=0.5, start_date=START), {"jitter": 7}, NOW)
    assert (other.interval, other.jitter) == (timedelta(hours=1, seconds=0.5), 7)


def test_a_start_that_nobody_asked_for_moves_with_the_interval():
    one = IntervalTrigger(days=1, start_date=NOW + timedelta(days=1))
    other = with_arguments(one, {"minutes": 5}, NOW)
    assert other.start_date != one.start_date


def test_a_start_far_ahead_stays():
    one = IntervalTrigger(days=1, start_date=NOW + timedelta(days=100))
    assert with_arguments(one, {"minutes": 5}, NOW).start_date == one.start_date


def test_fields_of_a_cron_trigger_are_replaced_one_by_one():
    one = CronTrigger(day_of_week="mon-fri", hour="7,8", minute="*/5", timezone="Europe/Berlin", jitter=2)
    other = with_arguments(one, {"hour": 9}, NOW)
    assert str(other) == "cron[day_of_week='mon-fri', hour='9', minute='*/5']"
    assert (str(other.timezone), other.jitter) == ("Europe/Berlin", 2)


def test_a_cron_field_that_had_its_default_is_set():
    assert "second='30'" in str(with_arguments(CronTrigger(minute=5), {"second": 30}, NOW))


def test_a_calendar_interval_keeps_its_time_of_day():
    one = CalendarIntervalTrigger(months=1, hour=5, minute=30, start_date="2029-06-01", timezone="UTC")
    other = with_arguments(one, {"months": 2}, NOW)
    now = datetime(2029, 6, 2, tzinfo=UTC)
    assert other.get_next_fire_time(None, now).hour == 5
    assert other.get_next_fire_time(None, now).minute == 30


def test_a_date_is_replaced():
    assert with_arguments(DateTrigger(START), {"run_date": "2031-01-01"}, NOW).run_date.year == 2031


def test_triggers_of_other_packages_keep_what_they_have_as_attributes():
    other = with_arguments(Own("full", colour="red"), {"phase": "new"}, NOW)
    assert (other.phase, other.colour) == ("new", "red")


@pytest.mark.parametrize(
    ("trigger", "changes"),
    [
        (IntervalTrigger(hours=1), {"minutes": -5}),
        (CronTrigger(hour=1), {"hour": 25}),
        (DateTrigger(START), {"run_date": "soon"}),
    ],
)
def test_a_wrong_value_is_refused_by_the_trigger(trigger, changes):
    with pytest.raises(ValueError):
        with_arguments(trigger, changes, NOW)
