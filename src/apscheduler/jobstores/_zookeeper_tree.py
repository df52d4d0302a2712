"""A tree of keys on ZooKeeper.

Requests that do not depend on each other are sent together and waited for together: the server answers one connection
in order, and a round trip for each would take most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

from apscheduler.jobstores._tree import (
    ANY,
    FOLDERS,
    Check,
    ConflictError,
    Create,
    Delete,
    Node,
    Op,
    Put,
    Tree,
)
from apscheduler.jobstores._zookeeper_watch import ZooKeeperWatch

try:
    from kazoo.client import KazooClient, KazooState
    from kazoo.exceptions import (
        BadVersionError,
        ConnectionLoss,
        NodeExistsError,
        NoNodeError,
        RolledBackError,
        RuntimeInconsistency,
    )
except ImportError as exc:
    raise ImportError("ZooKeeperJobStore needs kazoo: pip install 'apscheduler[zookeeper]'") from exc

PATIENCE = 20.0
"""Seconds until a request that is not answered is given up."""

RECONNECT = 5.0
"""Seconds that a call waits for a connection that was lost."""

AT_ONCE = 400
LEAVES = 32
_STATE = ".state"


__all__ = ("KazooClient", "ZooKeeperTree")


class ZooKeeperTree(Tree):
    """Keys are znodes below `path`, and below `<path>.state` what 3.x does not know."""

    max_ops = 2000
    segment_bytes = 16_384
    # A process that stood still for longer has lost its session, and with it what it was about to write: so it is
    # three times the longest session that a server grants if it was not told otherwise.
    rest_of_empty = 120.0
    separates_folders = True

    def __init__(self, client: KazooClient, path: str, ours: bool, max_bytes: int) -> None:
        self.client = client
        self.max_bytes = max_bytes
        self.of_parent = False
        self._ours = ours
        self._path = "/" + path.strip("/")
        self._def = "" if self._path == "/" else self._path
        self._state = self._def + _STATE if self._def else "/" + _STATE
        self._connected = client.handler.event_object()
        self._lock = Lock()
        self._leaves: tuple[int, list[str]] = (-1, [])
        self._changes: int | None = None

    # -- connection ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, unless the client is connected, and make the folders."""
        if self.of_parent:
            raise RuntimeError(
                "The kazoo client of ZooKeeperJobStore was made in the process that this one was forked from, and has"
                " no threads here: make the store anew with a new client, or pass hosts= instead of client="
            )
        self.client.add_listener(self._on_state)
        if not self.client.connected:
            self.client.start()
        self._connected.set()
        for folder in (self._path, *(f"{self._state}/{folder}" for folder in FOLDERS)):
            self.client.ensure_path(folder)

    def close(self) -> None:
        """Disconnect, if the client is ours to close."""
        self.client.remove_listener(self._on_state)
        if self._ours:
            self.client.stop()
            self.client.close()

    def _on_state(self, state: str) -> None:
        if state == KazooState.CONNECTED:
            self._connected.set()
        else:
            self._connected.clear()

    def ready(self) -> KazooClient:
        """Return the client; raise its `ConnectionLoss` where it has been without a connection for a while.

        Because a request would otherwise wait in its queue for ever.
        """
        if not self._connected.is_set() and not self._connected.wait(RECONNECT):
            raise ConnectionLoss(f"there is no connection to ZooKeeper (hosts {self.client.hosts})")
        return self.client

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, keys: Sequence[str]) -> list[Node | None]:
        """Return what each key holds, None where it does not exist."""
        answers = self._all((self.client.get_async, self._at(key)) for key in keys)
        return [None if answer is None else Node(answer[0], _version(answer[1])) for answer in answers]

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder."""
        if folder != "def":
            return self._list(f"{self._state}/{folder}")
        hidden = () if self._def else ("zookeeper", _STATE)
        return [name for name in self._list(self._path) if name not in hidden]

    def nodes(self, folder: str) -> dict[str, Node]:
        """Return the names in a folder with what they hold."""
        names = self.names(folder)
        nodes = self.read([f"{folder}/{name}" for name in names])
        return {name: node for name, node in zip(names, nodes, strict=True) if node is not None}

    def leaves(self) -> Iterator[tuple[str, Node]]:
        """Yield the leaves of the index in order; their names are listed only where one has come or gone."""
        folder = f"{self._state}/due"
        (stat,) = self._all([(self.client.exists_async, folder)])
        with self._lock:
            known, names = self._leaves
        if stat is None or stat.pzxid != known:
            (answer,) = self._all([(self._list_async, folder)])
            known, names = (0, []) if answer is None else (answer[1].pzxid, sorted(answer[0]))
            names = [name for name in names if name < "g"]  # without what is paused
            with self._lock:
                self._leaves = known, names
        for start in range(0, len(names), LEAVES):
            some = names[start : start + LEAVES]
            for name, node in zip(some, self.read([f"due/{name}" for name in some]), strict=True):
                if node is not None:
                    yield name, node

    def _list_async(self, folder: str) -> Any:
        return self.client.get_children_async(folder, include_data=True)

    def _list(self, folder: str) -> list[str]:
        (names,) = self._all([(self.client.get_children_async, folder)])
        return list(names or ())

    def _all(self, requests: Iterable[tuple[Callable[[str], Any], str]]) -> list[Any]:
        """Send all requests, and return the answers, None for what does not exist."""
        answers: list[Any] = []
        waiting: list[Any] = []
        for send, path in requests:
            waiting.append(self._send(send, path))
            if len(waiting) == AT_ONCE:
                answers += map(self._answer, waiting)
                waiting = []
        answers += map(self._answer, waiting)
        return answers

    def _send(self, send: Callable[[str], Any], path: str) -> Any:
        self.ready()
        return send(path)

    def _answer(self, waiting: Any) -> Any:
        try:
            return waiting.get(timeout=PATIENCE)
        except NoNodeError:
            return None

    # -- writing ---------------------------------------------------------------------------------------------

    def commit(self, ops: Sequence[Op]) -> list[int]:
        """Do all of `ops` or none of them, and return the versions that were written."""
        results, places = self._transact(ops)
        if any(isinstance(result, Exception) for result in results):
            raise self._error(results)
        return [
            _version(results[place]) if isinstance(op, Put) else 0
            for op, place in zip(ops, places, strict=True)
        ]

    def _transact(self, ops: Sequence[Op]) -> tuple[list[Any], list[int]]:
        """Return the results of the requests, and for each operation the place of its own."""
        transaction = self.ready().transaction()
        acl = self.client.default_acl
        places = []
        for op in ops:
            path = self._at(op.key)
            places.append(len(transaction.operations))
            if isinstance(op, Create):
                transaction.create(path, op.value, acl)
            elif isinstance(op, Put):
                transaction.set_data(path, op.value, _own_version(op.version))
            elif isinstance(op, Delete):
                transaction.delete(path, _own_version(op.version))
            elif isinstance(op, Check):
                transaction.check(path, _own_version(op.version))
            else:  # there is no check for what must not exist
                transaction.create(path, b"", acl)
                transaction.delete(path)
        return transaction.commit_async().get(timeout=PATIENCE), places

    def _error(self, results: Sequence[Any]) -> Exception:
        for result in results:
            if isinstance(result, BadVersionError | NoNodeError | NodeExistsError):
                return ConflictError(repr(result))
        for result in results:
            if isinstance(result, Exception) and not isinstance(
                result, RolledBackError | RuntimeInconsistency
            ):
                return result
        return ConflictError(repr(results[0]))

    def catch_up(self) -> None:
        """Have the server that we read from catch up with the leader."""
        self.ready().sync_async(self._state).get(timeout=PATIENCE)

    # -- others ----------------------------------------------------------------------------------------------

    def is_foreign(self) -> bool:
        """Return whether the documents have changed in number otherwise than together with our pointers.

        Both folders count the changes to their children, and ours are made to both; so the difference stays.
        """
        jobs = f"{self._state}/jobs"
        before, ours, after = self._all(
            (self.client.exists_async, path) for path in (self._path, jobs, self._path)
        )
        if before is None or ours is None or after is None or before.pzxid != after.pzxid:
            return False  # a change was just under way; the next look tells
        changes = after.cversion - ours.cversion
        known, self._changes = self._changes, changes
        return after.numChildren != ours.numChildren or (known is not None and known != changes)

    def watch(
        self, own: bytes, on_change: Callable[[], None], on_foreign: Callable[[], None]
    ) -> Callable[[], None]:
        """Call `on_change` when `numbers/changed` was written, and `on_foreign` when documents have come."""

        def look() -> None:
            if self.is_foreign():
                on_foreign()

        changed = self._at("numbers/changed")
        return ZooKeeperWatch(self.client, self.ready, changed, own, on_change, self._path, look).start()

    def _at(self, key: str) -> str:
        if key.startswith("def/"):
            return self._def + key[3:]
        return f"{self._state}/{key}"


def _version(stat: Any) -> int:
    """Return a version that does not return when a znode is removed and created again."""
    return int(stat.mzxid << 32 | stat.version)


def _own_version(version: int) -> int:
    """Return the part of it that the server compares."""
    return ANY if version == ANY else version & 0xFFFF_FFFF
