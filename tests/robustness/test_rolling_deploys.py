"""Two releases of a program on one store: what one of them cannot run is left to the other."""

from __future__ import annotations

import sys
import types

import pytest
from _fault_parts import RAN, beat, events_of, note, statuses, watch

from apscheduler.events import EVENT_JOB_SET_ASIDE
from apscheduler.executors.debug import DebugExecutor

EVERY = 10
OLD, NEW = "release:old_name", "release:new_name"


@pytest.fixture(autouse=True)
def release(monkeypatch, start, open_store) -> types.ModuleType:
    """Have a stored job "j" name a function that only a scheduler with a table of renames finds."""
    module = types.ModuleType("release")
    module.old_name = note
    monkeypatch.setitem(sys.modules, "release", module)
    first = start(open_store())
    first.add_job(OLD, "interval", seconds=EVERY, args=["a"], id="j", misfire_grace_time=None)
    first.shutdown()
    module.new_name = module.old_name
    del module.old_name
    return module


@pytest.fixture(params=["sqlite"])
def open_store(request, tmp_path):
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.testing.faults import FaultyStore

    return lambda: FaultyStore(SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite"))


@pytest.fixture
def lacking(start, open_store):
    return start(open_store())


@pytest.fixture
def able(start, open_store):
    return start(open_store(), renames={OLD: NEW})


def meet(*schedulers) -> None:
    """Have schedulers know of each other."""
    for scheduler in (*schedulers, *schedulers, schedulers[0]):
        beat(scheduler)


def said(scheduler, caplog) -> tuple[int, int, dict[str, str]]:
    """Return how often a scheduler has told, the log has said, and what a probe hears, of a job set aside."""
    log = events_of(caplog.records, "job_set_aside")["job_set_aside"]
    set_aside = dict(scheduler.health().stores["default"].set_aside)
    return scheduler.recorder.codes.count(EVENT_JOB_SET_ASIDE), log, set_aside


def test_who_lacks_the_function_leaves_the_job_to_who_has_it_and_says_nothing(lacking, able, caplog):
    meet(lacking, able)
    for count in range(1, 4):
        lacking.clock.advance(seconds=EVERY - 1)
        lacking.pass_time(1, steps=2)
        able.turn()
        lacking.turn()
        assert RAN == ["a"] * count
        lacking.clock.advance(seconds=-1)
    assert said(lacking, caplog) == (0, 0, {})
    assert statuses(lacking) == ["succeeded"] * 3


def test_it_is_reported_once_where_no_scheduler_that_lives_can_run_it(start, open_store, lacking, caplog):
    other = start(open_store())
    meet(lacking, other)
    lacking.clock.advance(seconds=EVERY)
    for _ in range(2):
        lacking.turn()
        other.turn()
        assert said(lacking, caplog)[:2] == (0, 0)
        assert statuses(lacking) == []
        lacking.clock.advance(seconds=1)
    for _ in range(3):
        lacking.clock.advance(seconds=1)
        lacking.turn()
        other.turn()
    for scheduler in (lacking, other):
        told, _, probed = said(scheduler, caplog)
        assert told == 1
        assert "old_name" in probed["j"]
    assert said(lacking, caplog)[1] == 2
    assert statuses(lacking) == ["set_aside"]  # one record, of whoever came first


def test_who_is_alone_reports_it_at_once(lacking, caplog):
    lacking.pass_time(EVERY)
    assert said(lacking, caplog)[:2] == (1, 1)
    assert statuses(lacking) == ["set_aside"]


def test_it_is_reported_when_the_last_one_that_could_run_it_has_died(lacking, able, caplog):
    meet(lacking, able)
    watch(lacking)
    lacking.turn()
    assert said(lacking, caplog)[:2] == (1, 1)
    able.turn()  # it was only frozen
    lacking.turn()
    assert RAN == ["a"]
    assert said(lacking, caplog)[2] == {}


def test_an_executor_that_only_others_have_is_as_good_a_reason(start, open_store, lacking, able, caplog):
    able.add_executor(DebugExecutor(), "gpu")
    meet(lacking, able)
    lacking.add_job(note, "date", args=["b"], id="b", executor="gpu")
    lacking.turn()
    able.turn()
    assert RAN == ["b"]
    assert said(lacking, caplog) == (0, 0, {})


def test_of_many_jobs_those_that_can_be_run_here_are_not_held_up(lacking, able):
    meet(lacking, able)
    lacking.add_jobs(
        {"func": note, "trigger": "interval", "seconds": EVERY, "args": [n], "id": f"{n}"} for n in range(20)
    )
    lacking.pass_time(EVERY)
    assert sorted(RAN) == list(range(20))
    able.turn()
    assert RAN[-1] == "a"
