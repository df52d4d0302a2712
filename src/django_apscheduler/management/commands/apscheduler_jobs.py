"""`manage.py apscheduler_jobs`: what is stored, and what became of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apscheduler.cli._english import describe
from django_apscheduler import _job_pages as pages
from django_apscheduler._steering import living_schedulers
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution

HEADER = ("ID", "NEXT RUN", "LAST", "TRIGGER")


class Command(BaseCommand):
    """Lists jobs."""

    help = "List the stored jobs: when they run next, how their last run ended, and when they run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--database", metavar="ALIAS", help="The database in DATABASES that has the jobs."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the list."""
        store = DjangoJobStore(using=options["database"])
        jobs = DjangoJob.objects.using(store.using).all()
        rows = [
            self._row(job, store.using)
            for job in sorted(jobs, key=lambda job: job.next_run_stamp or float("inf"))
        ]
        if not rows:
            self.stdout.write("No jobs.")
        else:
            widths = [max(len(row[n]) for row in [HEADER, *rows]) for n in range(3)]
            for row in [HEADER, *rows]:
                cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
                self.stdout.write("  ".join([*cells, row[3]]))
        self.stdout.write(f"Schedulers running: {living_schedulers(store)}")

    def _row(self, job: DjangoJob, alias: str) -> tuple[str, str, str, str]:
        runs = DjangoJobExecution.objects.using(alias).filter(job_id=job.pk)
        last = runs.order_by("-run_stamp", "-pk").values_list("status", flat=True).first() or "-"
        when = "paused"
        if job.next_run_time is not None:
            time = job.next_run_time
            local = timezone.localtime(time) if timezone.is_aware(time) else time
            when = f"{local:%Y-%m-%d %H:%M:%S %Z}".strip()
        found = pages.loaded(job)
        if isinstance(found, str):
            return job.pk, when, last, f"cannot be read here: {found}"
        return job.pk, when, last, describe(found.trigger, timezone.get_current_timezone())
