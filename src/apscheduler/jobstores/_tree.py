"""What a server must offer for a store to be kept in its tree of keys: reads, and transactions of conditional writes.

ZooKeeper and etcd have this in common: keys with versions, and a transaction that does all of its writes or none.
Everything about jobs, claims and runs is built on that, once (`_tree_jobs.py` and the files beside it); a server
supplies a `Tree`.

Keys are relative, `folder/name`. Those of the folder `def` are the keys that 3.x knows, one for each job; all others
are ours, and stand where 3.x does not look.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

ANY = -1
"""Stands for any version: the key must exist, whatever it holds."""

FOLDERS = ("jobs", "due", "live", "log", "reruns", "nodes", "numbers")


class Node(NamedTuple):
    """What a key holds. The version differs between any two writes of one key, as long as the key exists."""

    value: bytes
    version: int


class Create(NamedTuple):
    """Write a key that must not exist. Unguarded: it cannot, so that a server need not look."""

    key: str
    value: bytes = b""
    guarded: bool = True


class Put(NamedTuple):
    """Write a key that must exist, with this version. Unguarded: a server may write it where it does not exist."""

    key: str
    value: bytes
    version: int = ANY
    guarded: bool = True


class Delete(NamedTuple):
    """Remove a key that must exist, with this version. Unguarded: a server need not look."""

    key: str
    version: int = ANY
    guarded: bool = True


class Check(NamedTuple):
    """Require that a key exists with this version, and leave it."""

    key: str
    version: int


class Absent(NamedTuple):
    """Require that a key does not exist."""

    key: str


Op = Create | Put | Delete | Check | Absent


class ConflictError(Exception):
    """A transaction was not done, because a key was not as one of its operations requires."""


class Tree(metaclass=ABCMeta):
    """A server's keys; may be used from any thread.

    Errors are the client library's own, except `ConflictError`. After one of them a transaction may have been done.
    """

    max_ops: int
    """Operations that one transaction may have."""

    max_bytes: int
    """Bytes of keys and values that one transaction may have."""

    segment_bytes: int
    """Bytes up to which a segment of the run log is appended to: each time it is written again."""

    rest_of_empty: float | None
    """Seconds that an empty leaf of the index stays, because versions begin anew when a key is removed and created
    again; None where they do not."""

    separates_folders: bool
    """Whether "/" cannot be part of a name."""

    @abstractmethod
    def open(self) -> None:
        """Connect, and make the folders."""

    @abstractmethod
    def close(self) -> None:
        """Disconnect, if the connection was made here."""

    @abstractmethod
    def read(self, keys: Sequence[str]) -> list[Node | None]:
        """Return what each key holds, None where it does not exist; each was so at some time during the call."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, in any order."""

    @abstractmethod
    def nodes(self, folder: str) -> dict[str, Node]:
        """Return the names in a folder with what they hold."""

    @abstractmethod
    def leaves(self) -> Iterator[tuple[str, Node]]:
        """Yield the names in the folder `due` that begin with a time, in order, with what they hold.

        A few are read at a time, because most callers stop at what is not due yet.
        """

    @abstractmethod
    def commit(self, ops: Sequence[Op]) -> list[int]:
        """Do all of `ops` or none of them (`ConflictError`); return the version that each has written, or 0."""

    @abstractmethod
    def catch_up(self) -> None:
        """Have the reads that follow see all that was written before this call, by anybody."""

    @abstractmethod
    def is_foreign(self) -> bool:
        """Return whether jobs may have been added or removed by somebody who writes `def` alone, as 3.x does."""

    @abstractmethod
    def watch(
        self, own: bytes, on_change: Callable[[], None], on_foreign: Callable[[], None]
    ) -> Callable[[], None]:
        """Call `on_change` when `numbers/changed` was written, and `on_foreign` when documents have come from 3.x.

        Both are called from a thread of the watch, also when it begins, or begins anew after a connection was lost.
        That the value `own` was written is not told. What is returned ends the watch, and may be called twice.
        """


def size_of(ops: Collection[Op]) -> int:
    """Return about how many bytes a transaction of `ops` takes on the wire."""
    return sum(2 * len(op.key) + 64 + len(getattr(op, "value", b"")) for op in ops)


def chunks(
    units: Sequence[T],
    size: Callable[[T], int],
    count: int,
    total: int,
    ops: Callable[[T], int] = lambda _: 1,
) -> Iterator[list[T]]:
    """Yield `units` in parts of at most `count` in `ops`, and of at most `total` in `size`, but of one at least."""
    part: list[T] = []
    taken = counted = 0
    for unit in units:
        own, number = size(unit), ops(unit)
        if part and (counted + number > count or taken + own > total):
            yield part
            part, taken, counted = [], 0, 0
        part.append(unit)
        taken += own
        counted += number
    if part:
        yield part
