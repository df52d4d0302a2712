"""When a date trigger fires, and which zone is the local one."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import tzlocal

from apscheduler import _clock
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("now", [NOW, NOW.replace(year=2040)], ids=str)
def test_it_fires_once_also_when_the_time_has_passed(now):
    trigger = DateTrigger("2030-01-01 12:00:00", BERLIN)
    assert trigger.get_next_fire_time(None, now) == datetime(2030, 1, 1, 12, tzinfo=BERLIN)
    assert trigger.get_next_fire_time(trigger.run_date, now) is None


def test_without_a_date_it_fires_at_once(monkeypatch):
    monkeypatch.setattr(_clock, "now", lambda tz: NOW.astimezone(tz))
    assert DateTrigger(timezone=BERLIN).run_date == NOW
    assert DateTrigger(timezone=BERLIN).run_date.tzinfo is BERLIN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (date(2027, 3, 1), datetime(2027, 3, 1, tzinfo=BERLIN)),
        (datetime(2027, 3, 1, 5), datetime(2027, 3, 1, 5, tzinfo=BERLIN)),
        (datetime(2027, 3, 1, 5, tzinfo=UTC), datetime(2027, 3, 1, 5, tzinfo=UTC)),
        ("2027-03-01 05:00:00", datetime(2027, 3, 1, 5, tzinfo=BERLIN)),
        ("2027-03-01T05:00:00Z", datetime(2027, 3, 1, 5, tzinfo=UTC)),
        ("2027-03-28 02:30:00", datetime(2027, 3, 28, 3, 30, tzinfo=BERLIN)),
    ],
)
def test_dates_are_taken_in_every_form(given, expected):
    assert DateTrigger(given, "Europe/Berlin").run_date == expected


def test_it_is_shown_as_in_3x():
    trigger = DateTrigger("2027-03-01", BERLIN)
    assert str(trigger) == "date[2027-03-01 00:00:00 CET]"
    assert repr(trigger) == "<DateTrigger (run_date='2027-03-01 00:00:00 CET')>"


class TestTheLocalZone:
    makers = (
        lambda: CronTrigger(hour=5),
        lambda: IntervalTrigger(hours=5),
        lambda: CalendarIntervalTrigger(days=1),
    )

    @pytest.mark.parametrize("make", makers, ids=["cron", "interval", "calendarinterval"])
    def test_it_is_used_where_no_other_is_said(self, monkeypatch, make):
        monkeypatch.setattr(tzlocal, "get_localzone", lambda: BERLIN)
        assert make().timezone is BERLIN
        assert DateTrigger("2027-01-01").run_date.tzinfo is BERLIN

    @pytest.mark.parametrize("make", makers, ids=["cron", "interval", "calendarinterval"])
    def test_where_it_cannot_be_told_it_is_utc_with_a_warning(self, monkeypatch, make):
        def fail():
            raise KeyError("no zone")

        monkeypatch.setattr(tzlocal, "get_localzone", fail)
        with pytest.warns(RuntimeWarning, match=r"no zone.*UTC is used.*timezone=") as caught:
            assert make().timezone is UTC
        assert caught[0].filename == __file__
