"""Where the SQL job store leaves next run times for 3.x (see `_way_back`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from apscheduler._core.claims import JobRow
from apscheduler.jobstores import _way_back
from apscheduler.jobstores._way_back import NewState

if TYPE_CHECKING:
    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables


class FiredJobs(_way_back.FiredJobs):
    """The jobs that this store has fired."""

    def __init__(self, db: Database, tables: Tables) -> None:
        super().__init__()
        self._db = db
        jobs = tables.jobs.c
        self._read = select(jobs.id, jobs.next_run_time, jobs.revision, jobs.job_state).where(
            jobs.id.in_(bindparam("ids", expanding=True))
        )
        # The revision stays, because nothing changes for this package: another node's claim is not to be lost by it.
        self._write = (
            update(tables.jobs)
            .where(jobs.id == bindparam("b_id"), jobs.revision == bindparam("b_revision"))
            .values(job_state=bindparam("b_state"))
        )

    def read_rows(self, ids: Sequence[str]) -> list[JobRow]:
        """Return the rows of these jobs."""
        found = self._db.fetch(self._read, {"ids": ids})
        return [JobRow(job_id, stamp, revision, bytes(state)) for job_id, stamp, revision, state in found]

    def write_states(self, changes: Sequence[NewState]) -> None:
        """Write pickles over those of jobs that have not changed since."""
        values = [
            {"b_id": change.job_id, "b_revision": change.revision, "b_state": change.definition}
            for change in changes
        ]
        self._db.write(lambda conn: conn.execute(self._write, values))
