"""The JSON format of exported jobs."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from job_parts import Thing, job, plain

from apscheduler import _transfer
from apscheduler.errors import JobUnreadableError
from apscheduler.triggers.combining import AndTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

OF_3X = Path(__file__).parents[1] / "compat" / "exported-by-3.11.3.json"


def through_a_file(*jobs):
    file = io.StringIO()
    _transfer.write([one.__getstate__() for one in jobs], file)
    return json.loads(file.getvalue()), _transfer.read(io.StringIO(file.getvalue()))


def test_the_file_says_which_release_wrote_it():
    document, states = through_a_file()
    assert document == {"version": 1, "scheduler_version": "3.20.0", "jobs": []}
    assert states == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        1.5,
        "text",
        [1, [2]],
        {"a": {"b": [1]}},
        (1, (2, 3)),
        {1: 2},
        b"bytes",
        {1, 2},
        timedelta(1),
        Thing("t"),
    ],
    ids=repr,
)
def test_arguments_come_back_as_they_were(value):
    _, [state] = through_a_file(job(args=[value], kwargs={"k": value}))
    assert state["args"] == (value,)
    assert state["kwargs"] == {"k": value}
    assert type(state["args"][0]) is type(value)


def test_plain_values_can_be_read_by_people():
    document, _ = through_a_file(
        job(args=["a", 1, [2]], kwargs={"k": None}, name="N", misfire_grace_time=None)
    )
    [written] = document["jobs"]
    assert (written["args"], written["kwargs"], written["name"], written["misfire_grace_time"]) == (
        ["a", 1, [2]],
        {"k": None},
        "N",
        None,
    )
    assert (written["func"], written["id"], written["version"]) == ("job_parts:plain", "j", 1)


@pytest.mark.parametrize(
    "trigger",
    [
        IntervalTrigger(hours=1, start_date="2030-01-01", timezone="Europe/Berlin", jitter=4),
        CronTrigger(day_of_week="mon-fri", hour="*/2", timezone="Asia/Tokyo"),
        AndTrigger(
            [
                CronTrigger(hour=5, timezone=UTC),
                IntervalTrigger(minutes=5, start_date="2030-01-01", timezone=UTC),
            ]
        ),
    ],
    ids=str,
)
def test_triggers_come_back_as_they_were(trigger):
    document, [state] = through_a_file(job(trigger=trigger))
    assert document["jobs"][0]["trigger"]["__apscheduler_class__"].endswith(type(trigger).__name__)
    assert str(state["trigger"]) == str(trigger)
    now = datetime(2030, 6, 1, tzinfo=UTC)
    if not getattr(trigger, "jitter", None):
        assert state["trigger"].get_next_fire_time(None, now) == trigger.get_next_fire_time(None, now)


def test_files_are_given_by_path_or_open(tmp_path):
    path = tmp_path / "jobs.json"
    _transfer.write([job(plain).__getstate__()], str(path))
    assert [state["id"] for state in _transfer.read(str(path))] == ["j"]
    with path.open() as file:
        assert [state["id"] for state in _transfer.read(file)] == ["j"]


def test_a_file_of_3x_is_read():
    states = _transfer.read(str(OF_3X))
    assert {state["id"] for state in states} == {"interval", "cron", "date", "paused", "and", "calendar"}
    assert all(isinstance(state["args"], tuple) for state in states)


def test_what_is_missing_here_is_named_with_its_job():
    document, _ = through_a_file(job())
    document["jobs"][0]["trigger"]["__apscheduler_class__"] = "lunar:MoonTrigger"
    with pytest.raises(JobUnreadableError, match=r"'j'.*lunar"):
        _transfer.read(io.StringIO(json.dumps(document)))
