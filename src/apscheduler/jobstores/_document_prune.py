"""Removing run records of a document store that are too old, or too many of one job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apscheduler.jobstores._document_jobs import DocumentJobs
from apscheduler.jobstores._document_pending import pending_of
from apscheduler.jobstores._document_records import record_id
from apscheduler.jobstores._documents import RUNS, Change, Condition, Document, Documents

AT_ONCE = 1000
MOST = 10_000
"""So many jobs are named to the server; of more, all are counted."""


class Pruning:
    """Reads no more of a record than its key and its job; a record whose job still holds its run is left for later."""

    def __init__(self, documents: Documents, jobs: DocumentJobs) -> None:
        self._docs = documents
        self._jobs = jobs
        self._grown: set[str] = set()
        self._all = True  # because nobody knows what earlier processes have left

    def note(self, job_ids: Iterable[str]) -> None:
        """Note that records of these jobs are being written."""
        self._grown.update(job_ids)

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove records that are older than `before`, or not among the newest `per_job` of their job."""
        removed = 0
        if before is not None:
            removed += self._prune_old(before)
        if per_job is not None:
            removed += self._prune_grown(per_job)
        return removed

    def _prune_old(self, before: float) -> int:
        removed = 0
        while True:
            found = self._docs.find(
                RUNS, [Condition("run_time", "<", before)], "run_time", AT_ONCE, fields=["job_id"]
            )
            count = self._remove(found)
            removed += count
            if len(found) < AT_ONCE or not count:
                return removed

    def _prune_grown(self, per_job: int) -> int:
        grown, self._grown = self._grown, set()
        among = None if self._all or len(grown) > MOST else grown
        try:
            surplus: list[Document] = []
            for job_id, count in self._docs.counts(RUNS, "job_id", per_job, among).items():
                of_job = [Condition("job_id", "==", job_id)]
                surplus += self._docs.find(RUNS, of_job, "run_time", count - per_job, fields=["job_id"])
            removed = sum(
                self._remove(surplus[start : start + AT_ONCE]) for start in range(0, len(surplus), AT_ONCE)
            )
        except BaseException:
            self._grown |= grown
            raise
        self._all = False
        return removed

    def _remove(self, records: Sequence[Document]) -> int:
        if not records:
            return 0
        # Read after the records: what is not pending by now will never be again.
        documents = self._jobs.with_pending({record["job_id"] for record in records})
        held = {record_id(run.key) for document in documents for run in pending_of(document)}
        unneeded = [record["id"] for record in records if record["id"] not in held]
        return self._docs.remove(RUNS, [Change(key, {}) for key in unneeded])
