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
from apscheduler.jobstores._tree import Absent, Check, ConflictError, Create, Delete, Node, Put, Tree, chunks
from apscheduler.jobstores._tree_codec import time_in, with_time
from apscheduler.jobstores._tree_jobs import Jobs, Pointer, moves, parse_pointer
from apscheduler.jobstores._tree_names import Entry, digest_of, id_of, name_of, parse_entry

READ_AT_ONCE = 500
REMEMBERED = 10_000
SECONDS = 2.0


class ForeignJobs:
    """Adopts what 3.x has written."""

    def __init__(self, tree: Tree, jobs: Jobs, new_revision: Callable[[], int]) -> None:
        self._tree = tree
        self._jobs = jobs
        self._new_revision = new_revision

    def adopt(self) -> bool:
        """Give each job of 3.x an entry, and remove those of jobs that are gone; return whether there was any.

        Any number of processes may do so at once: each step is a transaction that requires what was found.
        """
        entries = {entry.name: entry for entry in map(parse_entry, self._tree.entries())}
        names = self._tree.names("def")
        odd = list(entries.keys() - set(names))
        # Read even where an entry is there, because nothing else tells that 3.x has changed a document.
        for start in range(0, len(names), READ_AT_ONCE):
            some = names[start : start + READ_AT_ONCE]
            for name, node in zip(some, self._tree.read([f"def/{name}" for name in some]), strict=True):
                if node is not None and (
                    name not in entries or entries[name].digest != digest_of(node.value)
                ):
                    odd.append(name)
        adopted = [self.mend(name) for name in odd]
        return any(adopted)

    def mend(self, name: str) -> bool:
        """Bring the entry of one job in line with its document; return whether there was something to do."""
        if name_of(id_of(name), self._tree.separates_folders) != name:
            return False  # no name that a job of ours, or of 3.x on this server, could have
        pointer_node, document = self._tree.read([f"jobs/{name}", f"def/{name}"])
        pointer = None if pointer_node is None else parse_pointer(name, pointer_node)
        try:
            if document is None:
                return pointer is not None and self._remove(pointer.entry)
            if pointer is None:
                return self._add(name, document)
            if pointer.entry.digest != digest_of(document.value):
                return self._change(pointer.entry, document)
        except ConflictError:
            pass  # somebody else has just done it, or has changed the job
        return False

    def _add(self, name: str, document: Node) -> bool:
        _, floor = self._jobs.read_floor()
        entry = Entry(
            time_in(document.value), max(self._new_revision(), floor + 1), digest_of(document.value), name
        )
        # No look at the floor: a removal that is not known here was one of 3.x, which has left the entry.
        self._tree.commit(
            [
                Check(f"def/{name}", document.version),
                Create(f"jobs/{name}", Pointer(entry).dump()),
                Create(entry.key),
                self._jobs.changed(),
            ]
        )
        return True

    def _change(self, entry: Entry, document: Node) -> bool:
        new = Entry(time_in(document.value), entry.revision + 1, digest_of(document.value), entry.name)
        ops = [
            Check(f"def/{entry.name}", document.version),
            *moves(entry, Pointer(new)),
            self._jobs.changed(),
        ]
        self._tree.commit(ops)
        return True

    def _remove(self, entry: Entry) -> bool:
        self._jobs.raise_floor(entry.revision)
        self._tree.commit(
            [
                Absent(f"def/{entry.name}"),
                Delete(entry.key),
                Delete(f"jobs/{entry.name}"),
                self._jobs.changed(),
            ]
        )
        return True


class FiredJobs:
    """Remembers the jobs that were fired since the start, up to a bound; the newest count.

    3.x trusts the next run time inside a document, which a firing here does not write. So it is written when the store
    shuts down. Best effort: a process that is killed does not get to it, and then 3.x takes a time that has passed for
    the next one.
    """

    def __init__(self, tree: Tree, jobs: Jobs) -> None:
        self._tree = tree
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
        names = [self._jobs.name_of(job_id) for job_id in job_ids]
        pointers = self._jobs.pointers(job_ids)
        documents = self._tree.read([f"def/{name}" for name in names])
        for job_id, pointer, document in zip(job_ids, pointers, documents, strict=True):
            if pointer is None or document is None or pointer.entry.digest != digest_of(document.value):
                continue
            entry = pointer.entry
            try:
                time = load(JobRow(job_id, entry.time, entry.revision, document.value)).next_run_time
            except JobUnreadableError:
                continue
            value = with_time(document.value, time, protocol)
            if value is None:
                continue
            # The revision stays, because nothing changes for this package: another node's claim is not lost by it.
            new = pointer._replace(entry=entry._replace(digest=digest_of(value)))
            try:
                self._tree.commit([*moves(entry, new), Put(f"def/{entry.name}", value, document.version)])
            except ConflictError:
                continue  # it has moved on: whoever did that writes it
