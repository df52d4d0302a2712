"""The job itself: a value with checks, and its stored form."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from job_parts import WHEN, Thing, job, plain, two

from apscheduler.job import Job
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger


def rebuilt(state):
    copy = Job.__new__(Job)
    copy.__setstate__(state)
    return copy


def test_a_job_shows_itself_as_in_3x():
    assert repr(job(name="N")) == "<Job (id=j name=N)>"
    assert (
        str(job(name="N"))
        == "N (trigger: date[2030-01-01 00:00:00 UTC], next run at: 2030-01-01 00:00:00 UTC)"
    )
    assert str(job(name="N", next_run_time=None)) == "N (trigger: date[2030-01-01 00:00:00 UTC], paused)"
    pending = job(name="N")
    del pending.next_run_time
    assert str(pending) == "N (trigger: date[2030-01-01 00:00:00 UTC], pending)"


def test_jobs_are_equal_by_their_ids_and_have_no_hash_as_in_3x():
    assert job(id="a") == job(two, id="a", args=[1])
    assert job(id="a") != job(id="b")
    assert job(id="a") != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(job())


def test_a_job_made_without_an_id_has_one():
    assert len(job(id=None).id) == 32


def test_a_job_takes_no_attribute_that_it_does_not_know():
    with pytest.raises(AttributeError):
        job().nonsense = 1
    with pytest.raises(AttributeError, match="not modifiable attributes of Job: nonsense"):
        job(nonsense=1)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("id", "other", ValueError),
        ("name", 5, TypeError),
        ("name", "", TypeError),
        ("func", 5, TypeError),
        ("func", "nocolon", ValueError),
        ("args", 5, TypeError),
        ("args", "text", TypeError),
        ("kwargs", 5, TypeError),
        ("kwargs", [1], TypeError),
        ("trigger", "cron", TypeError),
        ("executor", None, TypeError),
        ("misfire_grace_time", 0, TypeError),
        ("misfire_grace_time", 1.5, TypeError),
        ("max_instances", 0, TypeError),
        ("max_instances", None, TypeError),
        ("next_run_time", 5, TypeError),
        ("next_run_time", "soon", ValueError),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_changed(name, value, error):
    one = job()
    before = one.__getstate__()
    with pytest.raises(error):
        one._modify(**{"coalesce": False, name: value})
    assert one.__getstate__() == before


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (None, None),
        (WHEN, WHEN),
        (datetime(2030, 1, 1), WHEN),
        (date(2030, 1, 1), WHEN),
        ("2030-01-01", WHEN),
        ("2030-01-01T00:00:00+00:00", WHEN),
    ],
)
def test_the_next_run_time_is_read_in_the_time_zone_of_the_scheduler(value, time):
    assert job(next_run_time=value).next_run_time == time


def test_keyword_arguments_are_a_dict_of_the_jobs_own():
    given = {"a": 1}
    one = job(kwargs=given)
    given["a"] = 2
    assert one.kwargs == {"a": 1}
    assert job().kwargs == {}


def test_new_arguments_have_to_fit_the_function_and_a_new_function_the_arguments():
    one = job(two, args=[1])
    with pytest.raises(ValueError, match="three|longer"):
        one._modify(args=[1, 2, 3])
    with pytest.raises(ValueError, match="have not been supplied"):
        one._modify(args=[])
    with pytest.raises(ValueError, match="longer"):
        job(args=[1, 2, 3])._modify(func=two)
    one._modify(func=plain, args=[])
    assert (one.func, one.func_ref, one.args) == (plain, "job_parts:plain", ())


def test_new_arguments_of_a_bound_method_leave_it_bound():
    one = job(Thing("t").method, args=[1])
    one._modify(args=[2])
    assert one.func(*one.args) == ("t", 2)


def test_a_modified_function_given_by_name_keeps_that_name():
    one = job(func="job_parts:Thing.static")
    assert one.func_ref == "job_parts:Thing.static"
    one._modify(args=[1])
    assert one.func_ref == "job_parts:Thing.static"


# -- the stored form ------------------------------------------------------------------------------------------------------


def test_the_stored_form_is_version_1_with_the_keys_of_3x():
    state = job(
        args=[1], kwargs={"a": 2}, name="N", misfire_grace_time=None, coalesce=False, max_instances=3
    ).__getstate__()
    trigger = state.pop("trigger")
    assert type(trigger) is DateTrigger
    assert state == {
        "version": 1,
        "id": "j",
        "func": "job_parts:plain",
        "executor": "default",
        "args": (1,),
        "kwargs": {"a": 2},
        "name": "N",
        "misfire_grace_time": None,
        "coalesce": False,
        "max_instances": 3,
        "next_run_time": WHEN,
    }


@pytest.mark.parametrize(
    "func",
    [
        plain,
        Thing("t").method,
        Thing.of_class,
        Thing.static,
        Thing("t"),
        partial(plain, 1),
        "job_parts:plain",
    ],
)
def test_a_job_comes_back_from_its_stored_form_and_is_stored_the_same_again(func):
    one = job(func)
    state = pickle.loads(pickle.dumps(one.__getstate__()))
    copy = rebuilt(state)
    again = copy.__getstate__()
    for each in (state, again):
        each["trigger"] = str(each["trigger"])
    assert again == state
    assert copy.func(*copy.args, **copy.kwargs) == one.func(*one.args, **one.kwargs)


def test_a_lambda_has_no_stored_form():
    with pytest.raises(ValueError, match=r"cannot be serialized.*lambda.*textual reference"):
        job(lambda: None).__getstate__()


def test_a_form_of_a_newer_version_is_refused():
    with pytest.raises(ValueError, match="version 2, but only version 1"):
        rebuilt({**job().__getstate__(), "version": 2})


def test_keys_that_a_newer_release_has_added_are_read_past():
    assert rebuilt({**job().__getstate__(), "calendar": "x"}).id == "j"


def test_a_form_whose_function_is_gone_is_refused():
    with pytest.raises(LookupError, match="job_parts:gone"):
        rebuilt({**job().__getstate__(), "func": "job_parts:gone"})


def test_a_job_itself_can_be_pickled():
    """As stores of 3.x do."""
    copy = pickle.loads(pickle.dumps(job(name="N")))
    assert (copy.id, copy.name, copy.next_run_time) == ("j", "N", WHEN)


def test_a_copy_is_another_handle_of_the_same_job():
    one = job(kwargs={"a": 1})
    copy = one._copy()
    copy._modify(name="other", kwargs={"a": 2})
    assert (one.name, one.kwargs) == ("plain", {"a": 1})
    assert copy == one


# -- run times ------------------------------------------------------------------------------------------------------------


def test_the_run_times_that_have_come_are_told_as_in_3x():
    one = job(trigger=IntervalTrigger(seconds=10, start_date=WHEN), next_run_time=WHEN)
    assert one._get_run_times(WHEN + timedelta(seconds=25)) == [
        WHEN + timedelta(seconds=s) for s in (0, 10, 20)
    ]
    assert one._get_run_times(WHEN - timedelta(seconds=1)) == []


def test_a_job_takes_any_trigger():
    class Own(BaseTrigger):
        def get_next_fire_time(self, previous_fire_time, now):
            return None

    assert job(trigger=Own(), next_run_time=WHEN)._get_run_times(WHEN) == [WHEN]


def test_times_are_kept_in_their_own_zone():
    assert job(next_run_time=datetime(2030, 1, 1, tzinfo=UTC)).next_run_time.tzinfo is UTC
