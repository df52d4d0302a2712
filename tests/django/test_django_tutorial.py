"""A widely read tutorial, step by step: settings, migrate, urls.py, runserver, a second start, the admin."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from _project import Browser, Project

# As in the tutorial, but for the interval, which is ten seconds there.
URLS = """
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.jobstores import DjangoJobStore, register_events, register_job,DjangoResultStoreMixin

scheduler = BackgroundScheduler()
scheduler.add_jobstore(DjangoJobStore(), "default")

@register_job(scheduler, "interval", seconds=1,id='test_job', replace_existing=True)
def my_job():
    pass

@register_job(scheduler, 'cron', day_of_week='mon-fri', hour='9', minute='30', second='10',id='task_time')
def test_job():
    print("never in this test")

register_events(scheduler)
scheduler.start()
print("Scheduler started!")

from django.urls import path
from apps.test import views
urlpatterns = []
"""
PROJECT_URLS = """
from django.contrib import admin
from django.urls import path, include

urlpatterns = [
    path('admin/', admin.site.urls),
    path('', include('apps.test.urls')),
]
"""


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path, APPS=["django_apscheduler", "apps.test"])
    made.write("apps/test/urls.py", URLS)
    made.write("apps/test/views.py", "from django.shortcuts import render\n")
    made.write("project/urls.py", PROJECT_URLS)
    yield made
    made.close()


def rows(project, statement):
    with closing(sqlite3.connect(project.folder / "db.sqlite3", timeout=20)) as database:
        return database.execute(statement).fetchall()


EXECUTED = "SELECT id, node FROM django_apscheduler_djangojobexecution WHERE status = 'Executed'"


def test_the_tutorial(project):
    # The scheduler is started by the import of urls.py, here in a command, and the tables are not there yet.
    printed = project.manage("migrate")
    assert "Applying django_apscheduler.0012_run_records... OK" in printed
    assert "Traceback" not in printed
    assert "No changes detected" in project.manage("makemigrations", "--check", "--dry-run")
    assert "no issues" in project.manage("check")
    assert rows(project, "SELECT count(*) FROM django_apscheduler_djangojob") == [(0,)]

    server, address = project.runserver()
    project.until(lambda: len(rows(project, EXECUTED)) >= 2)
    ids = {job_id for (job_id,) in rows(project, "SELECT id FROM django_apscheduler_djangojob")}
    assert ids == {"test_job", "task_time"}
    nodes = rows(project, "SELECT pid FROM django_apscheduler_djangojobnode")
    assert len(nodes) == 1, "the process that watches the files runs jobs too"
    assert nodes != [(server.pid,)]
    project.end(server)

    # Again, with the same ids.
    before = len(rows(project, EXECUTED))
    _, address = project.runserver()
    project.until(lambda: len(rows(project, EXECUTED)) > before + 1)
    doubled = "SELECT run_time FROM django_apscheduler_djangojobexecution GROUP BY job_id, run_time HAVING count(*) > 1"
    assert rows(project, doubled) == []
    assert "Traceback" not in project.log()

    project.manage("createsuperuser", "--noinput", "--username=boss", "--email=b@example.org", DJANGO_SUPERUSER_PASSWORD="secret-42")  # fmt: skip
    browser = Browser(address)
    browser.log_in()
    jobs = browser.text("/admin/django_apscheduler/djangojob/")
    assert "Every second" in jobs
    assert "At 09:30:10 on Monday to Friday" in jobs
    assert "1 scheduler is running" in jobs
    executions = browser.text("/admin/django_apscheduler/djangojobexecution/")
    assert "test_job" in executions
    assert "Executed" in executions


def test_a_server_that_is_started_before_the_tables_exist_goes_on_when_they_do(project):
    project.runserver("--noreload")
    project.until(lambda: "run `manage.py migrate`" in project.log())
    project.manage("migrate")
    project.until(lambda: len(rows(project, EXECUTED)) >= 1)
    assert project.log().count("run `manage.py migrate`") == 1
    assert "Traceback" not in project.log()


def test_a_command_that_serves_nobody_runs_and_writes_nothing(project):
    project.manage("migrate")
    due_long_ago = (
        "from django_apscheduler.jobstores import DjangoJobStore\n"
        "from apscheduler.schedulers.background import BackgroundScheduler\n"
        "scheduler = BackgroundScheduler(); scheduler.add_jobstore(DjangoJobStore())\n"
        "scheduler.start(paused=True)\n"
        "scheduler.add_job('time:time', 'interval', seconds=1, id='due', next_run_time='2020-01-01')\n"
        "scheduler.shutdown()\n"
    )
    project.python(due_long_ago)
    state = "SELECT id, revision, next_run_stamp FROM django_apscheduler_djangojob"
    before = rows(project, state)
    for command in (
        ["check"],
        ["showmigrations"],
        ["collectstatic", "--dry-run", "--noinput"],
        ["apscheduler_jobs"],
    ):
        project.manage(*command, check=command[0] != "collectstatic")
    assert rows(project, state) == before
    assert rows(project, "SELECT count(*) FROM django_apscheduler_djangojobexecution") == [(0,)]
    assert rows(project, "SELECT count(*) FROM django_apscheduler_djangojobnode") == [(0,)]
