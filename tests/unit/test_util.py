"""The helper functions of 3.x behave as they do there."""

import collections
import functools
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from apscheduler import util

BERLIN = ZoneInfo("Europe/Berlin")
PYTZ_BERLIN = pytz.timezone("Europe/Berlin")


class TestTexts:
    @pytest.mark.parametrize("text", ["true", "yes", "on", "y", "t", "1", " TRUE "])
    def test_texts_that_are_true(self, text):
        assert util.asbool(text) is True

    @pytest.mark.parametrize("text", ["false", "no", "off", "n", "f", "0"])
    def test_texts_that_are_false(self, text):
        assert util.asbool(text) is False

    @pytest.mark.parametrize("text", ["maybe", "", "  "])
    def test_other_texts_are_refused(self, text):
        with pytest.raises(ValueError, match="boolean: write one of true, yes"):
            util.asbool(text)

    def test_other_objects_have_their_own_truth(self):
        assert [util.asbool(value) for value in (2, 0, None, [], [0])] == [True, False, False, False, True]

    def test_integers(self):
        assert [util.asint(value) for value in (None, " 6 ", 5.5)] == [None, 6, 5]
        with pytest.raises(ValueError, match="invalid literal"):
            util.asint("x")

    def test_dates(self):
        assert util.asdate("2027-01-02") == date(2027, 1, 2)
        assert util.asdate(None) is None
        with pytest.raises(ValueError, match="isoformat"):
            util.asdate("2027-01-02 03:04")


class TestTimeZones:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (None, None),
            ("UTC", UTC),
            ("Europe/Berlin", BERLIN),
            (BERLIN, BERLIN),
            (UTC, UTC),
            (pytz.utc, ZoneInfo("UTC")),
            (PYTZ_BERLIN, BERLIN),
            (PYTZ_BERLIN.localize(datetime(2027, 7, 1)).tzinfo, BERLIN),
            (pytz.FixedOffset(60), timezone(timedelta(hours=1))),
        ],
        ids=repr,
    )
    def test_a_name_or_a_zone_becomes_a_zone(self, given, expected):
        assert util.astimezone(given) == expected

    @pytest.mark.parametrize(
        ("name", "hint"),
        [("europe/berln", "'Europe/Berlin'"), ("utc", "'UTC'"), ("Nope/Nothing", "named like")],
    )
    def test_an_unknown_name_gets_the_nearest_one_suggested(self, name, hint):
        with pytest.raises(ZoneInfoNotFoundError, match=f"No time zone found with key {name}.*{hint}"):
            util.astimezone(name)

    def test_a_missing_zone_database_is_said(self, monkeypatch):
        monkeypatch.setattr(util, "available_timezones", set)
        with pytest.raises(ZoneInfoNotFoundError, match="pip install tzdata"):
            util.astimezone("Nope/Nothing")

    def test_an_empty_name_is_a_value_error(self):
        with pytest.raises(ValueError, match="ZoneInfo keys"):
            util.astimezone("")

    def test_anything_else_is_a_type_error(self):
        with pytest.raises(TypeError, match="Expected tzinfo, got int instead"):
            util.astimezone(5)

    def test_they_are_shown(self):
        assert util.timezone_repr(BERLIN) == "Europe/Berlin"
        assert util.timezone_repr(UTC) == "datetime.timezone.utc"


class TestConvertToDatetime:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2020-01-02", datetime(2020, 1, 2)),
            ("2020-1-2", datetime(2020, 1, 2)),
            ("2020-01-02 03:04:05", datetime(2020, 1, 2, 3, 4, 5)),
            ("2020-01-02T3:4:5", datetime(2020, 1, 2, 3, 4, 5)),
            ("2020-01-02 03:04:05.123", datetime(2020, 1, 2, 3, 4, 5, 123)),
            ("2020-01-02\n", datetime(2020, 1, 2)),
            ("2021-03-28 02:30:00", datetime(2021, 3, 28, 3, 30)),
            ("2021-10-31 02:30:00", datetime(2021, 10, 31, 2, 30)),
        ],
    )
    def test_a_text_without_a_zone_is_in_the_given_one(self, text, expected):
        assert util.convert_to_datetime(text, BERLIN, "x") == expected.replace(tzinfo=BERLIN)
        assert util.convert_to_datetime(text, "Europe/Berlin", "x") == expected.replace(tzinfo=BERLIN)

    @pytest.mark.parametrize(
        ("text", "hours"),
        [
            ("2020-01-02T03:04:05Z", 0),
            ("2020-01-02 03:04:05+02:00", 2),
            ("2020-01-02 03:04:05-02:30", -2.5),
            ("2020-01-02 03:04:05-00:00", 0),
        ],
    )
    def test_a_text_may_say_its_offset(self, text, hours):
        expected = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=hours)))
        converted = util.convert_to_datetime(text, None, "x")
        assert (converted, converted.utcoffset()) == (expected, expected.utcoffset())

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x",
            "20200102",
            "2020-01-02 03:04",
            "2020-01-02 03:04:05.1234567",
            "2020-01-02 03:04:05 +0200",
            "2020-01-02Z",
            " 2020-01-02",
            "2020-13-02",
            "2020-01-02 03:04:60",
            "2020-01-02 03:04:05+24:00",
        ],
    )
    def test_other_texts_are_refused_by_name(self, text):
        with pytest.raises(ValueError) as caught:
            util.convert_to_datetime(text, BERLIN, "start_date")
        assert "+24:00" in text or ("start_date" in str(caught.value) and repr(text) in str(caught.value))

    @given(st.text(alphabet="0123456789-:. TZ+", max_size=25))
    def test_any_text_is_read_or_refused_with_a_value_error(self, text):
        try:
            assert util.convert_to_datetime(text, UTC, "x").tzinfo is not None
        except ValueError:
            pass

    def test_dates_and_datetimes_are_taken(self):
        assert util.convert_to_datetime(date(2020, 1, 2), BERLIN, "x") == datetime(2020, 1, 2, tzinfo=BERLIN)
        aware = datetime(2020, 1, 2, tzinfo=UTC)
        assert util.convert_to_datetime(aware, BERLIN, "x") is aware
        assert util.convert_to_datetime(None, BERLIN, "x") is None
        fold = util.convert_to_datetime(datetime(2021, 10, 31, 2, 30, fold=1), BERLIN, "x")
        assert fold.utcoffset() == timedelta(hours=1)

    def test_a_pytz_zone_is_attached_its_way(self):
        converted = util.convert_to_datetime("2020-07-01", PYTZ_BERLIN, "x")
        assert converted == datetime(2020, 7, 1, tzinfo=BERLIN)
        assert converted.tzinfo.zone == "Europe/Berlin"

    def test_without_any_zone_it_is_refused(self):
        with pytest.raises(ValueError, match='The "tz" argument must be specified if x has no timezone'):
            util.convert_to_datetime("2020-01-02", None, "x")

    @pytest.mark.parametrize("value", [5, 5.5, time(1), b"2020-01-02"], ids=repr)
    def test_other_types_are_refused_by_name(self, value):
        with pytest.raises(TypeError, match=f"Unsupported type for x: {type(value).__name__}"):
            util.convert_to_datetime(value, BERLIN, "x")


class TestArithmetic:
    def test_adding_is_of_elapsed_time(self):
        def add(moment, **delta):
            return util.datetime_utc_add(moment, timedelta(**delta)).isoformat()

        assert add(datetime(2021, 3, 28, 1, 30, tzinfo=BERLIN), hours=1) == "2021-03-28T03:30:00+02:00"
        assert add(datetime(2021, 10, 31, 2, 30, tzinfo=BERLIN), hours=1) == "2021-10-31T02:30:00+01:00"
        assert add(datetime(2021, 3, 27, 12, tzinfo=BERLIN), days=1) == "2021-03-28T13:00:00+02:00"
        assert add(datetime(2021, 3, 28, 1, 30), hours=1) == "2021-03-28T02:30:00"
        assert add(PYTZ_BERLIN.localize(datetime(2021, 3, 28, 1, 30)), hours=1) == "2021-03-28T03:30:00+02:00"

    def test_rounding_up_to_a_second_is_of_elapsed_time(self):
        end = datetime(2021, 10, 31, 2, 59, 59, 5, tzinfo=BERLIN)
        assert util.datetime_ceil(end).isoformat() == "2021-10-31T02:00:00+01:00"
        whole = datetime(2021, 10, 31, tzinfo=BERLIN)
        assert util.datetime_ceil(whole) is whole

    def test_a_skipped_time_is_moved_on(self):
        skipped = datetime(2021, 3, 28, 2, 30, tzinfo=BERLIN)
        assert util.normalize(skipped).isoformat() == "2021-03-28T03:30:00+02:00"
        assert util.localize(skipped.replace(tzinfo=None), BERLIN) == util.normalize(skipped)

    @given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(BERLIN)))
    def test_normal_times_stay_the_same_instant_and_exist(self, moment):
        normal = util.normalize(moment)
        assert normal.astimezone(UTC) == moment.astimezone(UTC)
        assert util.normalize(normal).isoformat() == normal.isoformat()

    def test_timestamps_go_both_ways(self):
        moment = datetime(2020, 1, 2, 3, 4, 5, 600000, tzinfo=BERLIN)
        assert util.datetime_to_utc_timestamp(moment) == 1577930645.6
        assert util.utc_timestamp_to_datetime(1577930645.6) == moment
        assert util.datetime_to_utc_timestamp(None) is util.utc_timestamp_to_datetime(None) is None
        with pytest.raises(TypeError):
            util.utc_timestamp_to_datetime("x")

    def test_times_are_shown_to_the_second_with_their_zone(self):
        assert (
            util.datetime_repr(datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=BERLIN)) == "2020-01-02 03:04:05 CET"
        )
        assert util.datetime_repr(None) == "None"
        assert util.timedelta_seconds(timedelta(days=1, microseconds=5)) == 86400.000005


class Outer:
    def method(self):
        pass

    @classmethod
    def of_class(cls):
        pass

    @staticmethod
    def static():
        pass

    def __call__(self):
        pass

    class Inner:
        def method(self):
            pass


class Child(Outer):
    pass


def function():
    return lambda: None


async def coroutine():
    pass


class TestReferences:
    @pytest.mark.parametrize(
        ("obj", "name"),
        [
            (function, "function"),
            (Outer, "Outer"),
            (Outer.method, "Outer.method"),
            (Outer().method, "Outer.method"),
            (Outer.of_class, "Outer.of_class"),
            (Outer.static, "Outer.static"),
            (Outer(), "Outer"),
            (Outer.Inner().method, "Outer.Inner.method"),
            (Child().method, "Child.method"),
            (Child.of_class, "Child.of_class"),
            (Child.static, "Outer.static"),
        ],
    )
    def test_callables_are_named_and_found_by_their_qualified_name(self, obj, name):
        assert util.get_callable_name(obj) == name
        assert util.obj_to_ref(obj) == f"{__name__}:{name}"

    def test_builtins_have_names_too(self):
        assert util.obj_to_ref(len) == "builtins:len"
        assert util.get_callable_name([].append) == "list.append"

    @pytest.mark.parametrize(
        ("obj", "what"),
        [(functools.partial(function), "partial"), (lambda: None, "lambda"), (function(), "lambda")],
        ids=["partial", "lambda", "nested"],
    )
    def test_what_cannot_be_imported_has_no_reference(self, obj, what):
        with pytest.raises(ValueError, match=what):
            util.obj_to_ref(obj)

    def test_a_nested_function_has_no_reference(self):
        def nested():
            pass

        with pytest.raises(ValueError, match="nested"):
            util.obj_to_ref(nested)

    @pytest.mark.parametrize("obj", [5, None, "x"], ids=repr)
    def test_what_is_no_callable_has_no_name(self, obj):
        with pytest.raises(TypeError, match="maybe it is not a callable"):
            util.get_callable_name(obj)

    def test_references_lead_to_their_objects(self):
        assert util.ref_to_obj("collections:OrderedDict.fromkeys") == collections.OrderedDict.fromkeys
        assert util.maybe_ref("os.path:join") is util.ref_to_obj("os:path.join")
        assert util.maybe_ref(5) == 5

    @pytest.mark.parametrize(
        ("ref", "error"),
        [
            (5, TypeError),
            ("os", ValueError),
            ("", ValueError),
            (":x", ValueError),
            ("nope_:x", LookupError),
            ("os:", LookupError),
            ("os:nope", LookupError),
            ("os:path.nope", LookupError),
        ],
    )
    def test_references_that_lead_nowhere_are_refused(self, ref, error):
        with pytest.raises(error):
            util.ref_to_obj(ref)

    def test_coroutine_functions_are_known_through_partials(self):
        assert util.iscoroutinefunction_partial(functools.partial(functools.partial(coroutine)))
        assert not util.iscoroutinefunction_partial(functools.partial(function))


def plain(a, b=1):
    pass


def keyword_only(a, *, k, o=1):
    pass


def positional_only(a, /, b):
    pass


def positional_and_any(a, /, **kwargs):
    pass


def anything(*args, **kwargs):
    pass


class TestArguments:
    @pytest.mark.parametrize(
        ("func", "args", "kwargs"),
        [
            (plain, (1,), {}),
            (plain, (1, 2), {}),
            (plain, (1,), {"b": 2}),
            (plain, (), {"a": 1}),
            (keyword_only, (1,), {"k": 2}),
            (positional_only, (1,), {"b": 2}),
            (positional_and_any, (1,), {"a": 2}),
            (anything, (1, 2, 3), {"z": 1}),
            (functools.partial(plain, 1), (2,), {}),
            (Outer().method, (), {}),
            (max, (1, 2, 3), {"nobody": "knows"}),
        ],
    )
    def test_arguments_that_fit_are_accepted(self, func, args, kwargs):
        util.check_callable_args(func, args, kwargs)

    @pytest.mark.parametrize(
        ("func", "args", "kwargs", "problem"),
        [
            (plain, (), {}, "have not been supplied: a"),
            (plain, (1,), {"a": 1}, "supplied in both args and kwargs: a"),
            (plain, (1, 2, 3), {}, r"longer than .* \(allowed: 2, given in args: 3\)"),
            (plain, (1,), {"y": 1, "z": 2}, "does not accept the following keyword arguments: y, z"),
            (keyword_only, (1,), {}, "keyword-only arguments have not been supplied in kwargs: k"),
            (positional_only, (), {"a": 1, "b": 1}, "cannot be given as keyword arguments: a"),
            (positional_only, (1,), {}, "have not been supplied: b"),
            (functools.partial(plain, 1), (), {"a": 1}, "does not accept the following keyword arguments: a"),
        ],
    )
    def test_the_first_problem_is_said(self, func, args, kwargs, problem):
        with pytest.raises(ValueError, match=problem):
            util.check_callable_args(func, args, kwargs)

    def test_what_is_no_callable_is_a_type_error(self):
        with pytest.raises(TypeError, match="not a callable"):
            util.check_callable_args(5, (), {})


def test_undefined_is_false_and_says_what_it_is():
    assert not util.undefined
    assert repr(util.undefined) == "<undefined>"
