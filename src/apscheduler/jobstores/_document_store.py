"""The job store on a server of documents: what MongoDB and RethinkDB have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from apscheduler._core.claims import Claim, Due, Finish, JobRow, NodeRow, Rerun, RunQuery, StoredRun
from apscheduler.jobstores._codec import JobCodec
from apscheduler.jobstores._document_jobs import DocumentJobs
from apscheduler.jobstores._document_return import FiredJobs
from apscheduler.jobstores._document_runs import DocumentRuns
from apscheduler.jobstores._documents import Documents
from apscheduler.jobstores._pickled_store import PickledJobStore

if TYPE_CHECKING:
    from apscheduler.job import Job


class DocumentJobStore(PickledJobStore):
    """Keeps jobs and the records of their runs as documents; a subclass says how its server is spoken to.

    A method is atomic for each job and each run that it is about, not for all of them together: after an error some may
    be written. Every method may be repeated.
    """

    _jobs: DocumentJobs

    def _keep_in(self, documents: Documents, pickle_protocol: int) -> None:
        self.pickle_protocol = pickle_protocol
        self._codec = JobCodec(pickle_protocol)
        self._documents = documents
        self._jobs = DocumentJobs(documents)
        self._runs = DocumentRuns(documents, self._jobs)
        self._fired = FiredJobs(documents, self._jobs)

    def forked(self) -> None:
        """Leave the connections to the parent process, and what it has fired."""
        self._documents.forked()
        self._keep_in(self._documents, self.pickle_protocol)

    def start(self, scheduler: Any, alias: str) -> None:
        """Create what the store needs on the server."""
        super().start(scheduler, alias)
        self._documents.prepare()

    def shutdown(self) -> None:
        """Leave the jobs as 3.x expects them, as far as that is possible now, and close what was opened here."""
        self._leave_for_3x()
        self._documents.close()

    # -- jobs ---------------------------------------------------------------------------------------------------

    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or none and return the ids that are taken.

        Where another process adds one of several ids at the same moment, the others are seen for a moment.
        """
        return super().insert_jobs(rows)

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were."""
        deleted = super().delete_jobs(job_ids)
        self._runs.forget_reruns(job_ids)
        return deleted

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is `now` or earlier, by ascending next run time."""
        due = self._jobs.read_due(now.timestamp(), 1 << 30)
        return self._load_all([JobRow(*row[:4]) for row in due.rows])

    # -- firing -------------------------------------------------------------------------------------------------

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs that are due, earliest first, and the next run time after `now`."""
        return self._jobs.read_due(now, limit)

    def read_share(self, now: float, limit: int, part: int, parts: int) -> Due:
        """Return at most `limit` due jobs whose revision, divided by `parts`, leaves `part`, earliest first."""
        return self._jobs.read_share(now, limit, part, parts)

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those won."""
        won = self._jobs.claim(node, claims)
        self._fired.add(claims[index] for index in won)
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING."""
        if outcomes:
            self._runs.finish(outcomes, keep)

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone."""
        self._runs.record(node, claims)

    # -- runs and nodes -----------------------------------------------------------------------------------------

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id."""
        return self._runs.read(query)

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records older than `before`, or not among the newest `per_job` of their job.

        For the latter it counts the records of those jobs that this store has written some of since it last did so, and
        the first time those of all jobs.
        """
        return self._runs.prune(before, per_job)

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter."""
        self._runs.heartbeat(node)

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""
        return self._runs.read_nodes()

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node."""
        return self._runs.take_over(node_id, now, reason)

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that are to be repeated, oldest run time first."""
        return self._runs.read_reruns(limit)

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs; return the indexes of those that were won."""
        return self._runs.claim_reruns(node, reruns)
