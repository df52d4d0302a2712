"""Claimed runs within a job's document: what a claim leaves there, and what it means."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from threading import Lock
from typing import NamedTuple

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import RUNNING, Claim, RunKey, StoredRun, made
from apscheduler.jobstores._documents import Document
from apscheduler.jobstores._text import storable_text

FIELDS = ("revision", "gone", "busy", "pending")
"""What has to be read of a document to know its pending runs."""

_TAG_BITS = 11


class Pending(NamedTuple):
    """A run in a job's document: where it is, and what would be recorded of it."""

    job_id: str
    entry_name: str
    run_name: str
    entry: Document
    run: StoredRun

    @property
    def key(self) -> RunKey:
        """Return what its record is found by."""
        return made(RunKey, self.run[1:5])

    @property
    def path(self) -> str:
        """Return the path of the run in the document."""
        return f"pending.{self.entry_name}.runs.{self.run_name}"


class _Numbers:
    """Ascending numbers for run records, below 2**53, that come back in no other process: milliseconds and a tag."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._lock = Lock()
        self._last = secrets.randbelow(1 << _TAG_BITS)

    def next(self) -> int:
        with self._lock:
            tag = self._last & ((1 << _TAG_BITS) - 1)
            now = int(SYSTEM.time() * 1000) << _TAG_BITS | tag
            self._last = max(self._last + (1 << _TAG_BITS), now)
            return self._last


_numbers = _Numbers()
if hasattr(os, "register_at_fork"):
    # Another thread may hold the lock, and the parent goes on counting.
    os.register_at_fork(after_in_child=_numbers.renew)


def revision_of(document: Document) -> int:
    """Return the revision of a job's document; 3.x writes none."""
    return int(document.get("revision") or 0)


def pending_of(document: Document) -> Iterator[Pending]:
    """Yield the runs that a job's document holds."""
    for name, entry in (document.get("pending") or {}).items():
        for number, run in (entry.get("runs") or {}).items():
            run_id, run_time, status, reason, finished = run
            stored = made(
                StoredRun,
                (
                    int(run_id), document["id"], int(entry["revision"]), float(run_time), int(entry["attempt"]),
                    status, entry["node"], reason, None, finished, None, None, None,
                ),
            )  # fmt: skip
            yield made(Pending, (document["id"], name, number, entry, stored))


def entry_of(node: str, claim: Claim) -> Document:
    """Return what a claim leaves in the job's document."""
    runs = {
        str(n): [
            _numbers.next(), run_time, status, storable_text(reason), None if status == RUNNING else SYSTEM.time()
        ]
        for n, (run_time, status, reason) in enumerate(claim.runs)
    }  # fmt: skip
    entry = {"node": node, "revision": claim.revision, "attempt": claim.attempt, "runs": runs}
    if claim.rerun is not None:
        entry["rerun"] = claim.rerun
    return entry


def entry_name(revision: int, attempt: int) -> str:
    """Return the name of a claim within its job's document."""
    return f"{revision}_{attempt}"
