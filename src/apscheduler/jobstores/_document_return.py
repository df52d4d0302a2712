"""Where a document store leaves next run times for 3.x (see `_way_back`)."""

from __future__ import annotations

from collections.abc import Sequence

from apscheduler._core.claims import JobRow
from apscheduler.jobstores import _way_back
from apscheduler.jobstores._document_jobs import DocumentJobs
from apscheduler.jobstores._documents import JOBS, Change, Documents
from apscheduler.jobstores._way_back import NewState


class FiredJobs(_way_back.FiredJobs):
    """The jobs that this store has fired."""

    def __init__(self, documents: Documents, jobs: DocumentJobs) -> None:
        super().__init__()
        self._docs = documents
        self._jobs = jobs

    def read_rows(self, ids: Sequence[str]) -> list[JobRow]:
        """Return the rows of these jobs."""
        return self._jobs.read_some(ids)

    def write_states(self, changes: Sequence[NewState]) -> None:
        """Write pickles over those of jobs that have not changed since; the revisions stay."""
        self._docs.change(
            JOBS,
            [Change(c.job_id, {"revision": c.revision}, {"job_state": c.definition}) for c in changes],
        )
