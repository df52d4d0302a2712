"""The memory store: jobs as they are, a heap of run times, a bounded log of runs.

The jobs in it are the handles that programs hold, so a firing or a change shows in them. Entries of the heap are never
searched for: a change pushes a new entry, and an entry whose revision is no longer its job's is passed over when it
comes to the top. Nothing here waits, so a turn calls it on any thread.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush, nsmallest
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
    made,
)
from apscheduler._core.listing import JobQuery, selected
from apscheduler.job import Job
from apscheduler.jobstores._memory_log import MemoryLog
from apscheduler.jobstores.base import ClaimingJobStore

__all__ = ("MemoryJobStore",)


_Entry = tuple[Any, str, int, Job]
"""A job as it is stored, in the dict of all jobs and, unless it is paused, in the heap: stamp, id, revision, job.

It is replaced by each change, so an entry of the heap counts only while it is the one in the dict. The stamp is None
where the job is paused, and else a float; so entries of the heap compare by it. A plain tuple, because one is made for
each firing, and a named one takes four times as long.
"""


def _few(entries: list[_Entry], query: JobQuery) -> list[_Entry]:
    """Return entries among which those of a page are: the first ones of a list, by the order of tuples.

    That order is the one of the list, apart from paused jobs, which are all returned where the page reaches them.
    """
    assert query.limit is not None
    last = query.after
    if query.id_prefix:
        entries = [entry for entry in entries if entry[1].startswith(query.id_prefix)]
    paused = [entry for entry in entries if entry[0] is None]
    if query.paused or (last is not None and last[0] is None):
        return paused
    if last is None:
        scheduled = [entry for entry in entries if entry[0] is not None]
    else:
        end: Any = (*last, math.inf)  # greater than the entry of the very job
        scheduled = [entry for entry in entries if entry[0] is not None and entry > end]
    first = nsmallest(query.limit, scheduled)
    return first if len(first) == query.limit else first + paused


class MemoryJobStore(ClaimingJobStore):
    """Keeps jobs in this process; nothing needs to be serializable, nothing survives the process.

    The newest 10,000 finished runs are kept.
    """

    blocks: ClassVar[bool] = False
    shared: ClassVar[bool] = False

    def __init__(self) -> None:
        self._lock = RLock()
        self._jobs: dict[str, _Entry] = {}
        self._heap: list[_Entry] = []
        self._handed_out: list[_Entry] = []
        self._highest_revision = 0
        self._log = MemoryLog()

    # -- jobs ---------------------------------------------------------------------------------------------------

    def dump(self, job: Job) -> Job:
        """Return `job` itself."""
        return job

    def load(self, row: JobRow | DueRow) -> Job:
        """Return the stored job itself."""
        job: Job = row.definition
        return job

    def new_row(self, job: Job) -> JobRow:
        """Return the row under which `job` would be inserted now."""
        time = job.next_run_time
        # Revision 0 is lifted above all that a removed job had, and is the same small object for all others.
        return made(JobRow, (job.id, None if time is None else time.timestamp(), 0, job))

    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or - where one of their ids is taken - none, and return the ids that are taken."""
        self._lock.acquire()  # which takes half as long as `with`
        try:
            jobs, least = self._jobs, self._highest_revision + 1
            for index, (job_id, stamp, proposed, job) in enumerate(rows):
                entry = (stamp, job_id, proposed if proposed > least else least, job)
                if jobs.setdefault(job_id, entry) is not entry:
                    return self._taken(rows, inserted=index)
                if stamp is not None:
                    heappush(self._heap, entry)
        finally:
            self._lock.release()
        return ()

    def replace_job(self, row: JobRow) -> bool:
        """Write the definition and next run time of `row` if the stored revision is still `row.revision`."""
        with self._lock:
            stored = self._jobs.get(row.job_id)
            if stored is None or stored[2] != row.revision:
                return False
            job = stored[3]
            if job is not row.definition:
                job._assign(row.definition)
            self._move(stored, row.next_run_time)
            self._trim_heap()
            return True

    def read_job(self, job_id: str) -> JobRow | None:
        """Return the stored row of one job, or None."""
        stored = self._jobs.get(job_id)
        return None if stored is None else _row(stored)

    def read_jobs(self) -> Sequence[JobRow]:
        """Return all stored rows by ascending next run time, paused ones last, ties by id."""
        with self._lock:
            # Copied first, because a signal's handler may add a job at any step of a loop.
            rows = [_row(entry) for entry in list(self._jobs.values())]
        rows.sort(key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))
        return rows

    def read_page(self, query: JobQuery) -> Sequence[JobRow]:
        """Return the rows that `query` asks for; all entries are looked at, but rows are made of few."""
        entries = list(self._jobs.values())  # which is one step, so that no lock is held meanwhile
        if query.limit is not None:
            entries = _few(entries, query)
        return selected((made(JobRow, (e[1], e[0], e[2], e[3])) for e in entries), query)

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were. Their runs are kept."""
        with self._lock:
            removed = 0
            self._log.forget(job_ids)
            for job_id in list(self._jobs) if job_ids is None else job_ids:
                if job_id in self._jobs:
                    self._drop(job_id)
                    removed += 1
            if not self._jobs:
                self._heap.clear()
                self._handed_out.clear()
        return removed

    def shutdown(self) -> None:
        """Forget every job, as in 3.x."""
        self.delete_jobs(None)

    def forked(self) -> None:
        """Go on with a copy of the jobs; the runs are those of the parent and are forgotten here."""
        self._lock = RLock()
        self._log = MemoryLog()
        self._rebuild_heap()  # because another thread may have been about to do so

    # -- firing -------------------------------------------------------------------------------------------------

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs whose next run time is `now` or earlier, earliest first."""
        rows: list[DueRow] = []
        jobs = self._jobs
        with self._lock:
            heap, live = self._heap, self._log.live()
            for entry in self._handed_out:
                if jobs.get(entry[1]) is entry:  # what the last reader did not claim is due again
                    heappush(heap, entry)
            handed_out = self._handed_out = []
            while heap and len(rows) < limit and heap[0][0] <= now:
                entry = heappop(heap)
                stamp, job_id, revision, job = entry
                if jobs.get(job_id) is entry:
                    handed_out.append(entry)
                    rows.append(made(DueRow, (job_id, stamp, revision, job, live.get(job_id, 0))))
            return Due(rows, self._earliest_after(now))

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those that were won."""
        won, applied = [], []
        with self._lock:
            jobs = self._jobs
            for index, claim in enumerate(claims):
                stored = jobs.get(claim.job_id)
                if stored is not None and stored[2] == claim.revision:
                    won.append(index)
                    applied.append(claim)
                elif self._log.won_before(node, claim):
                    won.append(index)
            self._log.record(node, applied)
            for job_id, _, then, _, _, _, time, _ in applied:
                stored = jobs.get(job_id)
                if stored is None:  # removed by a signal's handler
                    continue
                if then is None:
                    self._drop(job_id)
                else:
                    stored[3].next_run_time = time
                    self._move(stored, then)
            self._trim_heap()
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING."""
        self._log.ended.append((outcomes, keep))
        # Else the next who takes the lock and looks writes them. Were it waited for, the turn and all workers would
        # queue for it, and hand it and the interpreter's lock from one to the next at every run: a lock convoy.
        if self._lock.acquire(False):
            try:
                self._log.settle()
            finally:
                self._lock.release()

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone."""
        with self._lock:
            self._log.record_new(node, claims)

    # -- runs ---------------------------------------------------------------------------------------------------

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id."""
        with self._lock:
            return self._log.read(query)

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records with a run time earlier than `before`, and all but the newest `per_job` of a job."""
        with self._lock:
            return self._log.prune(before, per_job)

    # -- nodes --------------------------------------------------------------------------------------------------

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter."""
        with self._lock:
            self._log.nodes[node.id] = node

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""
        with self._lock:
            return list(self._log.nodes.values())

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node."""
        with self._lock:
            return self._log.take_over(node_id, now, reason)

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that are to be repeated, oldest run time first."""
        with self._lock:
            return [
                Rerun(key, definition, self._revision_of(key.job_id), self._log.live().get(key.job_id, 0))
                for key, definition in self._log.kept()[:limit]
            ]

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs; return the indexes of those that were won."""
        won = []
        with self._lock:
            for index, rerun in enumerate(reruns):
                key = rerun.key
                again = key._replace(attempt=key.attempt + 1)
                if self._log.is_running(node, again):
                    won.append(index)
                elif self._revision_of(key.job_id) == rerun.revision and self._log.repeat(node, rerun):
                    won.append(index)
                    if rerun.revision is not None:
                        entry = self._jobs[key.job_id]
                        self._move(entry, entry[0])
            self._trim_heap()
        return won

    # -- under the lock -----------------------------------------------------------------------------------------

    def _move(self, entry: _Entry, stamp: float | None) -> None:
        _, job_id, revision, job = entry
        new = self._jobs[job_id] = (stamp, job_id, revision + 1, job)
        if stamp is not None:
            heappush(self._heap, new)

    def _trim_heap(self) -> None:
        if len(self._heap) > 2 * len(self._jobs) + 1000:  # most entries in it count no more
            self._rebuild_heap()

    def _taken(self, rows: Sequence[JobRow], inserted: int) -> Collection[str]:
        """Take out again what was inserted of `rows`; return the ids that are taken, or all where one comes twice."""
        for row in rows[:inserted]:
            self._drop(
                row.job_id
            )  # so that no later entry of the heap is equal to the one that is left there
        ids = [row.job_id for row in rows]
        return [job_id for job_id in ids if job_id in self._jobs] or ids

    def _rebuild_heap(self) -> None:
        self._heap = [entry for entry in list(self._jobs.values()) if entry[0] is not None]
        heapify(self._heap)
        self._handed_out = []

    def _revision_of(self, job_id: str) -> int | None:
        entry = self._jobs.get(job_id)
        return None if entry is None else entry[2]

    def _drop(self, job_id: str) -> None:
        self._highest_revision = max(self._highest_revision, self._jobs.pop(job_id)[2])

    def _earliest_after(self, now: float) -> float | None:
        heap = self._heap
        while heap:
            entry = heap[0]
            stamp: float = entry[0]
            if self._jobs.get(entry[1]) is entry:
                return stamp if stamp > now else None
            heappop(heap)
        return None


def _row(entry: _Entry) -> JobRow:
    stamp, job_id, revision, job = entry
    return JobRow(job_id, stamp, revision, job)
