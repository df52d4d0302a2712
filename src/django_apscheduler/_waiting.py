"""What a store does until its tables are there: it keeps the jobs in memory, and says so once.

So a project whose scheduler is started in `urls.py` can run `manage.py migrate` on an empty database, and a server
that was started too early goes on by itself when the tables are there.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from threading import RLock

from django.apps import apps
from django.db import DatabaseError, OperationalError, connections

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import Due, JobRow, NodeRow
from django_apscheduler._connection import Connection
from django_apscheduler.models import DjangoJob, DjangoJobExecution, DjangoJobNode, DjangoJobNumber

logger = logging.getLogger("django_apscheduler")

LOOKED_AGAIN_AFTER = 1.0
"""Seconds between two looks for the tables."""

_warned: set[str] = set()


def warn_once(alias: str) -> None:
    """Say, once in this process for each database, that its tables are missing."""
    if alias not in _warned:
        _warned.add(alias)
        logger.warning(
            'The tables of django_apscheduler in the database "%s" are missing or out of date: run `manage.py migrate`.'
            " Until then no job is run, and jobs that are added are kept in memory.",
            alias,
        )


def tables_are_there(connection: Connection) -> bool:
    """Return whether all tables have all columns; what a server that does not answer raises is raised."""
    alias = connection.alias

    def look() -> None:
        DjangoJob.objects.using(alias).filter(pk="").values_list("revision", "next_run_stamp").first()
        runs = DjangoJobExecution.objects.using(alias).filter(pk=0)
        runs.values_list("run_stamp", "rerun_state", "node").first()
        DjangoJobNode.objects.using(alias).filter(pk="").first()
        DjangoJobNumber.objects.using(alias).filter(pk="").first()

    try:
        connection.write(look)  # in a transaction, so that an error harms none of the caller's
    except DatabaseError as exc:
        if isinstance(exc, OperationalError) and not _answers(connection):
            raise
        return False
    return True


def _answers(connection: Connection) -> bool:
    try:
        connection.read(lambda: connections[connection.alias].introspection.table_names())
    except DatabaseError:
        return False
    return True


class WaitingRows:
    """The jobs of a store whose tables are not there yet; the engine is told to ask again soon."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._rows: dict[str, JobRow] = {}
        self.node: NodeRow | None = None

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Keep rows, or none of them and return the ids that are taken."""
        with self._lock:
            taken = [row.job_id for row in rows if row.job_id in self._rows]
            if not taken:
                self._rows.update({row.job_id: row for row in rows})
            return taken

    def replace(self, row: JobRow) -> bool:
        """Replace a row that has this revision; return whether there was one."""
        with self._lock:
            known = self._rows.get(row.job_id)
            if known is None or known.revision != row.revision:
                return False
            self._rows[row.job_id] = row._replace(revision=row.revision + 1)
            return True

    def read(self, job_id: str) -> JobRow | None:
        """Return a row, or None."""
        return self._rows.get(job_id)

    def read_all(self) -> list[JobRow]:
        """Return all rows, by ascending next run time, paused ones last, ties by id."""
        with self._lock:
            rows = list(self._rows.values())
        return sorted(rows, key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Forget these rows, or all, and return how many there were."""
        with self._lock:
            found = [job_id for job_id in self._rows if job_ids is None or job_id in job_ids]
            for job_id in found:
                del self._rows[job_id]
            return len(found)

    def read_due(self) -> Due:
        """Return that nothing is due, and when to ask again."""
        return Due((), SYSTEM.time() + (LOOKED_AGAIN_AFTER if apps.ready else 0.1))

    def take_rows(self) -> list[JobRow]:
        """Return all rows, and keep them no more."""
        with self._lock:
            rows, self._rows = list(self._rows.values()), {}
            return rows
