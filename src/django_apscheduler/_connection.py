"""Transactions on one of the project's databases, on connections that are looked after here.

Django closes the connections of a thread at the end of a web request. A scheduler has none, so a connection of its
threads may have been closed by the server for hours when it is used again; nobody must see an error for that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from threading import Thread, get_ident, local
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import Error, InterfaceError, OperationalError, connections, transaction

from apscheduler._chance import between
from apscheduler._clock import SYSTEM

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

TRUSTED = 1.0
"""Seconds after its last use for which a connection is not asked whether it lives."""
PATIENCE = 30.0
"""Seconds for which a transaction is repeated that the database gave up in favour of others."""
_GIVEN_UP_SQLSTATES = frozenset({"40001", "40P01"})
_GIVEN_UP_MYSQL = frozenset({1020, 1205, 1213})


class Connection:
    """The connections of all threads to the database with this alias; may be used from any thread."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._at = local()
        self._kept: dict[tuple[int, str], Any] = {}
        self._of_the_parent: list[Any] = []

    @property
    def vendor(self) -> str:
        """Return which database it is, as Django names it."""
        return connections[self.alias].vendor

    def keep_open(self) -> None:
        """Have the calling thread keep its connection between two calls, because it will use it again soon."""
        if not _in_event_loop():
            self._kept[get_ident(), self.alias] = connections[self.alias]

    def look_after_run(self, _event: Any = None) -> None:
        """Close what is too old or broken of this thread's connections; have the others looked at before their use.

        Called after each run in the thread where it ran, so that no job finds a connection that died meanwhile.
        """
        if _in_event_loop():
            return
        conn: Any
        for conn in connections.all(initialized_only=True):
            if not conn.in_atomic_block:
                conn.close_if_unusable_or_obsolete()
                conn.health_check_enabled = True
                conn.health_check_done = False
                if conn.connection is not None:
                    self._kept[get_ident(), conn.alias] = conn

    def close_kept(self) -> None:
        """Close the connections that threads have kept; they make no call any more, or else open them again."""
        if _in_event_loop():
            _in_other_thread(self.close_kept)
        while self._kept:
            conn = self._kept.popitem()[1]
            if not conn.in_atomic_block:
                conn.inc_thread_sharing()
                try:
                    conn.close()
                finally:
                    conn.dec_thread_sharing()

    def forked(self) -> None:
        """Have the child of a fork open connections of its own; those of the parent are not used and not closed."""
        self._at = local()
        # Kept, because a connection that nobody holds any more would be closed, at the server too.
        self._of_the_parent.append(self._kept)
        if (get_ident(), self.alias) in self._kept:
            connections[self.alias] = connections.create_connection(self.alias)
        self._kept = {}

    def in_transaction(self) -> bool:
        """Return whether the calling thread is in a transaction of the program's own."""
        return not _in_event_loop() and connections[self.alias].in_atomic_block

    def read(self, work: Callable[[], T]) -> T:
        """Return what `work` reads; it may be called twice."""
        return self._call(work, repeat=True)

    def write(self, work: Callable[[], T], repeat: bool = True) -> T:
        """Return what `work` returns, done in one transaction, or in that of the caller.

        Repeated where the database gave it up in favour of another and, with `repeat`, where the connection was lost,
        so that it may have been done twice.
        """

        def atomic() -> T:
            with transaction.atomic(using=self.alias):
                return work()

        return self._call(atomic, repeat)

    def _call(self, work: Callable[[], T], repeat: bool) -> T:
        if _in_event_loop():
            # Because Django refuses to wait for a database where an event loop waits too.
            return _in_other_thread(lambda: self._call(work, repeat))
        conn = connections[self.alias]
        if conn.in_atomic_block:
            return work()
        found_open = conn.connection is not None
        if found_open:
            self._close_if_dead(conn)
        try:
            return self._repeated(conn, work, repeat)
        finally:
            self._at.used = SYSTEM.monotonic()
            if not found_open and self._kept.get((get_ident(), self.alias)) is not conn:
                conn.close()

    def _repeated(self, conn: BaseDatabaseWrapper, work: Callable[[], T], repeat: bool) -> T:
        deadline = SYSTEM.monotonic() + PATIENCE
        while True:
            try:
                return work()
            except (OperationalError, InterfaceError) as exc:
                if was_given_up(exc) and SYSTEM.monotonic() < deadline:
                    time.sleep(between(0.005, 0.05))
                    continue
                if is_alive(conn):
                    raise
                conn.close()
                if not repeat:
                    raise
                repeat = False

    def _close_if_dead(self, conn: BaseDatabaseWrapper) -> None:
        used = getattr(self._at, "used", None)
        if (used is None or SYSTEM.monotonic() - used > TRUSTED or conn.errors_occurred) and not is_alive(
            conn
        ):
            conn.close()


def is_alive(conn: BaseDatabaseWrapper) -> bool:
    """Return whether a connection can be used; one that is not open yet can."""
    try:
        return conn.connection is None or bool(conn.is_usable())
    except Error:
        return False


def was_given_up(exc: Exception) -> bool:
    """Return whether a database has ended a transaction for the sake of another, or could not get its lock."""
    cause: Any = exc.__cause__ or exc
    if (getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)) in _GIVEN_UP_SQLSTATES:
        return True
    args: Sequence[Any] = getattr(cause, "args", ())
    return bool(args) and (args[0] in _GIVEN_UP_MYSQL or "database is locked" in str(args[0]))


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_other_thread(work: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(work())
        except BaseException as exc:
            errors.append(exc)

    thread = Thread(target=call, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors.pop()
    return results.pop()
