"""The values that pass between the engine and a job store: rows, claims, outcomes, nodes.

Times are floats, seconds since the epoch in UTC, because that is what the tables of 3.x hold and because floats
compare without time zone surprises. A *claim* names the row it was decided on by its `revision`; a store applies it
only while the row still has that revision (see docs/explanation/claims.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

made = tuple.__new__
"""Makes a named tuple from a tuple of its values, all of them: `made(RunKey, (...))` is `RunKey(...)` in a third of
the time. For what is made several times for each run, and nowhere else."""

# What can become of a run time. RUNNING is the only state that is left again.
RUNNING = "running"
SUCCEEDED = "succeeded"
FAILED = "failed"
MISSED = "missed"
SKIPPED = "skipped"
INTERRUPTED = "interrupted"
SET_ASIDE = "set_aside"
STATUSES = (RUNNING, SUCCEEDED, FAILED, MISSED, SKIPPED, INTERRUPTED, SET_ASIDE)


class JobRow(NamedTuple):
    """One stored job as its store keeps it.

    `next_run_time` is None for a paused job. `revision` only grows and never returns. `definition` is opaque to the
    store: bytes for a store that persists, the `Job` itself for the memory store.
    """

    job_id: str
    next_run_time: float | None
    revision: int
    definition: Any


class DueRow(NamedTuple):
    """A job whose run time has come. `live` counts its claims that have runs which are not finished, store-wide."""

    job_id: str
    next_run_time: float
    revision: int
    definition: Any
    live: int


class Due(NamedTuple):
    """What `read_due` found: the rows that are due (earliest first) and the earliest later run time, if any."""

    rows: Sequence[DueRow]
    next_run_time: float | None


class NewRun(NamedTuple):
    """A run record that a claim writes: RUNNING for what will be submitted, a final status for what will not."""

    run_time: float
    status: str = RUNNING
    reason: str | None = None


class Claim(NamedTuple):
    """Move a job on from `revision` to its next run time and record `runs`, atomically, or not at all.

    `then` is the next run time; with None the schedule is finished and the job is removed (its runs stay).
    `definition` is None, except for jobs whose trigger keeps state of its own: their new definition.
    `attempt` is 1, and grows where a run that was cut off is started again. `time` is the same instant as `then`, in
    its time zone, for a store that keeps `Job` objects. `rerun` is None, except for jobs that want a run repeated which
    a crash cuts off: the definition that the claim's RUNNING records keep for that.
    """

    job_id: str
    revision: int
    then: float | None
    runs: Sequence[NewRun]
    definition: Any = None
    attempt: int = 1
    time: datetime | None = None
    rerun: Any = None


class RunKey(NamedTuple):
    """What a run record is found by: unique in its store. `revision` is that of the claim which started it."""

    job_id: str
    revision: int
    run_time: float
    attempt: int = 1


class Finish(NamedTuple):
    """The outcome of one run, to be written to its record. Writing it twice is the same as writing it once.

    `started` is None for a run that never started (missed). `result` is the encoded return value, if it is kept.
    """

    key: RunKey
    status: str
    started: float | None
    finished: float
    reason: str | None = None
    error: str | None = None
    traceback: str | None = None
    result: bytes | None = None


class Rerun(NamedTuple):
    """A run that was cut off, and whose job wants it repeated; nobody has done so yet.

    `key` is that of the INTERRUPTED record, `definition` the one that the run was claimed with. `revision` is that of
    the job now, None where the job is gone. `live` counts the job's claims in flight, as in `DueRow`.
    """

    key: RunKey
    definition: Any
    revision: int | None
    live: int


class StoredRun(NamedTuple):
    """One run record as its store keeps it."""

    id: int
    job_id: str
    revision: int
    run_time: float
    attempt: int
    status: str
    node: str | None
    reason: str | None = None
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    traceback: str | None = None
    result: bytes | None = None


class RunQuery(NamedTuple):
    """Which run records to read: newest run time first, at most `limit`; `since` inclusive, `until` exclusive."""

    job_id: str | None = None
    statuses: Sequence[str] | None = None
    since: float | None = None
    until: float | None = None
    limit: int | None = 100


class NodeRow(NamedTuple):
    """One scheduler in one process.

    `counter` grows with every heartbeat, and is odd while the scheduler is paused; nothing else of a node ever changes.
    """

    id: str
    host: str
    pid: int
    started: float
    counter: int
