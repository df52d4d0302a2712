"""Jobs in a document store, where only the change of one document is atomic.

A claim is one conditional change of the job's document: it moves the next run time, raises the revision, and puts the
claimed runs under `pending`. That is their record until they end; then a record is inserted among the runs, whose key
tells who was first, and what is pending is dropped. Whoever finds a pending run that is recorded takes it for ended, so
nothing has to happen between the two.

A job that is removed, or has fired for the last time, is `gone`: its document stays without a next run time until
nothing of it is pending. Before a document is removed, a number (the floor) is raised to its revision, above which
every later job begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from threading import Lock
from typing import Any, NamedTuple

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import (
    INTERRUPTED,
    RUNNING,
    Claim,
    Due,
    DueRow,
    JobRow,
    RunKey,
    StoredRun,
)
from apscheduler.jobstores._document_records import as_document, record_id
from apscheduler.jobstores._documents import JOBS, NUMBERS, RUNS, Change, Condition, Document, Documents
from apscheduler.jobstores._text import storable_text

FLOOR = "revision_floor"
# Because not every server takes infinities.
ENDLESS = 1e300


class Pending(NamedTuple):
    """A run in a job's document: where it is, and what would be recorded of it."""

    job_id: str
    path: str
    entry: Document
    run: StoredRun

    @property
    def key(self) -> RunKey:
        """Return what its record is found by."""
        return RunKey(*self.run[1:5])


class _Numbers:
    """Ascending numbers for run records: microseconds of the clock, so that none comes back in a later process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, int(SYSTEM.time() * 1_000_000))
            return self._last


_numbers = _Numbers()


def revision_of(document: Document) -> int:
    """Return the revision of a job's document; 3.x writes none."""
    return int(document.get("revision") or 0)


def pending_of(document: Document) -> Iterator[Pending]:
    """Yield the runs that a job's document holds."""
    for name, entry in (document.get("pending") or {}).items():
        for number, run in (entry.get("runs") or {}).items():
            run_id, run_time, status, reason, finished = run
            stored = StoredRun(
                int(run_id), document["id"], int(entry["revision"]), float(run_time), int(entry["attempt"]), status,
                entry["node"], reason, None, finished,
            )  # fmt: skip
            yield Pending(document["id"], f"pending.{name}.runs.{number}", entry, stored)


def entry_of(node: str, claim: Claim) -> Document:
    """Return what a claim leaves in the job's document."""
    now = SYSTEM.time()
    runs = {
        str(n): [
            _numbers.next(), run.run_time, run.status, storable_text(run.reason),
            None if run.status == RUNNING else now,
        ]
        for n, run in enumerate(claim.runs)
    }  # fmt: skip
    entry = {"node": node, "revision": claim.revision, "attempt": claim.attempt, "runs": runs}
    if claim.rerun is not None:
        entry["rerun"] = claim.rerun
    return entry


def entry_name(revision: int, attempt: int) -> str:
    """Return the name of a claim within its job's document."""
    return f"{revision}_{attempt}"


class DocumentJobs:
    """Jobs, and the claims on them."""

    def __init__(self, documents: Documents) -> None:
        self._docs = documents

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
        found: list[Document] = []
        if limit > 0:
            found = self._docs.find(JOBS, [Condition("next_run_time", "<=", now)], "next_run_time", limit)
        live = self.live(found)
        rows = [DueRow(*_row(document), live[document["id"]]) for document in found]  # type: ignore[arg-type]
        later = self._docs.find(JOBS, [Condition("next_run_time", ">", now)], "next_run_time", 1)
        return Due(rows, float(later[0]["next_run_time"]) if later else None)

    def live(self, documents: Sequence[Document]) -> Counter[str]:
        """Return how many claims of each job have runs in flight."""
        claims = {(run.job_id, run.run.revision, run.run.attempt) for run in self.in_flight(documents)}
        return Counter(job_id for job_id, _, _ in claims)

    def in_flight(self, documents: Sequence[Document]) -> list[Pending]:
        """Return the pending runs of documents that are running and have no record yet."""
        running = [run for doc in documents for run in pending_of(doc) if run.run.status == RUNNING]
        ended = {doc["id"] for doc in self._docs.get(RUNS, [record_id(run.key) for run in running])}
        return [run for run in running if record_id(run.key) not in ended]

    def with_pending(self) -> list[Document]:
        """Return the documents that may have pending runs."""
        return self._docs.find(JOBS, [Condition("busy", "==", True)])

    # -- inserting and changing ---------------------------------------------------------------------------------

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Insert all of `rows`, or none of them and return the ids that are taken.

        Where another process adds one of several ids at the same moment, the others are removed again.
        """
        ids = [row.job_id for row in rows]
        if len(set(ids)) < len(ids):
            return [job_id for job_id, times in Counter(ids).items() if times > 1]
        present = {document["id"]: document for document in self._docs.get(JOBS, ids)} if len(ids) > 1 else {}
        taken = [job_id for job_id in ids if job_id in present and not present[job_id].get("gone")]
        if taken or not rows:
            return taken
        floor = self._floor()
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
            found = self._docs.get(JOBS, [row.job_id])
            if not found:
                if not self._docs.insert(JOBS, [_new_document(row, max(row.revision, self._floor() + 1))]):
                    return True
                continue
            if not found[0].get("gone"):
                return False
            revision = revision_of(found[0])
            new = _new_document(row, max(row.revision, floor + 1, revision + 1))
            del new["id"]
            if self._docs.change(
                JOBS, [Change(row.job_id, {"gone": True, "revision": revision}, new, ["gone"])]
            ):
                return True
        raise RuntimeError(f"Job {row.job_id} is being added and removed all the time, so it was not added")

    def _lift(self, new: Sequence[Document]) -> None:
        """Raise the revisions of new documents above a floor that was raised meanwhile."""
        floor = self._floor()
        changes = [
            Change(document["id"], {"revision": document["revision"], "gone": None}, {"revision": floor + 1})
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
        return self._docs.change(JOBS, [Change(row.job_id, _current(row.revision), values)]) == 1

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Have jobs be gone, and return how many there were; what is not pending of them is removed."""
        deleted = 0
        left = self._docs.find(JOBS) if job_ids is None else self._docs.get(JOBS, sorted(set(job_ids)))
        self._forget_reruns(left)
        while left := [document for document in left if not document.get("gone")]:
            deleted += self._remove_idle([d for d in left if not d.get("busy")])
            changes = [
                Change(d["id"], _current(rev), {"gone": True, "next_run_time": None, "revision": rev + 1})
                for d, rev in ((d, revision_of(d)) for d in left if d.get("busy"))
            ]
            deleted += self._docs.change(JOBS, changes)
            # Those that were changed elsewhere meanwhile are there still, and tried again.
            left = self._docs.get(JOBS, [document["id"] for document in left])
            self.collect(left)
        return deleted

    def _remove_idle(self, documents: Sequence[Document]) -> int:
        """Remove documents of which nothing is pending, unless they have changed; return how many did not."""
        if not documents:
            return 0
        self.raise_floor(max(revision_of(document) for document in documents))
        return self._docs.remove(JOBS, [Change(d["id"], _current(revision_of(d))) for d in documents])

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
        changes = [_change_of(node, claim) for claim in claims]
        won: Collection[int] = range(len(claims))
        if self._docs.change(JOBS, changes) < len(claims):
            won = self._own(node, claims)
        self._settle_final([claims[index] for index in won])
        return won

    def _own(self, node: str, claims: Sequence[Claim]) -> list[int]:
        """Return the indexes of those claims that `node` has made, judged by what is stored."""
        keys = [
            [record_id(RunKey(c.job_id, c.revision, run.run_time, c.attempt)) for run in c.runs]
            for c in claims
        ]
        documents = {d["id"]: d for d in self._docs.get(JOBS, [claim.job_id for claim in claims])}
        records = {d["id"]: d for d in self._docs.get(RUNS, [key for some in keys for key in some])}
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
        ids = [c.job_id for c in claims if c.then is None or any(run.status != RUNNING for run in c.runs)]
        if not ids:
            return
        documents = self._docs.get(JOBS, ids)
        self.record([run for d in documents for run in pending_of(d) if run.run.status != RUNNING])
        self.collect(self._docs.get(JOBS, [d["id"] for d in documents if d.get("gone")]))

    def record(self, ended: Sequence[Pending]) -> set[str]:
        """Insert records of pending runs, as they say, and drop those; return the keys that had been recorded."""
        there = self._docs.insert(RUNS, [as_document(run.run, run.entry.get("rerun")) for run in ended])
        self.drop(ended)
        return there

    def drop(self, ended: Sequence[Pending]) -> None:
        """Drop runs that are recorded, or need no record, from the documents of their jobs."""
        paths: dict[str, list[str]] = {}
        for run in ended:
            paths.setdefault(run.job_id, []).append(run.path)
        if paths:
            self._docs.change(JOBS, [Change(job_id, {}, {}, drop) for job_id, drop in paths.items()])

    def collect(self, documents: Sequence[Document]) -> None:
        """Drop claims that have ended, and remove what is gone of which nothing is pending."""
        tidy, unneeded = [], []
        for document in documents:
            entries = document.get("pending") or {}
            empty = [name for name, entry in entries.items() if not entry.get("runs")]
            if document.get("gone") and len(empty) == len(entries):
                unneeded.append(document)
            elif empty:
                where = {"revision": revision_of(document)}
                drop = [f"pending.{name}" for name in empty]
                if len(empty) == len(entries):
                    drop.append("busy")
                tidy.append(Change(document["id"], where, {}, drop))
        if tidy:
            self._docs.change(JOBS, tidy)
        if unneeded:
            self.raise_floor(max(revision_of(document) for document in unneeded))
            empty_now = [Change(d["id"], {"gone": True, "revision": revision_of(d)}) for d in unneeded]
            self._docs.remove(JOBS, empty_now)

    # -- the floor ----------------------------------------------------------------------------------------------

    def _floor(self) -> int:
        found = self._docs.get(NUMBERS, [FLOOR])
        return int(found[0]["value"]) if found else 0

    def raise_floor(self, value: int) -> None:
        """Have no later job begin with a revision of `value` or lower."""
        while True:
            found = self._docs.get(NUMBERS, [FLOOR])
            if not found:
                if not self._docs.insert(NUMBERS, [{"id": FLOOR, "value": value}]):
                    return
            elif int(found[0]["value"]) >= value or self._docs.change(
                NUMBERS, [Change(FLOOR, {"value": found[0]["value"]}, {"value": value})]
            ):
                return


def _current(revision: int) -> dict[str, Any]:
    return {"revision": revision, "gone": None}


def _change_of(node: str, claim: Claim) -> Change:
    name = entry_name(claim.revision, claim.attempt)
    put: dict[str, Any] = {"next_run_time": claim.then, "revision": claim.revision + 1}
    if claim.runs:
        put[f"pending.{name}"] = entry_of(node, claim)
        put["busy"] = True
    if claim.then is None:
        put["gone"] = True
    elif claim.definition is not None:
        put["job_state"] = claim.definition
    return Change(claim.job_id, _current(claim.revision), put)


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
