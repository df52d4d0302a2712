"""The MongoDB job store: jobs in the collection of 3.x, runs, nodes and numbers in collections beside it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

try:
    from pymongo import ASCENDING, MongoClient
except ImportError as exc:
    raise ImportError("MongoDBJobStore needs pymongo: pip install 'apscheduler[mongodb]'") from exc

from apscheduler.jobstores._document_store import DocumentJobStore
from apscheduler.jobstores._mongo_documents import MongoDocuments
from apscheduler.util import maybe_ref

if TYPE_CHECKING:
    from pymongo.collection import Collection

__all__ = ("ASCENDING", "MongoDBJobStore")


class MongoDBJobStore(DocumentJobStore):
    """Keeps jobs and the records of their runs in MongoDB; any number of schedulers may share it.

    The collection of 3.x is used in place. Collections named after it, with `_runs`, `_nodes` and `_numbers` appended,
    stand beside it. A claim is one conditional change of the job's own document.

    Args:
        database: name of the database.
        collection: name of the collection of jobs.
        client: a `MongoClient` to use, or a textual reference to one; it is left open.
        pickle_protocol: protocol that jobs are pickled with.
        connect_args: arguments of a `MongoClient` that is made here, which is closed at the end.

    Attributes:
        client: the client.
        collection: the collection of jobs.
    """

    def __init__(
        self,
        database: str = "apscheduler",
        collection: str = "jobs",
        client: MongoClient[dict[str, Any]] | str | None = None,
        pickle_protocol: int = pickle.HIGHEST_PROTOCOL,
        **connect_args: Any,
    ) -> None:
        if not database:
            raise ValueError('The "database" parameter must not be empty: give the name of a database')
        if not collection:
            raise ValueError('The "collection" parameter must not be empty: give the name of a collection')
        given: MongoClient[dict[str, Any]] | None = maybe_ref(client)
        if given is None:
            # Because a claim that is lost with its primary would be made again (3.x takes w=1, which overrides this).
            connect_args.setdefault("w", "majority")
            given = MongoClient(**connect_args)
        self.client = given
        self.collection: Collection[dict[str, Any]] = self.client[database][collection]
        self._keep_in(MongoDocuments(self.client, self.collection, ours=client is None), pickle_protocol)

    @property
    def connection(self) -> MongoClient[dict[str, Any]]:
        """The client, under an older name of it."""
        return self.client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (client={self.client})>"
