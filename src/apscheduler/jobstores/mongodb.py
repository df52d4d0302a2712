"""The MongoDB job store: jobs in the collection of 3.x, runs, nodes and numbers in collections beside it.

What a turn costs in round trips, for up to 1,000 jobs: reading what is due takes 2 (3 where runs of those jobs are in
flight), claiming 1, writing the outcomes 2 (3 where the job had runs in flight when it was claimed); where jobs are
finished and removed, 1 more, and where run times are skipped, 3 more.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

try:
    from pymongo import ASCENDING as ASCENDING  # a name that 3.x has here
    from pymongo import MongoClient, ReadPreference, WriteConcern
except ImportError as exc:
    raise ImportError("MongoDBJobStore needs pymongo: pip install 'apscheduler[mongodb]'") from exc

from apscheduler.jobstores._document_store import DocumentJobStore
from apscheduler.jobstores._mongo_changes import Subscription
from apscheduler.jobstores._mongo_documents import MongoDocuments
from apscheduler.util import maybe_ref

if TYPE_CHECKING:
    from pymongo.collection import Collection

__all__ = ("MongoDBJobStore",)

# What a client that is made here gets unless its arguments or its URL say otherwise.
_DEFAULTS = {
    "connect": False,  # not before it is used, because a program may fork until then
    "serverSelectionTimeoutMS": 5_000,  # because the scheduler is to notice that the server is away
    "socketTimeoutMS": 20_000,  # because a server that says nothing is not waited for for ever
}
_of_the_parent: list[Any] = []
"""Kept, because what frees a client may say goodbye to a server that the parent still talks to."""


class MongoDBJobStore(DocumentJobStore):
    """Keeps jobs and the records of their runs in MongoDB; any number of schedulers may share it.

    The collection of 3.x is used in place. Collections named after it, with `_runs`, `_nodes` and `_numbers` appended,
    stand beside it. A claim is one conditional change of the job's own document, which a majority of a replica set has
    before a run starts, unless the client has a write concern of its own (see
    docs/explanation/mongodb-and-rethinkdb.md).

    Args:
        database: name of the database.
        collection: name of the collection of jobs.
        client: a `MongoClient` to use, or a textual reference to one; it is left open, and its own timeouts count.
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
        if given is not None:
            _check_client(given, connect_args)
        self._ours = given is None
        self._names = database, collection
        self._connect_args = _with_defaults(connect_args)
        self._use(given or self._new_client(), pickle_protocol)

    def _new_client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(**self._connect_args)

    def _use(self, client: MongoClient[dict[str, Any]], pickle_protocol: int) -> None:
        database, name = self._names
        self.client = client
        # A claim that is lost with its primary would be made again, and one on an old copy is not won.
        own = client.write_concern if client.write_concern.document else WriteConcern(w="majority")
        if not own.acknowledged:
            raise ValueError(
                "MongoDBJobStore must know whether it has won a claim: give it a client without w=0"
            )
        self.collection: Collection[dict[str, Any]] = client[database].get_collection(
            name, read_preference=ReadPreference.PRIMARY, write_concern=own
        )
        self._subscriptions: list[Subscription] = []
        self._keep_in(MongoDocuments(client, self.collection, self._ours), pickle_protocol)

    @property
    def connection(self) -> MongoClient[dict[str, Any]]:
        """The client, under an older name of it."""
        return self.client

    def shutdown(self) -> None:
        """Leave the jobs as 3.x expects them, as far as that is possible now, and close a client that was made here."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()
        super().shutdown()
        if (
            self._ours
        ):  # because a client that was closed is never opened again, and a store may be started again
            self._use(self._new_client(), self.pickle_protocol)

    def forked(self) -> None:
        """Have the child of a fork use a client of its own; one that was passed in goes on, as pymongo does it."""
        _of_the_parent.append((self.client, self._subscriptions))
        self._use(self._new_client() if self._ours else self.client, self.pickle_protocol)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when somebody added or changed a job; return what ends that.

        By a change stream, on a connection and a thread of its own. None where the server has none, because it belongs
        to no replica set, or does not let this user watch.
        """
        subscription = Subscription(self.collection, callback)
        if not subscription.start():
            return None
        self._subscriptions.append(subscription)
        return subscription.end

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (client={self.client})>"


def _check_client(client: Any, connect_args: dict[str, Any]) -> None:
    if not hasattr(client, "write_concern") or iscoroutinefunction(client.server_info):
        raise TypeError(
            "client must be a blocking pymongo.MongoClient, or a reference to one such as 'module:name',"
            f" not {client!r}"
        )
    if connect_args:  # which 3.x leaves out without a word
        also = ", ".join(sorted(connect_args))
        warnings.warn(f"client is given to MongoDBJobStore, so these say nothing: {also}", stacklevel=3)


def _with_defaults(connect_args: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with defaults for what neither they nor the URLs among them say."""
    host = connect_args.get("host") or ""
    urls = " ".join([host] if isinstance(host, str) else host).lower()
    said = {name.lower() for name in connect_args}
    return {
        **{
            name: value
            for name, value in _DEFAULTS.items()
            if name.lower() not in said and name.lower() not in urls
        },
        **connect_args,
    }
