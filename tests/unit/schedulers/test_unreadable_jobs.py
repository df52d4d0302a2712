"""Stored jobs that cannot be rebuilt here: kept, shown, set aside, and back by themselves."""

from __future__ import annotations

import io
import sys
import types
from collections.abc import Iterator

import pytest

from apscheduler.errors import JobLookupError, JobUnreadableError
from apscheduler.events import EVENT_JOB_SET_ASIDE
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.manual import ManualScheduler

RAN: list[str] = []


def report(what: str) -> None:
    RAN.append(what)


@pytest.fixture
def module(monkeypatch) -> types.ModuleType:
    """Return a module that tests may take functions away from."""
    module = types.ModuleType("reports_of_the_user")

    def old_name(what: str) -> None:
        RAN.append(what)

    old_name.__module__, old_name.__qualname__ = module.__name__, "old_name"
    module.old_name = old_name
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def url(tmp_path) -> str:
    RAN.clear()
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
def open_scheduler(url) -> Iterator:
    opened = []

    def opener(**options) -> ManualScheduler:
        scheduler = ManualScheduler(jobstores={"default": SQLAlchemyJobStore(url)}, **options)
        scheduler.start()
        scheduler.turn()
        opened.append(scheduler)
        return scheduler

    yield opener
    for scheduler in opened:
        if scheduler.running:
            scheduler.shutdown()


@pytest.fixture
def renamed(open_scheduler, module):
    """Return a scheduler whose stored job "j" names a function that is gone; it is due in ten seconds."""
    scheduler = open_scheduler()
    scheduler.add_job(
        module.old_name, "interval", seconds=10, args=["r"], id="j", name="report", misfire_grace_time=None
    )
    scheduler.shutdown()
    module.new_name = module.old_name
    del module.old_name
    return open_scheduler


def test_it_is_listed_with_all_that_can_be_told_of_it(renamed):
    scheduler = renamed()
    [job] = scheduler.get_jobs()
    assert (job.id, job.name, job.args, job.func_ref) == (
        "j",
        "report",
        ("r",),
        "reports_of_the_user:old_name",
    )
    assert str(job.trigger) == "interval[0:00:10]"
    assert "old_name" in job.unreadable_reason
    out = io.StringIO()
    scheduler.print_jobs(out=out)
    assert "set aside: LookupError" in out.getvalue()


def test_it_is_set_aside_when_it_is_due_and_said_once(renamed, caplog):
    scheduler = renamed()
    scheduler.pass_time(10, steps=20)
    assert scheduler.recorder.codes.count(EVENT_JOB_SET_ASIDE) == 1
    assert caplog.text.count("is set aside") == 1
    assert [run.status for run in scheduler.get_runs("j")] == ["set_aside"]
    assert list(scheduler.health().stores["default"].set_aside) == ["j"]


def test_it_comes_back_by_itself_when_its_function_is_back(renamed, module):
    scheduler = renamed()
    scheduler.pass_time(10)
    module.old_name = module.new_name
    scheduler.pass_time(10)
    assert RAN == ["r"]
    assert scheduler.health().stores["default"].set_aside == {}


def test_a_table_of_renames_brings_it_back(renamed):
    scheduler = renamed(renames={"reports_of_the_user:old_name": "reports_of_the_user:new_name"})
    assert scheduler.get_job("j").unreadable_reason is None
    scheduler.pass_time(10)
    assert RAN == ["r"]


def test_only_remove_job_deletes_it(renamed):
    scheduler = renamed()
    scheduler.pass_time(3600, steps=3)
    scheduler.get_jobs()
    scheduler.remove_job("j")
    assert scheduler.get_jobs() == []
    with pytest.raises(JobLookupError):
        scheduler.remove_job("j")


def test_it_can_be_paused_and_resumed_without_being_rewritten(renamed):
    scheduler = renamed()
    store = scheduler._engine.registry.store("default").store
    before = store.read_job("j").definition
    assert scheduler.pause_job("j").next_run_time is None
    assert scheduler.resume_job("j").next_run_time is not None
    assert store.read_job("j").definition == before


def test_it_cannot_be_changed_or_exported_here(renamed):
    scheduler = renamed()
    with pytest.raises(JobUnreadableError, match="can only be paused"):
        scheduler.modify_job("j", name="other")
    with pytest.raises(JobUnreadableError, match="cannot be exported"):
        scheduler.export_jobs(io.StringIO())


def test_damaged_bytes_are_kept_and_listed(open_scheduler):
    scheduler = open_scheduler()
    scheduler.add_job(report, "interval", seconds=10, args=["r"], id="j")
    store = scheduler._engine.registry.store("default").store
    row = store.read_job("j")
    assert store.replace_job(row._replace(definition=b"\x80damaged"))
    job = scheduler.get_job("j")
    assert job.unreadable_reason
    assert (str(job.trigger), job.name) == ("unknown", "j")
    scheduler.pass_time(10, steps=3)
    assert store.read_job("j").definition == b"\x80damaged"


@pytest.mark.parametrize("renames", [{"a": "b:c"}, {"a:b": 5}, ["a:b"]])
def test_a_table_of_renames_that_is_none_is_refused(renames):
    with pytest.raises((ValueError, TypeError), match="renames"):
        ManualScheduler(renames=renames)
