"""The table of jobs: insert, replace, read, delete.

A revision never returns: every removal raises a number in the database (the floor) to the highest revision that went
with it, and a job is inserted above the floor and above the revisions that its run records name.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, connections, transaction
from django.db.models import Count, F, IntegerField, Max, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apscheduler._core.claims import Due, DueRow, JobRow
from django_apscheduler._connection import Connection
from django_apscheduler._listening import CHANNEL
from django_apscheduler._records import chunks, date_or_none
from django_apscheduler.models import DjangoJob, DjangoJobExecution, DjangoJobNumber

FLOOR = "revision_floor"
COLUMNS = ("id", "next_run_stamp", "revision", "job_state")
ATTEMPTS = 5
# Because MySQL has no infinities; any time is later than this.
LONG_AGO = -1e300


class DueRows(NamedTuple):
    """What is due, and which of it somebody has asked for: the ids and revisions of those."""

    due: Due
    asked: frozenset[tuple[str, int]]


class JobRows:
    """The rows of jobs in one database."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._alias = connection.alias
        self.me = os.urandom(8).hex()
        """What this store's own notifications say, so that it can pass over them."""

    def forked(self) -> None:
        """Have the child of a fork not take the notifications of its parent for its own."""
        self.me = os.urandom(8).hex()

    def all(self) -> QuerySet[DjangoJob]:
        """Return all rows in no order."""
        return DjangoJob.objects.using(self._alias).order_by()

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, job_id: str) -> JobRow | None:
        """Return one row, or None."""
        rows = self._fetch(self.all().filter(pk=job_id))
        # A table whose texts are not compared byte by byte finds others as well.
        return next((row for row in rows if row.job_id == job_id), None)

    def read_all(self) -> list[JobRow]:
        """Return all rows by ascending next run time, paused ones last, ties by id."""
        return _sorted(self._fetch(self.all()))

    def read_until(self, now: float) -> list[JobRow]:
        """Return the rows whose next run time is `now` or earlier, in the same order."""
        return _sorted(self._fetch(self.all().filter(next_run_stamp__lte=now)))

    def read_due(self, now: float, limit: int) -> DueRows:
        """Return what is due, earliest first, and the earliest next run time after that."""
        now = max(now, LONG_AGO)
        later = self.all().filter(next_run_stamp__gt=now)
        due = self._due(now)[: max(limit, 0)]

        def work() -> DueRows:
            # In this order, because a job that is made due meanwhile is then among the rows.
            earliest = later.aggregate(earliest=Min("next_run_stamp"))["earliest"]
            found = list(due.all()) if limit > 0 else []
            rows = [DueRow(row[0], row[1], row[2], bytes(row[3]), row[4]) for row in found]
            return DueRows(
                Due(rows, earliest), frozenset((row[0], row[2]) for row in found if row[5] == row[1])
            )

        return self._db.read(work)

    def _due(self, now: float) -> Any:
        # A claim raises the revision, so the revisions of live runs are as many as the live claims.
        live = (
            DjangoJobExecution.objects.using(self._alias)
            .filter(job_id=OuterRef("pk"), finished_stamp__isnull=True)
            .order_by()
            .values("job_id")
            .annotate(n=Count("revision", distinct=True))
            .values("n")
        )
        counted = Coalesce(Subquery(live, output_field=IntegerField()), 0)
        rows = self.all().filter(next_run_stamp__lte=now).order_by("next_run_stamp", "id")
        return rows.annotate(live=counted).values_list(*COLUMNS, "live", "asked_stamp")

    def _fetch(self, rows: QuerySet[DjangoJob]) -> list[JobRow]:
        def work() -> list[JobRow]:
            return [
                JobRow(job_id, stamp, revision, bytes(state))
                for job_id, stamp, revision, state in rows.values_list(*COLUMNS)
            ]

        return self._db.read(work)

    # -- writing --------------------------------------------------------------------------------------------------

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Insert all of `rows`, or none of them and return the ids that are taken."""
        if not rows:
            return ()
        ids = [row.job_id for row in rows]
        if len(set(ids)) < len(ids):
            return [job_id for job_id, times in Counter(ids).items() if times > 1]
        for attempt in range(ATTEMPTS):
            try:
                self._db.write(lambda: self._insert(rows), repeat=False)
            except IntegrityError:
                taken = self._db.read(lambda: self._taken(ids))
                # None are where the job in the way has been removed since, and where it is another error.
                if taken or attempt == ATTEMPTS - 1:
                    if not taken:
                        raise
                    return taken
            else:
                break
        return ()

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the row with its id and revision; return whether there was one."""
        current = self.all().filter(pk=row.job_id, revision=row.revision)
        stamp = row.next_run_time
        return self._set(
            current, job_state=row.definition, next_run_stamp=stamp, next_run_time=date_or_none(stamp)
        )

    def ask_for_run(self, job_id: str, revision: int, stamp: float) -> bool:
        """Make a job due at `stamp`, and have that run start however late; return whether it had that revision."""
        current = self.all().filter(pk=job_id, revision=revision)
        return self._set(current, next_run_stamp=stamp, next_run_time=date_or_none(stamp), asked_stamp=stamp)

    def _set(self, current: QuerySet[DjangoJob], **values: Any) -> bool:
        def work() -> bool:
            changed: bool = current.update(revision=F("revision") + 1, **values) == 1
            if changed and values["next_run_stamp"] is not None:
                self._notify()
            return changed

        return self._db.write(work, repeat=False)

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Delete these rows, or all, and return how many there were; nothing of them is repeated."""
        if job_ids is None:
            return self._db.write(self._delete_all)
        wanted = sorted(set(job_ids))
        return self._db.write(lambda: sum(self._delete_some(some) for some in chunks(wanted)))

    # -- inside a transaction -------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Take the write lock of SQLite, where a transaction that has read first could not get it later."""
        if self._db.vendor == "sqlite":
            self._numbers().filter(name="").update(value=0)

    def raise_floor(self, floor: int) -> None:
        """Have no later job start with this revision, or a lower one."""
        if self._numbers().filter(name=FLOOR, value__lt=floor).update(value=floor):
            return
        if not self._numbers().filter(name=FLOOR).exists():  # as after a flush
            try:
                with transaction.atomic(using=self._alias):
                    self._numbers().create(name=FLOOR, value=floor)
            except IntegrityError:
                self._numbers().filter(name=FLOOR, value__lt=floor).update(value=floor)

    def write_over(self, rows: Sequence[DjangoJob], columns: Sequence[str]) -> None:
        """Write `columns` of rows that exist and are locked, some hundred in a statement."""
        overwrite(self.all(), rows, columns, self._db.vendor)

    def _notify(self) -> None:
        """Tell other processes that something may be due earlier, once this transaction is committed."""
        if self._db.vendor == "postgresql":
            with connections[self._alias].cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, self.me])

    def _numbers(self) -> QuerySet[DjangoJobNumber]:
        return DjangoJobNumber.objects.using(self._alias)

    def _insert(self, rows: Sequence[JobRow]) -> None:
        self.lock()
        self.all().bulk_create(
            [
                DjangoJob(
                    id=job_id,
                    next_run_stamp=stamp,
                    next_run_time=date_or_none(stamp),
                    revision=revision,
                    job_state=state,
                )
                for job_id, stamp, revision, state in rows
            ]
        )
        if any(row.next_run_time is not None for row in rows):
            self._notify()
        # After the insert, which waits for a removal of the same id that is under way elsewhere.
        floor = self._numbers().filter(name=FLOOR).values_list("value", flat=True).first() or 0
        highest: dict[str, int] = {}
        runs = DjangoJobExecution.objects.using(self._alias).order_by().values_list("job_id")
        for ids in chunks([row.job_id for row in rows]):
            highest.update(dict(runs.filter(job_id__in=ids).annotate(top=Max("revision"))))
        for row in rows:
            least = max(floor, highest.get(row.job_id, 0)) + 1
            if row.revision < least:
                self.all().filter(pk=row.job_id).update(revision=least)

    def _taken(self, job_ids: Sequence[str]) -> list[str]:
        found = {
            job_id
            for ids in chunks(job_ids)
            for job_id in self.all().filter(pk__in=ids).values_list("pk", flat=True)
        }
        exact = [job_id for job_id in job_ids if job_id in found]
        if exact or not found:
            return exact
        return [job_id for job_id in job_ids if self.all().filter(pk=job_id).exists()]

    def _delete_some(self, job_ids: Sequence[str]) -> int:
        self.lock()
        rows = self.all().filter(pk__in=job_ids).order_by("pk").select_for_update()
        found = [row for row in rows.values_list("pk", "revision") if row[0] in job_ids]
        _kept(self._alias).filter(job_id__in=job_ids).update(rerun_state=None)
        if found:
            self.all().filter(pk__in=[row[0] for row in found]).delete()
            self.raise_floor(max(row[1] for row in found))
        return len(found)

    def _delete_all(self) -> int:
        self.lock()
        _kept(self._alias).update(rerun_state=None)
        floor = self.all().aggregate(top=Max("revision"))["top"]
        if floor is None:
            return 0
        # Those that are inserted meanwhile stay, because the floor would not cover their revisions.
        deleted = self.all().filter(revision__lte=floor).delete()[0]
        self.raise_floor(floor)
        return deleted


def overwrite(table: Any, rows: Sequence[Any], columns: Sequence[str], vendor: str) -> None:
    """Write `columns` of rows that exist: inserts of many rows at once, whose keys exist, become updates."""
    if rows:
        unique = None if vendor == "mysql" else ["id"]
        table.bulk_create(rows, update_conflicts=True, unique_fields=unique, update_fields=list(columns))


def _kept(alias: str) -> QuerySet[DjangoJobExecution]:
    return DjangoJobExecution.objects.using(alias).filter(
        status__in=(DjangoJobExecution.INTERRUPTED, DjangoJobExecution.SENT), rerun_state__isnull=False
    )


def _sorted(rows: list[JobRow]) -> list[JobRow]:
    # Here and not by the database, because collations order texts in their own ways, and NULLs too.
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))
