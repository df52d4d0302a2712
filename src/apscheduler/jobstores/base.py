"""What a job store must do, at two levels.

`BaseJobStore` is the contract of 3.x: eight methods on `Job` objects. A third-party store that fulfils it works, for
one scheduler at a time.

`ClaimingJobStore` is what the stores of this package fulfil: they keep opaque definitions under ids and revisions, and
win or lose conditional writes, so that any number of schedulers may share one store. A store never decides: what is
due, skipped, missed or next is decided in `_core` and handed to it as a claim. The suite in
`apscheduler.testing.jobstore` states every promise below as a test.
"""

from __future__ import annotations

import logging
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import Claim, Due, DueRow, Finish, JobRow, NodeRow, Rerun, RunQuery, StoredRun
from apscheduler._core.listing import JobQuery, selected
from apscheduler.errors import ConflictingIdError, JobLookupError, JobUnreadableError, TransientJobError

if TYPE_CHECKING:
    from apscheduler.job import Job

__all__ = (
    "BaseJobStore",
    "ClaimingJobStore",
    "ConflictingIdError",
    "JobLookupError",
    "TransientJobError",
)


class BaseJobStore(metaclass=ABCMeta):
    """The job store contract of 3.x: subclass this to bring a store of your own.

    Calls come from the scheduler's thread and from every thread that uses the scheduler.
    """

    _scheduler: Any = None
    _alias: str | None = None
    _logger: logging.Logger = logging.getLogger("apscheduler.jobstores")

    def start(self, scheduler: Any, alias: str) -> None:
        """Prepare for use; called once, when the scheduler starts or when the store is added to a running one."""
        self._scheduler = scheduler
        self._alias = alias
        self._logger = logging.getLogger(f"apscheduler.jobstores.{alias}")

    def shutdown(self) -> None:  # noqa: B027 - a store with nothing to free need not say so
        """Free what the store holds; called once, when the scheduler stops or the store is removed from it."""

    def forked(self) -> None:  # noqa: B027 - a store that holds nothing of the process need not say so
        """Be unstarted, in the child of a fork: let go of the parent's connections without using or closing them.

        Locks are to be made anew, because another thread may have held them at the fork. Nothing may be waited for.
        """

    def _fix_paused_jobs_sorting(self, jobs: list[Job]) -> None:
        """Move paused jobs to the end of `jobs`, in place; for stores that sort a missing time first."""
        jobs.sort(key=lambda job: job.next_run_time is None)

    @abstractmethod
    def lookup_job(self, job_id: str) -> Job | None:
        """Return the job with this id, or None."""

    @abstractmethod
    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is `now` or earlier, by ascending next run time."""

    @abstractmethod
    def get_next_run_time(self) -> datetime | None:
        """Return the earliest next run time of any job, or None where no job is scheduled."""

    @abstractmethod
    def get_all_jobs(self) -> list[Job]:
        """Return all jobs, by ascending next run time, paused ones last."""

    @abstractmethod
    def add_job(self, job: Job) -> None:
        """Add `job`; raise `ConflictingIdError` where its id is taken."""

    @abstractmethod
    def update_job(self, job: Job) -> None:
        """Replace the stored job that has the id of `job`; raise `JobLookupError` where there is none."""

    @abstractmethod
    def remove_job(self, job_id: str) -> None:
        """Remove the job with this id; raise `JobLookupError` where there is none."""

    @abstractmethod
    def remove_all_jobs(self) -> None:
        """Remove every job."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class ClaimingJobStore(BaseJobStore):
    """A store that any number of schedulers may share.

    Every method is atomic: after an error nothing of it is in effect, or - where the connection broke during the
    commit - all of it may be; `claim`, `finish`, `heartbeat`, `take_over`, `claim_reruns`, `delete_jobs` and
    `prune_runs` may then be repeated. Methods are called from any thread, never with a lock of the scheduler held. A
    server that does not answer is reported as the client library's own exception.
    """

    blocks: ClassVar[bool] = True
    """Whether calls may wait for I/O; if so they are kept off an event loop's thread during a turn."""

    shared: ClassVar[bool] = True
    """Whether other processes may use the same data."""

    # -- jobs ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def dump(self, job: Job) -> Any:
        """Return the definition of `job` as this store keeps it.

        Raises `TransientJobError` or `JobSerializationError` where that is not possible.
        """

    @abstractmethod
    def load(self, row: JobRow | DueRow) -> Job:
        """Return the job that `row` defines, with the row's next run time.

        Raises `JobUnreadableError` where it cannot be rebuilt in this process; the stored row is left alone.
        """

    @abstractmethod
    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or - where one of their ids is taken - none, and return the ids that are taken.

        The `revision` of each row is a proposal: where a job with that id has been stored before and its revision
        or its run records reached as far, the store takes a higher one.
        """

    @abstractmethod
    def replace_job(self, row: JobRow) -> bool:
        """Write the definition and next run time of `row` if the stored revision is still `row.revision`.

        The revision grows by one. Returns whether it was written; False also where the job is gone.
        """

    @abstractmethod
    def read_job(self, job_id: str) -> JobRow | None:
        """Return the stored row of one job, or None."""

    @abstractmethod
    def read_jobs(self) -> Sequence[JobRow]:
        """Return all stored rows by ascending next run time, paused ones last, ties by id."""

    def read_page(self, query: JobQuery) -> Sequence[JobRow]:
        """Return the rows that `query` asks for, in the order of `read_jobs()`.

        A store that can tell those apart by itself saves the reading of the others. Then a job that is paused or
        resumed during the call may be missing, but none is there twice.
        """
        return selected(self.read_jobs(), query)

    @abstractmethod
    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were.

        Their runs are kept, but not repeated any more: what the records keep for that (`Claim.rerun`) is dropped.
        """

    # -- firing -------------------------------------------------------------------------------------------------

    @abstractmethod
    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs whose next run time is `now` or earlier, earliest first; writes nothing.

        `Due.next_run_time` is the earliest next run time *after* `now`, for the scheduler to sleep until; where more
        is due than `limit` it may be None, because the scheduler reads again before it sleeps.
        """

    def read_share(self, now: float, limit: int, part: int, parts: int) -> Due:
        """Return at most `limit` due jobs whose revision, divided by `parts`, leaves `part`, earliest first.

        For schedulers that share the work where many jobs are due. `Due.next_run_time` is not looked at. A store that
        can tell those apart by itself saves the reading of the others.
        """
        rows = self.read_due(now, limit * parts).rows
        return Due([row for row in rows if row.revision % parts == part][:limit], None)

    @abstractmethod
    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those that were won.

        A claim that is won, in one transaction: sets the next run time (or removes the job), raises the revision by
        one, and inserts its run records under (job id, claimed revision, run time, attempt), which is unique. A claim
        that `node` has won before, and that is repeated because the commit was unclear, is won again - unless its
        run was taken over meanwhile, as it may have been started elsewhere since. A claim that is lost has no
        effect. Ids within `claims` are distinct.
        """

    @abstractmethod
    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING.

        With `keep=False` (no run log) the records are removed instead. A record drops what it keeps for a repetition
        (`Claim.rerun`), unless its outcome is INTERRUPTED.
        """

    @abstractmethod
    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone.

        For what became of a run time that nobody claims, such as that its job was set aside. A record whose key
        exists is left as it is.
        """

    # -- runs ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id."""

    @abstractmethod
    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records with a run time earlier than `before`, and all but the newest `per_job` of a job.

        Records that are still RUNNING are never removed. Large numbers may go in several transactions. Returns how
        many were removed.
        """

    # -- nodes --------------------------------------------------------------------------------------------------

    @abstractmethod
    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter."""

    @abstractmethod
    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""

    @abstractmethod
    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node.

        Returns exactly those runs that this call has recorded, so that of several callers each run has one. A node
        signs off by taking over itself. The records go on keeping what they keep for a repetition (`Claim.rerun`).
        """

    @abstractmethod
    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that keep what is needed to repeat them, oldest run time first."""

    @abstractmethod
    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs; return the indexes of those that were won.

        One is won where the record still keeps its definition and the job still has `revision` (or is still gone where
        that is None). Atomically, it drops that definition, raises the job's revision by one, and inserts a RUNNING
        record of `node` with the same key but one attempt more, which keeps no definition: a run is repeated once.
        One that `node` has won before is won again while its record is RUNNING. One that is lost has no effect.
        """

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when another process has added or changed a job; return what ends that.

        It is called from any thread, once that can be read; also when listening begins, and when it begins anew after
        a connection was lost, because of what may have been missed. `shutdown()` ends it, too. None where the server
        cannot tell: then the scheduler polls while other nodes live.
        """
        return None

    # -- the contract of 3.x, on top of the above ---------------------------------------------------------------

    def lookup_job(self, job_id: str) -> Job | None:
        """Return the job with this id, or None; one to look at where it cannot be rebuilt here (see `show()`)."""
        row = self.read_job(job_id)
        return None if row is None else self.show(row)

    def get_all_jobs(self) -> list[Job]:
        """Return all jobs, by ascending next run time, paused ones last; see `show()`."""
        return [self.show(row) for row in self.read_jobs()]

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is `now` or earlier, by ascending next run time."""
        stamp = now.timestamp()
        return self._load_all(
            [r for r in self.read_jobs() if r.next_run_time is not None and r.next_run_time <= stamp]
        )

    def get_next_run_time(self) -> datetime | None:
        """Return the earliest next run time of any job in UTC, or None where no job is scheduled."""
        earliest = self.read_due(float("-inf"), 0).next_run_time
        return None if earliest is None else datetime.fromtimestamp(earliest, UTC)

    def add_job(self, job: Job) -> None:
        """Add `job`; raise `ConflictingIdError` where its id is taken."""
        if self.insert_jobs([self.new_row(job)]):
            raise ConflictingIdError(job.id)

    def update_job(self, job: Job) -> None:
        """Replace the stored job that has the id of `job`, whatever its revision; `JobLookupError` if there is none.

        The scheduler itself changes jobs by `replace_job`, which undoes no concurrent change.
        """
        definition, stamp = self.dump(job), stamp_of(job)
        while (row := self.read_job(job.id)) is not None:
            if self.replace_job(JobRow(job.id, stamp, row.revision, definition)):
                return
        raise JobLookupError(job.id)

    def remove_job(self, job_id: str) -> None:
        """Remove the job with this id; raise `JobLookupError` where there is none."""
        if not self.delete_jobs([job_id]):
            raise JobLookupError(job_id)

    def remove_all_jobs(self) -> None:
        """Remove every job. Their runs are kept."""
        self.delete_jobs(None)

    def show(self, row: JobRow | DueRow) -> Job:
        """Return the job that `row` defines or, where it cannot be rebuilt here, one to look at in its place.

        That one has an `unreadable_reason`, and whatever else could be read of it. It cannot be run.
        """
        try:
            return self.load(row)
        except JobUnreadableError as exc:
            from apscheduler.jobstores._unreadable import stand_in

            stamp = row.next_run_time
            zone = getattr(self._scheduler, "timezone", UTC)
            job = stand_in(row, str(exc), None if stamp is None else datetime.fromtimestamp(stamp, zone))
            job._scheduler, job._jobstore_alias = self._scheduler, self._alias
            return job

    def new_row(self, job: Job) -> JobRow:
        """Return the row under which `job` would be inserted now."""
        return JobRow(job.id, stamp_of(job), self.new_revision(), self.dump(job))

    def new_revision(self) -> int:
        """Return the revision that a job added now starts with.

        Microseconds of the clock: a job that is removed and added again starts above where it was, because no job
        fires a million times a second. It stays below 2**53, so that stores whose numbers are doubles hold it.
        """
        return int(SYSTEM.time() * 1_000_000)

    def _load_all(self, rows: Sequence[JobRow]) -> list[Job]:
        jobs = []
        for row in rows:
            try:
                jobs.append(self.load(row))
            except JobUnreadableError as exc:
                self._logger.warning("Job %s is kept, but cannot be run here: %s", row.job_id, exc)
        return jobs


def stamp_of(job: Job) -> float | None:
    """Return the next run time of `job` as a store keeps it: seconds since the epoch, None for a paused job."""
    time = job.next_run_time
    return None if time is None else time.timestamp()
