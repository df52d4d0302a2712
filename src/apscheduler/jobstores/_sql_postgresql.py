"""The PostgreSQL way: what costs is a round trip, so a batch is one statement, its rows sent as arrays.

A claim and its run records are one statement, hence one transaction without a BEGIN and a COMMIT of their
own.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED
from apscheduler.jobstores._sql_claims import KEPT, ClaimsTable, OwnKey, record_key, run_records
from apscheduler.jobstores._sql_jobs import JobsTable
from apscheduler.jobstores._sql_notify import channel_of
from apscheduler.jobstores._sql_schema import FLOOR, Tables
from apscheduler.jobstores._sql_sqlite import names_of
from apscheduler.jobstores._text import storable_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler._core.claims import Claim, Finish, JobRow
    from apscheduler.jobstores._sql_engine import Database

DRIVERS = ("psycopg", "psycopg2")

_MOVE = {"job_id": "text", "revision": "int8", "next_time": "float8", "state": "bytea"}
_RECORD = dict(
    zip(KEPT, ("text", "int8", "float8", "int4", "text", "text", "text", "float8", "bytea"), strict=True)
)
_OF_RECORDS = "of_records_"
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
WITH given AS {given}, held AS (
    SELECT j.id, g.revision, g.next_time, g.state FROM {jobs} j JOIN given g ON g.job_id = j.id
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
    INSERT INTO {runs} ({columns}) SELECT {columns} FROM {records} r JOIN won ON won.id = r.job_id
)
SELECT count(*), CASE WHEN count(*) < %(number)s THEN array_agg(id::text) END FROM won
"""

_FINISH = """
UPDATE {runs} r SET {changes} FROM {outcomes} f
WHERE {live_key}
"""

_DISCARD = """
DELETE FROM {runs} r USING {outcomes} f
WHERE {live_key}
"""

# OFFSET 0 has the keys looked up before the rest is asked, for which the planner would rather read the whole table.
_OWN = """
SELECT job_id, revision, attempt FROM (
    SELECT r.job_id, r.revision, r.attempt, r.node, r.status FROM {runs} r JOIN {keys} f
    ON r.job_id = f.job_id AND r.run_time = f.run_time AND r.revision = f.revision AND r.attempt = f.attempt OFFSET 0
) found WHERE node = %(node)s AND status <> '{interrupted}'
"""

# Each run is looked up by the index of its key, and by nothing else. The planner believes that a table has hardly any
# live runs, and would compare each of a thousand outcomes with each of a thousand live runs; so it is not told that
# live ones are meant, nor that all have the same run time.
_LIVE_KEY = """
r.job_id = f.job_id AND r.run_time = f.run_time AND r.revision = f.revision AND r.attempt = f.attempt
    AND (r.finished IS NULL OR f.job_id IS NULL)
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
        parts = {"jobs": jobs, "runs": runs, "numbers": numbers, "floor": FLOOR}
        # Made for each set of columns that have one value in all rows, of which few occur.
        self._claim_sql = lru_cache(64)(partial(_claim_sql, parts))
        self._finish_sql = lru_cache(64)(partial(_finish_sql, runs))
        self._discard_sql = _DISCARD.format(
            runs=runs, outcomes=_rows(_KEY, frozenset(), of_any_number=True), live_key=_LIVE_KEY
        )

        self._own_sql = _OWN.format(
            runs=runs, keys=_rows(_KEY, frozenset(), of_any_number=True), interrupted=INTERRUPTED
        )

    def _claim_all(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        records = run_records(node, claims, now)
        transposed = zip(*records.rows, strict=True) if records.rows else [()] * len(records.columns)
        columns: dict[str, Sequence[Any]] = dict(zip(records.columns, transposed, strict=True))
        moves: dict[str, Sequence[Any]] = {
            "job_id": [claim.job_id for claim in claims],
            "revision": [claim.revision for claim in claims],
            "next_time": [claim.then for claim in claims],
            "state": [claim.definition for claim in claims],
        }
        if columns["job_id"] == tuple(moves["job_id"]):  # one record for each, as nearly always
            same, values = _sent(columns | moves, arrays=("job_id", "revision"))
            sql = self._claim_sql(records.columns, same, None)
        else:
            same, values = _sent(moves, arrays=("job_id", "revision"))
            same_records, more = _sent(columns, arrays=("job_id",))
            values.update((_OF_RECORDS + name, value) for name, value in more.items())
            sql = self._claim_sql(records.columns, same, same_records)
        values["number"] = len(claims)
        try:
            answer: Any = self._db.write_once(lambda conn: conn.exec_driver_sql(sql, values).one())
        except IntegrityError:
            return self._claim_each(node, claims, now)
        number, won = answer
        if number == len(claims):
            return range(len(claims))
        ids = set(won or ())
        indexes = {index for index, claim in enumerate(claims) if claim.job_id in ids}
        lost = set(range(len(claims))) - indexes
        with self._db.reading() as conn:
            return indexes | self._won_before(conn, node, claims, lost)

    def _find_own(self, conn: Connection, node: str, claims: Sequence[Claim]) -> Iterable[OwnKey]:
        columns = dict(zip(_KEY, zip(*map(record_key, claims), strict=True), strict=True))
        _, values = _sent(columns, arrays=_KEY)
        own: Iterable[Any] = conn.exec_driver_sql(self._own_sql, {**values, "node": node})
        return map(tuple, own)

    def _finish_all(self, outcomes: Sequence[Finish], keep: bool) -> None:
        keys, status, started, finished, reason, error, traceback, result = zip(*outcomes, strict=True)
        columns = dict(zip(_KEY, zip(*keys, strict=True), strict=True))
        if keep:
            texts = _storable(reason), _storable(error), _storable(traceback)
            columns.update(zip(_OUTCOME, (status, started, finished, *texts, result), strict=True))
        same, values = _sent(columns, arrays=_KEY)
        sql = self._finish_sql(same) if keep else self._discard_sql
        self._db.write_once(lambda conn: conn.exec_driver_sql(sql, values))


def _claim_sql(
    parts: Mapping[str, str],
    columns: tuple[str, ...],
    same: frozenset[str],
    same_records: frozenset[str] | None,
) -> str:
    """Return the statement for claims that come with their records (None), or with records of their own."""
    types = {name: _RECORD[name] for name in columns}
    if same_records is None:
        given, records = _rows(types | _MOVE, same), "given"
    else:
        given, records = _rows(_MOVE, same), _rows(types, same_records, _OF_RECORDS)
    return _CLAIM.format(**parts, columns=", ".join(columns), given=given, records=records)


def _finish_sql(runs: str, same: frozenset[str]) -> str:
    changes = ", ".join(f"{name} = f.{name}" for name in _OUTCOME)
    changes += f", job_state = CASE f.status WHEN '{INTERRUPTED}' THEN r.job_state END"
    outcomes = _rows(_OUTCOME | _KEY, same, of_any_number=True)
    return _FINISH.format(runs=runs, changes=changes, outcomes=outcomes, live_key=_LIVE_KEY)


def _rows(
    types: Mapping[str, str], same: frozenset[str], prefix: str = "", of_any_number: bool = False
) -> str:
    """Return what the rows of `_sent()` are selected from, in parentheses; `prefix` is that of the values' names.

    With `of_any_number` the planner is not told how many rows there are, and takes them for few.
    """
    arrays = {name: kind for name, kind in types.items() if name not in same}
    array = "(SELECT %({})s::{}[])" if of_any_number else "%({})s::{}[]"
    given = ", ".join(array.format(prefix + name, kind) for name, kind in arrays.items())
    constants = "".join(f", %({prefix}{name})s::{types[name]} AS {name}" for name in types if name in same)
    return f"(SELECT *{constants} FROM unnest({given}) AS u ({', '.join(arrays)}))"


def _storable(texts: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return tuple(map(storable_text, texts)) if any(texts) else texts


def _sent(
    columns: Mapping[str, Sequence[Any]], arrays: Collection[str]
) -> tuple[frozenset[str], dict[str, Any]]:
    """Return the values to send for columns: an array for each, or its only value where all rows have the same.

    The names of the latter columns come first; `arrays` are not among them.
    """
    same, values = [], {}
    for name, column in columns.items():
        if column and name not in arrays and column.count(column[0]) == len(column):
            same.append(name)
            values[name] = column[0]
        else:
            values[name] = array(column)
    return frozenset(same), values


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
