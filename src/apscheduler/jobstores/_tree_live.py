"""Runs in flight in a tree of keys: one key for what one claim of a batch has started.

It names the node and the runs, is written again when some of them end, and goes with the last. So the number of keys
is that of batches, and all runs in flight are read with a few of them. They count for `max_instances` as long as they
are there, which ends with their outcome or when their node is taken over.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from secrets import token_hex
from threading import Lock
from typing import NamedTuple

from apscheduler._core.claims import INTERRUPTED, RUNNING, Finish, RunKey, StoredRun
from apscheduler.jobstores._tree import (
    ConflictError,
    Create,
    Delete,
    Node,
    Op,
    Put,
    Tree,
    chunks,
)
from apscheduler.jobstores._tree_log import RunLog, hours_of, record_size, rerun_key

ATTEMPTS = 50


class LiveRun(NamedTuple):
    """A run in flight. `rerun` is the definition to repeat it with, if its job wants that."""

    id: int
    key: RunKey
    rerun: bytes | None


class Batch(NamedTuple):
    """What one claim has started and not ended."""

    name: str
    version: int
    node: str
    runs: tuple[LiveRun, ...]

    def write(self, left: Iterable[LiveRun]) -> Op:
        """Return the operation that leaves just these runs."""
        runs = tuple(left)
        if not runs:
            return Delete(f"live/{self.name}", self.version)
        return Put(f"live/{self.name}", dump_batch(self.node, runs), self.version)


class LiveRuns:
    """Reads, finishes and takes over what is in flight."""

    def __init__(self, tree: Tree, log: RunLog) -> None:
        self._tree = tree
        self._log = log
        self._lock = Lock()
        self._known: dict[str, Batch] = {}

    def read(self) -> list[Batch]:
        """Return all batches; those that have not changed since are not parsed again."""
        nodes = self._tree.nodes("live")
        with self._lock:
            known = self._known
        batches = {}
        for name, node in nodes.items():
            batch = known.get(name)
            if batch is None or batch.version != node.version:
                batch = parse_batch(name, node)
            batches[name] = batch
        with self._lock:
            self._known = dict(batches)
        return list(batches.values())

    def started(self, batch: Batch) -> None:
        """Remember a batch that was just written."""
        with self._lock:
            self._known[batch.name] = batch

    def counts(self) -> dict[str, int]:
        """Return how many claims of each job have runs in flight."""
        claims: dict[str, set[tuple[int, int]]] = {}
        for batch in self.read():
            for run in batch.runs:
                claims.setdefault(run.key.job_id, set()).add((run.key.revision, run.key.attempt))
        return {job_id: len(keys) for job_id, keys in claims.items()}

    def records(self) -> list[StoredRun]:
        """Return the records of all runs in flight."""
        return [
            StoredRun(run.id, *run.key, RUNNING, batch.node) for batch in self.read() for run in batch.runs
        ]

    # -- outcomes --------------------------------------------------------------------------------------------

    def finish(self, outcomes: Sequence[Finish], keep: bool) -> None:
        """Move the runs that `outcomes` name to the log, as far as they are in flight; or drop them."""
        most = 1000
        if hours_of(outcome.key.run_time for outcome in outcomes) > self._tree.max_ops // 4 or any(
            outcome.status == INTERRUPTED for outcome in outcomes
        ):
            most = self._tree.max_ops // 4  # because each may take an operation of its own
        sized = [(outcome, record_size(_record(0, "x" * 64, outcome)) if keep else 0) for outcome in outcomes]
        for some in chunks(sized, lambda pair: pair[1], most, self._tree.max_bytes // 2):
            self._finish({outcome.key: outcome for outcome, _ in reversed(some)}, keep)

    def _finish(self, outcomes: dict[RunKey, Finish], keep: bool) -> None:
        with self._lock:
            batches = list(self._known.values())
        missing = outcomes.keys() - {run.key for batch in batches for run in batch.runs}
        if missing:
            batches = self.read()
        todo = [batch for batch in batches if any(run.key in outcomes for run in batch.runs)]
        for some in chunks(todo, lambda batch: 200 * len(batch.runs), 30, self._tree.max_bytes // 4):
            self._finish_in(some, outcomes, keep)

    def _finish_in(self, batches: Sequence[Batch], outcomes: dict[RunKey, Finish], keep: bool) -> None:
        names = {batch.name for batch in batches}
        for _ in range(ATTEMPTS):
            after = [
                batch._replace(runs=tuple(run for run in batch.runs if run.key not in outcomes))
                for batch in batches
            ]
            ops = [batch.write(left.runs) for batch, left in zip(batches, after, strict=True)]
            records = []
            if keep:
                for batch, run in ((b, run) for b in batches for run in b.runs if run.key in outcomes):
                    outcome = outcomes[run.key]
                    records.append(_record(run.id, batch.node, outcome))
                    ops.extend(kept_for_repetition(run, outcome.status))
            versions = self._log.commit(ops, records)
            if versions is not None:
                self._written(after, versions)
                return
            batches = [
                batch
                for batch in self.read()
                if batch.name in names and any(run.key in outcomes for run in batch.runs)
            ]
            if not batches:
                return
        raise ConflictError("the runs in flight were changed by others again and again")

    def _written(self, batches: Iterable[Batch], versions: Sequence[int]) -> None:
        with self._lock:
            for batch, version in zip(batches, versions, strict=False):
                if batch.runs:
                    self._known[batch.name] = batch._replace(version=version)
                else:
                    self._known.pop(batch.name, None)

    # -- other nodes -----------------------------------------------------------------------------------------

    def take_over(self, node_id: str, now: float, reason: str) -> list[StoredRun]:
        """Move all runs of a node to the log as INTERRUPTED, and return those that this call has moved."""
        taken: list[StoredRun] = []
        for _ in range(ATTEMPTS):
            todo = [batch for batch in self.read() if batch.node == node_id]
            if not todo:
                return taken
            for some in chunks(todo, _size, 20, self._tree.max_bytes // 2):
                taken += self._interrupt(some, now, reason)
        return taken

    def _interrupt(self, batches: Sequence[Batch], now: float, reason: str) -> list[StoredRun]:
        if sum(2 * len(batch.runs) for batch in batches) > self._tree.max_ops // 2:
            # Each run may take two operations. Not at once what may not fit into one transaction.
            return [run for batch in batches for run in self._interrupt_some(batch, now, reason)]
        after = [batch.write(()) for batch in batches]
        return self._interrupt_runs([(b.node, run) for b in batches for run in b.runs], after, now, reason)

    def _interrupt_some(self, batch: Batch, now: float, reason: str) -> list[StoredRun]:
        hours = hours_of(run.key.run_time for run in batch.runs)
        plain = not any(run.rerun is not None for run in batch.runs) and hours < self._tree.max_ops // 4
        count = len(batch.runs) if plain else self._tree.max_ops // 4
        some = [(batch.node, run) for run in batch.runs[:count]]
        return self._interrupt_runs(some, [batch.write(batch.runs[count:])], now, reason)

    def _interrupt_runs(
        self, runs: Sequence[tuple[str, LiveRun]], ops: Sequence[Op], now: float, reason: str
    ) -> list[StoredRun]:
        records = [StoredRun(run.id, *run.key, INTERRUPTED, node, reason, None, now) for node, run in runs]
        kept = [op for _, run in runs for op in kept_for_repetition(run, INTERRUPTED)]
        return [] if self._log.commit([*ops, *kept], records) is None else records

    def forget_reruns(self, job_ids: Collection[str] | None) -> list[Op]:
        """Return the operations that have no run of these jobs (None: of any) repeated after it is cut off."""
        ops: list[Op] = []
        for batch in self.read():
            runs = [
                run._replace(rerun=None) if job_ids is None or run.key.job_id in job_ids else run
                for run in batch.runs
            ]
            if tuple(runs) != batch.runs:
                ops.append(batch.write(runs))
        return ops


def kept_for_repetition(run: LiveRun, status: str) -> list[Op]:
    """Return the operation that keeps what an interrupted run is repeated with, if its job wants that."""
    if run.rerun is None or status != INTERRUPTED:
        return []
    value = json.dumps([*run.key, b64encode(run.rerun).decode()]).encode()
    return [Create(rerun_key(run.key), value)]


def new_batch(node: str, runs: Sequence[LiveRun]) -> Batch:
    """Return a batch to be written."""
    return Batch(token_hex(12), 0, node, tuple(runs))


def dump_batch(node: str, runs: Iterable[LiveRun]) -> bytes:
    """Return the value of a batch's key."""
    rows = [[run.id, *run.key, None if run.rerun is None else b64encode(run.rerun).decode()] for run in runs]
    return json.dumps([node, rows], separators=(",", ":")).encode()


def parse_batch(name: str, node: Node) -> Batch:
    """Return the batch that a key holds."""
    owner, rows = json.loads(node.value)
    runs = [
        LiveRun(number, RunKey(*key), None if rerun is None else b64decode(rerun))
        for number, *key, rerun in rows
    ]
    return Batch(name, node.version, owner, tuple(runs))


def _size(batch: Batch) -> int:
    return 100 + sum(300 + 2 * len(run.rerun or b"") for run in batch.runs)


def _record(number: int, node: str, outcome: Finish) -> StoredRun:
    _, status, started, finished, reason, error, traceback, result = outcome
    return StoredRun(number, *outcome.key, status, node, reason, started, finished, error, traceback, result)
