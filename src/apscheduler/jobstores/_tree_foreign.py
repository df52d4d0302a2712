"""Jobs that 3.x has added, changed or removed: brought in line with what we keep beside them, and left fit for 3.x.

3.x writes the documents alone. Such a job has no entry, or one that names another document; a job that 3.x has removed
has an entry and no document. All of it is found by comparing names and digests: when a store starts, when a watch
tells that something was written, and with a heartbeat where the number of jobs shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import Claim, JobRow
from apscheduler.errors import JobUnreadableError
from apscheduler.job import Job
from apscheduler.jobstores._tree import Check, Create, Node, Op, Put, Tree, chunks
from apscheduler.jobstores._tree_codec import time_in, with_time
from apscheduler.jobstores._tree_index import Change, Entry, Index
from apscheduler.jobstores._tree_jobs import Jobs, pause
from apscheduler.jobstores._tree_names import digest_of, id_of, name_of

ATTEMPTS = 20
READ_AT_ONCE = 500
REMEMBERED = 10_000
SECONDS = 2.0


class ForeignJobs:
    """Adopts what 3.x has written."""

    def __init__(self, tree: Tree, index: Index, jobs: Jobs, new_revision: Callable[[], int]) -> None:
        self._tree = tree
        self._index = index
        self._jobs = jobs
        self._new_revision = new_revision

    def adopt(self) -> bool:
        """Give each job of 3.x an entry, and remove those of jobs that are gone; return whether there was any.

        Any number of processes may do so at once: each step is a transaction that requires what was found.
        """
        entries = self._index.all()
        names = self._tree.names("def")
        odd = list(entries.keys() - set(names))
        # Read even where an entry is there, because nothing else tells that 3.x has changed a document.
        for start in range(0, len(names), READ_AT_ONCE):
            some = names[start : start + READ_AT_ONCE]
            for name, node in zip(some, self._tree.read([f"def/{name}" for name in some]), strict=True):
                if node is None:
                    continue
                digest = digest_of(node.value)
                if name not in entries or entries[name].digest != digest:
                    odd.append(name)
                else:
                    self._jobs.keep(name, digest, node.value)
        self._index.remember(entries.values())
        return any([self.mend(name) for name in odd])  # noqa: C419 - all of them

    def mend(self, name: str) -> bool:
        """Bring the entry of one job in line with its document; return whether there was something to do."""
        if name_of(id_of(name), self._tree.separates_folders) != name:
            return False  # no name that a job of ours, or of 3.x on this server, could have
        for attempt in range(ATTEMPTS):
            entry = self._index.find([name]).get(name)
            (document,) = self._tree.read([f"def/{name}"])
            if document is None:
                return entry is not None and self._jobs.delete_one(name) > 0
            if entry is not None and entry.digest == digest_of(document.value):
                return False
            if self._write(name, entry, document):
                return True
            pause(attempt)
        return False

    def _write(self, name: str, old: Entry | None, document: Node) -> bool:
        """Write the entry that a document wants; return False where somebody else was faster."""
        ops: list[Op] = [Check(f"def/{name}", document.version), self._jobs.changed()]
        if old is None:
            # No condition on the floor: a removal that is not known here was one of 3.x, which has left the entry.
            _, floor = self._jobs.read_floor()
            revision = max(self._new_revision(), floor + 1)
            ops.append(Create(f"jobs/{name}"))
        else:
            revision = old.revision + 1
        new = Entry(time_in(document.value), revision, digest_of(document.value), name)
        edit = self._index.edit([Change(old, new)], fresh=True)
        return not edit.lost and self._jobs.commit(edit, ops)


class FiredJobs:
    """Remembers the jobs that were fired since the start, up to a bound; the newest count.

    3.x trusts the next run time inside a document, which a firing here does not write. So it is written when the store
    shuts down. Best effort: a process that is killed does not get to it, and then 3.x takes a time that has passed for
    the next one.
    """

    def __init__(self, tree: Tree, index: Index, jobs: Jobs) -> None:
        self._tree = tree
        self._index = index
        self._jobs = jobs
        self._lock = Lock()
        self._ids: dict[str, None] = {}

    def add(self, claims: Iterable[Claim]) -> None:
        """Remember the jobs of `claims` that were won."""
        with self._lock:
            self._ids.update((claim.job_id, None) for claim in claims if claim.then is not None)
            while len(self._ids) > REMEMBERED:
                del self._ids[next(iter(self._ids))]

    def leave_for_3x(self, load: Callable[[JobRow], Job], protocol: int) -> None:
        """Write the next run times into the documents of the jobs that were fired, for some seconds at most."""
        with self._lock:
            ids, self._ids = list(self._ids), {}
        deadline = SYSTEM.monotonic() + SECONDS
        for some in chunks(ids, lambda _: 0, 100, 1):
            if SYSTEM.monotonic() > deadline:
                return
            self._write(some, load, protocol)

    def _write(self, job_ids: Sequence[str], load: Callable[[JobRow], Job], protocol: int) -> None:
        entries = self._jobs.entries(job_ids)
        documents = self._tree.read([f"def/{entry.name}" for entry in entries.values()])
        for (job_id, entry), document in zip(entries.items(), documents, strict=True):
            if document is None or entry.digest != digest_of(document.value):
                continue
            try:
                time = load(JobRow(job_id, entry.time, entry.revision, document.value)).next_run_time
            except JobUnreadableError:
                continue
            value = with_time(document.value, time, protocol)
            if value is None:
                continue
            # The revision stays, because nothing changes for this package: another node's claim is not lost by it.
            edit = self._index.edit([Change(entry, entry._replace(digest=digest_of(value)))], fresh=False)
            if not edit.lost:
                # Where there is a conflict it has moved on: whoever did that writes it.
                self._jobs.commit(edit, [Put(f"def/{entry.name}", value, document.version)])
