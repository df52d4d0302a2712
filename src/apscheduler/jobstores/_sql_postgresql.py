"""The PostgreSQL way: what costs is a round trip, so a batch is one statement, its rows sent as arrays.

A claim and its run records are one statement, hence one transaction without a BEGIN and a COMMIT of their
own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED
from apscheduler.jobstores._sql_claims import KEPT, RECORD, ClaimsTable, outcome_columns, run_records
from apscheduler.jobstores._sql_jobs import JobsTable
from apscheduler.jobstores._sql_notify import channel_of
from apscheduler.jobstores._sql_schema import FLOOR, Tables
from apscheduler.jobstores._sql_sqlite import names_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler._core.claims import Claim, Finish, JobRow
    from apscheduler.jobstores._sql_engine import Database

DRIVERS = ("psycopg", "psycopg2")

_RECORD_TYPES = ("text", "int8", "float8", "int4", "text", "text", "text", "float8", "bytea")
_KEY = {"job_id": "text", "revision": "int8", "run_time": "float8", "attempt": "int4"}
_OUTCOME = {
    "status": "text",
    "started": "float8",
    "finished": "float8",
    "reason": "text",
    "error": "text",
    "traceback": "text",
    "result": "bytea",
}

# Rows are locked by ascending id before they are changed, because two nodes that lock them in different
# orders deadlock. What decides is the revision that the changes compare: a row that another node has changed
# meanwhile is looked at again once that node is done, and is not the one that was claimed.
_CLAIM = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::text[], %(revisions)s::int8[], %(thens)s::float8[], %(states)s::bytea[])
        AS g (id, revision, next_time, state)
), held AS (
    SELECT j.id, g.revision, g.next_time, g.state FROM {jobs} j JOIN given g ON g.id = j.id
    WHERE j.revision = g.revision ORDER BY j.id FOR UPDATE OF j
), moved AS (
    UPDATE {jobs} j SET next_run_time = h.next_time, revision = j.revision + 1,
        job_state = coalesce(h.state, j.job_state)
    FROM held h WHERE j.id = h.id AND j.revision = h.revision AND h.next_time IS NOT NULL RETURNING j.id
), removed AS (
    DELETE FROM {jobs} j USING held h
    WHERE j.id = h.id AND j.revision = h.revision AND h.next_time IS NULL RETURNING j.id, h.revision
), lifted AS (
    UPDATE {numbers} SET value = top FROM (SELECT max(revision) AS top FROM removed) r
    WHERE name = '{floor}' AND value < top
), won AS (
    SELECT id FROM moved UNION ALL SELECT id FROM removed
), recorded AS (
    INSERT INTO {runs} ({columns}) SELECT r.* FROM unnest({arrays}) AS r ({columns})
    JOIN won ON won.id = r.job_id
)
SELECT id FROM won
"""

_FINISH = """
UPDATE {runs} r SET {changes} FROM unnest({arrays}) AS f ({columns})
WHERE r.job_id = f.job_id AND r.run_time = f.run_time AND r.revision = f.revision AND r.attempt = f.attempt
    AND r.finished IS NULL
"""

_DISCARD = """
DELETE FROM {runs} r USING unnest({arrays}) AS f ({columns})
WHERE r.job_id = f.job_id AND r.run_time = f.run_time AND r.revision = f.revision AND r.attempt = f.attempt
    AND r.finished IS NULL
"""

_INSERT = """
WITH added AS (
    INSERT INTO {jobs} (id, next_run_time, revision, job_state)
    SELECT * FROM unnest(%(ids)s::text[], %(times)s::float8[], %(revisions)s::int8[], %(states)s::bytea[])
    RETURNING next_run_time
)
SELECT pg_notify('{channel}', %(me)s) WHERE EXISTS (SELECT FROM added WHERE next_run_time IS NOT NULL)
"""

_REPLACE = """
WITH changed AS (
    UPDATE {jobs} SET next_run_time = %(time)s, job_state = %(state)s, revision = revision + 1
    WHERE id = %(id)s AND revision = %(revision)s RETURNING next_run_time
)
SELECT CASE WHEN next_run_time IS NOT NULL THEN pg_notify('{channel}', %(me)s) END FROM changed
"""


class PostgresqlJobsTable(JobsTable):
    """The jobs table in PostgreSQL. A change that may make something due is told to whoever listens.

    `me` is what this store's own notifications say, so that it can pass over them.
    """

    def __init__(self, db: Database, tables: Tables) -> None:
        super().__init__(db, tables)
        self.me = os.urandom(8).hex()
        self.channel = channel_of(tables.jobs.name, tables.jobs.schema)
        jobs = names_of(db, tables)[0]
        self._insert_sql = _INSERT.format(jobs=jobs, channel=self.channel)
        self._replace_sql = _REPLACE.format(jobs=jobs, channel=self.channel)

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the row with its id and revision; return whether there was one."""
        values = {
            "id": row.job_id, "time": row.next_run_time, "revision": row.revision, "state": row.definition,
            "me": self.me,
        }  # fmt: skip
        changed = self._db.write_once(lambda conn: conn.exec_driver_sql(self._replace_sql, values).all())
        return len(changed) == 1

    def _insert_rows(self, conn: Connection, rows: Sequence[JobRow]) -> None:
        ids, times, revisions, states = zip(*rows, strict=True)
        arrays = {
            "ids": array(ids), "times": array(times), "revisions": array(revisions), "states": array(states),
            "me": self.me,
        }  # fmt: skip
        conn.exec_driver_sql(self._insert_sql, arrays)


class PostgresqlClaimsTable(ClaimsTable):
    """Claims and finishes in PostgreSQL, a batch at a time."""

    def __init__(self, db: Database, tables: Tables) -> None:
        super().__init__(db, tables)
        jobs, runs, _, numbers = names_of(db, tables)
        self._claim_sql = {
            columns: _CLAIM.format(
                jobs=jobs,
                runs=runs,
                numbers=numbers,
                floor=FLOOR,
                columns=", ".join(columns),
                arrays=_arrays(dict(zip(columns, _RECORD_TYPES, strict=False))),
            )
            for columns in (RECORD, KEPT)
        }
        outcome = {**_OUTCOME, **_KEY}
        self._finish_sql = _FINISH.format(
            runs=runs,
            changes=", ".join(f"{name} = f.{name}" for name in _OUTCOME)
            + f", job_state = CASE f.status WHEN '{INTERRUPTED}' THEN r.job_state END",
            columns=", ".join(outcome),
            arrays=_arrays(outcome),
        )
        self._discard_sql = _DISCARD.format(runs=runs, columns=", ".join(_KEY), arrays=_arrays(_KEY))

    def _claim_all(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        records = run_records(node, claims, now)
        sql = self._claim_sql[records.columns]
        values: dict[str, Any] = {
            "ids": array([claim.job_id for claim in claims]),
            "revisions": array([claim.revision for claim in claims]),
            "thens": array([claim.then for claim in claims]),
            "states": array([claim.definition for claim in claims]),
            **_columns(*records),
        }
        try:
            won = self._db.write_once(lambda conn: conn.exec_driver_sql(sql, values).all())
        except IntegrityError:
            return self._claim_each(node, claims, now)
        if len(won) == len(claims):
            return range(len(claims))
        ids = {row[0] for row in won}
        indexes = {index for index, claim in enumerate(claims) if claim.job_id in ids}
        lost = set(range(len(claims))) - indexes
        with self._db.reading() as conn:
            return indexes | self._won_before(conn, node, claims, lost)

    def _finish_all(self, outcomes: Sequence[Finish], keep: bool) -> None:
        keys = [outcome.key for outcome in outcomes]
        if keep:
            rows = [(*outcome_columns(outcome), *key) for outcome, key in zip(outcomes, keys, strict=True)]
            sql, values = self._finish_sql, _columns([*_OUTCOME, *_KEY], rows)
        else:
            sql, values = self._discard_sql, _columns(list(_KEY), keys)
        self._db.write_once(lambda conn: conn.exec_driver_sql(sql, values))


def _arrays(types: dict[str, str]) -> str:
    return ", ".join(f"%({name})s::{kind}[]" for name, kind in types.items())


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return {name: array(column) for name, column in zip(names, columns, strict=True)}


def array(values: Iterable[Any]) -> str:
    """Return the values as PostgreSQL writes an array, which the statement casts to its type.

    The drivers do the same in several times as long: for each value they ask what it is, and whether to quote it.
    """
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    kind = type(value)
    if value is None:
        return "NULL"
    if kind is str:
        if "\\" in value or '"' in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if kind is bytes:
        return f'"\\\\x{value.hex()}"'
    return repr(value)  # of a float: the shortest text that leads back to it
