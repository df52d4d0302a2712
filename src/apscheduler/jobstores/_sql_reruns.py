"""Repeating what a crash cut off: runs that are interrupted and still keep the definition of their job.

Few runs are, and few processes crash, so this is row by row and with statements that every database understands.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, distinct, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED, RUNNING, Rerun, RunKey

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables


class RerunsTable:
    """The interrupted runs that are to be repeated; they are kept in the table of all runs."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        jobs, runs = tables.jobs, tables.runs
        others = runs.alias("others")
        live = (
            select(func.count(distinct(others.c.revision)))
            .where(others.c.job_id == runs.c.job_id, others.c.finished.is_(None))
            .scalar_subquery()
        )
        columns = (runs.c.job_id, runs.c.revision, runs.c.run_time, runs.c.attempt, runs.c.job_state)
        self._fetch = db.prepared(
            select(*columns, jobs.c.revision, live)
            .select_from(runs.outerjoin(jobs, jobs.c.id == runs.c.job_id))
            .where(runs.c.job_state.is_not(None), runs.c.status == INTERRUPTED)
            .order_by(runs.c.run_time, runs.c.id)
            .limit(bindparam("limit"))
        )
        key = and_(
            runs.c.job_id == bindparam("b_id"),
            runs.c.run_time == bindparam("b_time"),
            runs.c.revision == bindparam("b_revision"),
            runs.c.attempt == bindparam("b_attempt"),
        )
        self._drop = (
            update(runs)
            .where(key, runs.c.status == INTERRUPTED, runs.c.job_state.is_not(None))
            .values(job_state=None)
        )
        self._owner = select(runs.c.node).where(key, runs.c.status == RUNNING)
        self._current = select(jobs.c.revision).where(jobs.c.id == bindparam("b_id"))
        self._raise = (
            update(jobs)
            .where(jobs.c.id == bindparam("b_id"), jobs.c.revision == bindparam("b_current"))
            .values(revision=jobs.c.revision + 1)
        )
        self._insert = insert(runs)

    def read(self, limit: int) -> list[Rerun]:
        """Return at most `limit` runs that are to be repeated, oldest run time first."""
        return [
            Rerun(RunKey(job_id, revision, run_time, attempt), bytes(state), current, live)
            for job_id, revision, run_time, attempt, state, current, live in self._fetch({"limit": limit})
        ]

    def claim(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions, each in a transaction of its own; return the indexes of those that were won."""
        return [index for index, rerun in enumerate(reruns) if self._claim_one(node, rerun)]

    def _claim_one(self, node: str, rerun: Rerun) -> bool:
        try:
            return self._db.write(partial(self._apply, node, rerun))
        except (_LostError, IntegrityError):
            again = _key_values(rerun.key._replace(attempt=rerun.key.attempt + 1))
            return bool(self._db.scalar(self._owner, again) == node)

    def _apply(self, node: str, rerun: Rerun, conn: Connection) -> bool:
        key = rerun.key
        if rerun.revision is None:
            current = conn.scalar(self._current, {"b_id": key.job_id}) is None
        else:
            values = {"b_id": key.job_id, "b_current": rerun.revision}
            current = conn.execute(self._raise, values).rowcount == 1
        if not current or conn.execute(self._drop, _key_values(key)).rowcount != 1:
            raise _LostError
        record = {**key._asdict(), "attempt": key.attempt + 1, "status": RUNNING, "node": node}
        conn.execute(self._insert, record)
        return True


class _LostError(Exception):
    """Rolls a claim back."""


def _key_values(key: RunKey) -> dict[str, Any]:
    return {
        "b_id": key.job_id,
        "b_time": key.run_time,
        "b_revision": key.revision,
        "b_attempt": key.attempt,
    }
