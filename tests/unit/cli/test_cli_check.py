"""`apscheduler check`."""

from __future__ import annotations

import json

import pytest

APP = """
from apscheduler.schedulers.background import BackgroundScheduler
scheduler = BackgroundScheduler(jobstores={"default": {"type": "sqlalchemy", "url": "sqlite:///app.sqlite"}})
"""


@pytest.fixture
def app(folder):
    def write(*lines: str) -> None:
        (folder / "app.py").write_text(APP + "\n".join(lines) + "\n")

    return write


def test_jobs_that_do_not_resolve_are_listed_with_the_reason(cli, store):
    result = cli("check", "--store", store)
    assert result.exit_code == 1
    assert "gone" in result.stdout
    assert "cli_tasks" in result.stdout
    assert "nightly" not in result.stdout
    assert result.stdout.endswith("3 jobs, 1 of which does not resolve.\n")


def test_when_all_resolve_the_status_is_0(cli, store):
    cli("remove", "gone", "--store", store)
    result = cli("check", "--store", store)
    assert (result.exit_code, result.stdout) == (0, "2 jobs, all resolve.\n")


def test_check_as_json(cli, store):
    result = cli("check", "--store", store, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (found["ok"], found["jobs"], found["unresolved"][0]["id"]) == (False, 3, "gone")


def test_a_function_that_takes_other_arguments_by_now_does_not_resolve(cli, scheduler, tasks, store):
    tasks.tick.__code__ = (lambda needed: needed).__code__
    result = cli("check", "--store", store)
    assert "does not take its arguments" in result.stdout


def test_the_stores_of_a_target_are_checked_without_creating_anything(cli, app, folder):
    app("scheduler.add_job('cli_tasks:tick', 'interval', hours=1, id='pending')")
    result = cli("check", "app.py")
    assert (result.exit_code, result.stdout) == (0, "1 job, all resolve.\n")
    assert not (folder / "app.sqlite").exists()


def test_a_pending_job_that_cannot_be_stored_does_not_resolve(cli, app):
    app(
        "scheduler.add_job(lambda: None, 'interval', hours=1, id='a lambda', jobstore='late')",
        "scheduler.add_jobstore('sqlalchemy', 'late', url='sqlite:///late.sqlite')",
    )
    result = cli("check", "app.py")
    assert result.exit_code == 1
    assert "a lambda" in result.stdout


def test_an_executor_that_the_scheduler_lacks_is_found(cli, app):
    app("scheduler.add_job('cli_tasks:tick', 'interval', hours=1, id='j', executor='gpu')")
    result = cli("check", "app.py")
    assert result.exit_code == 1
    assert "no executor 'gpu'" in result.stdout


def test_a_target_or_a_store_is_needed(refused, store):
    assert "check needs either" in refused("check")
    assert "check needs either" in refused("check", "app.py", "--store", store)


def test_bad_input_is_refused(refused, store):
    assert "no module" in refused("check", "nowhere:x")
    assert "--table 'x'" in refused("check", "--store", store, "--table", "x")
