"""`manage.py runapscheduler`: a process that runs the jobs of the project, and does nothing else."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import autoreload

from apscheduler.schedulers.blocking import BlockingScheduler
from django_apscheduler._registering import add_declared, discover
from django_apscheduler.jobstores import DjangoJobStore


class Command(BaseCommand):
    """Imports the modules `jobs` of the installed apps, adds what they declare, and runs what is stored."""

    help = (
        "Run the jobs of this project, until Ctrl-C or SIGTERM. Jobs are those in the database, and those that"
        " @register_job declares in the modules `jobs` of the installed apps. Any number of these processes may run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--database", metavar="ALIAS", help="The database in DATABASES that has the jobs."
        )
        parser.add_argument(
            "--threads", type=int, default=10, metavar="N", help="How many jobs may run at once (10)."
        )
        parser.add_argument(
            "--reload", action="store_true", help="Start again when code is changed, for development."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, or watch the one that runs."""
        if options["reload"]:
            autoreload.run_with_reloader(self.run, **options)
        else:
            self.run(**options)

    def run(self, **options: Any) -> None:
        """Run a scheduler until it is ended by a signal."""
        scheduler = BlockingScheduler(
            timezone=settings.TIME_ZONE,
            executors={"default": {"type": "threadpool", "max_workers": options["threads"]}},
            **getattr(settings, "APSCHEDULER_OPTIONS", {}),
        )
        if "default" not in getattr(settings, "APSCHEDULER_OPTIONS", {}).get("jobstores", {}):
            scheduler.add_jobstore(DjangoJobStore(using=options["database"]), "default")
        modules = discover()
        count = add_declared(scheduler)
        found = ", ".join(modules) if modules else "no app has a module `jobs`"
        self.stdout.write(f"Running a scheduler; jobs declared: {count} ({found}). Ctrl-C ends it.")
        self.stdout.flush()
        try:
            scheduler.start()
        finally:
            self.stdout.write("The scheduler has ended.")
