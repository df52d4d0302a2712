"""Jobs in a document store, where only the change of one document is atomic.

A claim is one conditional change of the job's document: it moves the next run time, raises the revision, and puts the
claimed runs under `pending`. That is their record until they end; then a record is inserted among the runs, whose key
tells who was first, and what is pending is dropped. Whoever finds a pending run that is recorded takes it for ended, so
nothing has to happen between the two.

A job that is removed, or has fired for the last time, is `gone`: its document stays without a next run time until
nothing of it is pending. A document becomes gone, or comes back, with a higher revision, so who changes one that has
the revision that was read changes what was read. Before a document is removed, a number (the floor) is raised to its
revision, above which every later job begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from apscheduler._core.claims import INTERRUPTED, RUNNING, Claim, Due, DueRow, JobRow, RunKey
from apscheduler.jobstores._document_floor import Floor
from apscheduler.jobstores._document_own import OwnClaims
from apscheduler.jobstores._document_pending import (
    FIELDS,
    Pending,
    entry_name,
    entry_of,
    pending_of,
    revision_of,
)
from apscheduler.jobstores._document_records import as_document, record_id
from apscheduler.jobstores._documents import JOBS, RUNS, Change, Condition, Document, Documents

# Because not every server takes infinities.
ENDLESS = 1e300


class DocumentJobs:
    """Jobs, and the claims on them."""

    def __init__(self, documents: Documents) -> None:
        self._docs = documents
        self._floor = Floor(documents)
        self._own = OwnClaims()

    # -- reading ------------------------------------------------------------------------------------------------

    def read(self, job_id: str) -> JobRow | None:
        """Return the row of one job, or None."""
        found = self._docs.get(JOBS, [job_id])
        return _row(found[0]) if found and not found[0].get("gone") else None

    def read_all(self) -> list[JobRow]:
        """Return all rows by ascending next run time, paused ones last, ties by id."""
        rows = [_row(document) for document in self._docs.find(JOBS) if not document.get("gone")]
        return sorted(rows, key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))

    def read_due(self, now: float, limit: int) -> Due:
        """Return what is due with its live claims, and the earliest next run time after that."""
        now = max(now, -ENDLESS)
        # One more than asked for, to see whether the next one is due as well: then nobody asks for a later time.
        found = self._due(limit + 1 if limit > 0 else 0, Condition("next_run_time", "<=", now))
        if len(found) > limit > 0:
            return Due(self._with_live(found[:limit]), None)
        later = self._docs.find(
            JOBS, [Condition("next_run_time", ">", now)], "next_run_time", 1, fields=["next_run_time"]
        )
        return Due(self._with_live(found), float(later[0]["next_run_time"]) if later else None)

    def read_share(self, now: float, limit: int, part: int, parts: int) -> Due:
        """Return what is due and has a revision that leaves `part`, with its live claims."""
        share = Condition("revision", "%", (parts, part))
        return Due(self._with_live(self._due(limit, Condition("next_run_time", "<=", now), share)), None)

    def read_some(self, job_ids: Sequence[str]) -> list[JobRow]:
        """Return the rows of those of these jobs that are there."""
        return [_row(document) for document in self._docs.get(JOBS, job_ids) if not document.get("gone")]

    def _due(self, limit: int, *conditions: Condition) -> list[Document]:
        return self._docs.find(JOBS, conditions, "next_run_time", limit) if limit > 0 else []

    def _with_live(self, found: Sequence[Document]) -> list[DueRow]:
        self._own.saw(found)
        live = self.live(found)
        return [DueRow(*_row(document), live[document["id"]]) for document in found]  # type: ignore[arg-type]

    def live(self, documents: Sequence[Document]) -> Counter[str]:
        """Return how many claims of each job have runs in flight."""
        claims = {(run.job_id, run.run.revision, run.run.attempt) for run in self.in_flight(documents)}
        return Counter(job_id for job_id, _, _ in claims)

    def in_flight(self, documents: Sequence[Document]) -> list[Pending]:
        """Return the pending runs of documents that are running and have no record yet."""
        running = [run for doc in documents for run in pending_of(doc) if run.run.status == RUNNING]
        ended = self.recorded(running)
        return [run for run in running if record_id(run.key) not in ended]

    def recorded(self, runs: Sequence[Pending]) -> set[str]:
        """Return the keys of the records that there are of these runs."""
        return {doc["id"] for doc in self._docs.get(RUNS, [record_id(run.key) for run in runs], ())}

    def revision_above(self, revision: int) -> int:
        """Return a revision above this one that no document which was removed has had."""
        return max(revision, self._floor.read()) + 1

    def of_runs(self, keys: Collection[RunKey]) -> list[Document]:
        """Return the documents of these runs' jobs, without the definitions; those of own claims as they were left."""
        known, others = self._own.take(keys)
        return known + self.with_pending(others)

    def with_pending(self, job_ids: Collection[str] | None = None) -> list[Document]:
        """Return the documents that may have pending runs (of these jobs), without the definitions."""
        if job_ids is not None:
            return self._docs.get(JOBS, sorted(job_ids), FIELDS)
        return self._docs.find(JOBS, [Condition("busy", "==", True)], fields=FIELDS)

    # -- inserting and changing ---------------------------------------------------------------------------------

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Insert all of `rows`, or none of them and return the ids that are taken.

        Where another process adds one of several ids at the same moment, the others are removed again.
        """
        ids = [row.job_id for row in rows]
        if len(set(ids)) < len(ids):
            return [job_id for job_id, times in Counter(ids).items() if times > 1]
        present = {d["id"]: d for d in self._docs.get(JOBS, ids, ["gone"])} if len(ids) > 1 else {}
        taken = [job_id for job_id in ids if job_id in present and not present[job_id].get("gone")]
        if taken or not rows:
            return taken
        floor = self._floor.read()
        new = [_new_document(row, max(row.revision, floor + 1)) for row in rows]
        there = self._docs.insert(JOBS, new)
        refused = [row for row in rows if row.job_id in there and not self._revive(row, floor)]
        if refused:
            refused_ids = {row.job_id for row in refused}
            undo = [Change(d["id"], {"revision": d["revision"]}) for d in new if d["id"] not in refused_ids]
            self._docs.remove(JOBS, undo)
            return sorted(refused_ids)
        self._lift(new)
        return ()

    def _revive(self, row: JobRow, floor: int) -> bool:
        """Insert `row` over the document of a job that is gone; return False where the job is there."""
        for _ in range(100):
            found = self._docs.get(JOBS, [row.job_id], FIELDS)
            if not found:
                if not self._docs.insert(
                    JOBS, [_new_document(row, max(row.revision, self._floor.read() + 1))]
                ):
                    return True
                continue
            if not found[0].get("gone"):
                return False
            revision = revision_of(found[0])
            new = _new_document(row, max(row.revision, floor + 1, revision + 1))
            del new["id"]
            if self._docs.change(JOBS, [Change(row.job_id, {"revision": revision}, new, ["gone"])]):
                return True
        raise RuntimeError(f"Job {row.job_id} is being added and removed all the time, so it was not added")

    def _lift(self, new: Sequence[Document]) -> None:
        """Raise the revisions of new documents above a floor that was raised meanwhile."""
        floor = self._floor.read()
        changes = [
            Change(document["id"], {"revision": document["revision"]}, {"revision": floor + 1})
            for document in new
            if document["revision"] <= floor
        ]
        if changes:
            self._docs.change(JOBS, changes)

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the document with its id and revision; return whether there was one."""
        values = {
            "next_run_time": row.next_run_time,
            "job_state": row.definition,
            "revision": row.revision + 1,
        }
        return self._docs.change(JOBS, [Change(row.job_id, {"revision": row.revision}, values)]) == 1

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Have jobs be gone, and return how many there were; what is not pending of them is removed."""
        deleted = 0
        if job_ids is None:
            left = self._docs.find(JOBS, fields=FIELDS)
        else:
            left = self.with_pending(set(job_ids))
        self._forget_reruns(left)
        while left := [document for document in left if not document.get("gone")]:
            deleted += self._remove_idle([d for d in left if not d.get("busy")])
            changes = [
                Change(d["id"], {"revision": rev}, {"gone": True, "next_run_time": None, "revision": rev + 1})
                for d, rev in ((d, revision_of(d)) for d in left if d.get("busy"))
            ]
            deleted += self._docs.change(JOBS, changes)
            # Those that were changed elsewhere meanwhile are there still, and tried again.
            left = self.with_pending([document["id"] for document in left])
            self.collect(left)
        return deleted

    def _remove_idle(self, documents: Sequence[Document]) -> int:
        """Remove documents of which nothing is pending, unless they have changed; return how many did not."""
        if not documents:
            return 0
        self._floor.raise_to(max(revision_of(document) for document in documents))
        return self._docs.remove(JOBS, [Change(d["id"], {"revision": revision_of(d)}) for d in documents])

    def _forget_reruns(self, documents: Sequence[Document]) -> None:
        changes = [
            Change(
                document["id"], {f"pending.{name}.revision": entry["revision"]}, {}, [f"pending.{name}.rerun"]
            )
            for document in documents
            for name, entry in (document.get("pending") or {}).items()
            if entry.get("rerun") is not None
        ]
        if changes:
            self._docs.change(JOBS, changes)

    # -- claiming -----------------------------------------------------------------------------------------------

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won, now or before."""
        if not claims:
            return ()
        entries = [entry_of(node, claim) for claim in claims]
        idle = [self._own.is_idle(claim) for claim in claims]
        changes = [_change_of(*claim) for claim in zip(claims, entries, idle, strict=True)]
        won: Collection[int] = range(len(claims))
        if self._docs.change(JOBS, changes) == len(claims):
            self._own.won(claims, entries, idle)
        else:
            won = self._won_by(node, claims)
        self._settle_final([claims[index] for index in won])
        return won

    def _won_by(self, node: str, claims: Sequence[Claim]) -> list[int]:
        """Return the indexes of those claims that `node` has made, judged by what is stored."""
        keys = [
            [record_id(RunKey(c.job_id, c.revision, run.run_time, c.attempt)) for run in c.runs]
            for c in claims
        ]
        documents = {d["id"]: d for d in self.with_pending([claim.job_id for claim in claims])}
        records = {
            d["id"]: d
            for d in self._docs.get(RUNS, [key for some in keys for key in some], ["node", "status"])
        }
        own = []
        for index, claim in enumerate(claims):
            entries = documents.get(claim.job_id, {}).get("pending") or {}
            entry = entries.get(entry_name(claim.revision, claim.attempt))
            ended = [records[key] for key in keys[index] if key in records]
            makers = [d["node"] for d in ended] + ([] if entry is None else [entry["node"]])
            # What was taken over may have been started elsewhere since.
            if node in makers and not any(d["status"] == INTERRUPTED for d in ended):
                own.append(index)
        return own

    def _settle_final(self, claims: Sequence[Claim]) -> None:
        """Record what those claims hold that is not to be run, and remove jobs that have nothing pending."""
        ids = [
            claim.job_id
            for claim in claims
            if any(run.status != RUNNING for run in claim.runs) or (claim.then is None and not claim.runs)
        ]
        if ids:
            documents = self.with_pending(ids)
            self.record(documents, [r for d in documents for r in pending_of(d) if r.run.status != RUNNING])

    def record(self, documents: Sequence[Document], ended: Sequence[Pending]) -> set[str]:
        """Insert records of pending runs, as they say, and drop those; return the keys that had been recorded."""
        there = self._docs.insert(RUNS, [as_document(run.run, run.entry.get("rerun")) for run in ended])
        self.drop(documents, ended)
        return there

    def drop(self, documents: Sequence[Document], ended: Sequence[Pending]) -> None:
        """Drop runs that are recorded, or need no record, from their documents, as these were read.

        A claim of which nothing is left goes as a whole, and so does a document that is gone.
        """
        by_job: dict[str, list[Pending]] = {}
        for run in ended:
            by_job.setdefault(run.job_id, []).append(run)
        changes, unneeded, partly = [], [], []
        for document in documents:
            runs = by_job.get(document["id"], [])
            paths, rest = _paths_of(document, runs)
            if not rest and document.get("gone"):
                unneeded.append(document)
            elif runs:
                drop = paths if rest else [*paths, "busy"]
                changes.append(Change(document["id"], {"revision": revision_of(document)}, {}, drop))
                if rest:
                    partly.append(document["id"])
        changed = self._docs.change(JOBS, changes) < len(changes)
        others = [change.id for change in changes] if changed else []
        others += self._remove_gone(unneeded)
        # Some of these were claimed, or added again, meanwhile, and may hold more.
        paths_of = {job_id: [run.path for run in by_job[job_id]] for job_id in others if job_id in by_job}
        self._docs.change(JOBS, [Change(job_id, {}, {}, paths) for job_id, paths in paths_of.items()])
        self.collect(self.with_pending({*partly, *others}))

    def _remove_gone(self, documents: Sequence[Document]) -> list[str]:
        """Remove documents that are gone and have not changed; return the ids of those that may be there still."""
        if not documents:
            return []
        self._floor.raise_to(max(revision_of(document) for document in documents))
        unchanged = [Change(d["id"], {"revision": revision_of(d)}) for d in documents]
        removed = self._docs.remove(JOBS, unchanged)
        return [] if removed == len(documents) else [document["id"] for document in documents]

    def collect(self, documents: Sequence[Document]) -> None:
        """Drop claims that have ended, and remove what is gone of which nothing is pending."""
        tidy, unneeded = [], []
        for document in documents:
            entries = document.get("pending") or {}
            empty = [name for name, entry in entries.items() if not entry.get("runs")]
            if document.get("gone") and len(empty) == len(entries):
                unneeded.append(document)
            elif document.get("busy") and len(empty) == len(entries):
                tidy.append(
                    Change(document["id"], {"revision": revision_of(document)}, {}, ["pending", "busy"])
                )
            elif empty:
                drop = [f"pending.{name}" for name in empty]
                tidy.append(Change(document["id"], {"revision": revision_of(document)}, {}, drop))
        self._docs.change(JOBS, tidy)
        self._remove_gone(unneeded)


def _paths_of(document: Document, ended: Sequence[Pending]) -> tuple[list[str], bool]:
    """Return the paths of what is dropped with those runs, and whether anything is pending besides."""
    entries = document.get("pending") or {}
    if sum(len(entry.get("runs") or ()) for entry in entries.values()) == len(ended):
        return ["pending"], False
    runs: dict[str, set[str]] = {}
    for run in ended:
        runs.setdefault(run.entry_name, set()).add(run.run_name)
    paths = []
    for name, entry in entries.items():
        left = (entry.get("runs") or {}).keys() - runs.get(name, set())
        paths += [f"pending.{name}.runs.{run}" for run in runs.get(name, ())] if left else [f"pending.{name}"]
    return paths, True


def _change_of(claim: Claim, entry: Document, idle: bool) -> Change:
    """Return what a claim changes; of a job that is `idle` nothing is pending at the revision that is claimed."""
    name = entry_name(claim.revision, claim.attempt)
    put: dict[str, Any] = {"next_run_time": claim.then, "revision": claim.revision + 1}
    if claim.runs:
        # As a whole, because a path costs the server more than a field.
        put |= {"pending": {name: entry}} if idle else {f"pending.{name}": entry}
        put["busy"] = True
    if claim.then is None:
        put["gone"] = True
    elif claim.definition is not None:
        put["job_state"] = claim.definition
    return Change(claim.job_id, {"revision": claim.revision}, put)


def _new_document(row: JobRow, revision: int) -> Document:
    return {
        "id": row.job_id,
        "next_run_time": row.next_run_time,
        "job_state": row.definition,
        "revision": revision,
    }


def _row(document: Document) -> JobRow:
    stamp = document.get("next_run_time")
    state = document.get("job_state")
    return JobRow(
        document["id"],
        None if stamp is None else float(stamp),
        revision_of(document),
        b"" if state is None else bytes(state),
    )
