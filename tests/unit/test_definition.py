"""When two jobs are defined alike, for `replace_existing="if_changed"`."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from job_parts import Thing, job, plain, two

from apscheduler._definition import same_definition
from apscheduler.job import Job
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

START = datetime(2030, 1, 1, tzinfo=UTC)


def stored(one):
    """Return what a persistent store makes of a job."""
    copy = Job.__new__(Job)
    copy.__setstate__(pickle.loads(pickle.dumps(one.__getstate__())))
    return copy


class Array:
    """Compares like an array: to no single truth value."""

    def __init__(self, *values):
        self.values = values

    def __eq__(self, other):
        raise ValueError("the truth value is ambiguous")

    __hash__ = None


ALIKE = [
    {},
    {"args": [1, [2, {"a": (3,)}]], "kwargs": {"d": START}},
    {"func": Thing("t").method},
    {"func": partial(plain, 1, a=2)},
    {"func": Thing("t")},
    {"args": [Array(1, 2)]},
    {"args": [float("nan")]},
    {"trigger": IntervalTrigger(hours=1, start_date=START)},
    {"trigger": CronTrigger(hour="1-5", timezone="Europe/Berlin")},
    {"trigger": CronTrigger(hour="1-5", timezone=UTC, jitter=5)},
    {"trigger": AndTrigger([CronTrigger(hour=5), DateTrigger(START)])},
]


@pytest.mark.parametrize("definition", ALIKE, ids=str)
def test_a_job_that_comes_back_from_a_store_is_defined_as_it_was(definition):
    assert same_definition(stored(job(**definition)), job(**definition))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"func": two, "args": [1]}),
        ({}, {"args": [1]}),
        ({"args": [1]}, {"args": ["1"]}),
        ({"args": [1]}, {"args": [True]}),
        ({"args": [[1]]}, {"args": [(1,)]}),
        ({"args": [1]}, {"args": [1, 1]}),
        ({"kwargs": {"a": 1}}, {"kwargs": {"a": 2}}),
        ({"kwargs": {"a": 1}}, {"kwargs": {"b": 1}}),
        ({"args": [Array(1)]}, {"args": [Array(2)]}),
        ({"func": Thing("t").method}, {"func": Thing("u").method}),
        ({"func": partial(plain, 1)}, {"func": partial(plain, 2)}),
        ({"name": "a"}, {"name": "b"}),
        ({"executor": "a"}, {"executor": "b"}),
        ({"misfire_grace_time": 1}, {"misfire_grace_time": None}),
        ({"coalesce": True}, {"coalesce": False}),
        ({"max_instances": 1}, {"max_instances": 2}),
        ({"trigger": IntervalTrigger(hours=1)}, {"trigger": IntervalTrigger(hours=2)}),
        (
            {"trigger": IntervalTrigger(hours=1, start_date=START)},
            {"trigger": IntervalTrigger(hours=1, start_date="2031-01-01")},
        ),
        ({"trigger": IntervalTrigger(hours=1, jitter=1)}, {"trigger": IntervalTrigger(hours=1, jitter=2)}),
        ({"trigger": IntervalTrigger(hours=1)}, {"trigger": CronTrigger(hour=1)}),
        ({"trigger": CronTrigger(hour=1)}, {"trigger": CronTrigger(hour=2)}),
        (
            {"trigger": CronTrigger(hour=1, timezone="Asia/Tokyo")},
            {"trigger": CronTrigger(hour=1, timezone="Europe/Rome")},
        ),
        ({"trigger": AndTrigger([CronTrigger(hour=5)])}, {"trigger": AndTrigger([CronTrigger(hour=6)])}),
        ({"trigger": AndTrigger([CronTrigger(hour=5)])}, {"trigger": OrTrigger([CronTrigger(hour=5)])}),
        (
            {"trigger": AndTrigger([CronTrigger(hour=5)])},
            {"trigger": AndTrigger([CronTrigger(hour=5), CronTrigger(hour=6)])},
        ),
    ],
    ids=str,
)
def test_each_difference_is_noticed(one, other):
    assert not same_definition(stored(job(**one)), job(**other))
    assert not same_definition(job(**one), job(**other))


def test_the_next_run_time_is_no_part_of_the_definition():
    assert same_definition(job(next_run_time=None), job(next_run_time=START))


def test_a_start_that_the_trigger_chose_by_itself_is_no_part_of_the_definition():
    one = IntervalTrigger(hours=1)
    one.start_date = START
    assert same_definition(stored(job(trigger=one)), job(trigger=IntervalTrigger(hours=1)))
    both = [OrTrigger([one]), OrTrigger([IntervalTrigger(hours=1)])]
    assert same_definition(stored(job(trigger=both[0])), job(trigger=both[1]))


def test_a_date_is_compared_as_an_instant():
    tokyo = datetime(2030, 1, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert same_definition(job(trigger=DateTrigger(START)), job(trigger=DateTrigger(tokyo)))
    assert not same_definition(
        job(trigger=DateTrigger(START)), job(trigger=DateTrigger(START + timedelta(1)))
    )


def test_time_zones_are_compared_by_name():
    one, other = CronTrigger(hour=5, timezone=UTC), CronTrigger(hour=5, timezone="UTC")
    assert same_definition(job(trigger=one), job(trigger=other))


def test_functions_without_a_name_are_compared_as_they_are():
    def inner(): ...

    def other(): ...

    assert same_definition(job(inner), job(inner))
    assert not same_definition(job(inner), job(other))


class Own(BaseTrigger):
    def __init__(self, phase):
        self.phase = phase

    def get_next_fire_time(self, previous_fire_time, now):
        return None


def test_triggers_of_other_packages_are_compared_by_their_state():
    assert same_definition(stored(job(trigger=Own(1))), job(trigger=Own(1)))
    assert not same_definition(stored(job(trigger=Own(1))), job(trigger=Own(2)))
