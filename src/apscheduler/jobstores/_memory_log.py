"""Run records and nodes in this process's memory: for the memory store, and for stores that keep no runs.

Nothing here locks; its owner does. Only outcomes may be handed in without its lock, by any thread: they wait until the
owner writes them, and everything that reads writes them first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from itertools import count
from typing import Any

from apscheduler._core.claims import (
    INTERRUPTED,
    RUNNING,
    Claim,
    Finish,
    NewRun,
    NodeRow,
    Rerun,
    RunKey,
    RunQuery,
    StoredRun,
)

LOG_SIZE = 10_000

_Key = tuple[str, int, float, int]
"""A `RunKey` as a plain tuple, to which it is equal; one is made for each run, and a named one takes longer."""


class MemoryLog:
    """The runs in flight, the newest 10,000 finished ones, and the nodes.

    Attributes:
        ended: outcomes that are not written yet, and whether to keep them; anybody may append.
    """

    def __init__(self) -> None:
        self._live: dict[str, int] = {}
        self.nodes: dict[str, NodeRow] = {}
        # Plain tuples of plain values, here and in the log, because the garbage collector passes over those.
        self._running: dict[_Key, tuple[int, str, Any]] = {}  # id, node, what a repetition needs
        # How many runs of a claim are left, for claims of more than one.
        self._left: dict[tuple[str, int, int], int] = {}
        self._log: deque[tuple[Any, ...]] = deque(maxlen=LOG_SIZE)  # the values of a StoredRun
        self._ids = count(1)
        self._kept: dict[_Key, Any] = {}
        self._changing = False
        self.ended: deque[tuple[Sequence[Finish], bool]] = deque()

    def live(self) -> dict[str, int]:
        """Return how many claims of a job have runs that are not finished, by the id of the job; never 0."""
        self.settle()
        return self._live

    def record(self, node: str, claims: Sequence[Claim]) -> None:
        """Write the runs of claims that were won."""
        before, self._changing = self._changing, True
        try:
            for job_id, revision, _, runs, _, attempt, _, rerun in claims:
                started = 0
                for run_time, status, reason in runs:
                    key = job_id, revision, run_time, attempt
                    run_id = next(self._ids)
                    if status == RUNNING:
                        started += 1
                        self._running[key] = (run_id, node, rerun)
                    else:
                        self._log.append(
                            (run_id, *key, status, node, reason, None, run_time, None, None, None)
                        )
                if started:
                    self._live[job_id] = self._live.get(job_id, 0) + 1
                    if started > 1:
                        self._left[job_id, revision, attempt] = started
        finally:
            self._changing = before

    def record_new(self, node: str, claims: Sequence[Claim]) -> None:
        """Write the finished runs of `claims` that are not recorded yet."""
        self.settle()
        known = {entry[1:5] for entry in list(self._log)}
        for claim in claims:
            runs = [
                run
                for run in claim.runs
                if (claim.job_id, claim.revision, run.run_time, claim.attempt) not in known
            ]
            self.record(node, [claim._replace(runs=runs)])

    def settle(self) -> None:
        """Write the outcomes that have `ended`, unless a signal's handler comes here in the middle of a change."""
        ended = self.ended
        if not ended or self._changing:
            return
        self._changing = True
        try:
            while ended:
                self._finish(*ended.popleft())
        finally:
            self._changing = False

    def _finish(self, outcomes: Sequence[Finish], keep: bool) -> None:
        """Write outcomes, of those runs that are in flight."""
        for key, status, started, finished, reason, error, traceback, result in outcomes:
            running = self._running.pop(key, None)
            if running is None:
                continue
            job_id, revision, run_time, attempt = key
            if keep:
                run_id, node, rerun = running
                self._log.append(
                    (
                        run_id, job_id, revision, run_time, attempt, status, node, reason, started, finished, error,
                        traceback, result,
                    )
                )  # fmt: skip
                if rerun is not None and status == INTERRUPTED:
                    self._kept[key] = rerun
            if self._left and self._more_are_left((job_id, revision, attempt)):
                continue
            live = self._live[job_id] - 1
            if live:
                self._live[job_id] = live
            else:
                del self._live[job_id]

    def won_before(self, node: str, claim: Claim) -> bool:
        """Return whether `node` has recorded this very claim, and still has it."""
        self.settle()
        own = (claim.job_id, claim.revision, claim.attempt)
        for (job_id, revision, _, attempt), running in list(self._running.items()):
            if running[1] == node and (job_id, revision, attempt) == own:
                return True
        recorded = (StoredRun(*entry) for entry in list(self._log))
        statuses = [
            run.status
            for run in recorded
            if run.node == node and (run.job_id, run.revision, run.attempt) == own
        ]
        # What was taken over may have been started elsewhere since.
        return bool(statuses) and INTERRUPTED not in statuses

    def read(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id."""
        self.settle()
        wanted = query.job_id
        # Copied first, because a signal's handler may change it at any step of a loop.
        runs = [StoredRun(*entry) for entry in list(self._log) if wanted is None or entry[1] == wanted]
        runs += [
            StoredRun(running[0], *key, RUNNING, running[1])
            for key, running in list(self._running.items())
            if wanted is None or key[0] == wanted
        ]
        runs = [run for run in runs if _matches(run, query)]
        runs.sort(key=lambda run: (run.run_time, run.id), reverse=True)
        return runs if query.limit is None else runs[: query.limit]

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are too old, and all but the newest `per_job` of a job."""
        self.settle()
        kept: list[tuple[Any, ...]] = []
        seen: dict[str, int] = {}
        for entry in sorted(self._log, key=lambda entry: (entry[3], entry[0]), reverse=True):
            job_id, run_time = entry[1], entry[3]
            seen[job_id] = number = seen.get(job_id, 0) + 1
            if (before is None or run_time >= before) and (per_job is None or number <= per_job):
                kept.append(entry)
        removed = len(self._log) - len(kept)
        if removed:
            self._log = deque(reversed(kept), maxlen=LOG_SIZE)
            left = {entry[1:5] for entry in kept}
            self._kept = {key: value for key, value in self._kept.items() if key in left}
        return removed

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the runs of a node that are in flight as interrupted and forget the node."""
        self.settle()
        taken = []
        self.nodes.pop(node_id, None)
        for key, running in [item for item in self._running.items() if item[1][1] == node_id]:
            self._finish([Finish(RunKey(*key), INTERRUPTED, None, now, reason)], keep=True)
            taken.append(StoredRun(running[0], *key, INTERRUPTED, node_id, reason, None, now))
        return taken

    def kept(self) -> list[tuple[RunKey, Any]]:
        """Return what interrupted runs keep to be repeated with, oldest run time first."""
        self.settle()
        found = [(RunKey(*key), definition) for key, definition in self._kept.items()]
        return sorted(found, key=lambda item: item[0].run_time)

    def repeat(self, node: str, rerun: Rerun) -> bool:
        """Start a repetition; return False where that has been done, or is not wanted any more."""
        self.settle()
        key = rerun.key
        if self._kept.pop(key, None) is None:
            return False
        again = Claim(key.job_id, key.revision, None, [NewRun(key.run_time)], attempt=key.attempt + 1)
        self.record(node, [again])
        return True

    def is_running(self, node: str, key: RunKey) -> bool:
        """Return whether `node` has this very run in flight."""
        self.settle()
        running = self._running.get(key)
        return running is not None and running[1] == node

    def forget(self, job_ids: Collection[str] | None) -> None:
        """Forget what the runs of jobs (None: of all) keep to be repeated with, because those were removed."""
        self.settle()
        if self._kept:
            left = [] if job_ids is None else [key for key in self._kept if key[0] not in job_ids]
            self._kept = {key: self._kept[key] for key in left}
        for key, running in list(self._running.items()):
            if running[2] is not None and (job_ids is None or key[0] in job_ids):
                self._running[key] = (*running[:2], None)

    def _more_are_left(self, claim: tuple[str, int, int]) -> bool:
        """Count a run of `claim` as ended, and return whether it has others: it ends with the last of them."""
        left = self._left.pop(claim, 1) - 1
        if left:
            self._left[claim] = left
        return left > 0


def _matches(run: StoredRun, query: RunQuery) -> bool:
    return (
        (query.statuses is None or run.status in query.statuses)
        and (query.since is None or run.run_time >= query.since)
        and (query.until is None or run.run_time < query.until)
    )
