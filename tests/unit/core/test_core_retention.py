"""How long run records are kept."""

from datetime import timedelta

import pytest

from apscheduler._core.retention import Retention, parse


@pytest.mark.parametrize(
    ("option", "retention"),
    [
        (None, Retention(True, 7 * 86400.0, 1000)),
        (True, Retention(True, 7 * 86400.0, 1000)),
        (False, Retention(False, None, None)),
        ({}, Retention(True, 7 * 86400.0, 1000)),
        ({"max_age": timedelta(days=1)}, Retention(True, 86400.0, 1000)),
        ({"max_age": 60}, Retention(True, 60.0, 1000)),
        ({"max_age": "60"}, Retention(True, 60.0, 1000)),
        ({"max_age": None, "per_job": None}, Retention(True, None, None)),
        ({"per_job": 5}, Retention(True, 7 * 86400.0, 5)),
    ],
)
def test_the_option_is_understood(option, retention):
    assert parse(option) == retention


@pytest.mark.parametrize(
    "option", ["on", 1, [], {"age": 5}, {"max_age": 0}, {"max_age": "week"}, {"per_job": -1}]
)
def test_anything_else_is_refused_with_what_may_be_given(option):
    with pytest.raises(ValueError, match=r"run_log.*(max_age|per_job)"):
        parse(option)
