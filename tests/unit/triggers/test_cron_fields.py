"""How cron expressions are read, shown, compared, kept apart and refused."""

import copy
import pickle
import re
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apscheduler.errors import TriggerSearchError
from apscheduler.triggers.cron import CronTrigger, IgnoredTextWarning, _walk
from apscheduler.triggers.cron.expressions import (
    AllExpression,
    LastDayOfMonthExpression,
    MonthRangeExpression,
    RangeExpression,
    WeekdayPositionExpression,
    WeekdayRangeExpression,
)
from apscheduler.triggers.cron.fields import (
    MAX_VALUES,
    MIN_VALUES,
    BaseField,
    DayOfMonthField,
    DayOfWeekField,
    MonthField,
    WeekField,
)

FIELDS = CronTrigger.FIELDS_MAP
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text", "shown", "expected"),
    [
        ("hour", "*", "*", [AllExpression()]),
        ("hour", " * ", "*", [AllExpression()]),
        ("hour", "*/5", "*/5", [AllExpression(5)]),
        ("hour", 5, "5", [RangeExpression(5)]),
        ("hour", "05", "5", [RangeExpression(5)]),
        ("hour", "5-5", "5", [RangeExpression(5, 5)]),
        ("hour", "5-7/2", "5-7/2", [RangeExpression(5, 7, 2)]),
        ("hour", "5/3", "5/3", [RangeExpression(5, None, 3)]),
        ("hour", " 1 , 2 ", "1,2", [RangeExpression(1), RangeExpression(2)]),
        ("year", "2030-2040/5", "2030-2040/5", [RangeExpression(2030, 2040, 5)]),
        ("month", "JAN", "jan", [MonthRangeExpression("jan")]),
        ("month", "oct-Dec,1", "oct-dec,1", [MonthRangeExpression("oct", "dec"), RangeExpression(1)]),
        ("day_of_week", "mon-fri,6", "mon-fri,6", [WeekdayRangeExpression("mon", "fri"), RangeExpression(6)]),
        ("day", "last", "last", [LastDayOfMonthExpression()]),
        ("day", "LAST sun", "last sun", [WeekdayPositionExpression("last", "sun")]),
        ("day", "3rd  fri", "3rd fri", [WeekdayPositionExpression("3rd", "fri")]),
        ("week", "*/2", "*/2", [AllExpression(2)]),
    ],
)
def test_an_expression_is_read_and_shown(name, text, shown, expected):
    field = FIELDS[name](name, text)
    assert str(field) == shown
    assert field.expressions == expected
    assert repr(field) == f"{FIELDS[name].__name__}({name!r}, {shown!r})"
    assert not field.is_default


@pytest.mark.parametrize(
    ("expression", "shown", "attributes"),
    [
        (AllExpression(), "AllExpression(None)", {"step": None}),
        (AllExpression("5"), "AllExpression(5)", {"step": 5}),
        (RangeExpression("5"), "RangeExpression(5)", {"step": None, "first": 5, "last": 5}),
        (RangeExpression(5, 9, 2), "RangeExpression(5, 9, 2)", {"step": 2, "first": 5, "last": 9}),
        (RangeExpression(5, None, 2), "RangeExpression(5, None, 2)", {"step": 2, "first": 5, "last": None}),
        (MonthRangeExpression("dec"), "MonthRangeExpression('dec')", {"step": None, "first": 12, "last": 12}),
        (
            WeekdayRangeExpression("mon", "fri"),
            "WeekdayRangeExpression('mon', 'fri')",
            {"step": None, "first": 0, "last": 4},
        ),
        (
            WeekdayPositionExpression("last", "sun"),
            "WeekdayPositionExpression('last', 'sun')",
            {"step": None, "option_num": 5, "weekday": 6},
        ),
        (LastDayOfMonthExpression(), "LastDayOfMonthExpression()", {"step": None}),
    ],
)
def test_an_expression_has_the_attributes_of_3x_in_their_order(expression, shown, attributes):
    assert repr(expression) == shown
    assert list(vars(expression).items()) == list(attributes.items())


def test_expressions_are_equal_by_class_and_value_and_have_no_hash():
    assert AllExpression(5) == AllExpression(5)
    assert AllExpression(5) != AllExpression(6)
    assert WeekdayRangeExpression("mon") != RangeExpression(0)
    assert BaseField("hour", "5") == BaseField("hour", 5)
    assert BaseField("hour", "5") != BaseField("hour", 6)
    assert BaseField("hour", "5") != 5
    for unhashable in (AllExpression(), BaseField("hour", "5")):
        with pytest.raises(TypeError, match="unhashable"):
            hash(unhashable)


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("hour", "24", ["'hour'", "'24'", "0 to 23"]),
        ("hour", "-1", ["hour", '"-1"', "from 0 to 23"]),
        ("hour", "7-5", ["'hour'", "'7-5'", "as two"]),
        ("hour", "*/0", ["'hour'", "Increment", "*/1"]),
        ("hour", "0-3/4", ["'hour'", "step value (4)", "(3)"]),
        ("hour", "mon", ["hour", "day_of_week='mon'"]),
        ("hour", "1,,2", ["hour", "comma too many"]),
        ("hour", "?", ["hour", "'*' here"]),
        ("hour", "jan", ["hour", "month='jan'"]),
        ("year", "1969", ["'year'", "1970 to 9999"]),
        ("month", "januray", ["'month'", "did you mean 'jan'?", "feb"]),
        ("month", "nov-feb", ["'month'", "'nov-dec,jan-feb'"]),
        ("day", "0", ["'day'", "1 to 31", "Days count from 1"]),
        ("day", "0, tue", ["'day'", "1 to 31", "day_of_week='tue'", "day='1st tue'"]),
        ("day", "tue", ["day", "day_of_week='tue'"]),
        ("day", "L", ["day", "'last'"]),
        ("day", "2st mon", ["day", "'2nd mon'"]),
        ("day", "6th mon", ["day", "'5th mon'"]),
        ("day", "1st mond", ["'day'", "did you mean 'mon'?"]),
        ("day_of_week", "7", ["'day_of_week'", "0 to 6", "0 is mon and 6 is sun"]),
        ("day_of_week", "sun-mon", ["'day_of_week'", "'sun,mon'"]),
        ("day_of_week", "fri-tue", ["'day_of_week'", "'fri-sun,mon-tue'"]),
        ("day_of_week", "monday", ["'day_of_week'", "did you mean 'mon'?"]),
        ("day_of_week", "2nd tue", ["day_of_week", "day='2nd tue'"]),
        ("week", "54", ["'week'", "1 to 53"]),
    ],
)
def test_a_wrong_expression_names_the_field_the_value_and_what_to_write(name, text, parts):
    with pytest.raises(ValueError) as caught:
        CronTrigger(**{name: text}, timezone=UTC)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [True, 5.5, [1, 2], b"5"], ids=repr)
def test_a_value_that_is_no_expression_is_a_value_error(value):
    with pytest.raises(ValueError, match="hour"):
        CronTrigger(hour=value, timezone=UTC)


@given(
    name=st.sampled_from(list(FIELDS)),
    text=st.text(alphabet="0123456789*/,- abcdefjlmnorstuvLWx#?", max_size=9),
)
@settings(deadline=None)
def test_any_text_is_read_or_refused_with_a_value_error(name, text):
    try:
        field = FIELDS[name](name, text)
    except ValueError:
        return
    assert FIELDS[name](name, str(field)).expressions == field.expressions


@pytest.mark.parametrize(
    ("name", "text", "ignored", "reads"),
    [
        ("day_of_week", "mon-fri/2", "/2", "mon-fri"),
        ("day_of_week", "tue#2", "#2", "tue"),
        ("month", "jan - mar", " - mar", "jan"),
        ("day", "last-1", "-1", "last"),
        ("day", "1st mon-fri", "-fri", "1st mon"),
    ],
)
def test_an_end_that_3x_does_not_read_has_no_effect_and_is_warned_of_each_time(name, text, ignored, reads):
    for _ in range(2):
        with pytest.warns(IgnoredTextWarning, match=re.escape(ignored)) as caught:
            trigger = CronTrigger(**{name: text}, timezone=UTC)
        assert str(trigger) == f"cron[{name}='{reads}']"
        assert caught[0].filename == __file__


def test_the_warning_names_the_line_that_called_from_crontab():
    with pytest.warns(IgnoredTextWarning) as caught:
        CronTrigger.from_crontab("0 0 * * mon#1", timezone=UTC)
    assert caught[0].filename == __file__


class TestDefaults:
    def shown(self, **given):
        return [
            (field.name, str(field))
            for field in CronTrigger(timezone=UTC, **given).fields
            if field.is_default
        ]

    def test_fields_of_shorter_units_than_those_given_are_their_smallest_value(self):
        assert self.shown(month=5) == [
            ("year", "*"),
            ("day", "1"),
            ("week", "*"),
            ("day_of_week", "*"),
            ("hour", "0"),
            ("minute", "0"),
            ("second", "0"),
        ]

    def test_fields_of_longer_units_than_those_given_are_every_value(self):
        assert {text for _, text in self.shown(second=5)} == {"*"}

    def test_without_any_field_it_fires_every_second(self):
        assert {text for _, text in self.shown()} == {"*"}
        assert CronTrigger(timezone=UTC).get_next_fire_time(NOW, NOW) == NOW.replace(second=1)

    def test_none_is_not_given_and_zero_is(self):
        assert str(CronTrigger(day=None, hour=0, timezone=UTC)) == "cron[hour='0']"


class TestCrontab:
    def test_the_five_fields_are_minute_hour_day_month_weekday(self):
        trigger = CronTrigger.from_crontab("*/5 1-3 1,2 jan mon-fri", "Europe/Berlin")
        assert str(trigger) == "cron[month='jan', day='1,2', day_of_week='mon-fri', hour='1-3', minute='*/5']"
        assert trigger.timezone == ZoneInfo("Europe/Berlin")

    def test_weekday_numbers_count_from_monday(self):
        assert CronTrigger.from_crontab("0 0 * * 0", UTC).get_next_fire_time(None, NOW).weekday() == 0

    @pytest.mark.parametrize("text", ["* * * *", "* * * * * *", "", "@daily"])
    def test_another_number_of_fields_is_refused(self, text):
        with pytest.raises(ValueError, match=f"got {len(text.split())}, expected 5"):
            CronTrigger.from_crontab(text, UTC)

    @pytest.mark.parametrize("value", [5, None, ["*"] * 5, b"* * * * *"], ids=repr)
    def test_anything_but_a_text_is_a_type_error(self, value):
        with pytest.raises(TypeError, match=type(value).__name__):
            CronTrigger.from_crontab(value)

    def test_a_subclass_makes_its_own_kind(self):
        class Mine(CronTrigger):
            pass

        assert type(Mine.from_crontab("* * * * *", UTC)) is Mine


class TestFieldValues:
    moment = datetime(2024, 2, 10, 3, 4, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("name", "lowest", "highest", "value"),
        [
            ("year", 1970, 9999, 2024),
            ("month", 1, 12, 2),
            ("day", 1, 29, 10),
            ("week", 1, 53, 6),
            ("day_of_week", 0, 6, 5),
            ("hour", 0, 23, 3),
            ("minute", 0, 59, 4),
            ("second", 0, 59, 5),
        ],
    )
    def test_each_field_tells_its_range_and_its_value(self, name, lowest, highest, value):
        field = FIELDS[name](name, "*")
        assert (field.get_min(self.moment), field.get_max(self.moment)) == (lowest, highest)
        assert field.get_value(self.moment) == value
        assert field.get_next_value(self.moment) == value
        assert (name not in ("week", "day_of_week")) == field.REAL

    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            ("hour", "*/2", 4),
            ("hour", "1", None),
            ("hour", "1,5,4", 4),
            ("hour", "0/5", 5),
            ("hour", "1-20/7", 8),
            ("day", "31", None),
            ("day", "last", 29),
            ("day", "2nd mon", 12),
            ("day", "1st mon", None),
            ("day", "5th thu", 29),
            ("day", "5th fri", None),
            ("day", "last sat", 24),
            ("day_of_week", "mon", None),
            ("year", "2000-2010", None),
            ("year", "2030", 2030),
        ],
    )
    def test_the_next_value_is_the_smallest_one_that_is_not_below(self, name, text, expected):
        assert FIELDS[name](name, text).get_next_value(self.moment) == expected


class OddExpression(AllExpression):
    """Odd days from `k` on: `odd3`."""

    value_re = re.compile(r"odd(?P<k>\d+)$")

    def __init__(self, k):
        super().__init__(None)
        self.k = int(k)

    def get_next_value(self, date, field):
        day = max(date.day | 1, self.k)
        return day if day <= field.get_max(date) else None

    def __str__(self):
        return f"odd{self.k}"


class OddField(DayOfMonthField):
    COMPILERS: ClassVar = [*DayOfMonthField.COMPILERS, OddExpression]


class OddTrigger(CronTrigger):
    FIELDS_MAP: ClassVar = {**CronTrigger.FIELDS_MAP, "day": OddField}


class LastMinuteField(BaseField):
    """Takes nothing from its text: always the last minute."""

    def get_next_value(self, dateval):
        return 59


class NeverField(DayOfWeekField):
    def get_next_value(self, dateval):
        return None


class TestOnesOwn:
    def test_an_expression_class_in_a_field_class_of_a_subclass(self):
        trigger = OddTrigger(day="odd28", hour=12, timezone=UTC)
        previous, fires = None, []
        for _ in range(4):
            previous = trigger.get_next_fire_time(previous, previous or NOW)
            fires.append((previous.month, previous.day, previous.hour))
        assert fires == [(1, 29, 12), (1, 31, 12), (3, 29, 12), (3, 31, 12)]
        assert str(trigger) == "cron[day='odd28', hour='12']"

    def test_it_is_pickled_with_its_class(self):
        trigger = OddTrigger(day="odd28", hour=12, timezone=UTC)
        restored = pickle.loads(pickle.dumps(trigger))
        assert type(restored.fields[2]) is OddField
        assert restored.get_next_fire_time(None, NOW) == trigger.get_next_fire_time(None, NOW)

    def test_an_expression_class_registered_with_our_own_field_is_seen_by_triggers_made_later(
        self, monkeypatch
    ):
        with pytest.raises(ValueError, match="odd3"):
            CronTrigger(day="odd3", timezone=UTC)
        monkeypatch.setattr(DayOfMonthField, "COMPILERS", [*DayOfMonthField.COMPILERS, OddExpression])
        trigger = CronTrigger(day="odd3", timezone=UTC)
        assert trigger.get_next_fire_time(None, NOW).day == 3

    def test_a_list_of_compilers_extended_in_place_is_seen_too(self):
        DayOfMonthField.COMPILERS.append(OddExpression)
        try:
            assert CronTrigger(day="odd5", timezone=UTC).get_next_fire_time(None, NOW).day == 5
        finally:
            DayOfMonthField.COMPILERS.remove(OddExpression)

    def test_a_field_put_in_the_place_of_another(self):
        trigger = CronTrigger(hour=5, minute=0, timezone=UTC)
        trigger.fields[6] = LastMinuteField("minute", "0")
        assert trigger.get_next_fire_time(None, NOW) == NOW.replace(hour=5, minute=59)

    def test_a_search_that_finds_nothing_ends(self, monkeypatch):
        trigger = CronTrigger(hour=5, timezone=UTC)
        trigger.fields[4] = NeverField("day_of_week", "*")
        assert trigger.get_next_fire_time(None, datetime(9999, 12, 1, tzinfo=UTC)) is None
        monkeypatch.setattr(_walk, "MOST_STEPS", 500)
        with pytest.raises(
            TriggerSearchError, match=r"cron fields .*NeverField.* 500 steps from .* to 2028-.*end the"
        ):
            trigger.get_next_fire_time(None, NOW)


class TestTheFieldsOfATrigger:
    def test_they_are_eight_in_order(self):
        fields = CronTrigger(hour=5, timezone=UTC).fields
        assert [field.name for field in fields] == list(CronTrigger.FIELD_NAMES)
        assert [type(field) for field in fields] == [
            BaseField,
            MonthField,
            DayOfMonthField,
            WeekField,
            DayOfWeekField,
            BaseField,
            BaseField,
            BaseField,
        ]

    def test_changing_them_changes_this_trigger_and_no_other(self):
        changed, other = CronTrigger(hour=5, timezone=UTC), CronTrigger(hour=5, timezone=UTC)
        changed.fields[5].expressions[0].first = changed.fields[5].expressions[0].last = 7
        later = CronTrigger(hour=5, timezone=UTC)
        assert changed.get_next_fire_time(None, NOW).hour == 7
        assert [trigger.get_next_fire_time(None, NOW).hour for trigger in (other, later)] == [5, 5]
        assert str(changed) == "cron[hour='7']"

    def test_replacing_one_or_all_of_them_is_seen(self):
        trigger = CronTrigger(hour=5, timezone=UTC)
        trigger.fields[5] = BaseField("hour", "8,20")
        assert trigger.get_next_fire_time(None, NOW).hour == 8
        trigger.fields = CronTrigger(hour=9, timezone=UTC).fields
        assert trigger.get_next_fire_time(None, NOW).hour == 9

    def test_a_changed_trigger_keeps_its_change_through_a_copy_and_a_pickle(self):
        trigger = CronTrigger(hour=5, timezone=UTC)
        trigger.fields[5] = BaseField("hour", "8")
        for again in (copy.copy(trigger), copy.deepcopy(trigger), pickle.loads(pickle.dumps(trigger))):
            assert again.get_next_fire_time(None, NOW).hour == 8

    def test_the_state_that_is_pickled_is_not_shared(self):
        trigger = CronTrigger(hour=5, timezone=UTC)
        trigger.__getstate__()["fields"][5].expressions.clear()
        assert trigger.get_next_fire_time(None, NOW).hour == 5


def test_the_ranges_are_those_of_3x():
    assert {name: (MIN_VALUES[name], MAX_VALUES[name]) for name in MIN_VALUES} == {
        "year": (1970, 9999),
        "month": (1, 12),
        "day": (1, 31),
        "week": (1, 53),
        "day_of_week": (0, 6),
        "hour": (0, 23),
        "minute": (0, 59),
        "second": (0, 59),
    }
