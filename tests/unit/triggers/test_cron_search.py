"""Which times a cron trigger fires at."""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import pytz
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apscheduler.triggers import base
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.cron._walk import search_fields
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
APIA = ZoneInfo("Pacific/Apia")
SECOND = timedelta(seconds=1)

RANGES = {"month": (1, 12), "day": (1, 31), "week": (1, 53), "day_of_week": (0, 6)}
TIMES = {"hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def at(zone, *parts, fold=0):
    return datetime(*parts, tzinfo=zone, fold=fold)


def chain(trigger, now, length):
    fires, previous = [], None
    for _ in range(length):
        previous = trigger.get_next_fire_time(previous, now)
        if previous is None:
            break
        fires.append(previous)
        now = previous
    return fires


def texts(fires):
    return [fire.isoformat(" ", "minutes") for fire in fires]


def expressions(low, high):
    number = st.integers(low, high)
    ranges = st.tuples(number, number).map(sorted)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.integers(1, high - low).map(lambda step: f"*/{step}"),
        ranges.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        ranges.filter(lambda ends: ends[0] < ends[1]).map(
            lambda ends: f"{ends[0]}-{ends[1]}/{ends[1] - ends[0]}"
        ),
        ranges.filter(lambda ends: ends[1] - ends[0] > 2).map(lambda ends: f"{ends[0]}-{ends[1]}/2"),
    )


def lists(low, high):
    return st.lists(expressions(low, high), min_size=1, max_size=3).map(",".join)


positions = st.tuples(
    st.sampled_from(["1st", "2nd", "3rd", "4th", "5th", "last"]),
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
).map(" ".join)
day_texts = st.one_of(lists(1, 31), positions, st.just("last"), st.just("last,1"))
cron_fields = st.fixed_dictionaries(
    {"hour": lists(0, 23), "minute": lists(0, 59)},
    optional={
        "month": lists(1, 12),
        "day": day_texts,
        "week": lists(1, 53),
        "day_of_week": lists(0, 6),
        "second": lists(0, 59),
    },
)
moments = st.datetimes(datetime(1996, 1, 1), datetime(2045, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)


def matches(trigger, moment):
    """The meaning of the fields, asked of each of them alone."""
    return all(field.get_next_value(moment) == field.get_value(moment) for field in trigger.fields)


@given(fields=cron_fields, start=moments)
@settings(deadline=None)
def test_no_minute_is_missed_and_none_is_added_in_two_days(fields, start):
    """Every minute is tried; `second` is left out, so that only whole minutes match."""
    trigger = CronTrigger(timezone=UTC, **{**fields, "second": None})
    now = start.replace(second=0, tzinfo=UTC)
    end = now + timedelta(days=2)
    tried = (now + timedelta(minutes=n) for n in range(2 * 24 * 60))
    expected = [moment for moment in tried if matches(trigger, moment)]
    found = [fire for fire in chain(trigger, now, len(expected) + 1) if fire < end]
    assert found == expected


@given(fields=cron_fields, start=moments)
@settings(deadline=None)
def test_no_day_is_missed_and_none_is_added_in_fourteen_months(fields, start):
    dates = {name: text for name, text in fields.items() if name in RANGES}
    trigger = CronTrigger(timezone=UTC, hour=0, **dates)
    now = start.replace(hour=0, minute=0, second=0, tzinfo=UTC)
    days = (now + timedelta(days=n) for n in range(425))
    expected = [day for day in days if matches(trigger, day)]
    found = [fire for fire in chain(trigger, now, len(expected) + 1) if fire < now + timedelta(days=425)]
    assert found == expected


@given(
    fields=cron_fields,
    start=moments,
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, SAO_PAULO, ZoneInfo("Africa/Casablanca")]),
)
@example({"hour": "2", "minute": "30"}, datetime(2027, 3, 27, 23), BERLIN)
@example({"hour": "1-2", "minute": "30"}, datetime(2027, 3, 27, 23), BERLIN)
@example({"hour": "2", "minute": "*/20"}, datetime(2027, 10, 31, 1), BERLIN)
@settings(deadline=None)
def test_looking_up_finds_what_stepping_finds(fields, start, zone):
    """The tables and the step by step search, which is what fields of one's own get, agree."""
    trigger = CronTrigger(timezone=zone, **fields)
    now = start.replace(tzinfo=UTC).astimezone(zone)
    looked_up = trigger.get_next_fire_time(None, now)
    if looked_up is not None and looked_up - now < timedelta(days=4000):
        assert looked_up == search_fields(trigger.fields, now)


@given(fields=cron_fields, start=moments, zone=st.sampled_from([BERLIN, LORD_HOWE, SAO_PAULO, APIA]))
@settings(deadline=None)
def test_fire_times_increase_and_match_or_are_moved_out_of_a_gap(fields, start, zone):
    trigger = CronTrigger(timezone=zone, **fields)
    fires = chain(trigger, start.replace(tzinfo=UTC).astimezone(zone), 12)
    for one, other in pairwise(fires):
        assert one.astimezone(UTC) < other.astimezone(UTC)
    for fire in fires:
        before = fire - fire.utcoffset() + (fire - timedelta(days=1)).utcoffset()
        moved = before.replace(tzinfo=None)
        assert matches(trigger, fire) or matches(trigger, moved), fire


class TestClockSetForward:
    """Berlin, 28 March 2027: 02:00 becomes 03:00."""

    def test_a_time_that_is_skipped_is_run_once_as_much_later(self):
        fires = chain(CronTrigger(hour=2, minute=30, timezone=BERLIN), at(BERLIN, 2027, 3, 27), 3)
        assert texts(fires) == [
            "2027-03-27 02:30+01:00",
            "2027-03-28 03:30+02:00",
            "2027-03-29 02:30+02:00",
        ]

    def test_the_first_of_several_times_that_are_skipped_is_run(self):
        trigger = CronTrigger(hour=2, minute="*/20", timezone=BERLIN)
        fires = chain(trigger, at(BERLIN, 2027, 3, 28), 2)
        assert texts(fires) == ["2027-03-28 03:00+02:00", "2027-03-29 02:00+02:00"]

    def test_a_time_that_the_moved_one_falls_on_is_not_run_twice(self):
        trigger = CronTrigger(hour="2,3", minute=30, timezone=BERLIN)
        fires = chain(trigger, at(BERLIN, 2027, 3, 28), 2)
        assert texts(fires) == ["2027-03-28 03:30+02:00", "2027-03-29 02:30+02:00"]

    def test_an_hourly_job_passes_over_the_hour_that_is_skipped(self):
        fires = chain(CronTrigger(hour="*", timezone=BERLIN), at(BERLIN, 2027, 3, 28, 1), 3)
        assert texts(fires) == ["2027-03-28 01:00+01:00", "2027-03-28 03:00+02:00", "2027-03-28 04:00+02:00"]

    @pytest.mark.parametrize(
        ("fields", "now", "expected"),
        [
            ({"day": "*"}, at(BERLIN, 2027, 3, 28, 0, 0, 1), "2027-03-29 00:00+02:00"),
            ({"day_of_week": "mon"}, at(BERLIN, 2027, 3, 23), "2027-03-29 00:00+02:00"),
            ({"day": 1}, at(BERLIN, 2027, 3, 2), "2027-04-01 00:00+02:00"),
            ({"month": "3,4"}, at(BERLIN, 2027, 3, 2), "2027-04-01 00:00+02:00"),
        ],
        ids=["daily", "weekly", "monthly", "yearly"],
    )
    def test_the_next_midnight_after_the_change_is_not_jumped_over(self, fields, now, expected):
        """3.x goes on by elapsed time, comes out at 01:00 and looks for the midnight after."""
        assert texts([CronTrigger(timezone=BERLIN, **fields).get_next_fire_time(None, now)]) == [expected]

    def test_half_an_hour_that_is_skipped_does_not_make_an_instant_come_twice(self):
        trigger = CronTrigger(hour=2, minute="*/10", timezone=LORD_HOWE)
        fires = chain(trigger, at(LORD_HOWE, 2021, 10, 3), 3)
        assert texts(fires) == ["2021-10-03 02:30+11:00", "2021-10-03 02:40+11:00", "2021-10-03 02:50+11:00"]

    def test_a_midnight_that_is_skipped_after_a_day_that_matches_is_passed_over(self):
        fires = chain(CronTrigger(hour=0, minute=30, timezone=SAO_PAULO), at(SAO_PAULO, 2018, 11, 3), 2)
        assert texts(fires) == ["2018-11-03 00:30-03:00", "2018-11-05 00:30-02:00"]

    def test_a_day_that_is_skipped_is_run_a_day_later_and_once(self):
        """Apia had no 30 December 2011."""
        fires = chain(CronTrigger(day="30,31", hour=12, timezone=APIA), at(APIA, 2011, 12, 28), 2)
        assert texts(fires) == ["2011-12-31 12:00+14:00", "2012-01-30 12:00+14:00"]


class TestClockSetBack:
    """Berlin, 31 October 2027: 03:00 becomes 02:00."""

    def test_a_time_that_comes_twice_is_run_twice(self):
        fires = chain(CronTrigger(hour=2, minute=30, timezone=BERLIN), at(BERLIN, 2027, 10, 31), 3)
        assert texts(fires) == ["2027-10-31 02:30+02:00", "2027-10-31 02:30+01:00", "2027-11-01 02:30+01:00"]

    def test_a_clock_that_is_set_back_within_an_hour_does_not_stop_a_job_for_it(self):
        """On the Chatham Islands 03:45 becomes 02:45; 3.x goes from 03:40 of the first pass to 03:50 of the second."""
        zone = ZoneInfo("Pacific/Chatham")
        fires = chain(CronTrigger(minute="*/10", timezone=zone), at(zone, 2027, 4, 4, 3, 35), 3)
        assert texts(fires) == ["2027-04-04 03:40+13:45", "2027-04-04 02:50+12:45", "2027-04-04 03:00+12:45"]

    def test_a_clock_that_is_set_back_over_midnight_does_not_make_a_time_that_does_not_match(self):
        """Newfoundland, 4 November 2007: 00:01 becomes 23:01 of the day before; 3.x answers with that."""
        zone = ZoneInfo("America/St_Johns")
        fires = chain(CronTrigger(hour=0, minute="*", timezone=zone), at(zone, 2007, 11, 3, 23, 59), 3)
        assert texts(fires) == ["2007-11-04 00:00-02:30", "2007-11-04 00:00-03:30", "2007-11-04 00:01-03:30"]

    def test_asked_in_the_second_pass_it_goes_on_there(self):
        now = at(BERLIN, 2027, 10, 31, 2, 10, fold=1)
        fires = chain(CronTrigger(minute="*/30", timezone=BERLIN), now, 2)
        assert texts(fires) == ["2027-10-31 02:30+01:00", "2027-10-31 03:00+01:00"]

    def test_a_time_before_in_the_first_pass_is_before_a_now_in_the_second(self):
        """By wall clock 02:10 would come before 02:50."""
        trigger = CronTrigger(minute="*/5", timezone=BERLIN)
        fire = trigger.get_next_fire_time(
            at(BERLIN, 2027, 10, 31, 2, 50), at(BERLIN, 2027, 10, 31, 2, 10, fold=1)
        )
        assert texts([fire]) == ["2027-10-31 02:55+02:00"]

    def test_an_end_date_in_the_first_pass_ends_before_the_second(self):
        trigger = CronTrigger(minute="*/30", timezone=BERLIN, end_date=at(BERLIN, 2027, 10, 31, 2, 30))
        fires = chain(trigger, at(BERLIN, 2027, 10, 31, 1, 45), 9)
        assert texts(fires) == ["2027-10-31 02:00+02:00", "2027-10-31 02:30+02:00"]

    def test_a_start_date_in_the_second_pass_is_kept(self):
        start = at(BERLIN, 2027, 10, 31, 2, 15, fold=1)
        trigger = CronTrigger(minute="*/30", timezone=BERLIN, start_date=start)
        fires = chain(trigger, at(BERLIN, 2027, 10, 31, 2, 20), 2)
        assert texts(fires) == ["2027-10-31 02:30+01:00", "2027-10-31 03:00+01:00"]


class TestFromWhenItCounts:
    trigger = CronTrigger(minute="*/10", timezone=UTC)

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (at(UTC, 2027, 1, 1, 0, 10), "2027-01-01 00:10+00:00"),
            (at(UTC, 2027, 1, 1, 0, 10, 0, 1), "2027-01-01 00:20+00:00"),
            (at(UTC, 2027, 1, 1, 0, 9, 59, 999999), "2027-01-01 00:10+00:00"),
            (at(timezone(timedelta(hours=-5)), 2026, 12, 31, 19, 1), "2027-01-01 00:10+00:00"),
        ],
    )
    def test_without_a_time_before_it_counts_from_now_on(self, now, expected):
        assert texts([self.trigger.get_next_fire_time(None, now)]) == [expected]

    def test_a_time_before_is_never_the_answer(self):
        before = at(UTC, 2027, 1, 1, 0, 10)
        assert self.trigger.get_next_fire_time(before, before) == at(UTC, 2027, 1, 1, 0, 20)

    def test_times_that_were_due_in_between_are_answered_one_by_one(self):
        before, now = at(UTC, 2027, 1, 1), at(UTC, 2027, 1, 1, 5)
        assert self.trigger.get_next_fire_time(before, now) == at(UTC, 2027, 1, 1, 0, 10)

    def test_a_now_before_the_time_before_wins_as_in_3x(self):
        before, now = at(UTC, 2027, 1, 1), at(UTC, 2026, 1, 1)
        assert self.trigger.get_next_fire_time(before, now) == now

    def test_the_start_date_counts_only_before_the_first_time(self):
        start = at(UTC, 2027, 6, 1, 0, 5)
        trigger = CronTrigger(minute="*/10", timezone=UTC, start_date=start)
        assert trigger.get_next_fire_time(None, at(UTC, 2027, 1, 1)) == at(UTC, 2027, 6, 1, 0, 10)
        before = at(UTC, 2027, 1, 1)
        assert trigger.get_next_fire_time(before, before) == at(UTC, 2027, 1, 1, 0, 10)

    def test_the_end_date_itself_is_still_run(self):
        trigger = CronTrigger(minute="*/10", timezone=UTC, end_date="2027-01-01 00:20:00")
        assert texts(chain(trigger, at(UTC, 2027, 1, 1, 0, 1), 9)) == [
            "2027-01-01 00:10+00:00",
            "2027-01-01 00:20+00:00",
        ]

    def test_answers_are_in_the_zone_of_the_trigger(self):
        fire = CronTrigger(hour=6, timezone=BERLIN).get_next_fire_time(None, at(UTC, 2027, 1, 1))
        assert fire is not None
        assert fire.tzinfo is BERLIN


class TestTheEnd:
    NOW = at(UTC, 2027, 1, 1)

    @pytest.mark.timeout(2)
    @pytest.mark.parametrize(
        "fields",
        [
            {"month": 2, "day": 30},
            {"month": "4,6,9,11", "day": 31},
            {"month": 6, "week": 53},
            {"year": 2026},
            {"year": "2027-2100/4", "month": 2, "day": 29},
            {"year": "*/7", "month": 2, "day": 30},
            {"month": 1, "week": 53, "day_of_week": "mon"},
        ],
    )
    def test_a_date_that_never_comes_is_none_soon(self, fields):
        assert CronTrigger(timezone=BERLIN, **fields).get_next_fire_time(None, self.NOW) is None

    def test_a_date_that_comes_once_in_decades_is_found(self):
        trigger = CronTrigger(month=2, day=29, day_of_week="mon", timezone=UTC)
        assert [fire.year for fire in chain(trigger, self.NOW, 4)] == [2044, 2072, 2112, 2140]

    def test_the_longest_pause_that_the_calendar_knows_is_crossed(self):
        """29 February on a Sunday does not come between 2088 and 2128, as 2100 is no leap year."""
        trigger = CronTrigger(month=2, day="5th sun", timezone=UTC)
        fires = chain(trigger, at(UTC, 2080, 1, 1), 4)
        assert [fire.year for fire in fires] == [2088, 2128, 2156, 2184]

    def test_every_second_of_the_last_year_is_reached_and_then_it_ends(self):
        trigger = CronTrigger(second="*", timezone=UTC)
        fires = chain(trigger, at(UTC, 9999, 12, 31, 23, 59, 57), 9)
        assert [fire.second for fire in fires] == [57, 58, 59]

    @pytest.mark.parametrize("zone", [BERLIN, NEW_YORK], ids=str)
    def test_it_also_ends_where_the_last_instants_cannot_be_told_in_utc(self, zone):
        trigger = CronTrigger(hour="*", timezone=zone)
        fires = chain(trigger, at(zone, 9999, 12, 31, 12), 30)
        assert 5 < len(fires) <= 12

    def test_years_before_1970_are_passed_over(self):
        trigger = CronTrigger(hour=5, timezone=BERLIN)
        fire = trigger.get_next_fire_time(None, datetime(1, 1, 1, tzinfo=BERLIN))
        assert texts([fire]) == ["1970-01-01 05:00+01:00"]


class TestJitter:
    def test_it_delays_by_a_random_part_of_its_seconds(self, monkeypatch):
        monkeypatch.setattr(base.random, "uniform", lambda low, high: high / 4 + low)
        trigger = CronTrigger(hour=3, timezone=UTC, jitter=60)
        assert trigger.get_next_fire_time(None, at(UTC, 2027, 1, 1)) == at(UTC, 2027, 1, 1, 3, 0, 15)

    def test_it_does_not_delay_beyond_the_end_date(self, monkeypatch):
        monkeypatch.setattr(base.random, "uniform", lambda low, high: high)
        trigger = CronTrigger(hour=3, timezone=UTC, jitter=60, end_date="2027-01-01 03:00:20")
        assert trigger.get_next_fire_time(None, at(UTC, 2027, 1, 1)) == at(UTC, 2027, 1, 1, 3, 0, 20)

    def test_it_delays_by_elapsed_time_across_a_clock_change(self, monkeypatch):
        monkeypatch.setattr(base.random, "uniform", lambda low, high: high)
        trigger = CronTrigger(hour=2, minute=59, timezone=BERLIN, jitter=120)
        fire = trigger.get_next_fire_time(None, at(BERLIN, 2027, 10, 31, 2, 50))
        assert texts([fire]) == ["2027-10-31 02:01+01:00"]

    @pytest.mark.parametrize(
        ("jitter", "error"), [(-1, ValueError), (float("nan"), ValueError), ("5", TypeError)]
    )
    @pytest.mark.parametrize(
        "make",
        [
            CronTrigger,
            IntervalTrigger,
            partial(CalendarIntervalTrigger, days=1),
            partial(AndTrigger, []),
            partial(OrTrigger, []),
        ],
    )
    def test_it_is_a_number_of_seconds_that_is_not_negative(self, make, jitter, error):
        with pytest.raises(error, match="jitter must be a number of seconds"):
            make(jitter=jitter)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (pytz.timezone("Europe/Berlin"), BERLIN),
        ("Europe/Berlin", BERLIN),
        ("UTC", UTC),
        (pytz.FixedOffset(90), timezone(timedelta(minutes=90))),
        (timezone(timedelta(hours=1)), timezone(timedelta(hours=1))),
    ],
    ids=repr,
)
def test_time_zones_are_taken_in_every_form(given, used):
    trigger = CronTrigger(hour=6, timezone=given)
    assert trigger.timezone == used
    fire = trigger.get_next_fire_time(None, at(UTC, 2027, 1, 1))
    assert fire is not None
    assert fire.tzinfo is trigger.timezone


@pytest.mark.parametrize("argument", ["start_date", "end_date"])
def test_without_a_zone_that_of_the_limits_is_used(argument):
    trigger = CronTrigger(hour=6, **{argument: datetime(2027, 1, 1, tzinfo=NEW_YORK)})
    assert trigger.timezone is NEW_YORK


@pytest.mark.parametrize(
    "given",
    [date(2027, 1, 2), datetime(2027, 1, 2), "2027-01-02", "2027-1-2", "2027-01-02 00:00:00"],
    ids=repr,
)
def test_limits_without_a_zone_are_in_that_of_the_trigger(given):
    assert CronTrigger(hour=6, start_date=given, timezone=BERLIN).start_date == at(BERLIN, 2027, 1, 2)


def test_a_search_does_not_depend_on_triggers_made_before():
    first = CronTrigger(hour=5, timezone=UTC)
    second = CronTrigger(hour=5, timezone=BERLIN)
    now = at(UTC, 2027, 1, 1)
    assert first.get_next_fire_time(None, now) - second.get_next_fire_time(None, now) == timedelta(hours=1)


def test_steps_of_a_second_are_not_lost():
    trigger = CronTrigger(second="*/7", timezone=BERLIN)
    fires = chain(trigger, at(BERLIN, 2027, 1, 1), 9)
    assert [fire.second for fire in fires] == [0, 7, 14, 21, 28, 35, 42, 49, 56]
    assert trigger.get_next_fire_time(fires[-1], fires[-1]) == fires[0] + 60 * SECOND
