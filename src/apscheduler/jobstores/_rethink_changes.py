"""Being told by RethinkDB that a job was added or changed: a feed of changes that comes back when it was lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Condition, Event, Thread, current_thread
from typing import Any

from rethinkdb.errors import ReqlAvailabilityError, ReqlDriverError, ReqlError, ReqlTimeoutError

from apscheduler.jobstores._rethink_connections import Connections, close

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
LONGEST_WAIT = 5.0
TICK = 1.0
_logger = logging.getLogger("apscheduler.jobstores.rethinkdb")


def is_news(change: Any) -> Any:
    """Tell of a change to a job whether a scheduler may have something to do earlier because of it.

    That is not so where a job was moved on by a claim, however its definition has changed with that.
    """
    new, old = change["new_val"], change["old_val"]
    time, before = new["next_run_time"].default(None), old["next_run_time"].default(None)
    replaced = new["job_state"].ne(old["job_state"]) & _pending(new).eq(_pending(old))
    return new.ne(None) & time.ne(None) & (before.eq(None) | time.lt(before) | replaced)


def _pending(document: Any) -> Any:
    return document["pending"].default({})


class ChangeFeed:
    """Calls back when the feed has told of a change, and whenever some may have been missed.

    It has a connection and a thread of its own. The thread looks once a second whether it is to end, which asks the
    server nothing; to close its connection from elsewhere is not possible with this driver, which then closes it twice.
    """

    def __init__(self, connections: Connections, table: Any, callback: Callable[[], None]) -> None:
        self._connections = connections
        self._query = table.changes().filter(is_news).map(lambda change: change["new_val"]["id"])
        self._callback = callback
        self._ended = Event()
        self._calling: Thread | None = None
        self._quiet = Condition()
        self._opened: tuple[Any, Any] | None = None
        self._thread = Thread(target=self._run, name="APScheduler-rethinkdb-changes", daemon=True)

    def start(self) -> bool:
        """Begin; return False where the server does not let this user know of changes."""
        try:
            self._opened = self._open()
        except (ReqlDriverError, ReqlAvailabilityError, OSError):
            pass  # the server is away; the thread goes on trying
        except ReqlError as exc:
            _logger.warning("RethinkDB tells of no changes, so it is asked for them: %s", exc)
            return False
        self._thread.start()
        return True

    def end(self) -> None:
        """Stop; nothing is called back any more when this returns, unless a call is under way in this thread."""
        with self._quiet:
            self._ended.set()
            self._quiet.wait_for(lambda: self._calling in (None, current_thread()), LONGEST_WAIT)

    def _open(self) -> tuple[Any, Any]:
        connection = self._connections.connect()
        try:
            return connection, self._query.run(connection)
        except BaseException:
            close(connection)
            raise

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            opened, self._opened = self._opened, None
            try:
                lost = self._connections.lost
                opened = opened or self._open()
                self._tell()  # because of what was changed before
                pause = FIRST_PAUSE
                while not self._ended.is_set() and lost == self._connections.lost:
                    self._listen(opened[1])
            except Exception as exc:
                _logger.debug("Lost the feed of changes: %s", exc)
            if opened is not None:
                close(opened[0])
            self._ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _listen(self, feed: Any) -> None:
        """Tell of the next change, if there is one within a second."""
        try:
            feed.next(wait=TICK)
        except ReqlTimeoutError:
            return
        self._tell()

    def _tell(self) -> None:
        with self._quiet:
            if self._ended.is_set():
                return
            self._calling = current_thread()
        try:
            self._callback()
        finally:
            with self._quiet:
                self._calling = None
                self._quiet.notify_all()
