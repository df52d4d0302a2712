"""Pages of the jobs table: found by the index of next run times, so that the database sends no other rows, and does not
look at what comes before the page.

Ids are compared by code point, as Python does and as the list is sorted. Each database is told so in its own words;
MySQL then sorts for each page, because a table that 3.x made there may have any collation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, cast, collate, literal, select
from sqlalchemy.dialects import mysql

from apscheduler._core.claims import JobRow
from apscheduler._core.listing import JobQuery, prefix_end, selected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables


class JobPages:
    """Reads pages, unless the database is one of which it is not `known` how it compares texts as Python does."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        self._time: Any = tables.jobs.c.next_run_time
        self._id = _exact(tables.jobs.c.id, db.family)
        self.known = self._id is not None
        columns = tables.jobs.c
        self._columns = select(columns.id, columns.next_run_time, columns.revision, columns.job_state)

    def read(self, query: JobQuery) -> list[JobRow]:
        """Return the rows that are asked for, in the order of the list.

        A page comes from up to two statements, one for scheduled jobs and one for paused ones: a job that is paused or
        resumed between them may be missing. Without a limit there is one statement.
        """
        if query.limit is not None and query.limit <= 0:
            return []
        if query.limit is None:
            found = self._fetch(self._matching(query), None)
            return selected(found, query)
        rows: list[JobRow] = []
        if query.paused is not True and (query.after is None or query.after.next_run_time is not None):
            rows = self._fetch(self._scheduled(query), query.limit)
        if len(rows) < query.limit and query.paused is not False and query.due_before is None:
            seen = {row.job_id for row in rows}
            paused = self._fetch(self._paused(query), query.limit)
            rows += [row for row in paused if row.job_id not in seen][: query.limit - len(rows)]
        return rows

    def _fetch(self, statement: Select[Any], limit: int | None) -> list[JobRow]:
        if limit is not None:
            statement = statement.limit(limit)
        found: Sequence[Any] = self._db.fetch(statement)
        return [JobRow(row[0], row[1], row[2], bytes(row[3])) for row in found]

    def _matching(self, query: JobQuery) -> Select[Any]:
        statement = self._with_prefix(query)
        if query.paused is not None:
            statement = statement.where(self._time.is_(None) if query.paused else self._time.is_not(None))
        if query.due_before is not None:
            statement = statement.where(self._time < query.due_before)
        return statement

    def _scheduled(self, query: JobQuery) -> Select[Any]:
        statement = self._matching(query._replace(paused=False)).order_by(self._time, self._id)
        if query.after is not None:
            stamp, job_id = query.after
            # The first condition says nothing more than the second, but is one that an index answers.
            statement = statement.where(
                self._time >= stamp, (self._time > stamp) | (self._id > literal(job_id))
            )
        return statement

    def _paused(self, query: JobQuery) -> Select[Any]:
        statement = self._matching(query._replace(paused=True)).order_by(self._id)
        if query.after is not None and query.after.next_run_time is None:
            statement = statement.where(self._id > literal(query.after.job_id))
        return statement

    def _with_prefix(self, query: JobQuery) -> Select[Any]:
        statement = self._columns
        if query.id_prefix:
            # A range and not LIKE, which has wildcards, and which SQLite compares without regard to case.
            statement = statement.where(self._id >= literal(query.id_prefix))
            end = prefix_end(query.id_prefix)
            if end is not None:
                statement = statement.where(self._id < literal(end))
        return statement


def _exact(column: Any, family: str) -> ColumnElement[str] | Any:
    """Return `column` as it is compared by code point, None where it is not known how to say that."""
    if family == "sqlite":
        return column
    if family == "postgresql":
        return collate(column, "C")
    if family == "mysql":
        # The table may be one that 3.x made, in any character set.
        return cast(column, mysql.CHAR(charset="utf8mb4")).collate("utf8mb4_bin")
    return None
