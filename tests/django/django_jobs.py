"""What the jobs of the tests in this folder do."""

from __future__ import annotations

import threading

ran: list[str] = []
seen = threading.Event()


def note(name: str = "ran") -> None:
    """Note that this ran."""
    ran.append(name)
    seen.set()


def count_jobs(alias: str) -> int:
    """Ask the database, as the jobs of a project do."""
    from django_apscheduler.models import DjangoJob

    return DjangoJob.objects.using(alias).count()


def fail() -> None:
    """Fail."""
    raise ValueError("no luck")
