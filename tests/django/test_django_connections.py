"""Connections are looked after: none that died is ever met, and what a program does in a transaction is its own."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

import django_jobs
import pytest
from django.db import connections, transaction

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution

OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def alias(request, emptied):
    return emptied(request.param)


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request, emptied):
    return emptied(request.param)


@pytest.fixture
def scheduler(request):
    made = BackgroundScheduler()
    yield made
    if made.running:
        made.shutdown()


def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_other_connections(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute(OTHERS[alias])
        killed = [number for (number,) in cursor.fetchall()]
        for number in killed:
            cursor.execute(KILL[alias].format(number))
    return len(killed)


@pytest.mark.parametrize("max_age", [0, None])
def test_nobody_notices_that_the_server_has_closed_every_connection(server, scheduler, caplog, max_age):
    """As after hours of idling; jobs use the database too, whatever `CONN_MAX_AGE` says."""
    settings = connections.settings[server]
    before, settings["CONN_MAX_AGE"] = settings["CONN_MAX_AGE"], max_age
    try:
        scheduler.add_jobstore(DjangoJobStore(using=server))
        scheduler.start()
        succeeded = DjangoJobExecution.objects.using(server).filter(status="Executed")
        for times in (1, 2, 3):
            scheduler.add_job(django_jobs.count_jobs, args=[server], id=f"j{times}", misfire_grace_time=None)
            until(lambda times=times: succeeded.count() == times)
            assert kill_other_connections(server) >= 1, "the turn keeps its connection open"
        scheduler.shutdown()
    finally:
        settings["CONN_MAX_AGE"] = before
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_thread_that_only_adds_jobs_is_left_as_it_was_found(server):
    store = DjangoJobStore(using=server)
    connections[server].close()
    assert store.read_jobs() == []
    assert connections[server].connection is None
    connections[server].ensure_connection()
    assert store.read_jobs() == []
    assert connections[server].connection is not None
    store.shutdown()


def test_a_job_that_is_added_in_a_transaction_runs_when_that_is_committed(server, scheduler):
    """Not on SQLite, where whoever writes holds up every other one."""
    scheduler.add_jobstore(DjangoJobStore(using=server))
    scheduler.start()
    runs = DjangoJobExecution.objects.using(server)
    with transaction.atomic(using=server):
        scheduler.add_job(django_jobs.note, id="j", misfire_grace_time=None)
        time.sleep(0.5)  # long enough for a turn, which must find nothing
        assert runs.count() == 0
    until(lambda: runs.filter(status="Executed").count() == 1)


def test_a_job_that_is_added_in_a_transaction_goes_with_it(alias, scheduler):
    scheduler.add_jobstore(DjangoJobStore(using=alias))
    scheduler.start(paused=True)

    class WantedError(Exception):
        pass

    def add_and_fail():
        with transaction.atomic(using=alias):
            scheduler.add_job(django_jobs.note, "interval", hours=1, id="j")
            raise WantedError

    with pytest.raises(WantedError):
        add_and_fail()
    assert scheduler.get_jobs() == []


def test_a_scheduler_on_an_event_loop_may_use_it(alias):
    async def main():
        scheduler = AsyncIOScheduler()
        scheduler.add_jobstore(DjangoJobStore(using=alias))
        scheduler.start()
        scheduler.add_job(django_jobs.note, id="j", misfire_grace_time=None)
        for _ in range(1000):
            if [run.status for run in scheduler.get_runs("j")] == ["succeeded"]:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("it did not run")
        scheduler.shutdown()

    asyncio.run(main())


def test_a_wish_to_run_now_is_fulfilled_however_late(emptied, scheduler):
    alias = emptied("sqlite")
    store = DjangoJobStore(using=alias)
    scheduler.add_jobstore(store)
    scheduler.start(paused=True)
    scheduler.add_job(django_jobs.note, "interval", hours=1, id="j", misfire_grace_time=1)
    row = store.read_job("j")
    assert store.ask_for_run("j", row.revision, datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    scheduler.shutdown()

    scheduler.start()
    done = DjangoJobExecution.objects.using(alias).filter(job_id="j")
    until(lambda: done.filter(status="Executed").count() == 1)
    assert scheduler.get_job("j").misfire_grace_time == 1
    assert DjangoJob.objects.using(alias).get().next_run_stamp > time.time()
