"""The SQLite way: one process writes at a time, and what costs is each row's way through Python and the
parser.

So batches are given to the driver whole (`executemany`), and whether all of a batch went through is seen from
the count of changed rows. If not, nothing of it is kept, and the batch is done again row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED
from apscheduler.jobstores._sql_claims import KEPT, RECORD, ClaimsTable, outcome_columns, run_records
from apscheduler.jobstores._sql_jobs import CHUNK, JobsTable, chunks
from apscheduler.jobstores._sql_schema import FLOOR, Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler._core.claims import Claim, Finish, JobRow
    from apscheduler.jobstores._sql_engine import Database


class SqliteJobsTable(JobsTable):
    """The jobs table in SQLite."""

    def __init__(self, db: Database, tables: Tables) -> None:
        super().__init__(db, tables)
        jobs, runs, _, numbers = names_of(db, tables)
        # The revision is worked out by the insert itself, because nobody else can write meanwhile.
        self._insert_row = (
            f"INSERT INTO {jobs} (id, next_run_time, job_state, revision) VALUES (?, ?, ?, max(?,"
            f" coalesce((SELECT value FROM {numbers} WHERE name = '{FLOOR}'), 0) + 1,"
            f" coalesce((SELECT max(revision) FROM {runs} WHERE job_id = ?), 0) + 1))"
        )

    def _insert_all(self, rows: Sequence[JobRow]) -> None:
        values = [(row[0], row[1], row[3], row[2], row[0]) for row in rows]
        if len(values) == 1:
            self._db.write_once(lambda conn: conn.exec_driver_sql(self._insert_row, values[0]))
        else:
            self._db.write(lambda conn: conn.exec_driver_sql(self._insert_row, values))


class SqliteClaimsTable(ClaimsTable):
    """Claims and finishes in SQLite, a batch at a time."""

    def __init__(self, db: Database, tables: Tables) -> None:
        super().__init__(db, tables)
        jobs, runs, _, _ = names_of(db, tables)
        current = "id = ? AND revision = ?"
        key = "job_id = ? AND run_time = ? AND revision = ? AND attempt = ? AND finished IS NULL"
        self._move_sql = f"UPDATE {jobs} SET next_run_time = ?, revision = revision + 1 WHERE {current}"
        self._redefine_sql = (
            f"UPDATE {jobs} SET job_state = ?, next_run_time = ?, revision = revision + 1 WHERE {current}"
        )
        self._revisions_sql = f"SELECT id, revision FROM {jobs} WHERE id IN ({{}})"
        self._remove_sql = f"DELETE FROM {jobs} WHERE {current}"
        self._record_sql = {
            columns: f"INSERT INTO {runs} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            for columns in (RECORD, KEPT)
        }
        outcome = "status = ?, started = ?, finished = ?, reason = ?, error = ?, traceback = ?, result = ?"
        self._finish_sql = f"UPDATE {runs} SET {outcome}, job_state = NULL WHERE {key}"
        self._interrupt_sql = f"UPDATE {runs} SET {outcome} WHERE {key}"
        self._discard_sql = f"DELETE FROM {runs} WHERE {key}"

    def _claim_all(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        try:
            if self._db.write(lambda conn: self._apply_batch(conn, node, claims, now)):
                return range(len(claims))
        except _SomeWereLostError:
            pass
        except IntegrityError:
            return self._claim_each(node, claims, now)
        try:
            return self._db.write(lambda conn: self._apply_current(conn, node, claims, now))
        except IntegrityError:
            return self._claim_each(node, claims, now)

    def _apply_current(self, conn: Connection, node: str, claims: Sequence[Claim], now: float) -> set[int]:
        """Apply those of the claims whose jobs have not moved on; nobody else writes while this looks."""
        current: dict[str, int] = {}
        for ids in chunks([claim.job_id for claim in claims], CHUNK):
            marks = ", ".join("?" * len(ids))
            found: Any = conn.exec_driver_sql(self._revisions_sql.format(marks), tuple(ids))
            current.update((job_id, revision) for job_id, revision in found)
        won = [index for index, claim in enumerate(claims) if current.get(claim.job_id) == claim.revision]
        if won:
            self._apply_batch(conn, node, [claims[index] for index in won], now)
        return {*won, *self._won_before(conn, node, claims, set(range(len(claims))).difference(won))}

    def _apply_batch(self, conn: Connection, node: str, claims: Sequence[Claim], now: float) -> bool:
        moves, redefinitions, removals = [], [], []
        for claim in claims:
            if claim.then is None:
                removals.append((claim.job_id, claim.revision))
            elif claim.definition is None:
                moves.append((claim.then, claim.job_id, claim.revision))
            else:
                redefinitions.append((claim.definition, claim.then, claim.job_id, claim.revision))
        won = (
            _rows_changed(conn, self._move_sql, moves)
            + _rows_changed(conn, self._redefine_sql, redefinitions)
            + _rows_changed(conn, self._remove_sql, removals)
        )
        if won < len(claims):
            if won:
                raise _SomeWereLostError
            return False
        if removals:
            self._raise_floor_over(conn, claims)
        records = run_records(node, claims, now)
        if records.rows:
            conn.exec_driver_sql(self._record_sql[records.columns], records.rows)
        return True

    def _finish_all(self, outcomes: Sequence[Finish], keep: bool) -> None:
        if not keep:
            keys = [_key(outcome) for outcome in outcomes]
            self._db.write(lambda conn: conn.exec_driver_sql(self._discard_sql, keys))
            return
        ended: list[tuple[Any, ...]] = []
        cut_off: list[tuple[Any, ...]] = []
        for outcome in outcomes:
            rows = cut_off if outcome.status == INTERRUPTED else ended
            rows.append((*outcome_columns(outcome), *_key(outcome)))

        def work(conn: Connection) -> None:
            if ended:
                conn.exec_driver_sql(self._finish_sql, ended)
            if cut_off:
                conn.exec_driver_sql(self._interrupt_sql, cut_off)

        self._db.write(work)


class _SomeWereLostError(Exception):
    """Rolls a batch back."""


def names_of(db: Database, tables: Tables) -> list[str]:
    """Return the names of the tables as they are written in statements."""
    write: Callable[..., str] = db.engine.dialect.identifier_preparer.format_table
    return [write(table) for table in tables]


def _key(outcome: Finish) -> tuple[Any, ...]:
    job_id, revision, run_time, attempt = outcome.key
    return (job_id, run_time, revision, attempt)


def _rows_changed(conn: Connection, sql: str, values: Sequence[tuple[Any, ...]]) -> int:
    return conn.exec_driver_sql(sql, list(values)).rowcount if values else 0
