"""What triggers put into a pickle and read from one: the shapes of 3.x, and those of its earlier versions."""

import pickle
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytz

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.cron.fields import BaseField
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=BERLIN)
NOW = datetime(2027, 1, 1, tzinfo=UTC)

CRON = CronTrigger(month="jan", hour=5, start_date="2027-01-01", timezone=BERLIN, jitter=4)
INTERVAL = IntervalTrigger(hours=3, start_date="2027-01-01", timezone=BERLIN)
CALENDAR = CalendarIntervalTrigger(months=1, hour=3, start_date="2027-01-01", timezone=BERLIN)
DATE = DateTrigger("2027-01-01", BERLIN)
AND = AndTrigger([DATE, INTERVAL], jitter=2)


def restore(cls, state):
    trigger = cls.__new__(cls)
    trigger.__setstate__(state)
    return trigger


def test_the_states_have_the_shapes_of_3x():
    assert DATE.__getstate__() == {"version": 1, "run_date": NEW_YEAR}
    assert INTERVAL.__getstate__() == {
        "version": 2,
        "timezone": BERLIN,
        "start_date": NEW_YEAR,
        "end_date": None,
        "interval": timedelta(hours=3),
        "jitter": None,
    }
    assert CALENDAR.__getstate__() == {
        "version": 1,
        "interval": [0, 1, 0, 0],
        "time": [3, 0, 0],
        "start_date": date(2027, 1, 1),
        "end_date": None,
        "timezone": BERLIN,
        "jitter": None,
    }
    assert AND.__getstate__() == {
        "version": 1,
        "triggers": [
            ("apscheduler.triggers.date:DateTrigger", DATE.__getstate__()),
            ("apscheduler.triggers.interval:IntervalTrigger", INTERVAL.__getstate__()),
        ],
        "jitter": 2,
    }
    state = CRON.__getstate__()
    assert list(state) == ["version", "timezone", "start_date", "end_date", "fields", "jitter"]
    assert state["version"] == 2
    assert [vars(field) for field in state["fields"]] == [vars(field) for field in CRON.fields]


@pytest.mark.parametrize("trigger", [CRON, INTERVAL, CALENDAR, DATE, AND, OrTrigger([CRON])], ids=str)
def test_a_state_of_a_newer_version_is_refused(trigger):
    state = {**trigger.__getstate__(), "version": 9}
    with pytest.raises(ValueError, match=f"version 9 of {type(trigger).__name__}.*newer release"):
        restore(type(trigger), state)


@pytest.mark.parametrize("trigger", [CRON, INTERVAL], ids=str)
@pytest.mark.parametrize("missing", [("version",), ("jitter",), ("version", "jitter")], ids=str)
def test_a_state_of_the_first_version_has_no_jitter(trigger, missing):
    state = {**trigger.__getstate__(), "version": 1, "jitter": None}
    for name in missing:
        del state[name]
    restored = restore(type(trigger), state)
    assert restored.jitter is None
    assert restored.get_next_fire_time(None, NOW) == restore(type(trigger), state).get_next_fire_time(
        None, NOW
    )


@pytest.mark.parametrize("zone", [pytz.timezone("Europe/Berlin"), "Europe/Berlin"], ids=repr)
@pytest.mark.parametrize("trigger", [CRON, INTERVAL, CALENDAR], ids=str)
def test_a_state_with_a_zone_of_an_older_release_fires_at_the_same_times(trigger, zone):
    restored = restore(type(trigger), {**trigger.__getstate__(), "timezone": zone, "jitter": None})
    expected = restore(type(trigger), {**trigger.__getstate__(), "jitter": None})
    assert restored.get_next_fire_time(None, NOW) == expected.get_next_fire_time(None, NOW)


def test_a_month_field_of_a_release_without_month_names_is_read():
    state = CRON.__getstate__()
    state["fields"][1] = BaseField("month", "2")
    assert restore(CronTrigger, state).get_next_fire_time(None, NOW).month == 2


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(-1)], ids=str)
def test_an_interval_that_does_not_move_on_is_refused(interval):
    with pytest.raises(ValueError, match="not positive"):
        restore(IntervalTrigger, {**INTERVAL.__getstate__(), "interval": interval})


def test_the_time_of_day_of_a_calendar_interval_is_restored_with_its_zone():
    restored = pickle.loads(pickle.dumps(CALENDAR))
    assert restored.get_next_fire_time(None, NOW).timetz() == time(3, tzinfo=BERLIN)


class Mine(BaseTrigger):
    """No state methods of its own."""

    def __init__(self, hours):
        self.hours = hours

    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or NOW) + timedelta(hours=self.hours)


class MineWithSlots(BaseTrigger):
    __slots__ = ("hours",)

    __init__ = Mine.__init__
    get_next_fire_time = Mine.get_next_fire_time


@pytest.mark.parametrize("cls", [Mine, MineWithSlots])
def test_a_trigger_without_state_methods_is_restored_inside_a_combination(cls):
    trigger = OrTrigger([cls(5), DATE])
    restored = pickle.loads(pickle.dumps(trigger))
    assert restored.triggers[0].hours == 5
    assert restored.get_next_fire_time(NOW, NOW) == NOW + timedelta(hours=5)


class WithNote(CronTrigger):
    """A subclass with state of its own."""

    def __init__(self, note, **fields):
        super().__init__(**fields)
        self.note = note

    def __getstate__(self):
        return {**super().__getstate__(), "note": self.note}

    def __setstate__(self, state):
        super().__setstate__(state)
        self.note = state["note"]


def test_a_subclass_may_add_to_the_state():
    restored = pickle.loads(pickle.dumps(WithNote("hello", hour=5, timezone=UTC)))
    assert restored.note == "hello"
    assert restored.get_next_fire_time(None, NOW).hour == 5


def test_equal_cron_triggers_share_what_was_worked_out_also_after_a_pickle():
    trigger = CronTrigger(month="jan", hour=7, timezone=UTC)
    again = CronTrigger(month="jan", hour="07", timezone=BERLIN, jitter=5)
    restored = pickle.loads(pickle.dumps(trigger))
    assert restored._plan is trigger._plan
    assert again._plan is trigger._plan
