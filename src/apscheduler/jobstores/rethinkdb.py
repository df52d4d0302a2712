"""The RethinkDB job store: jobs in the table of 3.x, runs, nodes and numbers in tables beside it."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

try:
    from apscheduler.jobstores._rethink_connections import Connections, GivenConnection
except ImportError as exc:
    raise ImportError("RethinkDBJobStore needs rethinkdb: pip install 'apscheduler[rethinkdb]'") from exc

from apscheduler.jobstores._document_store import DocumentJobStore
from apscheduler.jobstores._documents import JOBS
from apscheduler.jobstores._rethink_changes import ChangeFeed
from apscheduler.jobstores._rethink_documents import RethinkDocuments
from apscheduler.util import maybe_ref

__all__ = ("RethinkDBJobStore",)


class RethinkDBJobStore(DocumentJobStore):
    """Keeps jobs and the records of their runs in RethinkDB; any number of schedulers may share it.

    The table of 3.x is used in place. Tables named after it, with `_runs`, `_nodes` and `_numbers` appended, stand
    beside it. A claim is one conditional change of the job's own document.

    Args:
        database: name of the database.
        table: name of the table of jobs.
        client: a connection to use, or a textual reference to one; it is left open. With it the store has this
            connection alone: calls wait for each other, and what other processes add is found by asking.
        pickle_protocol: protocol that jobs are pickled with.
        connect_args: arguments of `r.connect()` for the connections that are made here, and closed at the end: host,
            port, user, password, ssl, timeout.

    Attributes:
        database: name of the database.
        table: name of the table of jobs.
    """

    def __init__(
        self,
        database: str = "apscheduler",
        table: str = "jobs",
        client: Any = None,
        pickle_protocol: int = pickle.HIGHEST_PROTOCOL,
        **connect_args: Any,
    ) -> None:
        if not database:
            raise ValueError('The "database" parameter must not be empty: give the name of a database')
        if not table:
            raise ValueError('The "table" parameter must not be empty: give the name of a table')
        given: Any = maybe_ref(client)
        if given is not None and connect_args:
            also = ", ".join(sorted(connect_args))  # which 3.x leaves out without a word
            warnings.warn(f"client is given to RethinkDBJobStore, so these say nothing: {also}", stacklevel=2)
        self.database = database
        self.table = table
        if given is not None and (not hasattr(given, "is_open") or iscoroutinefunction(given.reconnect)):
            raise TypeError(
                "client must be a blocking connection of rethinkdb, or a reference to one such as 'module:name',"
                f" not {given!r}"
            )
        self._feeds: list[ChangeFeed] = []
        connections: Connections | GivenConnection
        if given is None:
            connections = Connections({"db": database, **connect_args})
        else:
            connections = GivenConnection(given)
        self._server = RethinkDocuments(database, table, connections)
        self._keep_in(self._server, pickle_protocol)

    @property
    def conn(self) -> Any:
        """The connection that was made last, or that was passed in; None where there is none yet."""
        return self._server.connections.last

    def is_there(self) -> bool:
        """Return whether there are jobs or schedulers of a store under these names; it need not be started."""
        return self._server.is_there()

    def shutdown(self) -> None:
        """Leave the jobs as 3.x expects them, as far as that is possible now, and close what was opened here."""
        while self._feeds:
            self._feeds.pop().end()
        super().shutdown()

    def forked(self) -> None:
        """Leave the connections to the parent process, and what it has fired."""
        self._feeds = []  # whose threads are not in this process
        super().forked()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when a job was added or changed, also by this store; return what ends that.

        None where a connection was passed in, or the server does not let this user know of changes. It takes a
        connection and a thread.
        """
        connections = self._server.connections
        if not isinstance(connections, Connections):
            return None
        feed = ChangeFeed(connections, self._server.table(JOBS), callback)
        if not feed.start():
            return None
        self._feeds.append(feed)
        return feed.end

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (connection={self.conn})>"
