"""Writes the database that the tests of this folder read; run where APScheduler 3.11.3 and django-apscheduler 0.7.0 are.

python make_project_of_0_7.py jobs-0.7.0.sqlite

Its jobs and executions are those that a scheduler of 3.11.3 has stored and run in a project of Django.
"""

import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from django.conf import settings

import django

path = Path(sys.argv[1])
path.unlink(missing_ok=True)
settings.configure(
    INSTALLED_APPS=["django_apscheduler"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {"timeout": 30}}
    },
    USE_TZ=True,
    TIME_ZONE="Europe/Berlin",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from apscheduler.schedulers.background import BackgroundScheduler  # noqa: E402
from apscheduler.triggers.combining import OrTrigger  # noqa: E402
from apscheduler.triggers.cron import CronTrigger  # noqa: E402
from apscheduler.triggers.interval import IntervalTrigger  # noqa: E402
from django_apscheduler.jobstores import DjangoJobStore  # noqa: E402
from django_apscheduler.models import DjangoJobExecution  # noqa: E402

call_command("migrate", verbosity=0)

# What ran: one that succeeds, one that fails, one that takes longer than its interval.
scheduler = BackgroundScheduler(timezone="Europe/Berlin")
scheduler.add_jobstore(DjangoJobStore())
scheduler.start()
add = scheduler.add_job
soon = datetime.now(timezone.utc) + timedelta(seconds=0.5)  # noqa: UP017
add("builtins:len", "interval", [[1, 2]], days=1, id="succeeds", next_run_time=soon)
add("builtins:int", "interval", ["x"], days=1, id="fails", next_run_time=soon)
add("time:sleep", "interval", [2.5], seconds=1, id="slow", next_run_time=soon)
time.sleep(3.5)
scheduler.shutdown()

# As if the process had been killed in the middle of a run.
DjangoJobExecution.objects.create(
    job_id="succeeds",
    status="Started execution",
    run_time=datetime(2026, 1, 2, 3, 4, 5, 6789, timezone.utc),  # noqa: UP017
)

# What is to run: every kind of trigger.
scheduler = BackgroundScheduler(timezone="Europe/Berlin")
scheduler.add_jobstore(DjangoJobStore())
scheduler.start(paused=True)
add = scheduler.add_job
start = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)  # noqa: UP017
add("os.path:join", "date", ["a", "b"], run_date=start, id="date", misfire_grace_time=None)
add("builtins:dict", "interval", [[("k", 1)]], {"x": "ü"}, id="interval", minutes=90, start_date=start)
add("time:time", "cron", day_of_week="mon-fri", hour="6", minute="30", id="cron", misfire_grace_time=3600)
add("time:time", OrTrigger([CronTrigger(hour=1), IntervalTrigger(hours=1)]), id="combined")
add("time:time", "interval", hours=1, id="paused", next_run_time=None)
scheduler.shutdown()

# Tracebacks name folders of the machine that this ran on.
DjangoJobExecution.objects.exclude(traceback=None).update(traceback="the traceback, as text")
connection.cursor().execute("VACUUM")
