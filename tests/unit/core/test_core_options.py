"""Scheduler options: dotted texts into nested dicts, and the nearest known name."""

import pytest

from apscheduler._core.options import gather, unknown


@pytest.mark.parametrize(
    ("gconfig", "options", "gathered"),
    [
        ({}, {}, {}),
        ({"p.a": 1, "b": 2}, {}, {"a": 1}),
        ({"p.a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
        ({"p.a.b.c": 1, "p.a.b.d": 2}, {}, {"a": {"b": {"c": 1, "d": 2}}}),
        ({"p.a": {"b": {"c": 1}}, "p.a.b.d": 2}, {}, {"a": {"b": {"c": 1, "d": 2}}}),
        ({"p.a.b": 1, "p.a": {"c": 2}}, {}, {"a": {"b": 1, "c": 2}}),
        ({"p.a": 5, "p.a.b": 1}, {}, {"a": {"b": 1}}),
        ({"p.a": {"b": 1}}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_options_are_gathered_into_one_nested_dict(gconfig, options, gathered):
    assert gather(gconfig, "p.", options) == gathered


def test_without_a_prefix_every_key_counts():
    assert gather({"a.b": 1}, None, {}) == gather({"a.b": 1}, "", {}) == {"a": {"b": 1}}


def test_what_is_given_is_left_as_it_is():
    inner = {"b": {"c": 1}}
    gather({"p.a": inner, "p.a.b.d": 2, "p.a.e": 3}, "p.", {})
    assert inner == {"b": {"c": 1}}


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("time_zone", "timezone"),
        ("TimeZone", "timezone"),
        ("executer", "executors"),
        ("jobstore", "jobstores"),
        ("xyz", None),
    ],
)
def test_the_nearest_known_name_of_an_unknown_one_is_found(given, near):
    assert unknown([given, "timezone"], ["timezone", "executors", "jobstores", "job_defaults"]) == {
        given: near
    }
