"""The MySQL and MariaDB way: what costs is a round trip, and there is neither RETURNING nor an array.

The rows of a batch are locked and looked at first, so that it is known here which of them are current (and
whether an id is the very one that was asked for: a table that 3.x made compares ids without case). What is
written then are inserts of many rows whose keys exist, which MySQL turns into updates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED, Claim, Finish, RunKey
from apscheduler.jobstores._sql_claims import KEPT, RECORD, ClaimsTable, outcome_columns, run_records
from apscheduler.jobstores._sql_jobs import CHUNK, chunks
from apscheduler.jobstores._sql_sqlite import names_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables

_OUTCOME = ("status", "started", "finished", "reason", "error", "traceback", "result")
_KEY = ("job_id", "revision", "run_time", "attempt")


class MysqlClaimsTable(ClaimsTable):
    """Claims and finishes in MySQL and MariaDB, a batch at a time."""

    def __init__(self, db: Database, tables: Tables) -> None:
        super().__init__(db, tables)
        jobs, runs, _, _ = names_of(db, tables)
        ids: Any = bindparam("ids", expanding=True)
        self._lock_jobs = (
            select(tables.jobs.c.id, tables.jobs.c.revision)
            .where(tables.jobs.c.id.in_(ids))
            .order_by(tables.jobs.c.id)
            .with_for_update()
        )
        self._remove_jobs = delete(tables.jobs).where(tables.jobs.c.id.in_(ids))
        self._lock_runs = (
            select(tables.runs.c.id, *(tables.runs.c[name] for name in _KEY))
            .where(tables.runs.c.finished.is_(None), tables.runs.c.job_id.in_(ids))
            .with_for_update()
        )
        self._discard_runs = delete(tables.runs).where(tables.runs.c.id.in_(ids))
        self._move_sql = _upsert(jobs, ("id", "revision", "next_run_time", "job_state"), ("next_run_time",))
        self._redefine_sql = _upsert(
            jobs, ("id", "revision", "next_run_time", "job_state"), ("next_run_time", "job_state")
        )
        self._record_sql = {
            columns: f"INSERT INTO {runs} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
            for columns in (RECORD, KEPT)
        }
        self._finish_sql = (
            _upsert(runs, ("id", *_KEY, *_OUTCOME), _OUTCOME)
            + f", job_state = CASE VALUES(status) WHEN '{INTERRUPTED}' THEN job_state END"
        )

    def _claim_all(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        try:
            return self._db.write(lambda conn: self._apply_batch(conn, node, claims, now))
        except IntegrityError:
            return self._claim_each(node, claims, now)

    def _apply_batch(self, conn: Connection, node: str, claims: Sequence[Claim], now: float) -> set[int]:
        current: dict[str, int] = {}
        for ids in chunks(sorted(claim.job_id for claim in claims), CHUNK):
            locked: Any = conn.execute(self._lock_jobs, {"ids": ids})
            current.update((job_id, revision) for job_id, revision in locked)
        won = {index for index, claim in enumerate(claims) if current.get(claim.job_id) == claim.revision}
        self._write_claims(conn, [claims[index] for index in won])
        records = run_records(node, [claims[index] for index in won], now)
        if records.rows:
            conn.exec_driver_sql(self._record_sql[records.columns], records.rows)
        lost = set(range(len(claims))) - won
        return {*won, *self._won_before(conn, node, claims, lost)}

    def _write_claims(self, conn: Connection, claims: Sequence[Claim]) -> None:
        moves, redefinitions, removals = [], [], []
        for claim in claims:
            values = (claim.job_id, claim.revision + 1, claim.then, claim.definition or b"")
            if claim.then is None:
                removals.append(claim.job_id)
            elif claim.definition is None:
                moves.append(values)
            else:
                redefinitions.append(values)
        if moves:
            conn.exec_driver_sql(self._move_sql, moves)
        if redefinitions:
            conn.exec_driver_sql(self._redefine_sql, redefinitions)
        for ids in chunks(removals, CHUNK):
            conn.execute(self._remove_jobs, {"ids": ids})
        if removals:
            self._raise_floor_over(conn, claims)

    def _finish_all(self, outcomes: Sequence[Finish], keep: bool) -> None:
        self._db.write(lambda conn: self._finish_batch(conn, outcomes, keep))

    def _finish_batch(self, conn: Connection, outcomes: Sequence[Finish], keep: bool) -> None:
        running: dict[RunKey, int] = {}
        for ids in chunks(sorted({outcome.key.job_id for outcome in outcomes}), CHUNK):
            locked: Any = conn.execute(self._lock_runs, {"ids": ids})
            running.update((RunKey(*key), run_id) for run_id, *key in locked)
        found = [outcome for outcome in outcomes if outcome.key in running]
        if keep and found:
            rows: list[tuple[Any, ...]] = [
                (running[outcome.key], *outcome.key, *outcome_columns(outcome)) for outcome in found
            ]
            conn.exec_driver_sql(self._finish_sql, rows)
            return
        for run_ids in chunks([running[outcome.key] for outcome in found], CHUNK):
            conn.execute(self._discard_runs, {"ids": run_ids})


def _upsert(table: str, columns: Sequence[str], changes: Sequence[str]) -> str:
    """Return an insert that overwrites `changes`, and the revision, of a row whose key exists."""
    values = ", ".join(["%s"] * len(columns))
    overwrite = ", ".join(f"{name} = VALUES({name})" for name in (*changes, "revision"))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) ON DUPLICATE KEY UPDATE {overwrite}"
