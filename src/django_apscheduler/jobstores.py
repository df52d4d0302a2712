"""Job stores for Django projects, and `@register_job`."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from threading import Lock
from typing import Any
from weakref import WeakSet

from django.apps import apps
from django.db import router, transaction

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import Claim, Due, DueRow, Finish, JobRow, NodeRow, Rerun, RunQuery, StoredRun
from apscheduler._definition import same_definition
from apscheduler.errors import JobUnreadableError
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.job import Job
from apscheduler.jobstores._codec import JobCodec
from apscheduler.jobstores._sql_notify import Listener
from apscheduler.jobstores.base import ClaimingJobStore, ConflictingIdError, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from django_apscheduler._claiming import Claiming
from django_apscheduler._connection import Connection
from django_apscheduler._job_rows import JobRows
from django_apscheduler._listening import can_listen, listener
from django_apscheduler._process import reason_to_be_dormant
from django_apscheduler._registering import register_events, register_job
from django_apscheduler._results import DjangoResultStoreMixin
from django_apscheduler._run_rows import RunRows
from django_apscheduler._waiting import LOOKED_AGAIN_AFTER, WaitingRows, tables_are_there, warn_once
from django_apscheduler.models import DjangoJob

__all__ = (
    "ConflictingIdError",
    "DjangoJobStore",
    "DjangoMemoryJobStore",
    "DjangoResultStoreMixin",
    "JobLookupError",
    "register_events",
    "register_job",
)

COMMIT_POLL = 0.3
LONGEST_TRANSACTION = 60.0
"""Seconds for which a transaction that has added a job is waited for; one that is rolled back does not tell."""

running_stores: WeakSet[DjangoJobStore] = WeakSet()
"""The stores of the schedulers of this process, for the admin, which can tell those at once what it has changed."""


class DjangoMemoryJobStore(DjangoResultStoreMixin, MemoryJobStore):
    """Keeps jobs in memory, and writes their executions to the database."""


class DjangoJobStore(DjangoResultStoreMixin, ClaimingJobStore):
    """Keeps jobs and the records of their runs in the project's database; any number of schedulers may share it.

    In the commands of `manage.py` that serve nobody, such as `migrate`, it reports nothing as due and writes nothing
    that is added before the scheduler runs. While its tables are missing it keeps the jobs in memory.

    Args:
        pickle_protocol: protocol that jobs are pickled with.
        using: alias of the database in `DATABASES`; if not given, the one that the project's routers say.
    """

    def __init__(self, pickle_protocol: int = pickle.HIGHEST_PROTOCOL, using: str | None = None) -> None:
        self.pickle_protocol = pickle_protocol
        self.using = using or router.db_for_write(DjangoJob)
        self._codec = JobCodec(pickle_protocol)
        self._db = Connection(self.using)
        self._jobs = JobRows(self._db)
        self._claims = Claiming(self._db, self._jobs)
        self._runs = RunRows(self._db, self._jobs)
        self._waiting = WaitingRows()
        self._lock = Lock()
        self._is_there = False
        self._look_at = 0.0
        self._dormant = False
        self._asked: frozenset[tuple[str, int]] = frozenset()
        self._relaxed: dict[str, int | None] = {}
        self._uncommitted: dict[object, float] = {}
        self._listener: Listener | None = None

    @property
    def blocks(self) -> bool:  # type: ignore[override]
        """Whether calls may wait for I/O; not in a process that runs no jobs."""
        return not self._dormant

    def start(self, scheduler: Any, alias: str) -> None:
        """Look whether this process is to run jobs, and whether the tables are there."""
        reason = reason_to_be_dormant()
        self._dormant = reason is not None
        super().start(scheduler, alias)
        if reason is not None:
            self._logger.info("No jobs are run here: %s", reason, extra={"event": "dormant"})
        else:
            self._ready()
            running_stores.add(self)

    def shutdown(self) -> None:
        """Listen no more, and close the connections that were kept open here."""
        running_stores.discard(self)
        self._stop_listening()
        super().shutdown()
        self._db.close_kept()

    def forked(self) -> None:
        """Have the child of a fork make connections of its own; those of the parent are not used and not closed."""
        running_stores.discard(self)
        self._db.forked()
        self._jobs.forked()
        self._codec = JobCodec(self.pickle_protocol)
        self._waiting, self._lock = WaitingRows(), Lock()
        # Its thread is the parent's, and so is its connection, which is kept lest it be closed.
        self._of_the_parent, self._listener = self._listener, None

    def register_event_listeners(self) -> None:
        """Look after the connections that jobs use; the executions are recorded with the claims."""
        add = getattr(self._scheduler, "add_listener", None)
        if self._listening is None and add is not None:
            self._listening = self._db.look_after_run
            add(self._listening, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (using={self.using})>"

    # -- jobs -----------------------------------------------------------------------------------------------------

    def dump(self, job: Job) -> bytes:
        """Return the pickled definition of `job`."""
        if job.misfire_grace_time is None and job.id in self._relaxed:
            job = job._copy()
            job.misfire_grace_time = self._relaxed[job.id]
        return self._codec.dump(job)

    def load(self, row: JobRow | DueRow) -> Job:
        """Return the job that `row` defines, with the row's next run time.

        Where somebody has asked for its run, that is run however late, because nobody asks for a run to be missed.
        """
        job = self._codec.load(row, self._scheduler, self._alias)
        if self._asked and isinstance(row, DueRow) and (row.job_id, row.revision) in self._asked:
            self._relaxed[job.id] = job.misfire_grace_time
            job.misfire_grace_time = None
        elif self._relaxed:
            self._relaxed.pop(job.id, None)
        return job

    def insert_jobs(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Add all of `rows` in one transaction (that of the caller, if any), or none and return the taken ids."""
        if self._is_starting_dormant():
            return ()
        if not self._ready():
            return self._waiting.insert(rows)
        self._note_uncommitted()
        return self._jobs.insert(rows)

    def replace_job(self, row: JobRow) -> bool:
        """Write the definition and next run time of `row` if the stored revision is still `row.revision`."""
        if not self._ready():
            return self._waiting.replace(row)
        self._note_uncommitted()
        return self._jobs.replace(row)

    def read_job(self, job_id: str) -> JobRow | None:
        """Return the stored row of one job, or None."""
        return self._jobs.read(job_id) if self._ready() else self._waiting.read(job_id)

    def read_jobs(self) -> Sequence[JobRow]:
        """Return all stored rows by ascending next run time, paused ones last, ties by id."""
        return self._jobs.read_all() if self._ready() else self._waiting.read_all()

    def delete_jobs(self, job_ids: Collection[str] | None) -> int:
        """Remove the jobs with these ids (None: all jobs) and return how many there were."""
        for job_id in job_ids or ():
            self._codec.forget(job_id)
        return self._jobs.delete(job_ids) if self._ready() else self._waiting.delete(job_ids)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is `now` or earlier, by ascending next run time."""
        return self._load_all(self._jobs.read_until(now.timestamp())) if self._ready() else []

    # -- firing ---------------------------------------------------------------------------------------------------

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs that are due, earliest first, and the next run time after `now`."""
        if self._dormant:
            return Due((), None)
        if not self._ready():
            return self._waiting.read_due()
        self._db.keep_open()
        (rows, then), self._asked = self._jobs.read_due(now, limit)
        if self._has_uncommitted() and (then is None or then > now + COMMIT_POLL):
            then = now + COMMIT_POLL
        return Due(rows, then)

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those won."""
        return self._claims.claim(node, claims, SYSTEM.time())

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING."""
        self._claims.finish(outcomes, keep)

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone."""
        self._claims.record(node, claims, SYSTEM.time())

    def ask_for_run(self, job_id: str, revision: int, stamp: float) -> bool:
        """Make a job due at `stamp`, to be run however late, if it still has `revision`; return whether it had."""
        return self._ready() and self._jobs.ask_for_run(job_id, revision, stamp)

    def scheduler_here(self) -> tuple[Any, str] | None:
        """Return the scheduler that runs this store in this process, and what it calls the store; None if none does."""
        running = not self._dormant and getattr(self._scheduler, "running", False)
        return (self._scheduler, self._alias or "default") if running else None

    # -- runs and nodes -------------------------------------------------------------------------------------------

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id."""
        return self._runs.read(query) if self._is_open() else ()

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are older than `before`, or not among the newest `per_job` of their job.

        Done in transactions of some thousand records, each of them atomic.
        """
        return self._runs.prune(before, per_job) if self._is_active() else 0

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter."""
        self._waiting.node = node
        if self._is_active():
            self._runs.heartbeat(node)

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""
        return self._runs.read_nodes() if self._is_open() else ()

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node."""
        return self._runs.take_over(node_id, now, reason) if self._is_active() else ()

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that keep what is needed to repeat them, oldest run time first."""
        return self._claims.read_reruns(limit) if self._is_active() else ()

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs; return the indexes of those that were won."""
        return self._claims.claim_reruns(node, reruns)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when another process added or changed a job: on PostgreSQL, through psycopg 3.

        It takes a connection and a thread of its own. Other databases cannot tell, which is answered with None.
        """
        if self._dormant or not can_listen(self.using):
            return None
        self._stop_listening()
        self._listener = listener(self.using, self._jobs.me, callback, self._logger)
        return self._listener.close

    def _stop_listening(self) -> None:
        listening, self._listener = self._listener, None
        if listening is not None:
            listening.close()

    # -- whether the tables can be used ---------------------------------------------------------------------------

    def _is_starting_dormant(self) -> bool:
        """Return whether a command that serves nobody is just starting the scheduler: then nothing is touched."""
        return self._dormant and not getattr(self._scheduler, "running", True)

    def _is_open(self) -> bool:
        return not self._is_starting_dormant() and self._ready()

    def _is_active(self) -> bool:
        return not self._dormant and self._ready()

    def _ready(self) -> bool:
        """Return whether the tables can be used; when they can, what waited in memory is written to them."""
        if self._is_there:
            return True
        if not apps.ready:
            return False  # because Django warns of those who use a database in `AppConfig.ready()`
        with self._lock:
            if self._is_there or SYSTEM.monotonic() < self._look_at:
                return self._is_there
            if not tables_are_there(self._db):
                warn_once(self.using)
                self._look_at = SYSTEM.monotonic() + LOOKED_AGAIN_AFTER
                return False
            for row in self._waiting.take_rows():
                self._store_late(row)
            if self._waiting.node is not None and not self._dormant:
                self._runs.heartbeat(self._waiting.node)
            self._is_there = True
            return True

    def _store_late(self, row: JobRow) -> None:
        """Store a job that has waited; a stored one with its id is left alone where it is defined in the same way."""
        while self._jobs.insert([row]):
            stored = self._jobs.read(row.job_id)
            if stored is None:
                continue
            try:
                if same_definition(self.load(stored), self.load(row)):
                    return
            except JobUnreadableError:
                pass
            if self._jobs.replace(row._replace(revision=stored.revision)):
                return

    # -- jobs that are added in a transaction of the program ------------------------------------------------------

    def _note_uncommitted(self) -> None:
        """Where the caller is in a transaction, have `read_due()` asked again soon until that has ended."""
        if self._db.in_transaction():
            token = object()
            self._uncommitted[token] = SYSTEM.monotonic() + LONGEST_TRANSACTION
            transaction.on_commit(lambda: self._committed(token), using=self.using)

    def _committed(self, token: object) -> None:
        # A little later, because a reading that is under way may not have seen what was committed.
        self._uncommitted[token] = SYSTEM.monotonic() + 2 * COMMIT_POLL

    def _has_uncommitted(self) -> bool:
        if self._uncommitted:
            now = SYSTEM.monotonic()
            for token, until in list(self._uncommitted.items()):
                if until < now:
                    self._uncommitted.pop(token, None)
        return bool(self._uncommitted)
