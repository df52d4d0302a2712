"""What the ZooKeeper and the etcd store are: the job store contract on a tree of keys."""

from __future__ import annotations

import json
from abc import abstractmethod
from base64 import b64decode
from collections.abc import Callable, Collection, Sequence
from typing import Any

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import (
    Claim,
    Due,
    DueRow,
    Finish,
    NodeRow,
    Rerun,
    RunKey,
    RunQuery,
    StoredRun,
)
from apscheduler.jobstores._pickled_store import PickledJobStore
from apscheduler.jobstores._tree import ConflictError, Create, Delete, Put, Tree, chunks
from apscheduler.jobstores._tree_claims import Claims
from apscheduler.jobstores._tree_codec import DocumentCodec
from apscheduler.jobstores._tree_foreign import FiredJobs, ForeignJobs
from apscheduler.jobstores._tree_index import Entry, Index
from apscheduler.jobstores._tree_jobs import Jobs
from apscheduler.jobstores._tree_live import LiveRuns
from apscheduler.jobstores._tree_log import RunLog
from apscheduler.jobstores._tree_names import tag_of

_of_the_parent: list[Tree] = []


class TreeJobStore(PickledJobStore):
    """Keeps jobs and the records of their runs in a tree of keys; any number of schedulers may share it."""

    _jobs: Jobs

    def __init__(self, tree: Tree, pickle_protocol: int) -> None:
        self.pickle_protocol = pickle_protocol
        self._build_on(tree)

    def _build_on(self, tree: Tree) -> None:
        self._watches: list[Callable[[], None]] = []
        self._codec = DocumentCodec(self.pickle_protocol)
        self._tree = tree
        self._index = Index(tree)
        self._jobs = Jobs(tree, self._index)
        self._log = RunLog(tree)
        self._live = LiveRuns(tree, self._log)
        self._foreign = ForeignJobs(tree, self._index, self._jobs, self.new_revision)
        self._claims = Claims(tree, self._index, self._jobs, self._live, self._log, self._foreign)
        self._fired = FiredJobs(tree, self._index, self._jobs)

    @abstractmethod
    def _make_tree(self) -> Tree:
        """Return the tree anew, in the child of a fork, without the connections of the parent."""

    def forked(self) -> None:
        """Leave the connections to the parent process, and all that it was about to do."""
        _of_the_parent.append(self._tree)  # kept, because what is freed may say goodbye to a server
        self._build_on(self._make_tree())

    def start(self, scheduler: Any, alias: str) -> None:
        """Connect, make what is missing, and adopt the jobs that 3.x has left."""
        super().start(scheduler, alias)
        self._tree.open()
        self._jobs.prepare()
        self._foreign.adopt()

    def shutdown(self) -> None:
        """Leave the jobs as 3.x expects them, as far as that is possible now, and disconnect."""
        while self._watches:
            self._watches.pop()()
        self._leave_for_3x()
        self._tree.close()

    # -- jobs ------------------------------------------------------------------------------------------------

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were."""
        if job_ids is None:
            self._foreign.adopt()
        self._forget_reruns(job_ids)
        deleted = super().delete_jobs(job_ids)
        # Again, because one of them may have been claimed meanwhile.
        self._forget_reruns(job_ids)
        return deleted

    # -- firing ----------------------------------------------------------------------------------------------

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs that are due, earliest first, and the next run time after `now`."""
        entries, later = self._index.due(now, limit)
        return Due(self._rows(entries), later)

    def read_share(self, now: float, limit: int, part: int, parts: int) -> Due:
        """Return at most `limit` due jobs whose revision, divided by `parts`, leaves `part`, earliest first.

        The definitions of the others are not read.
        """
        entries, _ = self._index.due(now, limit * parts)
        return Due(self._rows([entry for entry in entries if entry.revision % parts == part][:limit]), None)

    def _rows(self, entries: Sequence[Entry]) -> list[DueRow]:
        counts = self._live.counts() if entries else {}
        rows = []
        for entry, definition in self._jobs.with_definitions(entries):
            assert entry.time is not None
            job_id = entry.id
            rows.append(DueRow(job_id, entry.time, entry.revision, definition, counts.get(job_id, 0)))
        return rows

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those won."""
        if not claims:
            return ()
        won = self._claims.claim(node, claims, SYSTEM.time())
        self._fired.add(claims[index] for index in won)
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING."""
        if outcomes:
            self._live.finish(outcomes, keep)

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone."""
        self._claims.record(node, claims, SYSTEM.time())

    # -- runs ------------------------------------------------------------------------------------------------

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id."""
        return self._log.read(query, self._live.records())

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are older than `before`, or not among the newest `per_job` of their job."""
        return self._log.prune(before, per_job)

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that keep what is needed to repeat them, oldest first."""
        names = sorted(self._tree.names("reruns"))[:limit]
        if not names:
            return ()
        found = []
        for node in self._tree.read([f"reruns/{name}" for name in names]):
            if node is not None:
                *key, definition = json.loads(node.value)
                found.append((RunKey(*key), b64decode(definition)))
        counts = self._live.counts()
        entries = self._jobs.entries({key.job_id for key, _ in found})
        return [
            Rerun(
                key,
                definition,
                at.revision if (at := entries.get(key.job_id)) else None,
                counts.get(key.job_id, 0),
            )
            for key, definition in found
        ]

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs; return the indexes of those that were won."""
        return self._claims.claim_reruns(node, reruns)

    def _forget_reruns(self, job_ids: Collection[str] | None) -> None:
        names = self._tree.names("reruns")
        wanted = None if job_ids is None else set(job_ids)
        for name, node in zip(names, self._tree.read([f"reruns/{name}" for name in names]), strict=True):
            if node is not None and (wanted is None or json.loads(node.value)[0] in wanted):
                try:
                    self._tree.commit([Delete(f"reruns/{name}", node.version)])
                except ConflictError:
                    continue  # it was repeated just now
        while ops := self._live.forget_reruns(wanted):
            for some in chunks(ops, lambda op: len(getattr(op, "value", b"")), 20, self._tree.max_bytes):
                try:
                    self._tree.commit(some)
                except ConflictError:
                    continue  # some have ended meanwhile, which the next look shows

    # -- nodes -----------------------------------------------------------------------------------------------

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter. Looks for jobs of 3.x besides."""
        key, value = f"nodes/{tag_of(node.id)}", json.dumps(node).encode()
        for _ in range(3):
            try:
                self._tree.commit([Put(key, value)])
            except ConflictError:
                try:
                    self._tree.commit([Create(key, value)])
                except ConflictError:
                    continue  # another thread of the node was faster
            break
        self._index.tidy()
        if self._tree.is_foreign():
            self._foreign.adopt()

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off, the oldest first."""
        nodes = [NodeRow(*json.loads(node.value)) for node in self._tree.nodes("nodes").values()]
        return sorted(nodes, key=lambda node: (node.started, node.id))

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node."""
        taken = self._live.take_over(node_id, now, reason)
        try:
            self._tree.commit([Delete(f"nodes/{tag_of(node_id)}")])
        except ConflictError:
            pass  # it is gone already, or has never shown itself
        return taken

    # -- wake-ups --------------------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when another node has changed a job, and when it begins; return what ends that."""

        def look_for_foreign() -> None:
            if self._foreign.adopt():
                callback()

        end = self._tree.watch(self._jobs.writer, callback, look_for_foreign)
        self._watches.append(end)
        return end
