"""Jobs in a tree of keys: the document of 3.x, and beside it what makes a job claimable.

    def/<name>                  the document, where and as 3.x keeps it; firing does not touch it
    jobs/<name>                 the pointer: revision, next run time, digest of the document, who claimed last
    due/<minute>/<entry>        the entry (see `_tree_names.py`), where the job is scheduled
    paused/<entry>              the same, where it is paused
    numbers/floor               the highest revision that went with a removed job
    numbers/changed             written when a job was added, changed or removed by a program

Every change removes the entry that was read and creates the next one, in one transaction with all else: so of several
changes to one revision one is done. A revision does not return, because a job is removed only after the floor was
raised to its revision, and is inserted above the floor, on condition that this has not changed meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Sequence
from secrets import token_hex
from threading import Lock
from typing import NamedTuple

from apscheduler._core.claims import JobRow
from apscheduler.jobstores._tree import (
    Absent,
    Check,
    ConflictError,
    Create,
    Delete,
    Node,
    Op,
    Put,
    Tree,
    chunks,
    size_of,
)
from apscheduler.jobstores._tree_names import Entry, digest_of, name_of, parse_entry

ATTEMPTS = 50
REMEMBERED = 20_000


class Pointer(NamedTuple):
    """What a job's pointer says: its entry, and the node and attempt of the claim that made it (or "")."""

    entry: Entry
    node: str = ""
    attempt: int = 0

    def dump(self) -> bytes:
        """Return the value of the pointer's key."""
        entry = self.entry
        return json.dumps([entry.revision, entry.time, entry.digest, self.node, self.attempt]).encode()


class Jobs:
    """Inserts, replaces, reads and removes jobs."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = Lock()
        self._definitions: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._floor = 0
        self.writer = token_hex(8)

    def name_of(self, job_id: str) -> str:
        """Return the name of a job on this server."""
        return name_of(job_id, self._tree.separates_folders)

    def changed(self) -> Put:
        """Return the operation that tells others that there is something new."""
        return Put("numbers/changed", self.writer.encode(), guarded=False)

    # -- reading ---------------------------------------------------------------------------------------------

    def pointers(self, job_ids: Sequence[str]) -> list[Pointer | None]:
        """Return the pointers of jobs, None where there is no such job."""
        names = [self.name_of(job_id) for job_id in job_ids]
        nodes = self._tree.read([f"jobs/{name}" for name in names])
        found = []
        for name, node in zip(names, nodes, strict=True):
            found.append(None if node is None else parse_pointer(name, node))
        self.remember(pointer.entry for pointer in found if pointer is not None)
        return found

    def read(self, job_id: str) -> JobRow | None:
        """Return the row of one job, or None."""
        name = self.name_of(job_id)
        # In this order, so that what is read second is not older.
        pointer, definition = self._tree.read([f"jobs/{name}", f"def/{name}"])
        if pointer is None or definition is None:
            return None
        entry = parse_pointer(name, pointer).entry
        self.remember([entry])
        return JobRow(job_id, entry.time, entry.revision, definition.value)

    def read_all(self) -> list[JobRow]:
        """Return all rows by ascending next run time, paused ones last, ties by id."""
        newest: dict[str, Entry] = {}
        for entry in map(parse_entry, self._tree.entries()):
            # One that moved on while the names were listed may be met twice.
            if entry.name not in newest or newest[entry.name].revision < entry.revision:
                newest[entry.name] = entry
        rows = [
            JobRow(entry.id, entry.time, entry.revision, definition)
            for entry, definition in self.with_definitions(list(newest.values()))
        ]
        return sorted(rows, key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))

    def with_definitions(self, entries: Sequence[Entry]) -> list[tuple[Entry, bytes]]:
        """Return entries with the definitions of their jobs, without those whose job is gone meanwhile."""
        with self._lock:
            known = {
                entry.name: kept[1]
                for entry in entries
                if (kept := self._definitions.get(entry.name)) is not None and kept[0] == entry.digest
            }
        missing = [entry for entry in entries if entry.name not in known]
        nodes = self._tree.read([f"def/{entry.name}" for entry in missing])
        for entry, node in zip(missing, nodes, strict=True):
            if node is not None:
                known[entry.name] = node.value
                # Also one that 3.x has changed is taken as it is: this is what the job is now.
                if digest_of(node.value) == entry.digest:
                    self._keep(entry.name, entry.digest, node.value)
        self.remember(entries)
        return [(entry, known[entry.name]) for entry in entries if entry.name in known]

    def remember(self, entries: Iterable[Entry]) -> None:
        """Keep entries that were read, so that a claim need not ask for them."""
        with self._lock:
            for entry in entries:
                self._entries[entry.name] = entry
            while len(self._entries) > REMEMBERED:
                self._entries.popitem(last=False)

    def remembered(self, job_id: str, revision: int) -> Entry | None:
        """Return the entry of a job, if the one that is known has this revision."""
        entry = self._entries.get(self.name_of(job_id))
        return entry if entry is not None and entry.revision == revision else None

    def _keep(self, name: str, digest: str, definition: bytes) -> None:
        with self._lock:
            self._definitions[name] = (digest, definition)
            if len(self._definitions) > REMEMBERED:
                self._definitions.popitem(last=False)

    def _forget(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                self._definitions.pop(name, None)
                self._entries.pop(name, None)

    # -- adding ----------------------------------------------------------------------------------------------

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Insert all of `rows`, or none and return the ids that are taken.

        Up to what fits into one transaction, that is atomic. More is written in several; where one of them meets an id
        that was taken just now, those before are undone.
        """
        ids = [row.job_id for row in rows]
        if len(set(ids)) < len(ids):
            return [job_id for job_id, times in Counter(ids).items() if times > 1]
        if len(rows) > 1 and (taken := self._taken(ids)):
            return taken
        done: list[JobRow] = []
        for some in chunks(rows, _insert_size, (self._tree.max_ops - 2) // 3, self._tree.max_bytes):
            taken = self._insert_some(some)
            if taken:
                if done:
                    self.delete([row.job_id for row in done])
                return taken
            done += some
        return ()

    def _insert_some(self, rows: Sequence[JobRow]) -> list[str]:
        for _ in range(ATTEMPTS):
            check, floor = self.read_floor()
            entries = []
            ops: list[Op] = []
            for row in rows:
                name, definition = self.name_of(row.job_id), bytes(row.definition)
                entry = Entry(row.next_run_time, max(row.revision, floor + 1), digest_of(definition), name)
                entries.append(entry)
                ops += [
                    Create(f"def/{name}", definition),
                    Create(f"jobs/{name}", Pointer(entry).dump()),
                    Create(entry.key),
                ]
            try:
                self._tree.commit([check, *ops, self.changed()])
            except ConflictError:
                taken = self._taken([row.job_id for row in rows])
                if taken:
                    return taken
                continue  # the floor was raised, or the job in the way has been removed since
            self.remember(entries)
            for entry, row in zip(entries, rows, strict=True):
                self._keep(entry.name, entry.digest, bytes(row.definition))
            return []
        raise ConflictError("jobs were added and removed by others again and again")

    def _taken(self, job_ids: Sequence[str]) -> list[str]:
        names = [self.name_of(job_id) for job_id in job_ids]
        nodes = self._tree.read([f"{folder}/{name}" for name in names for folder in ("def", "jobs")])
        return [
            job_id
            for n, job_id in enumerate(job_ids)
            if nodes[2 * n] is not None or nodes[2 * n + 1] is not None
        ]

    # -- changing --------------------------------------------------------------------------------------------

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the row with its id and revision; return whether there was one."""
        definition = bytes(row.definition)
        for _ in range(ATTEMPTS):
            (pointer,) = self.pointers([row.job_id])
            if pointer is None or pointer.entry.revision != row.revision:
                return False
            name = pointer.entry.name
            entry = Entry(row.next_run_time, row.revision + 1, digest_of(definition), name)
            ops = [*moves(pointer.entry, Pointer(entry)), Put(f"def/{name}", definition), self.changed()]
            try:
                self._tree.commit(ops)
            except ConflictError:
                self._tree.catch_up()
                if self._tree.read([f"def/{name}"]) == [None]:
                    return False
                continue  # the digest alone may have changed, or else the next look tells that it is lost
            self._keep(name, entry.digest, definition)
            self.remember([entry])
            return True
        return False

    # -- removing --------------------------------------------------------------------------------------------

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Remove these jobs, or all, and return how many there were."""
        if job_ids is None:
            job_ids = [parse_entry(text).id for text in self._tree.entries()]
        deleted = 0
        most = (self._tree.max_ops - 2) // 3
        for some in chunks(
            sorted(set(job_ids)), lambda job_id: 6 * len(job_id) + 300, most, self._tree.max_bytes
        ):
            deleted += self._delete_some(some)
        return deleted

    def _delete_some(self, job_ids: Sequence[str]) -> int:
        for attempt in range(ATTEMPTS):
            found = [pointer.entry for pointer in self.pointers(job_ids) if pointer is not None]
            if not found:
                return 0
            self.raise_floor(max(entry.revision for entry in found))
            if attempt > 3:  # another means than ours has removed only a part of one
                return sum(self._delete_one(entry) for entry in found)
            try:
                self._tree.commit([*(op for entry in found for op in removes(entry)), self.changed()])
            except ConflictError:
                self._tree.catch_up()
                continue
            self._forget(entry.name for entry in found)
            return len(found)
        return 0

    def _delete_one(self, entry: Entry) -> int:
        orphan: list[Op] = [Delete(entry.key), Delete(f"jobs/{entry.name}"), Absent(f"def/{entry.name}")]
        for ops in (removes(entry), orphan):
            try:
                self._tree.commit(ops)
            except ConflictError:
                continue
            self._forget([entry.name])
            return 1
        return 0

    # -- revisions -------------------------------------------------------------------------------------------

    def read_floor(self) -> tuple[Check, int]:
        """Return the highest revision that a removed job had, with the condition that it has not grown."""
        (node,) = self._tree.read(["numbers/floor"])
        if node is None:
            self.prepare()
            (node,) = self._tree.read(["numbers/floor"])
            assert node is not None, "somebody removes the keys of the store"
        self._floor = max(self._floor, int(node.value))
        return Check("numbers/floor", node.version), int(node.value)

    def raise_floor(self, revision: int) -> None:
        """Have no job start with `revision` or less from now on; to be done before a job with it is removed."""
        while revision > self._floor:
            check, floor = self.read_floor()
            if revision > floor:
                try:
                    self._tree.commit([Put("numbers/floor", str(revision).encode(), check.version)])
                except ConflictError:
                    continue
                self._floor = max(self._floor, revision)

    def prepare(self) -> None:
        """Create the keys that must be there; any number of processes may do so at once."""
        names = ("floor", "changed", "run_id")
        nodes = self._tree.read([f"numbers/{name}" for name in names])
        for name, node in zip(names, nodes, strict=True):
            if node is None:
                try:
                    self._tree.commit([Create(f"numbers/{name}", b"0")])
                except ConflictError:
                    continue  # another process has just done the same


def moves(entry: Entry, to: Pointer) -> list[Op]:
    """Return the operations that put a job's next entry in the place of `entry`."""
    # The entry alone decides: where it is, so is the pointer, and none has the name of the next one.
    return [
        Delete(entry.key),
        Create(to.entry.key, guarded=False),
        Put(f"jobs/{entry.name}", to.dump(), guarded=False),
    ]


def removes(entry: Entry) -> list[Op]:
    """Return the operations that remove the job which has this entry."""
    return [Delete(entry.key), Delete(f"jobs/{entry.name}", guarded=False), Delete(f"def/{entry.name}")]


def parse_pointer(name: str, node: Node) -> Pointer:
    """Return the pointer that a key holds."""
    revision, time, digest, owner, attempt = json.loads(node.value)
    return Pointer(Entry(time, revision, digest, name), owner, attempt)


def _insert_size(row: JobRow) -> int:
    return len(row.definition) + size_of(
        [Create(f"due/{'x' * (60 + len(row.job_id.encode('utf-8', 'replace')))}")] * 3
    )
