"""A database that django-apscheduler 0.7.0 and APScheduler 3.11.3 have filled: migrated, and its jobs run on."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

import _django_databases
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution

FILLED = Path(__file__).parents[1] / "compat" / "django" / "jobs-0.7.0.sqlite"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def upgraded(request, tmp_path, added_database):
    if request.param == "sqlite":
        shutil.copy(FILLED, tmp_path / "jobs.sqlite3")
        alias = added_database(ENGINE="django.db.backends.sqlite3", NAME=str(tmp_path / "jobs.sqlite3"))
    else:
        alias = added_database(**_django_databases.new_database(request.param))
        call_command("migrate", "django_apscheduler", "0009", database=alias, verbosity=0)
        copy_rows(alias)
    call_command("migrate", database=alias, verbosity=0)
    return alias


def copy_rows(alias):
    """Copy what was recorded into the tables of another database, as they were at that time."""
    columns = {
        "django_apscheduler_djangojob": "id, next_run_time, job_state",
        "django_apscheduler_djangojobexecution": "id, job_id, status, run_time, duration, finished, exception, traceback",
    }
    with closing(sqlite3.connect(FILLED)) as recorded, connections[alias].cursor() as cursor:
        for table, names in columns.items():
            rows = recorded.execute(f"SELECT {names} FROM {table}").fetchall()
            places = ", ".join(["%s"] * len(names.split(",")))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)
        if connections[alias].vendor == "postgresql":  # because the ids were given and not drawn
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('django_apscheduler_djangojobexecution', 'id'), 1000)"
            )


def test_jobs_and_executions_keep_what_they_say(upgraded):
    jobs = {job.pk: job for job in DjangoJob.objects.using(upgraded)}
    assert set(jobs) == {"succeeds", "fails", "slow", "date", "interval", "cron", "combined", "paused"}
    due = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    assert (jobs["date"].next_run_time, jobs["date"].next_run_stamp) == (due, due.timestamp())
    assert jobs["paused"].next_run_stamp is None

    runs = list(DjangoJobExecution.objects.using(upgraded).order_by("pk"))
    assert [run.status for run in runs[:6]] == [
        "Executed", "Error!", "Executed", "Max instances!", "Max instances!", "Executed",
    ]  # fmt: skip
    assert "invalid literal for int()" in runs[1].exception
    slow = runs[2]
    assert 2.4 < slow.finished_stamp - slow.started_stamp < 4
    assert slow.run_stamp == slow.run_time.timestamp()


def test_a_run_that_was_under_way_is_interrupted_and_blocks_no_later_one(upgraded):
    [cut_off] = DjangoJobExecution.objects.using(upgraded).filter(status="Interrupted")
    assert (cut_off.job_id, cut_off.reason) == ("succeeds", "it had not ended when the database was upgraded")
    store = DjangoJobStore(using=upgraded)
    assert {row.live for row in store.read_due(1e12, 100).rows} == {0}
    store.shutdown()


def test_its_jobs_run_on(upgraded):
    scheduler = BackgroundScheduler(timezone="Europe/Berlin")
    scheduler.add_jobstore(DjangoJobStore(using=upgraded))
    scheduler.start(paused=True)
    try:
        jobs = {job.id: job for job in scheduler.get_jobs()}
        assert len(jobs) == 8
        assert not any(job.unreadable_reason for job in jobs.values())
        assert str(jobs["cron"].trigger) == "cron[day_of_week='mon-fri', hour='6', minute='30']"
        assert jobs["interval"].kwargs == {"x": "ü"}
        for job_id in ("date", "interval", "cron", "combined"):
            scheduler.modify_job(job_id, next_run_time=datetime.now(UTC), misfire_grace_time=None)
        done = DjangoJobExecution.objects.using(upgraded).filter(
            job_id__in=["date", "interval", "cron", "combined"], status="Executed"
        )
        scheduler.resume()
        wait_for(lambda: done.count() == 4)
    finally:
        scheduler.shutdown()
        connections[upgraded].close()
    assert not DjangoJob.objects.using(upgraded).filter(pk="date").exists(), (
        "it ran once, and was to run once"
    )


def wait_for(true):
    import time

    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
