"""`apscheduler pause`, `resume`, `remove` and `trigger`."""

from __future__ import annotations

import time

import pytest
from _cli_tools import wait_until

from apscheduler._core.claims import RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore


@pytest.fixture
def rows(store):
    opened = SQLAlchemyJobStore(url=store)
    yield opened
    opened.shutdown()


def test_a_paused_job_has_no_next_run_time(cli, store, rows):
    assert cli("pause", "nightly", "--store", store).stdout == "nightly: paused\n"
    assert rows.read_job("nightly").next_run_time is None


def test_a_job_whose_code_is_not_here_can_be_paused_and_removed(cli, store, rows):
    assert cli("pause", "gone", "--store", store).exit_code == 0
    assert rows.read_job("gone").next_run_time is None
    assert cli("remove", "gone", "--store", store).stdout == "gone: removed\n"
    assert rows.read_job("gone") is None


def test_a_resumed_job_runs_at_its_first_fire_time_from_now_on(cli, store, rows):
    assert "paused: resumed, next run" in cli("resume", "paused", "--store", store).stdout
    assert 0 < rows.read_job("paused").next_run_time - time.time() <= 90


def test_a_job_that_is_not_paused_is_left_alone(cli, store, rows):
    before = rows.read_job("nightly")
    assert cli("resume", "nightly", "--store", store).stdout == "nightly: it is not paused\n"
    assert rows.read_job("nightly") == before


def test_a_job_without_fire_times_stays_paused(cli, scheduler, tasks):
    scheduler.add_job(tasks.tick, "cron", year=2001, id="old", next_run_time=None)
    scheduler.start(paused=True)
    scheduler.shutdown()
    result = cli("resume", "old", "--store", "sqlite:///jobs.sqlite")
    assert result.exit_code == 1
    assert "no fire time left" in result.stderr


def test_several_jobs_are_changed_at_once(cli, store, rows):
    cli("remove", "nightly", "paused", "--store", store)
    assert [row.job_id for row in rows.read_jobs()] == ["gone"]


def test_a_triggered_job_stays_due_where_no_scheduler_runs(cli, store, rows):
    result = cli("trigger", "nightly", "--store", store)
    assert result.exit_code == 0
    assert "no scheduler is running" in result.stderr
    assert abs(rows.read_job("nightly").next_run_time - time.time()) < 5
    assert rows.read_nodes() == []


def test_a_triggered_job_is_run_by_the_scheduler_that_runs(cli, store, rows, scheduler):
    """The scheduler is alone and knows of nothing that is due for centuries, so it would not look by itself."""
    scheduler.start()
    result = cli("trigger", "nightly", "--store", store)
    assert "nightly: due now" in result.stdout
    wait_until(lambda: any(run.status == "succeeded" for run in rows.read_runs(RunQuery("nightly"))))
    assert len(rows.read_nodes()) == 1


def test_without_waiting_the_job_is_due_at_once(cli, store, rows, scheduler):
    scheduler.start(paused=True)
    assert cli("trigger", "nightly", "--store", store, "--no-wait").exit_code == 0
    assert rows.read_job("nightly").next_run_time <= time.time()


@pytest.mark.parametrize("command", ["pause", "resume", "remove", "trigger"])
def test_an_unknown_job_is_refused_and_nothing_is_changed(refused, store, rows, command):
    before = rows.read_jobs()
    line = refused(command, "nightly", "nobody", "--store", store)
    assert "JOB_ID 'nobody'" in line
    assert rows.read_jobs() == before


def test_a_job_whose_code_is_not_here_cannot_be_resumed(refused, cli, store):
    cli("pause", "gone", "--store", store)
    assert "cannot be read here" in refused("resume", "gone", "--store", store)


@pytest.mark.parametrize("command", ["pause", "resume", "remove", "trigger"])
def test_a_job_id_is_needed(refused, store, command):
    assert "JOB_ID" in refused(command, "--store", store)
