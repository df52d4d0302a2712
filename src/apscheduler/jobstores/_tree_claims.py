"""Claims in a tree of keys.

A claim removes the entry that was read and puts the next one in its place (or removes the job), and the same
transaction writes what was started. Claims are made in batches; after a conflict the pointers tell which of a batch
were lost, and the others are tried again, in the end one by one: so a lost claim does not cost another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from threading import Lock
from typing import NamedTuple

from apscheduler._core.claims import INTERRUPTED, RUNNING, Claim, Rerun, RunKey, StoredRun
from apscheduler.jobstores._tree import (
    Absent,
    ConflictError,
    Create,
    Delete,
    Op,
    Put,
    Tree,
    chunks,
    size_of,
)
from apscheduler.jobstores._tree_foreign import ForeignJobs
from apscheduler.jobstores._tree_jobs import Jobs, Pointer, moves, removes
from apscheduler.jobstores._tree_live import Batch, LiveRun, LiveRuns, dump_batch, new_batch
from apscheduler.jobstores._tree_log import RunLog, hours_of, rerun_key
from apscheduler.jobstores._tree_names import Entry, digest_of

ROUNDS = 4
PATIENT_ROUNDS = 12
ROOM = 6
IDS_AT_ONCE = 1000


class _Unit(NamedTuple):
    """One claim of a batch, with the operations on its job, and the entry that it leaves."""

    number: int
    claim: Claim
    ops: list[Op]
    after: Entry | None


class RunIds:
    """Hands out ids of run records, which are used once in a store and grow on each node.

    They are taken from a number in the tree, a thousand at a time.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = Lock()
        self._next = self._end = 0

    def take(self, count: int) -> range:
        """Return `count` new ids."""
        while True:
            with self._lock:
                if self._next + count <= self._end:
                    self._next += count
                    return range(self._next - count, self._next)
            start, end = self._reserve(count + IDS_AT_ONCE)
            with self._lock:
                if start > self._next:
                    self._next, self._end = start, end

    def _reserve(self, count: int) -> tuple[int, int]:
        while True:
            (node,) = self._tree.read(["numbers/run_id"])
            value = 0 if node is None else int(node.value)
            data = str(value + count).encode()
            op = Create("numbers/run_id", data) if node is None else Put("numbers/run_id", data, node.version)
            try:
                self._tree.commit([op])
            except ConflictError:
                continue  # another node has taken some
            return value + 1, value + 1 + count


class Claims:
    """Makes claims."""

    def __init__(self, tree: Tree, jobs: Jobs, live: LiveRuns, log: RunLog, foreign: ForeignJobs) -> None:
        self._tree = tree
        self._jobs = jobs
        self._live = live
        self._log = log
        self._foreign = foreign
        self.ids = RunIds(tree)

    # -- claims ----------------------------------------------------------------------------------------------

    def claim(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won; `now` is when final runs ended."""
        gone = max((claim.revision for claim in claims if claim.then is None), default=0)
        self._jobs.raise_floor(gone)
        entries = self._find(claims)
        won: list[int] = []
        lost: list[int] = []
        pending = list(range(len(claims)))
        for attempt in range(PATIENT_ROUNDS):
            units = []
            for index in pending:
                entry = entries.get(claims[index].job_id)
                if entry is None or entry.revision != claims[index].revision:
                    lost.append(index)
                else:
                    units.append(self._unit(index, claims[index], entry, node))
            pending = []
            for some in self._parts(units, single=attempt >= ROUNDS):
                done = self._commit(node, some, now)
                (won if done else pending).extend(unit.number for unit in some)
            if not pending:
                break
            self._tree.catch_up()
            entries = self._ask_for([claims[index] for index in pending])
        for index in pending:  # its document was removed, or is written by others all the time
            self._foreign.mend(self._jobs.name_of(claims[index].job_id))
        lost += pending
        return {*won, *self._won_before(node, claims, lost)}

    def _find(self, claims: Sequence[Claim]) -> dict[str, Entry]:
        known = {}
        for claim in claims:
            entry = self._jobs.remembered(claim.job_id, claim.revision)
            if entry is not None:
                known[claim.job_id] = entry
        return {**self._ask_for([claim for claim in claims if claim.job_id not in known]), **known}

    def _ask_for(self, claims: Sequence[Claim]) -> dict[str, Entry]:
        ids = [claim.job_id for claim in claims]
        pointers = self._jobs.pointers(ids)
        return {
            job_id: pointer.entry
            for job_id, pointer in zip(ids, pointers, strict=True)
            if pointer is not None
        }

    def _unit(self, index: int, claim: Claim, entry: Entry, node: str) -> _Unit:
        if claim.then is None:
            return _Unit(index, claim, removes(entry), None)
        after = entry._replace(time=claim.then, revision=entry.revision + 1)
        if claim.definition is not None:
            after = after._replace(digest=digest_of(claim.definition))
        ops = moves(entry, Pointer(after, node, claim.attempt))
        if claim.definition is not None:
            ops.append(Put(f"def/{entry.name}", claim.definition))
        return _Unit(index, claim, ops, after)

    def _parts(self, units: Sequence[_Unit], single: bool) -> Iterable[list[_Unit]]:
        # Room is left for the batch of live runs, and for segments of the log.
        most = 1 if single else self._tree.max_ops - ROOM
        return chunks(units, _unit_size, most, self._tree.max_bytes * 3 // 4, _unit_ops)

    def _commit(self, node: str, units: Sequence[_Unit], now: float) -> bool:
        running, final = self._records(node, [unit.claim for unit in units], now)
        ops: list[Op] = []
        if running:
            batch = new_batch(node, running)
            ops.append(Create(f"live/{batch.name}", dump_batch(node, running), guarded=False))
        ops += [op for unit in units for op in unit.ops]
        # More hours than a transaction has room for: what never ran may be written a moment later.
        most = ROOM - 1
        first = final if hours_of(run.run_time for run in final) <= most else final[:most]
        versions = self._log.commit(ops, first)
        if versions is None:
            return False
        if running:
            self._live.started(batch._replace(version=versions[0]))
        self._jobs.remember(unit.after for unit in units if unit.after is not None)
        for some in chunks(final[len(first) :], lambda _: 0, most, 1):
            self._log.commit([], some)
        return True

    def _records(
        self, node: str, claims: Sequence[Claim], now: float
    ) -> tuple[list[LiveRun], list[StoredRun]]:
        ids = iter(self.ids.take(sum(len(claim.runs) for claim in claims)))
        running, final = [], []
        for claim in claims:
            for run in claim.runs:
                key = RunKey(claim.job_id, claim.revision, run.run_time, claim.attempt)
                if run.status == RUNNING:
                    running.append(LiveRun(next(ids), key, claim.rerun))
                else:
                    final.append(StoredRun(next(ids), *key, run.status, node, run.reason, None, now))
        return running, final

    def record(self, node: str, claims: Sequence[Claim], now: float) -> None:
        """Add the records of `claims` that do not exist yet, none of them RUNNING; `now` is when they ended."""
        for run in self._records(node, claims, now)[1]:
            self._log.record_once(run)

    # -- claims that are repeated ----------------------------------------------------------------------------

    def _won_before(self, node: str, claims: Sequence[Claim], lost: Sequence[int]) -> Iterable[int]:
        """Return those of the `lost` claims that `node` has made already, and still has."""
        some = [index for index in lost if claims[index].runs]
        if not some:
            return
        owners = self._owners()
        pointers = self._jobs.pointers([claims[index].job_id for index in some])
        for index, pointer in zip(some, pointers, strict=True):
            claim = claims[index]
            owner = owners.get((claim.job_id, claim.revision, claim.attempt))
            if owner == node or (
                owner is None and not _is_by_another(pointer, node, claim) and self._has_record(node, claim)
            ):
                yield index

    def _owners(self) -> dict[tuple[str, int, int], str]:
        return {
            (run.key.job_id, run.key.revision, run.key.attempt): batch.node
            for batch in self._live.read()
            for run in batch.runs
        }

    def _has_record(self, node: str, claim: Claim) -> bool:
        times = [run.run_time for run in claim.runs]
        statuses = self._log.statuses_of(node, claim.job_id, claim.revision, claim.attempt, times)
        # What was taken over may have been started elsewhere since.
        return bool(statuses) and INTERRUPTED not in statuses

    # -- repetitions -----------------------------------------------------------------------------------------

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions, each in a transaction of its own, because they are few."""
        return [index for index, rerun in enumerate(reruns) if self._claim_rerun(node, rerun)]

    def _claim_rerun(self, node: str, rerun: Rerun) -> bool:
        key = rerun.key._replace(attempt=rerun.key.attempt + 1)
        for _ in range(ROUNDS):
            (pointer,) = self._jobs.pointers([key.job_id])
            if (None if pointer is None else pointer.entry.revision) != rerun.revision:
                break
            after = None
            ops: list[Op] = [Absent(f"jobs/{self._jobs.name_of(key.job_id)}")]
            if pointer is not None:
                after = pointer.entry._replace(revision=pointer.entry.revision + 1)
                ops = moves(pointer.entry, Pointer(after, node))
            batch: Batch = new_batch(node, [LiveRun(self.ids.take(1)[0], key, None)])
            ops = [
                Create(f"live/{batch.name}", dump_batch(node, batch.runs)),
                Delete(rerun_key(rerun.key)),
                *ops,
            ]
            try:
                versions = self._tree.commit(ops)
            except ConflictError:
                self._tree.catch_up()
                continue
            self._live.started(batch._replace(version=versions[0]))
            if after is not None:
                self._jobs.remember([after])
            return True
        return any(run.key == key and batch.node == node for batch in self._live.read() for run in batch.runs)


def _is_by_another(pointer: Pointer | None, node: str, claim: Claim) -> bool:
    """Return whether the job tells that the change after the claim's revision was not this claim by `node`."""
    return (
        pointer is not None
        and pointer.entry.revision == claim.revision + 1
        and (pointer.node, pointer.attempt) != (node, claim.attempt)
    )


def _unit_ops(unit: _Unit) -> int:
    return len(unit.ops)


def _unit_size(unit: _Unit) -> int:
    records = sum(
        200 + 2 * len(unit.claim.rerun or b"") + 2 * len(run.reason or "") + 6 * len(unit.claim.job_id)
        for run in unit.claim.runs
    )
    return size_of(unit.ops) + records
