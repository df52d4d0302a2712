"""The ZooKeeper job store."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING, Any

from apscheduler.jobstores._tree_store import TreeJobStore
from apscheduler.jobstores._zookeeper_tree import KazooClient, ZooKeeperTree
from apscheduler.util import maybe_ref

if TYPE_CHECKING:
    from apscheduler.job import Job

__all__ = ("ZooKeeperJobStore",)

_client_logger = logging.getLogger("apscheduler.jobstores.zookeeper.client")


class ZooKeeperJobStore(TreeJobStore):
    """Keeps jobs and the records of their runs in ZooKeeper; any number of schedulers may share it.

    The jobs stand where 3.x keeps them, below `path`; what makes them claimable, and the runs, below `<path>.state`.
    Every claim is one transaction of ZooKeeper. What others add is told by watches.

    A request may have `max_request_bytes` (an attribute of the class), which is what a server takes that was not told
    otherwise (`jute.maxbuffer`); batches are split accordingly.

    Args:
        path: of the znode that the jobs are kept below.
        client: a kazoo client to use, or a textual reference to one; it is left open.
        close_connection_on_exit: whether to stop that client too when the store shuts down.
        pickle_protocol: protocol that jobs are pickled with.
        connect_args: arguments of `kazoo.client.KazooClient`, where no client is given: hosts, timeout, auth_data,
            default_acl, use_ssl and so on.

    Attributes:
        client: the kazoo client.
    """

    max_request_bytes: int = 900_000

    def __init__(
        self,
        path: str = "/apscheduler",
        client: KazooClient | str | None = None,
        close_connection_on_exit: bool = False,
        pickle_protocol: int = pickle.HIGHEST_PROTOCOL,
        **connect_args: Any,
    ) -> None:
        if not path:
            raise ValueError(
                'The "path" parameter must not be empty: give the path of a znode such as /apscheduler'
            )
        given: Any = maybe_ref(client)
        self.path = path
        self.close_connection_on_exit = close_connection_on_exit
        self._connect_args = connect_args if given is None else None
        self.client = _make_client(connect_args) if given is None else given
        super().__init__(self._new_tree(), pickle_protocol)

    def _new_tree(self) -> ZooKeeperTree:
        ours = self._connect_args is not None or self.close_connection_on_exit
        return ZooKeeperTree(self.client, self.path, ours, self.max_request_bytes)

    def _make_tree(self) -> ZooKeeperTree:
        if self._connect_args is not None:
            self.client = _make_client(self._connect_args)
            return self._new_tree()
        tree = self._new_tree()
        tree.of_parent = True
        return tree

    def dump(self, job: Job) -> bytes:
        """Return the pickled document of `job`."""
        definition = super().dump(job)
        if len(definition) > self.max_request_bytes:
            from apscheduler.errors import JobSerializationError  # hardly ever needed

            raise JobSerializationError(
                f"Job {job.id} cannot be stored: it takes {len(definition)} bytes, and ZooKeeper takes"
                f" {self.max_request_bytes} at most. Pass what is large by a name, an id or a path."
            )
        return definition

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (client={self.client})>"


def _make_client(connect_args: dict[str, Any]) -> KazooClient:
    if "logger" not in connect_args:
        # Each try to connect again is a warning of kazoo's; the scheduler says once that the store does not answer.
        if _client_logger.level == logging.NOTSET:
            _client_logger.setLevel(logging.CRITICAL)
        connect_args = {**connect_args, "logger": _client_logger}
    return KazooClient(**connect_args)
