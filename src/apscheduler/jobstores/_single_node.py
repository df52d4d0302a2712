"""A store written for 3.x, under the claiming contract - for one scheduler.

Such a store has no conditional write. Claims are guarded by a lock inside this process, and runs are recorded in its
memory; two processes on such a store would both run its jobs, as with 3.x.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any, ClassVar

from apscheduler._core.claims import (
    Claim,
    Due,
    DueRow,
    Finish,
    JobRow,
    NodeRow,
    Rerun,
    RunQuery,
    StoredRun,
)
from apscheduler.errors import ConflictingIdError, JobLookupError
from apscheduler.job import Job
from apscheduler.jobstores._memory_log import MemoryLog
from apscheduler.jobstores.base import BaseJobStore, ClaimingJobStore, stamp_of


class SingleNodeStore(ClaimingJobStore):
    """Gives `inner` revisions, claims and a run log that last as long as this process."""

    blocks: ClassVar[bool] = True
    shared: ClassVar[bool] = False

    def __init__(self, inner: BaseJobStore) -> None:
        self.inner = inner
        # Held across the inner store's I/O, because nothing else makes a claim atomic there. Reentrant, because such a
        # store may call its scheduler.
        self._lock = RLock()
        self._log_lock = RLock()
        self._log = MemoryLog()
        self._revisions: dict[str, int] = {}
        self._next_revision = count(1)

    def start(self, scheduler: Any, alias: str) -> None:
        """Start the inner store."""
        super().start(scheduler, alias)
        self.inner.start(scheduler, alias)

    def shutdown(self) -> None:
        """Shut the inner store down."""
        self.inner.shutdown()

    def dump(self, job: Job) -> Job:
        """Return `job` itself; the inner store makes of it what it does."""
        return job

    def load(self, row: JobRow | DueRow) -> Job:
        """Return the job that the inner store gave."""
        job: Job = row.definition
        return job

    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or - where one of their ids is taken - none, and return the ids that are taken."""
        added: list[str] = []
        with self._lock:
            for row in rows:
                try:
                    self.inner.add_job(row.definition)
                except ConflictingIdError:
                    for job_id in added:
                        self.inner.remove_job(job_id)
                    return [row.job_id]
                added.append(row.job_id)
                self._revisions[row.job_id] = next(self._next_revision)
        return ()

    def replace_job(self, row: JobRow) -> bool:
        """Write the definition and next run time of `row` if no change came between."""
        with self._lock:
            if self._revision(row.job_id) != row.revision:
                return False
            try:
                self.inner.update_job(row.definition)
            except JobLookupError:
                return False
            self._changed(row.job_id)
            return True

    def read_job(self, job_id: str) -> JobRow | None:
        """Return the job with the revision that it has in this process, or None."""
        with self._lock:
            job = self.inner.lookup_job(job_id)
            return None if job is None else self._row(job)

    def read_jobs(self) -> Sequence[JobRow]:
        """Return all jobs in the order of the inner store."""
        with self._lock:
            return [self._row(job) for job in self.inner.get_all_jobs()]

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were."""
        with self._lock:
            if job_ids is None:
                number = len(self.inner.get_all_jobs())
                self.inner.remove_all_jobs()
                self._revisions.clear()
                return number
            return sum(self._remove(job_id) for job_id in job_ids)

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` due jobs, and the earliest run time after `now` as far as the store tells it."""
        with self._lock:
            due = self.inner.get_due_jobs(datetime.fromtimestamp(now, UTC)) if limit else []
            rows = []
            for job in due[:limit]:
                stamp = stamp_of(job)
                if stamp is not None:
                    with self._log_lock:
                        live = self._log.live().get(job.id, 0)
                    rows.append(DueRow(job.id, stamp, self._revision(job.id), job, live))
            return Due(rows, self._earliest_after(now, due))

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job was not changed in this process since it was read."""
        won = []
        with self._lock:
            for index, claim in enumerate(claims):
                if self._revision(claim.job_id) != claim.revision:
                    continue
                if self._apply(claim):
                    with self._log_lock:
                        self._log.record(node, [claim])
                    won.append(index)
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to the log in memory."""
        with self._log_lock:
            self._log.ended.append((outcomes, keep))
            self._log.settle()

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Write run records to the log in memory."""
        with self._log_lock:
            self._log.record_new(node, claims)

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records of this process."""
        with self._log_lock:
            return self._log.read(query)

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are too old or too many."""
        with self._log_lock:
            return self._log.prune(before, per_job)

    def heartbeat(self, node: NodeRow) -> None:
        """Remember the only node there is."""
        with self._log_lock:
            self._log.nodes[node.id] = node

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return the only node there is."""
        with self._log_lock:
            return list(self._log.nodes.values())

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED."""
        with self._log_lock:
            return self._log.take_over(node_id, now, reason)

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return nothing: what a crash cut off was recorded in the memory that the crash took with it."""
        return ()

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Win nothing, as nothing is there to be repeated."""
        return ()

    # -- under the lock -----------------------------------------------------------------------------------------

    def _apply(self, claim: Claim) -> bool:
        try:
            if claim.then is None:
                self.inner.remove_job(claim.job_id)
                self._revisions.pop(claim.job_id, None)
                return True
            job = claim.definition or self.inner.lookup_job(claim.job_id)
            if job is None:
                return False
            job.next_run_time = claim.time
            self.inner.update_job(job)
        except JobLookupError:
            return False
        self._changed(claim.job_id)
        return True

    def _earliest_after(self, now: float, due: Sequence[Job]) -> float | None:
        earliest = self.inner.get_next_run_time()
        if earliest is None or earliest.timestamp() > now:
            return None if earliest is None else earliest.timestamp()
        # The due jobs hide the first one after them, which this contract has no question for.
        stamps = (stamp_of(job) for job in self.inner.get_all_jobs())
        return min((stamp for stamp in stamps if stamp is not None and stamp > now), default=None)

    def _row(self, job: Job) -> JobRow:
        return JobRow(job.id, stamp_of(job), self._revision(job.id), job)

    def _revision(self, job_id: str) -> int:
        revision = self._revisions.get(job_id)
        if revision is None:
            revision = self._revisions[job_id] = next(self._next_revision)
        return revision

    def _changed(self, job_id: str) -> None:
        self._revisions[job_id] = next(self._next_revision)

    def _remove(self, job_id: str) -> int:
        try:
            self.inner.remove_job(job_id)
        except JobLookupError:
            return 0
        self._revisions.pop(job_id, None)
        return 1
