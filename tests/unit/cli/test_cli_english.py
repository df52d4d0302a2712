"""Triggers in plain English."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from apscheduler.cli._english import describe
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.cron.fields import BaseField
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger


@pytest.mark.parametrize(
    ("line", "english"),
    [
        ("0 3 * * mon-fri", "At 03:00 on Monday to Friday"),
        ("0 3 * * 0-4", "At 03:00 on Monday to Friday"),
        ("0 3 * * 1-5", "At 03:00 on Tuesday to Saturday"),
        ("0 3 * * 0", "At 03:00 on Monday"),
        ("0 3 * * 6,0", "At 03:00 on Monday and Sunday"),
        ("0 3 * * *", "At 03:00 every day"),
        ("0 8,20 * * *", "At 08:00 and 20:00 every day"),
        ("* * * * *", "Every minute"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("*/7 * * * *", "Every 7 minutes of each hour, from minute 0 on"),
        ("2-59/5 * * * *", "Every 5 minutes from minute 2 on"),
        ("15,45 * * * *", "At minutes 15 and 45 of every hour"),
        ("0 * * * *", "Every hour"),
        ("30 * * * *", "At minute 30 of every hour"),
        ("0 */2 * * *", "Every 2 hours"),
        ("30 */2 * * *", "At minute 30 of every 2nd hour"),
        ("0 9-17 * * *", "Every hour from 09:00 to 17:00"),
        ("*/10 9-17 * * mon-fri", "Every 10 minutes from 09:00 to 17:50 on Monday to Friday"),
        ("* 3 * * *", "Every minute from 03:00 to 03:59"),
        ("0 0 1,15 * *", "At 00:00 on days 1 and 15 of the month"),
        ("0 0 last * *", "At 00:00 on the last day of the month"),
        ("0 0 13 * fri", "At 00:00 on day 13 of the month if that is a Friday"),
        ("0 12 * jan,jul *", "At 12:00 in January and July"),
        ("0 12 1 1-3 *", "At 12:00 on day 1 of January to March"),
    ],
)
def test_a_crontab_line_is_told_in_english(line, english):
    assert describe(CronTrigger.from_crontab(line, timezone=UTC)) == english


@pytest.mark.parametrize(
    ("fields", "english"),
    [
        ({"second": "*/10"}, "Every 10 seconds"),
        ({"second": "*"}, "Every second"),
        ({"day": "3rd fri", "hour": 3, "minute": 0}, "At 03:00 on the 3rd Friday of the month"),
        ({"minute": "*/5", "second": 30}, "At second 30 of every 5th minute"),
        ({"week": 5}, "At 00:00 in ISO week 5"),
        ({"hour": 3, "minute": 0, "jitter": 10}, "At 03:00 every day, delayed at random by up to 10 s"),
        ({"hour": 3, "start_date": "2030-01-01"}, "At 03:00 every day, from 2030-01-01 00:00:00 UTC on"),
        ({"year": 2030, "month": 2, "day": 3}, "At 00:00 on day 3 of February in 2030"),
    ],
)
def test_cron_fields_are_told_in_english(fields, english):
    assert describe(CronTrigger(**fields, timezone=UTC)) == english


def test_a_field_of_the_users_own_is_told_by_the_trigger_itself():
    class OddHour(BaseField):
        def get_next_value(self, dateval):
            return dateval.hour | 1

    class Odd(CronTrigger):
        FIELDS_MAP: ClassVar = {**CronTrigger.FIELDS_MAP, "hour": OddHour}

    assert describe(Odd(hour=1, timezone=UTC)) == "cron[hour='1']"


def test_intervals_are_told_in_their_units():
    assert describe(IntervalTrigger(minutes=5)) == "Every 5 minutes"
    assert describe(IntervalTrigger(seconds=1)) == "Every second"
    assert describe(IntervalTrigger(seconds=90)) == "Every 1 minute and 30 seconds"
    assert describe(IntervalTrigger(days=1, end_date="2030-01-01", timezone=UTC)) == (
        "Every day, until 2030-01-01 00:00:00 UTC"
    )


def test_dates_and_calendar_intervals_are_told():
    assert describe(DateTrigger(datetime(2030, 1, 2, 3, tzinfo=UTC))) == "Once, at 2030-01-02 03:00:00 UTC"
    trigger = CalendarIntervalTrigger(months=2, hour=3, start_date="2030-01-31", timezone=UTC)
    assert describe(trigger) == "Every 2 months on the calendar, at 03:00, from 2030-01-31 on"


def test_combined_triggers_tell_each_of_their_parts():
    parts = [IntervalTrigger(hours=1), CronTrigger(day_of_week=5, hour=3, timezone=UTC)]
    assert describe(AndTrigger(parts)) == "When all agree: every hour; and at 03:00 on Saturday"
    assert describe(OrTrigger(parts, jitter=3)) == (
        "Whenever one fires: every hour; or at 03:00 on Saturday, delayed at random by up to 3 s"
    )


def test_the_zone_is_named_where_it_is_not_the_readers():
    trigger = CronTrigger(hour=3, timezone="Europe/Berlin")
    assert describe(trigger, UTC) == "At 03:00 every day (Europe/Berlin)"
    assert describe(trigger, ZoneInfo("Europe/Berlin")) == "At 03:00 every day"


def test_describing_leaves_the_trigger_as_fast_as_it_was():
    trigger = CronTrigger(hour=3, timezone=UTC)
    describe(trigger)
    assert trigger._fields is None
