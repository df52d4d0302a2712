"""Jobs in a tree of keys: the document of 3.x, and beside it what makes a job claimable.

    def/<name>             the document, where and as 3.x keeps it; firing does not touch it
    jobs/<name>            a mark that this job has an entry in the index (`_tree_index.py`)
    numbers/floor          the highest revision that went with a removed job
    numbers/changed        written when a job was added, changed or removed by a program

A revision does not return, because a job is removed only after the floor was raised to its revision, and is inserted
above the floor, on condition that this has not changed meanwhile.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Sequence
from secrets import token_hex
from threading import Event, Lock

from apscheduler._chance import between
from apscheduler._core.claims import JobRow
from apscheduler.jobstores._tree import Absent, Check, ConflictError, Create, Delete, Op, Put, Tree
from apscheduler.jobstores._tree_index import Change, Edit, Entry, Index
from apscheduler.jobstores._tree_names import digest_of, name_of

ATTEMPTS = 100
CALM_ATTEMPTS = 3
LONGEST_PAUSE = 0.02
REMEMBERED = 20_000
ROOM = 3

LEAD = 200_000
"""Revisions: those of the jobs that are added in 0.2 seconds."""


class Jobs:
    """Inserts, replaces, reads and removes jobs."""

    def __init__(self, tree: Tree, index: Index) -> None:
        self._tree = tree
        self._index = index
        self._lock = Lock()
        self._definitions: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._floor: tuple[Check, int] | None = None
        self.writer = token_hex(8).encode()

    def name_of(self, job_id: str) -> str:
        """Return the name of a job on this server."""
        return name_of(job_id, self._tree.separates_folders)

    def changed(self) -> Put:
        """Return the operation that tells others that there is something new."""
        return Put("numbers/changed", self.writer, guarded=False)

    # -- reading ---------------------------------------------------------------------------------------------

    def entries(self, job_ids: Collection[str]) -> dict[str, Entry]:
        """Return the entries of jobs as they are now, by id, without those that do not exist."""
        names = {self.name_of(job_id): job_id for job_id in job_ids}
        return {names[name]: entry for name, entry in self._index.find(list(names)).items()}

    def read(self, job_id: str) -> JobRow | None:
        """Return the row of one job, or None."""
        # The document after the entry, so that it is not older.
        entry = self.entries([job_id]).get(job_id)
        found = [] if entry is None else self.with_definitions([entry])
        return JobRow(job_id, found[0][0].time, found[0][0].revision, found[0][1]) if found else None

    def read_all(self) -> list[JobRow]:
        """Return all rows by ascending next run time, paused ones last, ties by id."""
        rows = [
            JobRow(entry.id, entry.time, entry.revision, definition)
            for entry, definition in self.with_definitions(list(self._index.all().values()))
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
                    self.keep(entry.name, entry.digest, node.value)
        self._index.remember(entries)
        return [(entry, known[entry.name]) for entry in entries if entry.name in known]

    def keep(self, name: str, digest: str, definition: bytes) -> None:
        """Remember a definition, so that it is not read again as long as the entry names it."""
        with self._lock:
            self._definitions[name] = (digest, definition)
            if len(self._definitions) > REMEMBERED:
                self._definitions.popitem(last=False)

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
        changes = [Change(None, Entry(row.next_run_time, 0, "", self.name_of(row.job_id))) for row in rows]
        sizes = [len(row.definition) + 6 * len(row.job_id) + 300 for row in rows]
        done: list[str] = []
        for part in self._index.parts(changes, [2] * len(changes), sizes, ROOM):
            taken = self._insert_some([rows[place] for place in part])
            if taken:
                if done:
                    self.delete(done)
                return taken
            done += [ids[place] for place in part]
        return ()

    def _insert_some(self, rows: Sequence[JobRow]) -> list[str]:
        for attempt in range(ATTEMPTS):
            check, floor = self.read_floor(fresh=attempt > 0 or self._index.is_contended)
            changes = []
            ops: list[Op] = [check]
            for row in rows:
                name, definition = self.name_of(row.job_id), bytes(row.definition)
                revision = max(row.revision, floor + 1)
                changes.append(Change(None, Entry(row.next_run_time, revision, digest_of(definition), name)))
                ops += [Create(f"def/{name}", definition), Create(f"jobs/{name}")]
            edit = self._index.edit(changes, fresh=attempt > 0)
            if self.commit(edit, [*ops, self.changed()]):
                for change, row in zip(edit.made, rows, strict=True):
                    assert change.new is not None
                    self.keep(change.new.name, change.new.digest, bytes(row.definition))
                return []
            taken = self._taken([row.job_id for row in rows])
            if taken:
                return taken
            pause(attempt)  # the floor was raised, or others have jobs at the same times
        raise ConflictError("jobs were added and removed by others again and again")

    def _taken(self, job_ids: Sequence[str]) -> list[str]:
        names = [self.name_of(job_id) for job_id in job_ids]
        nodes = self._tree.read([f"{folder}/{name}" for name in names for folder in ("def", "jobs")])
        return [
            job_id
            for n, job_id in enumerate(job_ids)
            if nodes[2 * n] is not None or nodes[2 * n + 1] is not None
        ]

    def commit(self, edit: Edit, ops: Sequence[Op]) -> bool:
        """Make the changes of `edit` and do `ops`, in one transaction; return False where there was a conflict."""
        try:
            versions = self._tree.commit([*edit.ops, *ops])
        except ConflictError:
            self._index.conflicted()
            self._tree.catch_up()
            return False
        self._index.edited(edit, versions)
        return True

    # -- changing --------------------------------------------------------------------------------------------

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the row with its id and revision; return whether there was one."""
        definition = bytes(row.definition)
        digest = digest_of(definition)
        for attempt in range(ATTEMPTS):
            old = self.entries([row.job_id]).get(row.job_id)
            if old is None or old.revision != row.revision:
                return False
            new = Entry(row.next_run_time, row.revision + 1, digest, old.name)
            edit = self._index.edit([Change(old, new)], fresh=attempt > 0)
            if edit.lost:
                continue
            if self.commit(edit, [Put(f"def/{old.name}", definition), self.changed()]):
                self.keep(old.name, digest, definition)
                return True
            if self._tree.read([f"def/{old.name}"]) == [None]:
                return False
            pause(attempt)
        return False

    # -- removing --------------------------------------------------------------------------------------------

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Remove these jobs, or all, and return how many there were."""
        entries = list((self._index.all() if job_ids is None else self.entries(job_ids)).values())
        changes = [Change(entry, None) for entry in entries]
        sizes = [4 * len(entry.name) + 300 for entry in entries]
        return sum(
            self._delete_some([entries[place] for place in part])
            for part in self._index.parts(changes, [2] * len(changes), sizes, ROOM)
        )

    def _delete_some(self, entries: Sequence[Entry]) -> int:
        for attempt in range(ATTEMPTS):
            self.raise_floor(max((entry.revision for entry in entries), default=0))
            edit = self._index.edit([Change(entry, None) for entry in entries], fresh=attempt > 0)
            made = [change.old for change in edit.made if change.old is not None]
            if made and self.commit(edit, [*(op for entry in made for op in removes(entry)), self.changed()]):
                lost = [change.old.name for change in edit.lost if change.old is not None]
                # What has moved on is removed all the same.
                return len(made) + (self._delete_some(list(self._index.find(lost).values())) if lost else 0)
            if attempt > CALM_ATTEMPTS:  # another means than ours has removed only a part of one
                return sum(self.delete_one(entry.name) for entry in entries)
            entries = list(self._index.find([entry.name for entry in entries]).values())
            if not entries:
                return 0
        return 0

    def delete_one(self, name: str) -> int:
        """Remove one job, also one whose document is gone."""
        for attempt in range(ATTEMPTS):
            entry = self._index.find([name]).get(name)
            if entry is None:
                return 0
            self.raise_floor(entry.revision)
            edit = self._index.edit([Change(entry, None)], fresh=attempt > 0)
            gone = self._tree.read([f"def/{name}"]) == [None]
            ops = [Delete(f"jobs/{name}"), Absent(f"def/{name}") if gone else Delete(f"def/{name}")]
            if not edit.lost and self.commit(edit, [*ops, self.changed()]):
                return 1
            pause(attempt)
        return 0

    # -- revisions -------------------------------------------------------------------------------------------

    def read_floor(self, fresh: bool = True) -> tuple[Check, int]:
        """Return the highest revision that a removed job may have had, with the condition that it has not grown.

        Not `fresh` is what was read last: where it has grown meanwhile, the condition does not hold.
        """
        known = self._floor
        if fresh or known is None:
            (node,) = self._tree.read(["numbers/floor"])
            if node is None:
                self.prepare()
                (node,) = self._tree.read(["numbers/floor"])
                assert node is not None, "somebody removes the keys of the store"
            known = self._floor = Check("numbers/floor", node.version), int(node.value)
        return known

    def raise_floor(self, revision: int) -> None:
        """Have no job start with `revision` or less from now on; to be done before a job with it is removed.

        It is raised by more, because each time fails the additions that are under way.
        """
        _, floor = self.read_floor(fresh=False)
        while revision > floor:
            check, floor = self.read_floor()
            if revision > floor:
                try:
                    self._tree.commit([Put("numbers/floor", str(revision + LEAD).encode(), check.version)])
                except ConflictError:
                    continue
                self._floor = None
                return

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


def removes(entry: Entry) -> list[Op]:
    """Return the operations that remove the job of this entry, besides those of the index."""
    return [Delete(f"jobs/{entry.name}", guarded=False), Delete(f"def/{entry.name}")]


def pause(attempt: int) -> None:
    """Wait for some milliseconds after a conflict, so that of many who write the same key each gets its turn."""
    if attempt >= CALM_ATTEMPTS:
        Event().wait(between(0, LONGEST_PAUSE))
