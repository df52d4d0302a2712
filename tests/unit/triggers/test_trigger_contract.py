"""Every trigger of the package keeps the contract that is shipped for the triggers of others."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler.testing.trigger import TriggerContract
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")


class TestDateTrigger(TriggerContract):
    def make_trigger(self):
        return DateTrigger("2027-03-28 02:30:00", BERLIN)


class TestIntervalTrigger(TriggerContract):
    def make_trigger(self):
        return IntervalTrigger(minutes=40, start_date="2018-01-01", timezone=BERLIN)


class TestIntervalTriggerWithJitter(TriggerContract):
    is_random = True

    def make_trigger(self):
        return IntervalTrigger(minutes=40, start_date="2018-01-01", timezone=BERLIN, jitter=600)


class TestCronTriggerEveryMinute(TriggerContract):
    length = 400

    def make_trigger(self):
        return CronTrigger.from_crontab("*/7 * * * *", timezone=BERLIN)


class TestCronTriggerInTheSkippedHour(TriggerContract):
    def make_trigger(self):
        return CronTrigger(hour="2,3", minute="0-59/10", timezone=BERLIN)


class TestCronTriggerInTheSkippedMidnight(TriggerContract):
    def make_trigger(self):
        return CronTrigger(hour="0", minute="*/15", timezone="America/Sao_Paulo")


class TestCronTriggerInTheSkippedHalfHour(TriggerContract):
    def make_trigger(self):
        return CronTrigger(hour="1,2", minute="*/10", timezone="Australia/Lord_Howe")


class TestCronTriggerWithJitter(TriggerContract):
    is_random = True

    def make_trigger(self):
        return CronTrigger(minute="*/10", jitter=300, end_date="2027-03-28 04:00:00", timezone=BERLIN)


class TestCronTriggerOfOnesOwnTimeZoneClass(TriggerContract):
    def make_trigger(self):
        return CronTrigger(hour="2", minute="*/30", timezone=LikeBerlin())


class TestCalendarIntervalTrigger(TriggerContract):
    def make_trigger(self):
        return CalendarIntervalTrigger(days=1, hour=2, minute=30, start_date="2018-10-30", timezone=BERLIN)


class TestCalendarIntervalTriggerAtTheEndOfTheMonth(TriggerContract):
    def make_trigger(self):
        return CalendarIntervalTrigger(months=1, start_date="2018-01-31", timezone="America/Sao_Paulo")


class TestAndTrigger(TriggerContract):
    def make_trigger(self):
        return AndTrigger(
            [
                CronTrigger(hour="*/2", timezone=BERLIN),
                CronTrigger(hour="*/3", timezone="America/New_York"),
            ]
        )


class TestOrTrigger(TriggerContract):
    def make_trigger(self):
        return OrTrigger(
            [
                CronTrigger(hour="2", minute="*/20", timezone=BERLIN),
                IntervalTrigger(hours=5, start_date="2018-01-01", timezone=BERLIN),
            ]
        )


class LikeBerlin(ZoneInfo):
    """A tzinfo that is not exactly a ZoneInfo."""

    def __new__(cls):
        return super().__new__(cls, "Europe/Berlin")

    def __reduce__(self):
        return LikeBerlin, ()


class Stuck(BaseTrigger):
    def get_next_fire_time(self, previous_fire_time, now):
        return datetime(2027, 1, 1, tzinfo=UTC)


class BackAnHour(BaseTrigger):
    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or now) - timedelta(hours=1)


class Naive(BaseTrigger):
    def get_next_fire_time(self, previous_fire_time, now):
        return datetime(2027, 1, 1) if previous_fire_time is None else None


class Skipped(BaseTrigger):
    def get_next_fire_time(self, previous_fire_time, now):
        return datetime(2027, 3, 28, 2, 30, tzinfo=BERLIN) if previous_fire_time is None else None


@pytest.mark.parametrize(
    ("trigger", "test"),
    [
        (Stuck, "test_fire_times_strictly_increase_in_utc"),
        (BackAnHour, "test_fire_times_strictly_increase_in_utc"),
        (BackAnHour, "test_the_next_fire_time_is_later_also_when_asked_late"),
        (Naive, "test_every_fire_time_is_an_aware_datetime"),
        (Skipped, "test_every_fire_time_exists_on_the_clock_of_its_zone"),
    ],
)
def test_the_contract_refuses_a_trigger_that_breaks_it(trigger, test):
    class Suite(TriggerContract):
        def make_trigger(self):
            return trigger()

    with pytest.raises(AssertionError):
        getattr(Suite(), test)()
