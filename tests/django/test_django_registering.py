"""`@register_job`, executions of jobs in memory, and the small helpers that projects import."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import django_jobs
import pytest
from django.db import connections
from django.test import override_settings
from django.utils import formats, translation

from apscheduler.errors import ConflictingIdError
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler import _registering, util
from django_apscheduler.jobstores import DjangoJobStore, DjangoMemoryJobStore, register_events, register_job
from django_apscheduler.models import DjangoJob, DjangoJobExecution


@pytest.fixture
def alias(emptied):
    """Return the alias of a database that is the default one as well."""
    alias = emptied("sqlite")
    settings = connections.settings["default"]
    before = settings["NAME"]
    connections["default"].close()
    settings["NAME"] = connections.settings[alias]["NAME"]
    yield alias
    connections["default"].close()
    settings["NAME"] = before


@pytest.fixture
def open_scheduler(alias):
    made = []

    def open_one(store=None, paused=True):
        made.append(BackgroundScheduler())
        made[-1].add_jobstore(DjangoJobStore() if store is None else store)
        made[-1].start(paused=paused)
        return made[-1]

    yield open_one
    for scheduler in made:
        if scheduler.running:
            scheduler.shutdown()
    _registering.declared.clear()


def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def statuses(job_id):
    rows = DjangoJobExecution.objects.filter(job_id=job_id).order_by("run_stamp")
    return list(rows.values_list("status", flat=True))


# -- register_job -------------------------------------------------------------------------------------------------


def test_a_registered_function_is_a_job_named_after_it_and_stays_itself(open_scheduler):
    scheduler = open_scheduler()
    assert register_job(scheduler, "interval", hours=1)(django_jobs.note) is django_jobs.note
    assert [job.id for job in scheduler.get_jobs()] == ["django_jobs.note"]
    register_events(scheduler)


@pytest.mark.parametrize("options", [{}, {"replace_existing": True}])
def test_registering_it_again_changes_nothing_of_a_job_that_is_the_same(open_scheduler, options):
    register_job(open_scheduler(), "interval", hours=1, id="j", **options)(django_jobs.note)
    open_scheduler().pause_job("j")
    before = DjangoJob.objects.get(pk="j")
    register_job(open_scheduler(), "interval", hours=1, id="j", **options)(django_jobs.note)
    assert DjangoJob.objects.get(pk="j").revision == before.revision
    register_job(open_scheduler(), "interval", hours=2, id="j", **options)(django_jobs.note)
    assert DjangoJob.objects.get(pk="j").next_run_time > datetime.now(UTC) + timedelta(minutes=100)


def test_an_id_that_is_taken_is_an_error_where_that_is_asked_for(open_scheduler):
    register_job(open_scheduler(), "interval", hours=1, id="j")(django_jobs.note)
    with pytest.raises(ConflictingIdError):
        register_job(open_scheduler(), "interval", hours=1, id="j", replace_existing=False)(django_jobs.note)


def test_jobs_that_are_declared_for_no_scheduler_are_added_to_the_one_that_asks(open_scheduler):
    running, never_started = open_scheduler(), BackgroundScheduler()
    register_job("interval", hours=1, id="for nobody")(django_jobs.note)
    register_job(never_started, "interval", hours=1, id="for one that is not started")(django_jobs.note)
    register_job(running, "interval", hours=1, id="for one that runs")(django_jobs.note)
    other = BackgroundScheduler()
    other.add_jobstore(DjangoJobStore())
    assert _registering.add_declared(other) == 2
    assert {job.id for job in other.get_jobs()} == {"for nobody", "for one that is not started"}


# -- executions ---------------------------------------------------------------------------------------------------


def test_jobs_in_memory_leave_executions_in_the_database(open_scheduler):
    scheduler = open_scheduler(DjangoMemoryJobStore(), paused=False)
    scheduler.add_job(django_jobs.note, id="good", misfire_grace_time=None)
    scheduler.add_job(django_jobs.fail, id="bad", misfire_grace_time=None)
    until(lambda: statuses("good") == ["Executed"] and statuses("bad") == ["Error!"])
    bad = DjangoJobExecution.objects.get(job_id="bad")
    assert bad.exception == "ValueError: no luck"
    assert "django_jobs.py" in bad.traceback
    assert DjangoJob.objects.count() == 0


def test_every_run_time_of_a_stored_job_leaves_an_execution_with_the_status_that_projects_query(
    open_scheduler,
):
    scheduler = open_scheduler()
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    options = {"next_run_time": long_ago, "hours": 2}
    scheduler.add_job(django_jobs.note, "interval", id="late", misfire_grace_time=1, **options)
    scheduler.add_job(django_jobs.note, "interval", id="good", misfire_grace_time=None, **options)
    scheduler.add_job(django_jobs.fail, "interval", id="bad", misfire_grace_time=None, **options)
    scheduler.add_job(time.sleep, "interval", args=[1.0], id="slow", seconds=0.3, misfire_grace_time=None)
    scheduler.resume()
    until(
        lambda: [statuses(name) for name in ("late", "good", "bad")]
        == [["Missed!"], ["Executed"], ["Error!"]]
    )
    until(lambda: "Max instances!" in statuses("slow") and "Executed" in statuses("slow"))
    row = DjangoJobExecution.objects.get(job_id="good")
    assert (
        row.run_time == row.job.next_run_time - timedelta(hours=2)
        or row.run_time.timestamp() == row.run_stamp
    )
    assert row.finished is not None
    assert row.duration is not None


def test_old_executions_are_removed_but_none_that_is_under_way(alias):
    now = datetime.now(UTC)
    for job_id, age, status in (
        ("old", 100, "Executed"),
        ("new", 1, "Executed"),
        ("running", 100, "Started execution"),
    ):
        DjangoJobExecution.objects.create(job_id=job_id, status=status, run_time=now - timedelta(seconds=age))
    DjangoJobExecution.objects.delete_old_job_executions(max_age=50)
    assert set(DjangoJobExecution.objects.values_list("job_id", flat=True)) == {"new", "running"}


# -- helpers ------------------------------------------------------------------------------------------------------


def test_times_go_between_django_and_a_scheduler():
    time = datetime(2030, 1, 1, 12, tzinfo=UTC)
    scheduler = BackgroundScheduler(timezone="Asia/Tokyo")
    assert util.get_django_internal_datetime(time) == time
    assert str(util.get_apscheduler_datetime(time, scheduler)) == "2030-01-01 21:00:00+09:00"
    with override_settings(USE_TZ=False):
        naive = util.get_django_internal_datetime(time)
        assert naive == datetime(2030, 1, 1, 13), "Berlin, the zone of the project"
        assert util.get_apscheduler_datetime(naive, scheduler) == time


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "Jan. 2, 2030, 4:00:30 a.m."),
        ("zh-hans", "2030年1月2日 04:00:30"),
        ("de", "2. Januar 2030 04:00:30"),
    ],
)
def test_times_are_shown_with_their_seconds_in_every_language(language, shown):
    with translation.override(language):
        time = datetime(2030, 1, 2, 4, 0, 30)
        assert formats.date_format(time, util.get_local_dt_format(time)) == shown


def test_a_function_may_have_its_connections_looked_after_by_hand(alias):
    @util.close_old_connections
    def count(what):
        """Count."""
        return what.objects.count()

    assert count(DjangoJob) == 0
    assert count.__doc__ == "Count."
    assert util.retry_on_db_operational_error(count)(DjangoJob) == 0
