"""What the job stores of servers have in common: jobs are kept as the pickles of 3.x, and left for it at the end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from apscheduler._core.claims import Claim, DueRow, JobRow
from apscheduler.job import Job
from apscheduler.jobstores._codec import JobCodec
from apscheduler.jobstores.base import ClaimingJobStore


class JobRows(Protocol):
    """The jobs of a server; see the methods of `ClaimingJobStore` for what is promised."""

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or none and return the ids that are taken."""

    def replace(self, row: JobRow) -> bool:
        """Write a row over the one with its id and revision."""

    def read(self, job_id: str) -> JobRow | None:
        """Return one row, or None."""

    def read_all(self) -> Sequence[JobRow]:
        """Return all rows, by ascending next run time, paused ones last, ties by id."""

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs)."""


class Fired(Protocol):
    """The jobs that a store has fired; see `_way_back`."""

    def add(self, claims: Iterable[Claim]) -> None:
        """Remember the jobs of claims that were won."""

    def leave_for_3x(self, load: Callable[[JobRow], Job], protocol: int) -> None:
        """Write their next run times into their pickles."""


class PickledJobStore(ClaimingJobStore):
    """A store that is put together from a codec, the jobs of a server, and the way back to 3.x."""

    pickle_protocol: int
    _codec: JobCodec
    _jobs: JobRows
    _fired: Fired

    def _leave_for_3x(self) -> None:
        """Leave the jobs as 3.x expects them, as far as that is possible now."""
        try:
            self._fired.leave_for_3x(self.load, self.pickle_protocol)
        except Exception as exc:
            # Whatever it is, nothing is lost: the times that count are right, only copies in the pickles are old.
            self._logger.debug("The stored jobs were not brought up to date for 3.x: %s", exc)

    def dump(self, job: Job) -> bytes:
        """Return the pickled definition of `job`."""
        return self._codec.dump(job)

    def load(self, row: JobRow | DueRow) -> Job:
        """Return the job that `row` defines, with the row's next run time."""
        return self._codec.load(row, self._scheduler, self._alias)

    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or none and return the ids that are taken."""
        return self._jobs.insert(rows)

    def replace_job(self, row: JobRow) -> bool:
        """Write the definition and next run time of `row` if the stored revision is still `row.revision`."""
        return self._jobs.replace(row)

    def read_job(self, job_id: str) -> JobRow | None:
        """Return the stored row of one job, or None."""
        return self._jobs.read(job_id)

    def read_jobs(self) -> Sequence[JobRow]:
        """Return all stored rows by ascending next run time, paused ones last, ties by id."""
        return self._jobs.read_all()

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were; see the contract."""
        deleted = self._jobs.delete(job_ids)
        for job_id in job_ids or ():
            self._codec.forget(job_id)
        return deleted
