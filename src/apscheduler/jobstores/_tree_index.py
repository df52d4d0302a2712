"""The index of jobs by next run time, in a tree of keys.

Every job has one entry: next run time, revision, digest of its document. Entries are kept together in leaves, one for
each minute and sixteenth of the jobs, `due/<minute>.<shard>`, and those of paused jobs in `due/paused.<shard>`. So what
is due is read with a few keys whatever sleeps, and a batch of claims writes a few keys instead of some for each job,
which is what a server's time goes into.

A change takes the entry that was read out of its leaf and puts the next one into another, in one transaction that
requires the leaves' versions. Where somebody else has written one of them, the leaves are read again: what still has
the revision that was read is tried again, and the rest is lost. A revision never returns, so an entry does not either.

The versions of some servers begin anew when a key is removed and created again. There an empty leaf stays for a while,
longer than anybody may still hold one of its versions.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from threading import Lock
from typing import NamedTuple

from apscheduler._clock import SYSTEM
from apscheduler.jobstores._tree import ConflictError, Create, Delete, Node, Op, Put, Tree
from apscheduler.jobstores._tree_names import MINUTE, id_of, shard_of, span_of

PAUSED = "paused"
LEAVES_KEPT = 2_000
ENTRIES_KEPT = 20_000
LOOKS = 20
ENTRY_BYTES = 120
TIDIED = 500
FRESH = 5.0
CONTENDED = 1.0


class Entry(NamedTuple):
    """The entry of one job. `claimer` tells who made it, if that was a claim."""

    time: float | None
    revision: int
    digest: str
    name: str
    claimer: str = ""

    @property
    def leaf(self) -> str:
        """Return the name of the leaf that the entry is in."""
        return f"{PAUSED if self.time is None else span_of(self.time, MINUTE)}.{shard_of(self.name)}"

    @property
    def id(self) -> str:
        """Return the id of the job."""
        return id_of(self.name)


class Change(NamedTuple):
    """Take `old` out, if its revision is still there, and put `new` in; either may be None."""

    old: Entry | None
    new: Entry | None

    @property
    def leaves(self) -> set[str]:
        """Return the names of the leaves that are written."""
        return {entry.leaf for entry in (self.old, self.new) if entry is not None}


class Leaf(NamedTuple):
    """What a leaf holds, by name, and its version; None where it does not exist."""

    version: int | None
    entries: dict[str, Entry]


class Edit(NamedTuple):
    """The operations that make changes, those that are `made` by them, those that are lost, and the leaves after."""

    ops: list[Op]
    made: list[Change]
    lost: list[Change]
    leaves: dict[str, Leaf]


class Index:
    """Finds entries and changes them; may be used from any thread."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = Lock()
        self._leaves: OrderedDict[str, tuple[Leaf, float]] = OrderedDict()
        self._contended_until = float("-inf")
        self._empty: dict[str, tuple[int | None, float]] = {}
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    # -- reading ---------------------------------------------------------------------------------------------

    def due(self, now: float, limit: int) -> tuple[list[Entry], float | None]:
        """Return the entries that are due, earliest first, at most `limit`, and the first time that is later.

        The time may be None where more is due.
        """
        last = span_of(now, MINUTE)
        found: list[Entry] = []
        later: float | None = None
        for minute, leaves in self._minutes():
            for leaf in leaves:
                for entry in leaf.entries.values():
                    if entry.time is None:
                        continue
                    if entry.time <= now:
                        found.append(entry)
                    elif later is None or entry.time < later:
                        later = entry.time
            if later is not None or (minute < last and len(found) > limit):
                break
        found.sort(key=lambda entry: (entry.time, entry.name))
        return found[: max(limit, 0)], None if len(found) > limit > 0 else later

    def _minutes(self) -> Iterator[tuple[str, list[Leaf]]]:
        """Yield the leaves of each minute, the earliest first."""
        minute = ""
        leaves: list[Leaf] = []
        for name, node in self._tree.leaves():
            if name[:10] != minute:
                if leaves:
                    yield minute, leaves
                minute, leaves = name[:10], []
            leaves.append(self._remember(name, node))
        if leaves:
            yield minute, leaves

    def all(self) -> dict[str, Entry]:
        """Return all entries by name."""
        return _newest(
            entry for name, node in self._tree.nodes("due").items() for entry in _parse(node).entries.values()
        )

    def find(self, names: Sequence[str]) -> dict[str, Entry]:
        """Return the entries of jobs as they are now, by name, without those that do not exist."""
        found: dict[str, Entry] = {}
        missing = set(names)
        for look in range(LOOKS):
            if look == 0:
                with self._lock:
                    leaves = {self._entries[name].leaf for name in missing if name in self._entries}
            else:
                # It has moved; where to is told by the job's name only in part.
                shards = {shard_of(name) for name in missing}
                leaves = {leaf for leaf in self._tree.names("due") if leaf.rpartition(".")[2] in shards}
            for leaf in self._load(leaves).values():
                found.update((name, leaf.entries[name]) for name in missing & leaf.entries.keys())
            missing -= found.keys()
            if missing:
                some = sorted(missing)
                marks = self._tree.read([f"jobs/{name}" for name in some])
                # One that has a mark has an entry, which may move from leaf to leaf while they are read.
                missing = {name for name, mark in zip(some, marks, strict=True) if mark is not None}
            if not missing:
                break
        self.remember(found.values())
        return found

    def remember(self, entries: Iterable[Entry]) -> None:
        """Keep entries that were read or written, to know where to look."""
        with self._lock:
            for entry in entries:
                self._entries[entry.name] = entry
            while len(self._entries) > ENTRIES_KEPT:
                self._entries.popitem(last=False)

    def remembered(self, name: str, revision: int) -> Entry | None:
        """Return the entry of a job, if the one that is known has this revision."""
        entry = self._entries.get(name)
        return entry if entry is not None and entry.revision == revision else None

    def forget(self, names: Iterable[str]) -> None:
        """Drop what is known of jobs that were removed."""
        with self._lock:
            for name in names:
                self._entries.pop(name, None)

    # -- changing --------------------------------------------------------------------------------------------

    def edit(self, changes: Sequence[Change], fresh: bool) -> Edit:
        """Return what makes `changes`; from the leaves as they are known, or `fresh` from the server.

        Nothing is lost by what is known only: then the leaves are read.
        """
        names = {leaf for change in changes for leaf in change.leaves}
        if not fresh and not self.is_contended:
            oldest = SYSTEM.monotonic() - FRESH
            with self._lock:
                kept = {name: self._leaves[name] for name in names if name in self._leaves}
            known = {name: leaf for name, (leaf, read) in kept.items() if read > oldest}
            known.update(self._load(names - known.keys()))
            edit = self._edit(changes, known)
            if not edit.lost:
                return edit
        return self._edit(changes, self._load(names))

    def edited(self, edit: Edit, versions: Sequence[int]) -> None:
        """Tell that the operations were done, and which versions they have written."""
        after = dict(edit.leaves)
        for op, version in zip(edit.ops, versions, strict=False):
            name = op.key[4:]
            after[name] = Leaf(None if isinstance(op, Delete) else version, after[name].entries)
        for name, leaf in after.items():
            self._keep(name, leaf)
        self.remember(change.new for change in edit.made if change.new is not None)
        self.forget(change.old.name for change in edit.made if change.new is None and change.old is not None)

    @property
    def is_contended(self) -> bool:
        """Whether others write the same leaves just now, so that what is known of them is of no use."""
        return SYSTEM.monotonic() < self._contended_until

    def conflicted(self) -> None:
        """Tell that an edit was not done, because somebody else has written a leaf."""
        self._contended_until = SYSTEM.monotonic() + CONTENDED

    def parts(
        self, changes: Sequence[Change], own_ops: Sequence[int], own_bytes: Sequence[int], room: int
    ) -> Iterator[list[int]]:
        """Yield the places of `changes` in parts that fit into a transaction.

        Each change has its `own_ops` operations and `own_bytes` besides; `room` operations are left over.
        """
        part: list[int] = []
        leaves: set[str] = set()
        size = ops = 0
        for place in sorted(range(len(changes)), key=lambda n: sorted(changes[n].leaves)):
            new = changes[place].leaves - leaves
            own = own_bytes[place] + sum(self._bytes(name) for name in new) + 2 * ENTRY_BYTES
            if part and (
                len(leaves | new) + ops + own_ops[place] > self._tree.max_ops - room
                or size + own > self._tree.max_bytes * 3 // 4
            ):
                yield part
                part, leaves, size, ops = [], set(), 0, 0
                own = (
                    own_bytes[place]
                    + sum(self._bytes(name) for name in changes[place].leaves)
                    + 2 * ENTRY_BYTES
                )
            part.append(place)
            leaves |= changes[place].leaves
            size += own
            ops += own_ops[place]
        if part:
            yield part

    def _bytes(self, name: str) -> int:
        kept = self._leaves.get(name)
        return 200 + ENTRY_BYTES * (0 if kept is None else len(kept[0].entries))

    def _load(self, names: Collection[str]) -> dict[str, Leaf]:
        some = sorted(names)
        nodes = self._tree.read([f"due/{name}" for name in some])
        return {name: self._remember(name, node) for name, node in zip(some, nodes, strict=True)}

    def _remember(self, name: str, node: Node | None) -> Leaf:
        with self._lock:
            known = self._leaves.get(name)
        if known is not None and node is not None and known[0].version == node.version:
            leaf = known[0]
        else:
            leaf = Leaf(None, {}) if node is None else _parse(node)
        self._keep(name, leaf)
        return leaf

    def _keep(self, name: str, leaf: Leaf) -> None:
        with self._lock:
            self._leaves[name] = leaf, SYSTEM.monotonic()
            self._leaves.move_to_end(name)
            while len(self._leaves) > LEAVES_KEPT:
                self._leaves.popitem(last=False)

    # -- empty leaves ----------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Remove leaves that have been empty for as long as the server's versions require."""
        rest = self._tree.rest_of_empty
        if rest is None:
            return  # they go at once
        now = SYSTEM.monotonic()
        names = sorted(name for name in self._tree.names("due") if not name.startswith(PAUSED))
        last = span_of(SYSTEM.time(), MINUTE)
        some = [name for name in names if name[:10] < last or name in self._empty][:TIDIED]
        seen: dict[str, tuple[int | None, float]] = {}
        for name, leaf in self._load(some).items():
            if leaf.entries or leaf.version is None:
                continue
            version, since = self._empty.get(name, (leaf.version, now))
            if version == leaf.version and now - since >= rest:
                try:
                    self._tree.commit([Delete(f"due/{name}", leaf.version)])
                except ConflictError:
                    pass  # it is in use again
            else:
                seen[name] = (leaf.version, since if version == leaf.version else now)
        self._empty = seen

    def _edit(self, changes: Iterable[Change], before: dict[str, Leaf]) -> Edit:
        after = {name: Leaf(leaf.version, dict(leaf.entries)) for name, leaf in before.items()}
        made, lost, touched = [], [], set()
        for change in changes:
            old, new = change
            if old is not None:
                there = after[old.leaf].entries.get(old.name)
                if there is None or there.revision != old.revision:
                    lost.append(change)
                    continue
                del after[old.leaf].entries[old.name]
                touched.add(old.leaf)
                if new is not None and new.digest == old.digest:
                    # The document may have been written anew without a new revision.
                    new = new._replace(digest=there.digest)
            if new is not None:
                after[new.leaf].entries[new.name] = new
                touched.add(new.leaf)
            made.append(Change(old, new))
        ops = [self._write(name, before[name].version, after[name]) for name in sorted(touched)]
        return Edit(ops, made, lost, {name: after[name] for name in touched})

    def _write(self, name: str, version: int | None, leaf: Leaf) -> Op:
        if version is None:
            return Create(f"due/{name}", _dump(leaf))
        if not leaf.entries and self._tree.rest_of_empty is None:
            return Delete(f"due/{name}", version)
        return Put(f"due/{name}", _dump(leaf), version)


def _dump(leaf: Leaf) -> bytes:
    rows = [[e.time, e.revision, e.digest, e.name, e.claimer] for e in leaf.entries.values()]
    return json.dumps(rows, separators=(",", ":")).encode()


def _parse(node: Node) -> Leaf:
    entries = [Entry(*row) for row in json.loads(node.value)]
    return Leaf(node.version, {entry.name: entry for entry in entries})


def _newest(entries: Iterable[Entry]) -> dict[str, Entry]:
    newest: dict[str, Entry] = {}
    for entry in entries:
        # One that moved on while the leaves were read may be met twice.
        if entry.name not in newest or newest[entry.name].revision < entry.revision:
            newest[entry.name] = entry
    return newest
