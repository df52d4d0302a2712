"""Claims, runs and nodes in Redis.

A run in flight is part of one value per job, so that counting and ending it touches that value only. A run that has
ended is a record in a hash, with its id in a sorted set of its status (by run time) and its place in one of all jobs
(by job, then run time).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from apscheduler._core.claims import (
    INTERRUPTED,
    RUNNING,
    Claim,
    Finish,
    NodeRow,
    Rerun,
    RunQuery,
    StoredRun,
)
from apscheduler.jobstores import _redis_format as form
from apscheduler.jobstores._redis_server import Server

# What one script looks at, so that it never holds others up for long.
PAGE = 1_000
PRUNED_AT_ONCE = 1_000
JOBS_AT_ONCE = 100


class Runs:
    """The claims, the records of runs, and the nodes of one store."""

    def __init__(self, server: Server) -> None:
        self._server = server

    # -- claims ----------------------------------------------------------------------------------------------

    def claim(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won; `now` is when final runs ended."""
        if not claims:
            return ()
        return form.flags(self._server.run_replicated("claim", node, form.pack_claims(claims, now)))

    def finish(self, outcomes: Sequence[Finish], keep: bool) -> None:
        """Write the outcomes to their records, or remove these, where they are still running."""
        if outcomes:
            self._server.run("finish", "1" if keep else "0", form.pack_outcomes(outcomes))

    def record(self, node: str, claims: Sequence[Claim], now: float) -> None:
        """Insert the records of `claims` that do not exist yet; `now` is when they ended."""
        if claims:
            self._server.run("record", node, form.pack_claims(claims, now))

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` runs that wait for their repetition, oldest run time first."""
        return list(form.read_reruns(self._server.run("read_reruns", limit))) if limit > 0 else []

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions; return the indexes of those that were won."""
        if not reruns:
            return ()
        return form.flags(self._server.run_replicated("claim_reruns", node, form.pack_reruns(reruns)))

    # -- records ---------------------------------------------------------------------------------------------

    def read(self, query: RunQuery) -> list[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id."""
        found = []
        limit = float("inf") if query.limit is None else query.limit
        if query.statuses is None or RUNNING in query.statuses:
            found += [run for run in self._running(query.job_id) if _in_span(run, query)]
        if codes := form.codes_of(query.statuses):
            found += self._ended(codes, query, limit)
        # One that has ended between the two readings is in both; its record counts.
        runs = list({run.id: run for run in found}.values())
        runs.sort(key=lambda run: (run.run_time, run.id), reverse=True)
        return runs[: query.limit]

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove records that are too old or too many, a thousand at once."""
        run = self._server.run
        removed: int = 0
        last: int = 0 if before is None else PRUNED_AT_ONCE
        while last >= PRUNED_AT_ONCE:
            last = int(run("prune_old", repr(before), PRUNED_AT_ONCE))
            removed += last
        if per_job is None:
            return removed
        place = run("grown", per_job, "")
        while place:
            place = run("grown", per_job, place)
        grown: int
        last, grown = run("prune_grown", per_job, PRUNED_AT_ONCE, JOBS_AT_ONCE)
        removed += last
        rounds = grown // JOBS_AT_ONCE + 1  # because others go on adding records meanwhile
        while grown and (rounds > 0 or last):
            rounds -= 1
            last, grown = run("prune_grown", per_job, PRUNED_AT_ONCE, JOBS_AT_ONCE)
            removed += last
        return removed

    def take_over(self, node_id: str, now: float, reason: str) -> list[StoredRun]:
        """Record the running runs of a node as interrupted, remove the node, and return those runs."""
        answer = self._server.run_once("take_over", node_id, form.pack_tail(None, now, reason))
        return [
            StoredRun(run_id, *key, INTERRUPTED, node_id, reason, None, now)
            for run_id, key in sorted(form.read_taken(answer))
        ]

    def _running(self, job_id: str | None) -> list[StoredRun]:
        argument = b"" if job_id is None else form.encode_id(job_id)
        return list(form.read_entries(self._server.run("read_running", argument)))

    def _ended(self, codes: bytes, query: RunQuery, limit: float) -> list[StoredRun]:
        if query.job_id is not None:
            return self._ended_of(query.job_id, codes, query, limit)
        since = "-inf" if query.since is None else repr(query.since)
        until = "+inf" if query.until is None else f"({query.until!r}"
        if limit <= PAGE:
            answer, _ = self._server.run("read_runs", codes, since, until, 0, int(limit))
            return list(form.read_records(answer))
        runs: list[StoredRun] = []
        for code in codes:
            offset = 0
            while offset < limit:
                answer, count = self._server.run("read_runs", bytes((code,)), since, until, offset, PAGE)
                runs += form.read_records(answer)
                offset += PAGE
                if count < PAGE:
                    break
        return runs

    def _ended_of(self, job_id: str, codes: bytes, query: RunQuery, limit: float) -> list[StoredRun]:
        job = form.named(job_id)
        from_ = b"[" + job + (b"" if query.since is None else form.sortable(query.since))
        to = b"(" + job + (b"\xff" * 20 if query.until is None else form.sortable(query.until))
        runs: list[StoredRun] = []
        wanted = limit
        while wanted > 0 and to:
            page = int(min(wanted, 5 * PAGE))
            answer, count, to = self._server.run("read_runs_of_job", from_, to, codes, page)
            runs += form.read_records(answer)
            wanted -= count
        return runs

    # -- nodes -----------------------------------------------------------------------------------------------

    def heartbeat(self, node: NodeRow) -> None:
        """Insert `node`, or set its counter."""
        self._server.command("HSET", self._server.keys.nodes, node.id, json.dumps(node[1:]))

    def read_nodes(self) -> list[NodeRow]:
        """Return all nodes, the oldest first."""
        nodes = []
        found = self._server.command("HGETALL", self._server.keys.nodes)
        for node_id, text in found.items():
            try:
                host, pid, started, counter = json.loads(text)
                nodes.append(NodeRow(node_id.decode(), host, int(pid), float(started), int(counter)))
            except (ValueError, TypeError):
                continue  # because somebody else has written it
        nodes.sort(key=lambda node: (node.started, node.id))
        return nodes


def _in_span(run: StoredRun, query: RunQuery) -> bool:
    return (query.since is None or run.run_time >= query.since) and (
        query.until is None or run.run_time < query.until
    )
