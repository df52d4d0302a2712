"""Run records and nodes in this process's memory: for the memory store, and for stores that keep no runs.

Nothing here locks; its owner does.
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


class _LiveClaim:
    """A claim with runs that are not finished: their ids by run time."""

    __slots__ = ("attempt", "ids", "node", "rerun", "revision")

    def __init__(self, claim: Claim, node: str, ids: dict[float, int]) -> None:
        self.revision = claim.revision
        self.attempt = claim.attempt
        self.node = node
        self.ids = ids
        self.rerun = claim.rerun


class MemoryLog:
    """Live claims, the newest 10,000 finished runs, and the nodes."""

    def __init__(self) -> None:
        self._live: dict[str, list[_LiveClaim]] = {}
        self._log: deque[tuple[int, str, Finish]] = deque(maxlen=LOG_SIZE)
        self._ids = count(1)
        self._kept: dict[RunKey, Any] = {}
        self.nodes: dict[str, NodeRow] = {}

    def live(self, job_id: str) -> int:
        """Return how many claims of a job have runs that are not finished."""
        claims = self._live.get(job_id)
        return 0 if claims is None else len(claims)

    def record(self, node: str, claim: Claim) -> None:
        """Write the runs of a claim that was won."""
        ids: dict[float, int] = {}
        for run_time, status, reason in claim.runs:
            run_id = next(self._ids)
            if status == RUNNING:
                ids[run_time] = run_id
            else:
                key = RunKey(claim.job_id, claim.revision, run_time, claim.attempt)
                self._log.append((run_id, node, Finish(key, status, None, run_time, reason)))
        if ids:
            live = _LiveClaim(claim, node, ids)
            claims = self._live.get(claim.job_id)
            if claims is None:
                self._live[claim.job_id] = [live]
            else:
                claims.append(live)

    def record_new(self, node: str, claims: Sequence[Claim]) -> None:
        """Write the finished runs of `claims` that are not recorded yet."""
        known = {outcome.key for _, _, outcome in self._log}
        for claim in claims:
            runs = [
                run
                for run in claim.runs
                if RunKey(claim.job_id, claim.revision, run.run_time, claim.attempt) not in known
            ]
            self.record(node, claim._replace(runs=runs))

    def finish(self, outcome: Finish, keep: bool) -> None:
        """Write one outcome, if its run is live."""
        job_id, revision, run_time, attempt = outcome.key
        for claim in self._live.get(job_id, ()):
            if claim.revision == revision and claim.attempt == attempt:
                run_id = claim.ids.pop(run_time, None)
                if run_id is not None:
                    if keep:
                        self._log.append((run_id, claim.node, outcome))
                        if claim.rerun is not None and outcome.status == INTERRUPTED:
                            self._kept[outcome.key] = claim.rerun
                    if not claim.ids:
                        self._end(job_id, claim)
                return

    def won_before(self, node: str, claim: Claim) -> bool:
        """Return whether `node` has recorded this very claim, and still has it."""
        own = (claim.job_id, claim.revision, claim.attempt)
        for live in self._live.get(claim.job_id, ()):
            if live.revision == claim.revision and live.attempt == claim.attempt and live.node == node:
                return True
        statuses = [
            outcome.status
            for _, owner, outcome in self._log
            if owner == node and (outcome.key.job_id, outcome.key.revision, outcome.key.attempt) == own
        ]
        # What was taken over may have been started elsewhere since.
        return bool(statuses) and INTERRUPTED not in statuses

    def read(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id."""
        wanted = query.job_id
        runs = [
            StoredRun(run_id, *o.key, o.status, node, o.reason, o.started, o.finished, o.error, o.traceback, o.result)
            for run_id, node, o in self._log
            if wanted is None or o.key.job_id == wanted
        ]  # fmt: skip
        runs += [
            StoredRun(run_id, job_id, claim.revision, run_time, claim.attempt, RUNNING, claim.node)
            for job_id, claims in self._live.items()
            if wanted is None or job_id == wanted
            for claim in claims
            for run_time, run_id in claim.ids.items()
        ]
        runs = [run for run in runs if _matches(run, query)]
        runs.sort(key=lambda run: (run.run_time, run.id), reverse=True)
        return runs if query.limit is None else runs[: query.limit]

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are too old, and all but the newest `per_job` of a job."""
        kept: list[tuple[int, str, Finish]] = []
        seen: dict[str, int] = {}
        for entry in sorted(self._log, key=lambda e: (e[2].key.run_time, e[0]), reverse=True):
            key = entry[2].key
            seen[key.job_id] = number = seen.get(key.job_id, 0) + 1
            if (before is None or key.run_time >= before) and (per_job is None or number <= per_job):
                kept.append(entry)
        removed = len(self._log) - len(kept)
        if removed:
            self._log = deque(reversed(kept), maxlen=LOG_SIZE)
            left = {outcome.key for _, _, outcome in kept}
            self._kept = {key: value for key, value in self._kept.items() if key in left}
        return removed

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the live runs of a node as interrupted and forget the node."""
        taken = []
        self.nodes.pop(node_id, None)
        for job_id, claims in list(self._live.items()):
            for claim in [claim for claim in claims if claim.node == node_id]:
                for run_time, run_id in claim.ids.items():
                    key = RunKey(job_id, claim.revision, run_time, claim.attempt)
                    self._log.append((run_id, node_id, Finish(key, INTERRUPTED, None, now, reason)))
                    if claim.rerun is not None:
                        self._kept[key] = claim.rerun
                    taken.append(StoredRun(run_id, *key, INTERRUPTED, node_id, reason, None, now))
                self._end(job_id, claim)
        return taken

    def kept(self) -> list[tuple[RunKey, Any]]:
        """Return what interrupted runs keep to be repeated with, oldest run time first."""
        return sorted(self._kept.items(), key=lambda item: item[0].run_time)

    def repeat(self, node: str, rerun: Rerun) -> bool:
        """Start a repetition; return False where that has been done, or is not wanted any more."""
        key = rerun.key
        if self._kept.pop(key, None) is None:
            return False
        self.record(
            node, Claim(key.job_id, key.revision, None, [NewRun(key.run_time)], attempt=key.attempt + 1)
        )
        return True

    def is_running(self, node: str, key: RunKey) -> bool:
        """Return whether `node` has this very run in flight."""
        return any(
            live.node == node and live.revision == key.revision and live.attempt == key.attempt
            and key.run_time in live.ids
            for live in self._live.get(key.job_id, ())
        )  # fmt: skip

    def forget(self, job_ids: Collection[str] | None) -> None:
        """Forget what the runs of jobs (None: of all) keep to be repeated with, because those were removed."""
        if self._kept:
            left = [] if job_ids is None else [key for key in self._kept if key.job_id not in job_ids]
            self._kept = {key: self._kept[key] for key in left}
        for job_id in list(self._live) if job_ids is None else job_ids:
            for claim in self._live.get(job_id, ()):
                claim.rerun = None

    def _end(self, job_id: str, claim: _LiveClaim) -> None:
        claims = self._live[job_id]
        claims.remove(claim)
        if not claims:
            del self._live[job_id]


def _matches(run: StoredRun, query: RunQuery) -> bool:
    return (
        (query.statuses is None or run.status in query.statuses)
        and (query.since is None or run.run_time >= query.since)
        and (query.until is None or run.run_time < query.until)
    )
