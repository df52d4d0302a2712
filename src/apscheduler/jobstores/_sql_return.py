"""The way back to 3.x: it trusts the next run time inside a job's pickle, which a firing here does not
rewrite.

So a store remembers which jobs it has fired, and when it shuts down it writes the time of the column into
their pickles. Best effort: a process that is killed does not get to it, and then 3.x takes a time that has
passed for the next one.
"""

from __future__ import annotations

import pickle
from threading import RLock
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import Claim, JobRow
from apscheduler.errors import JobUnreadableError
from apscheduler.jobstores._sql_jobs import CHUNK, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from apscheduler.job import Job
    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables

REMEMBERED = 10_000
SECONDS = 2.0


class FiredJobs:
    """Remembers the jobs that were fired since the start, up to a bound; the newest count."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        self._lock = RLock()
        self._ids: dict[str, None] = {}
        jobs = tables.jobs.c
        self._read = select(jobs.id, jobs.next_run_time, jobs.revision, jobs.job_state).where(
            jobs.id.in_(bindparam("ids", expanding=True))
        )
        # The revision stays, because nothing changes for this package: another node's claim is not to be lost
        # by it.
        self._write = (
            update(tables.jobs)
            .where(jobs.id == bindparam("b_id"), jobs.revision == bindparam("b_revision"))
            .values(job_state=bindparam("b_state"))
        )

    def add(self, claims: Iterable[Claim]) -> None:
        """Remember the jobs of `claims` that were won."""
        with self._lock:
            self._ids.update((claim.job_id, None) for claim in claims if claim.then is not None)
            while len(self._ids) > REMEMBERED:
                del self._ids[next(iter(self._ids))]

    def leave_for_3x(self, load: Callable[[JobRow], Job], protocol: int) -> None:
        """Write the next run times into the pickles of the jobs that were fired, for some seconds at most."""
        with self._lock:
            ids, self._ids = list(self._ids), {}
        deadline = SYSTEM.monotonic() + SECONDS
        for some in chunks(ids, CHUNK):
            if SYSTEM.monotonic() > deadline:
                return
            changes = []
            for job_id, stamp, revision, definition in self._db.fetch(self._read, {"ids": some}):
                row = JobRow(job_id, stamp, revision, bytes(definition))
                state = _brought_up_to_date(row, load, protocol)
                if state is not None:
                    changes.append({"b_id": job_id, "b_revision": revision, "b_state": state})
            if changes:
                self._write_states(changes)

    def _write_states(self, changes: Sequence[dict[str, Any]]) -> None:
        self._db.write(lambda conn: conn.execute(self._write, changes))


def _brought_up_to_date(row: JobRow, load: Callable[[JobRow], Job], protocol: int) -> bytes | None:
    """Return the definition of `row` with its next run time in it, or None where it is in it already."""
    try:
        next_run_time = load(row).next_run_time
    except JobUnreadableError:
        return None
    # The state itself is changed, not the job's, because it may hold options that a newer version has
    # written.
    state = pickle.loads(row.definition)
    if state["next_run_time"] == next_run_time:
        return None
    state["next_run_time"] = next_run_time
    return pickle.dumps(state, protocol)
