"""A job store around another one that fails, waits or forgets at the step that a test names.

Connections break before a server has done what it was asked, or after: then the caller cannot know that it was done.
Both happen here when a test says so, so that what follows can be tested without luck.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

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
from apscheduler._core.listing import JobQuery
from apscheduler.job import Job
from apscheduler.jobstores.base import ClaimingJobStore

__all__ = ("ConnectionLostError", "FaultyStore", "lose_connection")

Action = Callable[[], Any]


class ConnectionLostError(OSError):
    """What a store raises here when it is told to fail; to the scheduler it is any library's exception."""


def lose_connection() -> None:
    """Raise `ConnectionLostError`; an action for `FaultyStore.before()` and `after()`."""
    raise ConnectionLostError("the connection was lost")


class FaultyStore(ClaimingJobStore):
    """Hands every call on to `store`, with what was asked for done before or after it.

    An action is a callable without arguments: what it raises is what the call raises; one that waits delays the
    call; one that uses the store, or another on the same data, comes between the scheduler's steps. An action is
    forgotten when it begins, so it may make the same call itself.

    Args:
        store: where the data is.
        blocks: whether to pass for a store that waits for I/O; as `store` if not given.

    Attributes:
        calls: the names of the calls that were made, in order.
    """

    def __init__(self, store: ClaimingJobStore, blocks: bool | None = None) -> None:
        self.store = store
        self.blocks = store.blocks if blocks is None else blocks  # type: ignore[misc]  # of this instance
        self.shared = store.shared  # type: ignore[misc]
        self.calls: list[str] = []
        self._before: dict[str, list[Action]] = {}
        self._after: dict[str, list[Action]] = {}
        self._dropped: list[str] = []
        self._down = False

    # -- what a test says ---------------------------------------------------------------------------------------

    def before(self, call: str, action: Action = lose_connection, times: int = 1) -> None:
        """Have `action` done before the next calls of that name take effect; if it raises, they do not."""
        self._before.setdefault(call, []).extend([action] * times)

    def after(self, call: str, action: Action = lose_connection, times: int = 1) -> None:
        """Have `action` done after the next calls of that name took effect; if it raises, the answer is lost."""
        self._after.setdefault(call, []).extend([action] * times)

    def drop(self, call: str, times: int = 1) -> None:
        """Have the next calls of that name, which must return nothing, succeed without any effect."""
        self._dropped += [call] * times

    def go_down(self) -> None:
        """Have every call fail without effect, until `come_back()`."""
        self._down = True

    def come_back(self) -> None:
        """Have calls work again."""
        self._down = False

    def _made(self, name: str, call: Callable[[], Any]) -> Any:
        self.calls.append(name)
        if self._down:
            lose_connection()
        if before := self._before.get(name):
            before.pop(0)()
        if name in self._dropped:
            self._dropped.remove(name)
            return None
        answer = call()
        if after := self._after.get(name):
            after.pop(0)()
        return answer

    # -- the contract -------------------------------------------------------------------------------------------

    def start(self, scheduler: Any, alias: str) -> None:
        """Start the store."""
        super().start(scheduler, alias)
        self._made("start", lambda: self.store.start(scheduler, alias))

    def shutdown(self) -> None:
        """Shut the store down."""
        self._made("shutdown", self.store.shutdown)

    def dump(self, job: Job) -> Any:
        """Return the definition of `job` as the store keeps it."""
        return self.store.dump(job)

    def load(self, row: JobRow | DueRow) -> Job:
        """Return the job that `row` defines."""
        return self.store.load(row)

    def new_row(self, job: Job) -> JobRow:
        """Return the row under which `job` would be inserted now."""
        return self.store.new_row(job)

    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows`, or none and return the ids that are taken."""
        taken: Collection[str] = self._made("insert_jobs", lambda: self.store.insert_jobs(rows))
        return taken

    def replace_job(self, row: JobRow) -> bool:
        """Write `row` if the stored revision is still its own."""
        written: bool = self._made("replace_job", lambda: self.store.replace_job(row))
        return written

    def read_job(self, job_id: str) -> JobRow | None:
        """Return the stored row of one job, or None."""
        row: JobRow | None = self._made("read_job", lambda: self.store.read_job(job_id))
        return row

    def read_jobs(self) -> Sequence[JobRow]:
        """Return all stored rows."""
        rows: Sequence[JobRow] = self._made("read_jobs", self.store.read_jobs)
        return rows

    def read_page(self, query: JobQuery) -> Sequence[JobRow]:
        """Return the rows that are asked for."""
        rows: Sequence[JobRow] = self._made("read_page", lambda: self.store.read_page(query))
        return rows

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove jobs."""
        deleted: int = self._made("delete_jobs", lambda: self.store.delete_jobs(job_ids))
        return deleted

    def read_due(self, now: float, limit: int) -> Due:
        """Return the jobs that are due."""
        due: Due = self._made("read_due", lambda: self.store.read_due(now, limit))
        return due

    def read_share(self, now: float, limit: int, part: int, parts: int) -> Due:
        """Return a share of the jobs that are due."""
        due: Due = self._made("read_share", lambda: self.store.read_share(now, limit, part, parts))
        return due

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won."""
        won: Collection[int] = self._made("claim", lambda: self.store.claim(node, claims))
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records."""
        self._made("finish", lambda: self.store.finish(outcomes, keep))

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`."""
        self._made("record_runs", lambda: self.store.record_runs(node, claims))

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records."""
        runs: Sequence[StoredRun] = self._made("read_runs", lambda: self.store.read_runs(query))
        return runs

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are too old or too many."""
        removed: int = self._made("prune_runs", lambda: self.store.prune_runs(before, per_job))
        return removed

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`."""
        self._made("heartbeat", lambda: self.store.heartbeat(node))

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""
        nodes: Sequence[NodeRow] = self._made("read_nodes", self.store.read_nodes)
        return nodes

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the runs of a node as interrupted, and remove the node."""
        runs: Sequence[StoredRun] = self._made(
            "take_over", lambda: self.store.take_over(node_id, now, reason)
        )
        return runs

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return the runs that are to be repeated."""
        reruns: Sequence[Rerun] = self._made("read_reruns", lambda: self.store.read_reruns(limit))
        return reruns

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs."""
        won: Collection[int] = self._made("claim_reruns", lambda: self.store.claim_reruns(node, reruns))
        return won

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when another process changed a job."""
        return self.store.subscribe(callback)
