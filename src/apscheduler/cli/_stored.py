"""Stored jobs as they can be shown: each one, also those that cannot be read in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from apscheduler._core.claims import JobRow
from apscheduler.cli._errors import first_line
from apscheduler.errors import JobUnreadableError
from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ClaimingJobStore


class Stored(NamedTuple):
    """One stored job: its next run time (seconds since the epoch), and the job or why it cannot be read here."""

    job_id: str
    next_run_time: float | None
    job: Job | None
    problem: str | None


def load_rows(store: ClaimingJobStore, rows: Iterable[JobRow]) -> list[Stored]:
    """Return every row, loaded where that is possible here; code that jobs name is imported."""
    return [_load(store, row) for row in rows]


def load_all(store: BaseJobStore) -> list[Stored]:
    """Return every job of a store by ascending next run time, paused ones last."""
    if isinstance(store, ClaimingJobStore):
        return load_rows(store, store.read_jobs())
    jobs = store.get_all_jobs()
    return [Stored(job.id, _stamp(job), job, None) for job in jobs]


def import_from_here() -> None:
    """Have modules of the current folder found, as `python` does; a console script does not do that by itself."""
    folder = os.getcwd()  # noqa: PTH109 - sys.path holds texts
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _load(store: ClaimingJobStore, row: JobRow) -> Stored:
    try:
        return Stored(row.job_id, row.next_run_time, store.load(row), None)
    except JobUnreadableError as exc:
        return Stored(row.job_id, row.next_run_time, None, _explained(exc))


def _explained(exc: JobUnreadableError) -> str:
    text = first_line(exc)
    if "__main__:" in text:
        text += "; it was stored by a script, whose functions no other program finds: move them into a module"
    return text


def _stamp(job: Any) -> float | None:
    time = getattr(job, "next_run_time", None)
    return None if time is None else float(time.timestamp())
