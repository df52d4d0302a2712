"""The record of one run time, as a program sees it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest

from apscheduler import _results
from apscheduler._core.claims import StoredRun
from apscheduler.runs import run_of

STAMP = datetime(2030, 1, 1, tzinfo=UTC).timestamp()


def test_a_run_has_times_in_utc_and_what_follows_from_them():
    run = run_of(
        StoredRun(
            5,
            "j",
            3,
            STAMP,
            2,
            "succeeded",
            "n",
            None,
            STAMP + 1.5,
            STAMP + 4,
            None,
            None,
            _results.dump([1]),
        )
    )
    assert (run.id, run.job_id, run.status, run.node, run.attempt, run.result) == (
        5,
        "j",
        "succeeded",
        "n",
        2,
        [1],
    )
    assert run.run_time == datetime(2030, 1, 1, tzinfo=UTC)
    assert run.started_at.tzinfo is UTC
    assert (run.lateness, run.duration) == (timedelta(seconds=1.5), timedelta(seconds=2.5))


def test_a_run_that_never_started_has_no_lateness_and_no_duration():
    run = run_of(StoredRun(5, "j", 3, STAMP, 1, "missed", "n", "late", None, STAMP + 4))
    assert (run.lateness, run.duration, run.started_at, run.reason) == (None, None, None, "late")
    assert run.finished_at == datetime(2030, 1, 1, 0, 0, 4, tzinfo=UTC)


def test_a_run_that_goes_on_has_no_duration():
    run = run_of(StoredRun(5, "j", 3, STAMP, 1, "running", "n", None, STAMP + 1))
    assert (run.lateness, run.duration) == (timedelta(seconds=1), None)


def test_a_run_is_a_value():
    stored = StoredRun(5, "j", 3, STAMP, 1, "running", "n")
    assert run_of(stored) == run_of(stored)
    with pytest.raises(FrozenInstanceError):
        run_of(stored).status = "failed"
