"""The one connection that writes to a SQLite file.

SQLite lets one connection write at a time. So the threads of this process take turns at one, which costs less than
having each fetch one from the pool, and less still than finding the file locked: SQLite then sleeps, for up to 0.1 s at
a time, and whoever comes next may be quicker.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

LONGEST_CLOSE = 1.0
"""Seconds that closing waits for a transaction of another thread, which closes the connection otherwise."""


def may_keep_one(engine: Engine) -> bool:
    """Return whether one connection can be taken from the engine's pool for good, so that others are left to read."""
    return isinstance(engine.pool, QueuePool) and engine.pool.size() != 1


class KeptConnection:
    """A connection for the transactions of all threads, one after another. It is made when it is needed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._connection: Connection | None = None
        self._closing = False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Return the connection in a transaction that ends with a commit, or is rolled back by an exception."""
        with self._lock:
            self._closing = False
            conn = self._connection
            if conn is None or conn.invalidated or conn.in_transaction():
                conn = self._anew(conn)
            try:
                with conn.begin():
                    yield conn
            finally:
                if self._closing:
                    self._end()

    def close(self) -> None:
        """Close the connection, or have that done by the thread that is using it for long."""
        self._closing = True
        if self._lock.acquire(timeout=LONGEST_CLOSE):
            try:
                self._end()
            finally:
                self._lock.release()

    def forked(self) -> Connection | None:
        """Have the child of a fork make one of its own; return the parent's, which must be kept and left alone."""
        conn, self._connection = self._connection, None
        self._lock = Lock()
        return conn

    def _anew(self, former: Connection | None) -> Connection:
        """Return a new connection; the former was cut off, or an interrupt has left it within a transaction."""
        if former is not None:
            self._end()
        self._connection = conn = self._engine.connect()
        return conn

    def _end(self) -> None:
        conn, self._connection = self._connection, None
        if conn is not None and not conn.closed:
            if not conn.invalidated:
                conn.detach()  # else it would go back to the pool, also to one that was disposed of
            conn.close()
