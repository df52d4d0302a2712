"""The run log, the nodes and the repetitions of a document store.

A run in flight is in its job's document (see `_document_jobs`); a record among the runs is one that has ended. Of an
outcome and a take-over at the same time the one that inserts the record counts, because its key is unique.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from apscheduler._clock import SYSTEM
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
    made,
)
from apscheduler.jobstores._document_jobs import DocumentJobs
from apscheduler.jobstores._document_pending import (
    FIELDS,
    Pending,
    entry_name,
    entry_of,
    pending_of,
    revision_of,
)
from apscheduler.jobstores._document_prune import Pruning
from apscheduler.jobstores._document_records import as_document, as_run, record_id
from apscheduler.jobstores._documents import JOBS, NODES, RUNS, Change, Condition, Document, Documents
from apscheduler.jobstores._text import storable_text


class DocumentRuns:
    """Run records."""

    def __init__(self, documents: Documents, jobs: DocumentJobs) -> None:
        self._docs = documents
        self._jobs = jobs
        self._pruning = Pruning(documents, jobs)
        self.prune = self._pruning.prune

    def finish(self, outcomes: Sequence[Finish], keep: bool) -> None:
        """Record the outcomes of runs that are in flight; without `keep` only forget those runs."""
        by_key = {outcome.key: outcome for outcome in outcomes}
        documents = self._jobs.of_runs(by_key.keys())
        ended = []
        for run in (run for document in documents for run in pending_of(document)):
            outcome = by_key.get(run.key) if run.run.status == RUNNING else None
            if outcome is not None:
                ended.append(made(Pending, (*run[:4], _outcome(run.run, outcome))))
        if keep:
            self._pruning.note(run.job_id for run in ended)
            self._jobs.record(documents, ended)
        else:
            self._jobs.drop(documents, ended)

    def record(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert records of run times that nobody claims, where there are none yet."""
        now = SYSTEM.time()
        runs = []
        for claim in claims:
            numbers = [run[0] for run in entry_of(node, claim)["runs"].values()]
            runs += [
                StoredRun(
                    number, claim.job_id, claim.revision, run.run_time, claim.attempt, run.status, node,
                    storable_text(run.reason), None, now,
                )
                for number, run in zip(numbers, claim.runs, strict=True)
            ]  # fmt: skip
        self._pruning.note(run.job_id for run in runs)
        self._docs.insert(RUNS, [as_document(run) for run in runs])

    def read(self, query: RunQuery) -> list[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id."""
        conditions = []
        if query.job_id is not None:
            conditions.append(Condition("job_id", "==", query.job_id))
        if query.statuses is not None:
            conditions.append(Condition("status", "in", list(query.statuses)))
        if query.since is not None:
            conditions.append(Condition("run_time", ">=", query.since))
        if query.until is not None:
            conditions.append(Condition("run_time", "<", query.until))
        documents = self._jobs.with_pending(None if query.job_id is None else [query.job_id])
        pending = [run for d in documents for run in pending_of(d) if _matches(run.run, query)]
        ended: list[Document] = []
        if query.statuses is None or set(query.statuses) - {RUNNING}:
            ended = self._docs.find(RUNS, conditions, "-run_time", query.limit)
        recorded = self._jobs.recorded(pending)
        found = [as_run(document) for document in ended]
        found += [run.run for run in pending if record_id(run.key) not in recorded]
        found.sort(key=lambda run: (run.run_time, run.id), reverse=True)
        return found if query.limit is None else found[: query.limit]

    # -- nodes --------------------------------------------------------------------------------------------------

    def heartbeat(self, node: NodeRow) -> None:
        """Insert `node`, or set its counter."""
        counter = Change(node.id, {}, {"counter": node.counter})
        if not self._docs.change(NODES, [counter]) and self._docs.insert(NODES, [node._asdict()]):
            self._docs.change(NODES, [counter])

    def read_nodes(self) -> list[NodeRow]:
        """Return all nodes, the oldest first."""
        nodes = [
            NodeRow(d["id"], d["host"], int(d["pid"]), float(d["started"]), int(d["counter"]))
            for d in self._docs.find(NODES)
        ]
        return sorted(nodes, key=lambda node: (node.started, node.id))

    def take_over(self, node_id: str, now: float, reason: str) -> list[StoredRun]:
        """Record what a node has in flight as interrupted, complete what it left half done, and remove it."""
        documents = self._jobs.with_pending()
        left = [run for d in documents for run in pending_of(d) if run.run.node == node_id]
        text = storable_text(reason)
        ended = [
            run._replace(run=run.run._replace(status=INTERRUPTED, finished=now, reason=text))
            if run.run.status == RUNNING
            else run
            for run in left
        ]
        self._pruning.note(run.job_id for run in ended)
        there = self._jobs.record(documents, ended)
        self._give_back_reruns(node_id)
        self._docs.remove(NODES, [Change(node_id, {})])
        return [run.run for run in ended if run.run.status == INTERRUPTED and record_id(run.key) not in there]

    # -- repetitions --------------------------------------------------------------------------------------------

    def read_reruns(self, limit: int) -> list[Rerun]:
        """Return what was cut off and is to be repeated, oldest run time first."""
        found = self._docs.find(RUNS, [Condition("repeat", "==", "wanted")], "run_time", limit)
        documents = {d["id"]: d for d in self._jobs.with_pending({d["job_id"] for d in found})}
        live = self._jobs.live(list(documents.values()))
        return [
            Rerun(
                RunKey(*as_run(d)[1:5]), bytes(d["rerun"]), _present_revision(documents.get(d["job_id"])),
                live[d["job_id"]],
            )
            for d in found
        ]  # fmt: skip

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> list[int]:
        """Claim repetitions, one by one: they are few."""
        return [index for index, rerun in enumerate(reruns) if self._claim_rerun(node, rerun)]

    def _claim_rerun(self, node: str, rerun: Rerun) -> bool:
        """Mark the record as being repeated by `node`, then put the run into its job's document.

        Where the second fails, the mark is taken back. Where this process dies in between, whoever takes it over does.
        """
        key = rerun.key
        again = key._replace(attempt=key.attempt + 1)
        if any(run.key == again for run in self._jobs.in_flight(self._jobs.with_pending([key.job_id]))):
            return self._has(node, again)
        marked = Change(record_id(key), {"repeat": "wanted"}, {"repeat": node})
        if not self._docs.change(RUNS, [marked]):
            # Or this node has marked it in an earlier try, and got no further.
            own = [d for d in self._docs.get(RUNS, [record_id(key)], ["repeat"]) if d.get("repeat") == node]
            if not own or self._docs.get(RUNS, [record_id(again)], ()):
                return False
        if not self._put(node, rerun, again):
            self._docs.change(RUNS, [Change(record_id(key), {"repeat": node}, {"repeat": "wanted"})])
            return False
        self._docs.change(RUNS, [Change(record_id(key), {"repeat": node}, {"repeat": "done"}, ["rerun"])])
        return True

    def _has(self, node: str, key: RunKey) -> bool:
        return any(
            run.key == key and run.run.node == node
            for document in self._jobs.with_pending([key.job_id])
            for run in pending_of(document)
        )

    def _put(self, node: str, rerun: Rerun, again: RunKey) -> bool:
        claim = Claim(again.job_id, again.revision, None, [NewRun(again.run_time)], attempt=again.attempt)
        entry = entry_of(node, claim)
        # With the run time, because each run of a claim is repeated by itself.
        name = f"{entry_name(again.revision, again.attempt)}_{again.run_time!r}".replace(".", "d")
        found = self._docs.get(JOBS, [again.job_id], FIELDS)
        if _present_revision(found[0] if found else None) != rerun.revision:
            return False
        if not found:
            document = {
                "id": again.job_id, "next_run_time": None, "job_state": rerun.definition, "gone": True,
                "revision": self._jobs.revision_above(again.revision), "busy": True, "pending": {name: entry},
            }  # fmt: skip
            return not self._docs.insert(JOBS, [document])
        revision = revision_of(found[0])
        put = {f"pending.{name}": entry, "revision": revision + 1, "busy": True}
        return self._docs.change(JOBS, [Change(again.job_id, {"revision": revision}, put)]) == 1

    def _give_back_reruns(self, node_id: str) -> None:
        """Have those repetitions wanted again that a node has marked and not begun."""
        for document in self._docs.find(RUNS, [Condition("repeat", "==", node_id)]):
            key = RunKey(*as_run(document)[1:5])
            again = key._replace(attempt=key.attempt + 1)
            begun = self._docs.get(RUNS, [record_id(again)], ()) or any(
                run.key == again for d in self._jobs.with_pending([key.job_id]) for run in pending_of(d)
            )
            change = Change(document["id"], {"repeat": node_id}, {"repeat": "done" if begun else "wanted"})
            self._docs.change(RUNS, [change])

    def forget_reruns(self, job_ids: Collection[str] | None) -> None:
        """Drop what records keep to be repeated with, because their jobs were removed."""
        conditions = [Condition("repeat", "==", "wanted")]
        if job_ids is not None:
            conditions.append(Condition("job_id", "in", sorted(job_ids)))
        kept = self._docs.find(RUNS, conditions, fields=())
        self._docs.change(
            RUNS, [Change(d["id"], {"repeat": "wanted"}, {"repeat": "dropped"}, ["rerun"]) for d in kept]
        )


def _present_revision(document: Document | None) -> int | None:
    return None if document is None or document.get("gone") else revision_of(document)


def _outcome(run: StoredRun, outcome: Finish) -> StoredRun:
    _, status, started, finished, reason, error, traceback, result = outcome
    return made(
        StoredRun,
        (
            *run[:5], status, run.node, storable_text(reason), started, finished, storable_text(error),
            storable_text(traceback), result,
        ),
    )  # fmt: skip


def _matches(run: StoredRun, query: RunQuery) -> bool:
    return (
        (query.job_id is None or run.job_id == query.job_id)
        and (query.statuses is None or run.status in query.statuses)
        and (query.since is None or run.run_time >= query.since)
        and (query.until is None or run.run_time < query.until)
    )
