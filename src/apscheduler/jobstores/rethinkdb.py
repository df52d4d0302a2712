"""The RethinkDB job store: jobs in the table of 3.x, runs, nodes and numbers in tables beside it."""

from __future__ import annotations

import pickle
from typing import Any

try:
    from apscheduler.jobstores._rethink_documents import RethinkDocuments
except ImportError as exc:
    raise ImportError("RethinkDBJobStore needs rethinkdb: pip install 'apscheduler[rethinkdb]'") from exc

from apscheduler.jobstores._document_store import DocumentJobStore
from apscheduler.util import maybe_ref

__all__ = ("RethinkDBJobStore",)


class RethinkDBJobStore(DocumentJobStore):
    """Keeps jobs and the records of their runs in RethinkDB; any number of schedulers may share it.

    The table of 3.x is used in place. Tables named after it, with `_runs`, `_nodes` and `_numbers` appended, stand
    beside it. A claim is one conditional change of the job's own document.

    Args:
        database: name of the database.
        table: name of the table of jobs.
        client: a connection to use, or a textual reference to one; it is left open.
        pickle_protocol: protocol that jobs are pickled with.
        connect_args: arguments of `r.connect()` for a connection that is made here, and closed at the end.
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
        self.database = database
        self.table = table
        self._server = RethinkDocuments(database, table, maybe_ref(client), connect_args)
        self._keep_in(self._server, pickle_protocol)

    @property
    def conn(self) -> Any:
        """The connection; None before the store is started, where it makes its own."""
        return self._server.conn

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (connection={self.conn})>"
