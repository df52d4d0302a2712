"""Which times triggers made of triggers fire at, and that a search that cannot end does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apscheduler.errors import APSchedulerError, TriggerSearchError
from apscheduler.triggers import base, combining
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def fires(trigger, length, now=NOW):
    found, previous = [], None
    for _ in range(length):
        previous = trigger.get_next_fire_time(previous, now)
        if previous is None:
            break
        found.append(previous.astimezone(UTC).isoformat(" ", "minutes")[:16])
        now = previous
    return found


def cron(**fields):
    return CronTrigger(timezone=UTC, **fields)


def every(start="2027-01-01", **interval):
    return IntervalTrigger(start_date=start, timezone=UTC, **interval)


class TestAnd:
    def test_it_fires_where_all_of_them_do(self):
        """The example that 3.x never answers: the first Monday of each month."""
        trigger = AndTrigger([cron(day="1-7", hour=3), cron(day_of_week="mon", hour=3)])
        assert fires(trigger, 3) == ["2027-01-04 03:00", "2027-02-01 03:00", "2027-03-01 03:00"]

    def test_intervals_meet_at_their_common_multiples(self):
        assert fires(AndTrigger([every(hours=2), every(hours=3)]), 3) == [
            "2027-01-01 00:00",
            "2027-01-01 06:00",
            "2027-01-01 12:00",
        ]

    def test_an_interval_is_on_its_own_grid_also_after_a_time_that_is_not(self):
        trigger = AndTrigger([every(hours=2), every(hours=3)])
        odd = NOW + timedelta(hours=1)
        assert trigger.get_next_fire_time(odd, odd) == NOW + timedelta(hours=6)

    def test_a_frequent_trigger_does_not_count_up_to_a_rare_one(self):
        trigger = AndTrigger([every(seconds=1), cron(month=2, day=29)])
        assert fires(trigger, 2) == ["2028-02-29 00:00", "2032-02-29 00:00"]

    def test_a_trigger_that_takes_no_notice_of_now_is_followed_step_by_step(self):
        daily = CalendarIntervalTrigger(days=1, hour=3, start_date="2026-12-01", timezone=UTC)
        assert fires(AndTrigger([daily, cron(day_of_week="mon", hour=3)]), 2) == [
            "2027-01-04 03:00",
            "2027-01-11 03:00",
        ]

    def test_it_ends_with_the_first_of_them_that_does(self):
        trigger = AndTrigger([cron(hour=3, end_date="2027-01-02 12:00:00"), cron(hour="*")])
        assert fires(trigger, 9) == ["2027-01-01 03:00", "2027-01-02 03:00"]
        assert fires(AndTrigger([cron(hour=3), DateTrigger("2027-05-05 03:00:00", UTC)]), 9) == [
            "2027-05-05 03:00"
        ]

    def test_two_dates_that_differ_never_fire(self):
        assert fires(AndTrigger([DateTrigger("2027-05-05", UTC), DateTrigger("2027-05-06", UTC)]), 1) == []

    def test_zones_are_compared_as_instants_and_the_answer_is_in_that_of_the_first(self):
        trigger = AndTrigger([CronTrigger(hour=12, timezone=BERLIN), cron(hour=11)])
        fire = trigger.get_next_fire_time(None, NOW)
        assert fire == datetime(2027, 1, 1, 11, tzinfo=UTC)
        assert fire.tzinfo is BERLIN

    def test_the_two_passes_of_a_repeated_hour_are_not_the_same(self):
        """3.x compares wall clocks, so intervals an hour apart meet there."""
        evens = IntervalTrigger(hours=2, start_date="2027-10-30", timezone=BERLIN)
        odds = IntervalTrigger(hours=2, start_date="2027-10-30 01:00:00", timezone=BERLIN)
        with pytest.raises(TriggerSearchError):
            AndTrigger([evens, odds]).get_next_fire_time(None, NOW)

    def test_combinations_may_be_nested(self):
        first_monday = AndTrigger([cron(day="1-7"), cron(day_of_week="mon")])
        trigger = OrTrigger([first_monday, cron(day=15, hour=5)])
        assert fires(trigger, 3) == ["2027-01-04 00:00", "2027-01-15 05:00", "2027-02-01 00:00"]
        assert fires(AndTrigger([trigger, cron(month=2)]), 1) == ["2027-02-01 00:00"]

    def test_without_triggers_it_says_so(self):
        with pytest.raises(ValueError, match="at least one"):
            AndTrigger([]).get_next_fire_time(None, NOW)


class Stuck(BaseTrigger):
    """Always the same time."""

    def get_next_fire_time(self, previous_fire_time, now):
        return NOW

    def __str__(self):
        return "stuck"


class NeverTogether(BaseTrigger):
    """Half a second after each time that is asked about."""

    def get_next_fire_time(self, previous_fire_time, now):
        return now + timedelta(seconds=0.5)


class TestASearchThatCannotEnd:
    @pytest.mark.timeout(10)
    def test_triggers_that_never_meet_are_an_error_that_says_how_far_it_looked(self):
        trigger = AndTrigger([every(hours=2), every(hours=2, start="2027-01-01 01:00:00")])
        with pytest.raises(TriggerSearchError) as caught:
            trigger.get_next_fire_time(None, NOW)
        text = str(caught.value)
        assert "and[interval[2:00:00], interval[2:00:00]]" in text
        assert f"{combining.MOST_ROUNDS} rounds" in text
        assert "from 2027-01-01T00:00:00+00:00 to 2029-04-1" in text
        assert "start dates" in text
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, APSchedulerError)

    @pytest.mark.timeout(10)
    @pytest.mark.parametrize("other", [NeverTogether(), cron(hour=1), every(hours=7)], ids=str)
    def test_a_trigger_that_answers_the_same_time_again_is_named(self, other):
        with pytest.raises(TriggerSearchError, match=r"stuck.*must return a later time"):
            AndTrigger([Stuck(), other]).get_next_fire_time(None, NOW + timedelta(seconds=1))

    @pytest.mark.timeout(10)
    @pytest.mark.parametrize("trigger", [NeverTogether(), every(seconds=1, jitter=0.4)], ids=str)
    def test_triggers_that_cannot_agree_are_given_up(self, trigger, monkeypatch):
        monkeypatch.setattr(combining, "MOST_ROUNDS", 500)
        with pytest.raises(TriggerSearchError):
            AndTrigger([trigger, cron(second="*")]).get_next_fire_time(None, NOW)

    @pytest.mark.timeout(10)
    def test_it_is_also_found_inside_another_combination(self, monkeypatch):
        monkeypatch.setattr(combining, "MOST_ROUNDS", 100)
        never = AndTrigger([every(hours=2), every(hours=2, start="2027-01-01 01:00:00")])
        for outer in (OrTrigger([cron(hour=1), never]), AndTrigger([cron(hour=1), never])):
            with pytest.raises(TriggerSearchError):
                outer.get_next_fire_time(None, NOW)


class TestOr:
    def test_it_fires_where_any_of_them_does(self):
        trigger = OrTrigger([cron(hour="*/12"), cron(hour=5)])
        assert fires(trigger, 4) == [
            "2027-01-01 00:00",
            "2027-01-01 05:00",
            "2027-01-01 12:00",
            "2027-01-02 00:00",
        ]

    def test_a_time_that_several_share_comes_once(self):
        assert fires(OrTrigger([cron(hour=5), cron(hour="5,6")]), 2) == [
            "2027-01-01 05:00",
            "2027-01-01 06:00",
        ]

    def test_it_ends_with_the_last_of_them(self):
        trigger = OrTrigger(
            [cron(hour=1, end_date="2027-01-01 12:00:00"), cron(hour=5, end_date="2027-01-02")]
        )
        assert fires(trigger, 9) == ["2027-01-01 01:00", "2027-01-01 05:00"]
        assert fires(OrTrigger([]), 1) == []

    def test_the_earlier_pass_of_a_repeated_hour_comes_first(self):
        """By wall clock 02:10 comes before 02:50, also where it is the second pass."""
        late = DateTrigger(datetime(2027, 10, 31, 2, 10, tzinfo=BERLIN, fold=1))
        early = DateTrigger(datetime(2027, 10, 31, 2, 50, tzinfo=BERLIN))
        assert OrTrigger([late, early]).get_next_fire_time(None, NOW) == early.run_date


@pytest.mark.parametrize("cls", [AndTrigger, OrTrigger])
def test_jitter_delays_the_time(cls, monkeypatch):
    monkeypatch.setattr(base.random, "uniform", lambda low, high: high)
    trigger = cls([cron(hour=3)], jitter=60)
    assert trigger.get_next_fire_time(None, NOW) == NOW + timedelta(hours=3, minutes=1)


def test_they_are_shown_as_in_3x():
    children = [DateTrigger("2027-01-01", UTC), every(minutes=5)]
    assert str(OrTrigger(children)) == "or[date[2027-01-01 00:00:00 UTC], interval[0:05:00]]"
    assert str(AndTrigger(children)) == "and[date[2027-01-01 00:00:00 UTC], interval[0:05:00]]"
    assert repr(AndTrigger(children[:1], jitter=2)) == (
        "<AndTrigger([<DateTrigger (run_date='2027-01-01 00:00:00 UTC')>], jitter=2)>"
    )
    assert OrTrigger(children).triggers is children
