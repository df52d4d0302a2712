"""A tree of keys on ZooKeeper.

What is due is found without a look at what sleeps: entries stand in a folder for each minute. The list of these folders
is asked for again only when one has come or gone, and so is the list of entries in one, because the server tells a
folder's last change (`pzxid`) in a few bytes.

Requests that do not depend on each other are sent together and waited for together: the server answers one connection
in order, and a round trip for each would take most of the time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

from apscheduler.jobstores._tree import (
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
from apscheduler.jobstores._tree_names import MINUTE, sortable, span_of
from apscheduler.jobstores._zookeeper_watch import ZooKeeperWatch

try:
    from kazoo.client import KazooClient, KazooState
    from kazoo.exceptions import (
        BadVersionError,
        ConnectionLoss,
        KazooException,
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
BUCKETS_AT_ONCE = 16
MENDED = 5
_STATE = ".state"


__all__ = ("KazooClient", "ZooKeeperTree")


class ZooKeeperTree(Tree):
    """Keys are znodes below `path`, and below `<path>.state` what 3.x does not know."""

    max_ops = 2000
    segment_bytes = 16_384
    separates_folders = True

    def __init__(self, client: KazooClient, path: str, ours: bool, max_bytes: int) -> None:
        self.client = client
        self.max_bytes = max_bytes
        self._ours = ours
        self._path = "/" + path.strip("/")
        self._def = "" if self._path == "/" else self._path
        self._state = self._def + _STATE if self._def else "/" + _STATE
        self._connected = client.handler.event_object()
        self._lock = Lock()
        self._folders: dict[str, tuple[int, list[str]]] = {}
        self._empty: set[str] = set()
        self._changes: int | None = None

    # -- connection ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, unless the client is connected, and make the folders."""
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
        return [None if answer is None else Node(answer[0], answer[1].version) for answer in answers]

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

    def entries(self) -> list[str]:
        """Return the names of all entries."""
        entries = self.names("paused")
        buckets = self.names("due")
        for names in self._all(
            (self.client.get_children_async, f"{self._state}/due/{name}") for name in buckets
        ):
            entries += names or ()
        return entries

    def due(self, now: float, limit: int) -> tuple[list[str], str | None]:
        """Return the names of entries that are due, earliest first, and the first that is not due."""
        last = span_of(now, MINUTE)
        # After all entries of that very time, because "/" comes after the "." which follows their time.
        end = f"{sortable(now)}/"
        buckets = self._sorted_names([f"{self._state}/due"])[0]
        found: list[str] = []
        start = 0
        while start < len(buckets):
            # No more than may be needed: those that are due, and one that tells what comes then.
            some = [name for name in buckets[start : start + BUCKETS_AT_ONCE] if name <= last]
            some = some or [buckets[start]]
            start += len(some)
            for bucket, names in zip(
                some, self._sorted_names([f"{self._state}/due/{name}" for name in some]), strict=True
            ):
                if not names:
                    with self._lock:
                        self._empty.add(bucket)
                count = bisect_right(names, end)
                found += names[:count]
                if len(found) > limit:
                    return found[:limit], None
                if count < len(names):
                    return found, names[count]
        return found, None

    def _sorted_names(self, folders: Sequence[str]) -> list[list[str]]:
        """Return the names in each folder, in order; those that have not changed since are not listed again."""
        with self._lock:
            known = {folder: self._folders[folder] for folder in folders if folder in self._folders}
        asked = [(folder, folder in known) for folder in folders]
        stats = self._all((self.client.exists_async, folder) for folder, _ in asked if folder in known)
        for folder, stat in zip([folder for folder, old in asked if old], stats, strict=True):
            if stat is None or stat.pzxid != known[folder][0]:
                del known[folder]
        missing = [folder for folder in folders if folder not in known]
        for folder, answer in zip(missing, self._all(
            (self._list_async, folder) for folder in missing
        ), strict=True):  # fmt: skip
            known[folder] = (0, []) if answer is None else (answer[1].pzxid, sorted(answer[0]))
        with self._lock:
            self._folders.update(known)
            while len(self._folders) > 100:
                del self._folders[next(iter(self._folders))]
        return [known[folder][1] for folder in folders]

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
        for _ in range(MENDED):
            results, places = self._transact(ops)
            failed = [n for n, result in enumerate(results) if isinstance(result, Exception)]
            if not failed:
                self._tidy()
                return [
                    op.version + 1 if isinstance(op, Put) and op.version >= 0
                    else results[place].version if isinstance(op, Put) else 0
                    for op, place in zip(ops, places, strict=True)
                ]  # fmt: skip
            if not self._make_buckets(ops, results, places):
                raise self._error(results)
        raise ConflictError("a folder of due times was removed by others again and again")

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
                transaction.set_data(path, op.value, op.version)
            elif isinstance(op, Delete):
                transaction.delete(path, op.version)
            elif isinstance(op, Check):
                transaction.check(path, op.version)
            else:  # there is no check for what must not exist
                transaction.create(path, b"", acl)
                transaction.delete(path)
        return transaction.commit_async().get(timeout=PATIENCE), places

    def _make_buckets(self, ops: Sequence[Op], results: Sequence[Any], places: Sequence[int]) -> bool:
        """Make the folders of new entries where one was missing, and return whether that was what failed."""
        missing = any(
            isinstance(op, Create) and isinstance(results[place], NoNodeError)
            for op, place in zip(ops, places, strict=True)
        )
        if missing:
            paths = {self._at(op.key) for op in ops if isinstance(op, Create)}
            folders = {path.rpartition("/")[0] for path in paths}
            for folder in folders:
                self.ready().ensure_path(folder)
        return missing

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

    def _tidy(self) -> None:
        """Remove folders of due times that were found empty; one that has filled again stays."""
        with self._lock:
            empty, self._empty = self._empty, set()
        for bucket in empty:
            try:
                self.client.delete_async(f"{self._state}/due/{bucket}")  # its answer does not matter
            except KazooException:
                return

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

    def watch(self, on_change: Callable[[], None], on_foreign: Callable[[], None]) -> Callable[[], None]:
        """Call `on_change` when `numbers/changed` was written, and `on_foreign` when documents have come."""

        def look() -> None:
            if self.is_foreign():
                on_foreign()

        return ZooKeeperWatch(self.ready, self._at("numbers/changed"), on_change, self._path, look).start()

    def _at(self, key: str) -> str:
        if key.startswith("def/"):
            return self._def + key[3:]
        return f"{self._state}/{key}"
