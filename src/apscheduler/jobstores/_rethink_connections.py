"""Connections to RethinkDB: as many as there are calls at the same moment, or the one that a program passes in.

A connection of this driver is for one thread at a time. With a single one the heartbeat would wait for a long turn, and
a web request for both; so each call takes one that is free, or makes one, and gives it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from rethinkdb import RethinkDB
from rethinkdb.errors import ReqlDriverError, ReqlError

# Of our own, because a program may have told the one that it imports to make connections for its event loop.
r = RethinkDB()

# Kept, because what is freed may say goodbye to the server.
_of_the_parent: list[Any] = []


class Connections:
    """Makes connections with the arguments of `r.connect()`, and closes them.

    Attributes:
        last: the connection that was made last for a query, if it is open.
        lost: how often a connection was lost.
    """

    def __init__(self, connect_args: dict[str, Any]) -> None:
        self._connect_args = connect_args
        self._lock = Lock()
        self._free: list[Any] = []
        self._closed = False
        self.last: Any = None
        self.lost = 0

    def connect(self) -> Any:
        """Return a new connection, which the caller closes."""
        return r.connect(**self._connect_args)

    def run(self, query: Any, **options: Any) -> Any:
        """Run a query and return its answer; a long one is a list.

        Raises the driver's exceptions. After one that is not the server's answer the connection is not used again, and
        neither are those that nobody uses now, because what ended it has most likely ended them.
        """
        with self._one() as connection:
            return _whole(query.run(connection, **options))

    def close(self) -> None:
        """Close all connections; those in use are closed when they are given back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            close(connection)
        self.last = None

    def forked(self) -> None:
        """Begin without a connection, because those that there are belong to the parent process."""
        _of_the_parent.extend(self._free)
        self._lock, self._free, self.last = Lock(), [], None

    @contextmanager
    def _one(self) -> Iterator[Any]:
        with self._lock:
            self._closed = False
            # The one that was used last, so that the others are idle, and are not found out to be lost one by one.
            connection = self._free.pop() if self._free else None
        if connection is None:
            self.last = connection = self.connect()
        try:
            yield connection
        except BaseException as exc:
            if not _is_answer(exc):
                self.lost += 1
                self.close()
                close(connection)
                raise
            self._give_back(connection)
            raise
        self._give_back(connection)

    def _give_back(self, connection: Any) -> None:
        with self._lock:
            if not self._closed:
                self._free.append(connection)
                return
        close(connection)


class GivenConnection:
    """The connection of a program: used by one thread at a time, and left open."""

    def __init__(self, connection: Any) -> None:
        self.last = connection
        self._lock = Lock()
        self._lost = False
        self._of_parent = False

    def run(self, query: Any, **options: Any) -> Any:
        """Run a query and return its answer; a long one is a list.

        A connection that was lost here is made anew; one that the program has closed stays closed.
        """
        if self._of_parent:
            raise RuntimeError(
                "The connection of RethinkDBJobStore was made in the process that this one was forked from, which uses"
                " it: make the store anew with a new connection, or pass host= and port= instead of client="
            )
        with self._lock:
            if self._lost:
                self._connect_anew()
            open_before = self.last.is_open()
            try:
                return _whole(query.run(self.last, **options))
            except ReqlDriverError:
                self._lost = open_before and not self.last.is_open()
                raise

    def _connect_anew(self) -> None:
        try:
            self.last.reconnect(noreply_wait=False)
        except Exception:
            close(
                self.last
            )  # because it has a half-made connection, which it could not replace by another one
            raise
        self._lost = False

    def close(self) -> None:
        """Do nothing, because it is the program's to close."""

    def forked(self) -> None:
        """Use the connection no more, because the parent process does."""
        self._lock = Lock()
        self._of_parent = True


def _is_answer(exc: BaseException) -> bool:
    """Return whether an exception tells what the server has answered, and not that it has not."""
    return isinstance(exc, ReqlError) and not isinstance(exc, ReqlDriverError)


def _whole(answer: Any) -> Any:
    return list(answer) if hasattr(answer, "next") else answer


def close(connection: Any) -> None:
    """Close a connection, whatever has become of it."""
    try:
        connection.close(noreply_wait=False)  # because every write was waited for
    except Exception:
        pass  # what is closed was lost before
