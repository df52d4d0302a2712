"""Several processes of one project: gunicorn's workers, and processes that do nothing but run jobs."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from _project import Project, answers, free_port

import _django_databases

IN_READY = """
from django.apps import AppConfig

class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        from shop import jobs
        jobs.scheduler.start()
"""
JOBS = """
import os
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.jobstores import DjangoJobStore, register_job

scheduler = BackgroundScheduler()
scheduler.add_jobstore(DjangoJobStore())

@register_job(scheduler, "interval", seconds=1, id="tick", replace_existing=True, misfire_grace_time=30)
def tick():
    return os.getpid()
"""
DECLARED = """
import os
from django_apscheduler.jobstores import register_job

@register_job("interval", seconds=1, id="tick", misfire_grace_time=30)
def tick():
    from django_apscheduler.models import DjangoJob
    return DjangoJob.objects.count()

@register_job("cron", hour=3)
def nightly():
    pass
"""
# Without the project's apps, which would start one more scheduler.
LOOKING = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
from django.conf import settings
settings.INSTALLED_APPS = ["django_apscheduler"]
import django
django.setup()
from django_apscheduler.models import DjangoJobExecution, DjangoJobNode
"""
RUNS = """
for run in DjangoJobExecution.objects.order_by("run_stamp"):
    print(run.job_id, run.run_stamp, run.status, run.node, run.exception, sep="|")
"""
NODES = """
print(*DjangoJobNode.objects.values_list("pid", flat=True))
"""


@pytest.fixture
def new_project(tmp_path):
    made = []

    def new(kind, **settings):
        if kind != "sqlite":
            settings["DATABASES"] = {"default": _django_databases.new_database(kind)}
        made.append(Project(tmp_path, APPS=["django_apscheduler", "shop"], **settings))
        return made[0]

    yield new
    for project in made:
        project.close()


def runs(project):
    return [line.split("|") for line in project.run("-c", LOOKING + RUNS).splitlines()]


def nodes(project):
    return [int(pid) for pid in project.run("-c", LOOKING + NODES).split()]


def test_four_workers_of_gunicorn_run_each_run_time_once(new_project):
    project = new_project("postgresql")
    project.write("shop/apps.py", IN_READY)
    project.write("shop/jobs.py", JOBS)
    project.manage("migrate")
    assert project.python("print('nothing')").strip() == "nothing"  # a script starts it too, and signs off
    address = f"127.0.0.1:{free_port()}"
    server = project.start(
        sys.executable, "-m", "gunicorn", "-w", "4", "-b", address, "project.wsgi:application"
    )
    project.until(lambda: answers(f"http://{address}"), server)
    project.until(lambda: len(nodes(project)) == 4, server)

    os.kill(nodes(project)[0], signal.SIGKILL)  # gunicorn replaces it
    project.until(lambda: sum(run[2] == "Executed" for run in runs(project)) >= 5, server)
    assert project.end(server) == 0
    found = runs(project)
    assert max(Counter((job_id, stamp) for job_id, stamp, *_ in found).values()) == 1
    assert len(nodes(project)) <= 1, "those that were not killed have signed off"
    assert "Traceback" not in project.log()


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_processes_of_their_own_run_what_the_apps_declare(new_project, kind):
    project = new_project(kind)
    project.write("shop/jobs.py", DECLARED)
    early = project.start(sys.executable, "manage.py", "runapscheduler")
    project.until(lambda: "run `manage.py migrate`" in project.log(), early)
    project.manage("migrate")
    other = project.start(sys.executable, "manage.py", "runapscheduler")
    project.until(lambda: sum(run[2] == "Executed" for run in runs(project)) >= 3, other)
    listed = project.manage("apscheduler_jobs")
    assert "Every second" in listed
    assert "shop.jobs.nightly" in listed
    assert "Schedulers running: 2" in listed

    assert [project.end(process) for process in (early, other)] == [0, 0]
    found = runs(project)
    assert max(Counter(stamp for _, stamp, *_ in found).values()) == 1
    assert project.log().count("The scheduler has ended.") == 2
    assert "Traceback" not in project.log()
    assert "Schedulers running: 0" in project.manage("apscheduler_jobs")


FORKING = """
import os, sys, time
from apscheduler.schedulers.background import BackgroundScheduler
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJobExecution

def executed(count):
    end = time.monotonic() + 30
    while DjangoJobExecution.objects.filter(status="Executed").count() < count:
        assert time.monotonic() < end
        time.sleep(0.02)

scheduler = BackgroundScheduler()
scheduler.add_jobstore(DjangoJobStore())
scheduler.start()
scheduler.add_job("time:time", id="before", misfire_grace_time=None)
executed(1)
from django.db import connections
connections.close_all()
child = os.fork()
if child == 0:
    scheduler.start()
    scheduler.add_job("time:time", id="in the child", misfire_grace_time=None)
    executed(2)
    scheduler.shutdown()
    connections.close_all()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
scheduler.add_job("time:time", id="after", misfire_grace_time=None)
executed(3)
scheduler.shutdown()
"""


def test_parent_and_child_of_a_fork_have_connections_of_their_own(new_project):
    project = new_project("postgresql")
    project.write("shop/jobs.py", "")
    project.manage("migrate")
    printed = project.python(FORKING)
    assert "Traceback" not in printed
    assert {(run[0], run[2]) for run in runs(project)} == {
        (job_id, "Executed") for job_id in ("before", "in the child", "after")
    }


def files_of_the_page():
    """Return the files that the page on Django shows, by name, in their order."""
    page = (Path(__file__).parents[2] / "docs" / "howto" / "django.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n# (shop/\w+\.py)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_files_of_the_page_on_django_do_what_it_says(new_project):
    project = new_project("sqlite")
    (first, begin), *in_the_server = files_of_the_page()
    project.write(first, begin)
    project.manage("migrate")
    process = project.start(sys.executable, "manage.py", "runapscheduler")
    project.until(lambda: "shop.jobs.nightly_report" in project.manage("apscheduler_jobs"), process)
    assert "At 03:30 on Monday to Friday" in project.manage("apscheduler_jobs")
    assert project.end(process) == 0

    assert [name for name, _ in in_the_server] == ["shop/jobs.py", "shop/apps.py"]
    for name, text in in_the_server:
        project.write(name, text)
    in_wsgi = (
        "from project.wsgi import application; from shop.jobs import scheduler; print(scheduler.running)"
    )
    assert project.run("-c", in_wsgi).split() == ["True"]
