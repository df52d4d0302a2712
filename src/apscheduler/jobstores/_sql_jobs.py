"""The jobs table: insert, replace, read and delete rows.

A revision never returns: every removal raises a number in the database (the floor) to the highest revision
that went with it, and a job is inserted above the floor and above the revisions that its run records name.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Update, bindparam, delete, distinct, func, insert, null, select, union_all, update
from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import Due, DueRow, JobRow
from apscheduler.jobstores._sql_schema import FLOOR, Tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler.jobstores._sql_engine import Database

T = TypeVar("T")

# Of ids in one statement: the oldest SQLite that can be met takes 999 parameters.
CHUNK = 500
INSERT_ATTEMPTS = 5
# Because MySQL has no infinities; any time is later than this.
LONG_AGO = -1e300


class JobsTable:
    """Statements on the jobs table that every database understands."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        self._tables = tables
        jobs, runs, numbers = tables.jobs.c, tables.runs.c, tables.numbers.c
        self._columns = select(jobs.id, jobs.next_run_time, jobs.revision, jobs.job_state)
        self._read_one = self._columns.where(jobs.id == bindparam("job_id"))
        self._read_until = self._columns.where(jobs.next_run_time <= bindparam("now"))
        self._earliest = select(func.min(jobs.next_run_time)).where(jobs.next_run_time > bindparam("now"))
        self._due = self._due_statement(self._read_until)
        self._fetch_due = db.prepared(self._due)
        of_a_share = jobs.revision % bindparam("parts") == bindparam("part")
        self._due_share = self._due_statement(self._read_until.where(of_a_share))
        self._insert = insert(tables.jobs)
        self._floor = select(numbers.value).where(numbers.name == FLOOR)
        self._highest = (
            select(runs.job_id, func.max(runs.revision))
            .where(runs.job_id.in_(bindparam("ids", expanding=True)))
            .group_by(runs.job_id)
        )
        self._set_revision = (
            update(tables.jobs).where(jobs.id == bindparam("b_id")).values(revision=bindparam("b_revision"))
        )
        self._replace = (
            update(tables.jobs)
            .where(jobs.id == bindparam("b_id"), jobs.revision == bindparam("b_revision"))
            .values(
                next_run_time=bindparam("b_time"),
                job_state=bindparam("b_state"),
                revision=jobs.revision + 1,
            )
        )
        self._lock_ids = (
            select(jobs.id, jobs.revision)
            .where(jobs.id.in_(bindparam("ids", expanding=True)))
            .order_by(jobs.id)
            .with_for_update()
        )
        self._delete_ids = delete(tables.jobs).where(jobs.id.in_(bindparam("ids", expanding=True)))
        self._raise_floor = raise_floor(tables)
        # What was removed is not repeated: the records of its runs forget its definition.
        kept = runs.job_state.is_not(None)
        self._forget_all = update(tables.runs).where(kept).values(job_state=None)
        self._forget = self._forget_all.where(runs.job_id.in_(bindparam("ids", expanding=True)))

    def _due_statement(self, due_rows: Any) -> Any:
        jobs, runs = self._tables.jobs.c, self._tables.runs.c
        due = due_rows.order_by(jobs.next_run_time).limit(bindparam("limit")).subquery("due")
        # A claim raises the revision, so that the revisions of live runs are as many as the live claims.
        live = (
            select(func.count(distinct(runs.revision)))
            .where(runs.job_id == due.c.id, runs.finished.is_(None))
            .scalar_subquery()
        )
        later = select(null(), func.min(jobs.next_run_time), null(), null(), null())
        return union_all(
            select(due.c.id, due.c.next_run_time, due.c.revision, due.c.job_state, live.label("live")),
            later.where(jobs.next_run_time > bindparam("now")),
        )

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, job_id: str) -> JobRow | None:
        """Return the row with exactly this id, or None."""
        found = self._db.fetch(self._read_one, {"job_id": job_id})
        # A table that 3.x made on MySQL may find "A" under "a".
        return _job_row(found[0]) if found and found[0][0] == job_id else None

    def read_all(self) -> list[JobRow]:
        """Return all rows by ascending next run time, paused ones last, ties by id."""
        return _sorted(self._db.fetch(self._columns))

    def read_until(self, now: float) -> list[JobRow]:
        """Return the rows whose next run time is `now` or earlier, in the same order."""
        return _sorted(self._db.fetch(self._read_until, {"now": now}))

    def read_due(self, now: float, limit: int, share: tuple[int, int] | None = None) -> Due:
        """Return what is due, all or a share of it, and the earliest run time after that, from one statement."""
        now = max(now, LONG_AGO)
        if limit <= 0:
            return Due((), self._db.scalar(self._earliest, {"now": now}))
        if share is None:
            found = self._fetch_due({"now": now, "limit": limit})
        else:
            values = {"now": now, "limit": limit, "part": share[0], "parts": share[1]}
            found = self._db.fetch(self._due_share, values)
        rows, earliest = [], None
        for job_id, stamp, revision, state, live in found:
            if job_id is None:
                earliest = stamp
            else:
                rows.append(DueRow(job_id, stamp, revision, bytes(state), live))
        rows.sort(key=lambda row: row.next_run_time)  # because a union promises no order
        return Due(rows, earliest)

    # -- writing ---------------------------------------------------------------------------------------------

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Insert all of `rows`, or none of them and return the ids that are taken."""
        if not rows:
            return ()
        ids = [row.job_id for row in rows]
        if len(set(ids)) < len(ids):
            return [job_id for job_id, times in Counter(ids).items() if times > 1]
        for attempt in range(INSERT_ATTEMPTS):
            try:
                self._insert_all(rows)
            except IntegrityError:
                taken = self._taken(ids)
                # None are where the job in the way has been removed since, and where it is another error.
                if taken or attempt == INSERT_ATTEMPTS - 1:
                    if not taken:
                        raise
                    return taken
            else:
                break
        return ()

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the row with its id and revision; return whether there was one."""
        values = {
            "b_id": row.job_id,
            "b_revision": row.revision,
            "b_time": row.next_run_time,
            "b_state": row.definition,
        }
        return self._db.write_once(lambda conn: conn.execute(self._replace, values).rowcount) == 1

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Delete these rows, or all, and return how many there were."""
        if job_ids is None:
            return self._db.write(self._delete_all)
        return self._db.write(lambda conn: self._delete_some(conn, sorted(set(job_ids))))

    # -- inside a transaction --------------------------------------------------------------------------------

    def _insert_all(self, rows: Sequence[JobRow]) -> None:
        def work(conn: Connection) -> None:
            self._insert_rows(conn, rows)
            self._lift_revisions(conn, rows)

        self._db.write(work)

    def _insert_rows(self, conn: Connection, rows: Sequence[JobRow]) -> None:
        conn.execute(
            self._insert,
            [
                {"id": row[0], "next_run_time": row[1], "revision": row[2], "job_state": row[3]}
                for row in rows
            ],
        )

    def _lift_revisions(self, conn: Connection, rows: Sequence[JobRow]) -> None:
        """Give those of the inserted rows a higher revision whose own has been used.

        Called after the insert, which waits for a removal of the same id that is under way elsewhere, so that
        what that removal left is seen.
        """
        floor: int = conn.scalar(self._floor) or 0
        highest: dict[str, int] = {}
        for ids in chunks([row.job_id for row in rows], CHUNK):
            found: Any = conn.execute(self._highest, {"ids": ids})
            highest.update((job_id, top) for job_id, top in found)
        lifted = [
            {"b_id": row.job_id, "b_revision": least}
            for row in rows
            if row.revision < (least := max(floor, highest.get(row.job_id, 0)) + 1)
        ]
        if lifted:
            conn.execute(self._set_revision, lifted)

    def _delete_some(self, conn: Connection, job_ids: Sequence[str]) -> int:
        deleted, floor = 0, 0
        for ids in chunks(job_ids, CHUNK):
            wanted = set(ids)
            found = [row for row in conn.execute(self._lock_ids, {"ids": ids}) if row[0] in wanted]
            if found:
                conn.execute(self._delete_ids, {"ids": [row[0] for row in found]})
                deleted += len(found)
                floor = max(floor, *(row[1] for row in found))
            conn.execute(self._forget, {"ids": ids})
        if deleted:
            conn.execute(self._raise_floor, {"b_floor": floor})
        return deleted

    def _delete_all(self, conn: Connection) -> int:
        jobs = self._tables.jobs
        conn.execute(self._forget_all)
        floor = conn.scalar(select(func.max(jobs.c.revision)))
        if floor is None:
            return 0
        # Those that are inserted meanwhile stay, because the floor would not cover their revisions.
        deleted = conn.execute(delete(jobs).where(jobs.c.revision <= floor)).rowcount
        conn.execute(self._raise_floor, {"b_floor": floor})
        return deleted

    def _taken(self, job_ids: Sequence[str]) -> list[str]:
        def work(conn: Connection) -> list[str]:
            found = {
                row[0] for ids in chunks(job_ids, CHUNK) for row in conn.execute(self._lock_ids, {"ids": ids})
            }
            exact = [job_id for job_id in job_ids if job_id in found]
            if exact or not found:
                return exact
            # The table takes different texts for the same, as one that 3.x made on MySQL does.
            return [job_id for job_id in job_ids if conn.execute(self._read_one, {"job_id": job_id}).first()]

        return self._db.write(work)


def raise_floor(tables: Tables) -> Update:
    """Return the statement that raises the floor to `b_floor`, where it is lower."""
    numbers = tables.numbers.c
    return (
        update(tables.numbers)
        .where(numbers.name == FLOOR, numbers.value < bindparam("b_floor"))
        .values(value=bindparam("b_floor"))
    )


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield `items` in parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _job_row(row: Any) -> JobRow:
    return JobRow(row[0], row[1], row[2], bytes(row[3]))


def _sorted(rows: Sequence[Any]) -> list[JobRow]:
    # Here and not by the database, because collations order texts in their own ways, and NULLs too.
    return sorted(map(_job_row, rows), key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))
