"""Where the scheduler runs and where not; projects without `USE_TZ`."""

from __future__ import annotations

import sys

import pytest
from _project import Project
from django.test import override_settings

from django_apscheduler._process import reason_to_be_dormant


@pytest.mark.parametrize(
    ("argv", "environment", "dormant"),
    [
        (["manage.py", "migrate"], {}, True),
        (["/srv/app/manage.py", "collectstatic", "--noinput"], {}, True),
        (["/usr/bin/django-admin", "test"], {}, True),
        (["/lib/django/__main__.py", "makemigrations"], {}, True),
        (["manage.py", "runserver"], {}, True),
        (["manage.py", "runserver"], {"RUN_MAIN": "true"}, False),
        (["manage.py", "runserver", "--noreload"], {}, False),
        (["manage.py", "runapscheduler"], {}, False),
        (["manage.py", "a_command_of_the_project"], {}, False),
        (["manage.py", "shell"], {}, False),
        (["manage.py"], {}, False),
        (["/usr/bin/gunicorn", "migrate"], {}, False),
        ([], {}, False),
    ],
)
def test_a_process_that_serves_nobody_runs_no_jobs(monkeypatch, argv, environment, dormant):
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.delenv("RUN_MAIN", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (reason_to_be_dormant() is not None) is dormant


def test_a_project_may_say_which_commands_run_no_jobs(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["manage.py", "import_prices"])
    with override_settings(APSCHEDULER_DORMANT_COMMANDS={"import_prices"}):
        assert reason_to_be_dormant() == "this is manage.py import_prices"


WITHOUT_ZONES = """
from datetime import datetime, timezone
from django.contrib.auth.models import User
from django.test import Client
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution
import time

scheduler = BackgroundScheduler(timezone="UTC")
scheduler.add_jobstore(DjangoJobStore())
scheduler.start()
# Two times that clocks in New York show as one.
for n in (5, 6):
    scheduler.add_job("time:time", "interval", hours=1, id=f"at{n}", next_run_time=datetime(2030, 11, 3, n, 30, tzinfo=timezone.utc))
scheduler.add_job("time:time", id="once", misfire_grace_time=None)
while not DjangoJobExecution.objects.filter(status="Executed"):
    time.sleep(0.02)
for job in DjangoJob.objects.order_by("id"):
    print(job.id, job.next_run_time, scheduler.get_job(job.id).next_run_time)
scheduler.shutdown()
run = DjangoJobExecution.objects.get()
print("naive", run.run_time.tzinfo, abs(datetime.now() - run.run_time).total_seconds() < 60)

User.objects.create_superuser("boss", "b@example.org", "x")
client = Client()
client.login(username="boss", password="x")
for page in ("djangojob/", "djangojob/at5/change/", "djangojobexecution/", f"djangojobexecution/{run.pk}/change/"):
    answer = client.get("/admin/django_apscheduler/" + page)
    print(page.partition("/")[0], answer.status_code, "1:30:00 a.m." in answer.content.decode())
"""


def test_without_use_tz_dates_are_naive_and_no_time_is_ambiguous(tmp_path):
    project = Project(
        tmp_path, APPS=["django_apscheduler"], USE_TZ=False, TIME_ZONE="America/New_York", ALLOWED_HOSTS=["*"]
    )
    project.manage("migrate")
    assert project.python(WITHOUT_ZONES).splitlines() == [
        "at5 2030-11-03 01:30:00 2030-11-03 05:30:00+00:00",
        "at6 2030-11-03 01:30:00 2030-11-03 06:30:00+00:00",
        "naive None True",
        "djangojob 200 True",
        "djangojob 200 True",
        "djangojobexecution 200 False",
        "djangojobexecution 200 False",
    ]
