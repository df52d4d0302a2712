"""The etcd job store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apscheduler.jobstores._etcd_client import EtcdClient, EtcdError
from apscheduler.jobstores._etcd_tree import EtcdTree
from apscheduler.jobstores._tree_store import TreeJobStore
from apscheduler.util import maybe_ref

if TYPE_CHECKING:
    from apscheduler.job import Job

__all__ = ("EtcdClient", "EtcdError", "EtcdJobStore")


class EtcdJobStore(TreeJobStore):
    """Keeps jobs and the records of their runs in etcd 3.4 or newer; any number of schedulers may share it.

    The jobs stand where 3.x keeps them, at `<path>/<id>`; what makes them claimable, and the runs, at keys that begin
    with `state:<path>/`. Every claim is one transaction of etcd. What others add is told by watches.

    A transaction may have `max_txn_ops` operations and `max_request_bytes` (attributes of the class), which is what a
    server takes that was not told otherwise; batches are split accordingly.

    Args:
        path: that the keys of the jobs begin with.
        client: an `EtcdClient` to use, or a textual reference to one; it is left open.
        close_connection_on_exit: whether to close that client too when the store shuts down.
        pickle_protocol: protocol that jobs are pickled with.
        connect_args: arguments of `EtcdClient`, where no client is given: host, port, ca_cert, cert_key, cert_cert,
            timeout, user, password.

    Attributes:
        client: the client.
    """

    max_txn_ops: int = 128
    max_request_bytes: int = 1_000_000

    def __init__(
        self,
        path: str = "/apscheduler",
        client: EtcdClient | str | None = None,
        close_connection_on_exit: bool = False,
        pickle_protocol: int = 4,
        **connect_args: Any,
    ) -> None:
        if not path:
            raise ValueError(
                'The "path" parameter must not be empty: give the beginning of keys such as /apscheduler'
            )
        given: Any = maybe_ref(client)
        self.path = path
        self.close_connection_on_exit = close_connection_on_exit
        self.client = EtcdClient(**connect_args) if given is None else _as_client(given)
        self._ours = given is None or close_connection_on_exit
        super().__init__(self._new_tree(), pickle_protocol)

    def _new_tree(self) -> EtcdTree:
        return EtcdTree(self.client, self.path, self._ours, self.max_txn_ops, self.max_request_bytes)

    def _make_tree(self) -> EtcdTree:
        self.client.forked()
        return self._new_tree()

    def dump(self, job: Job) -> bytes:
        """Return the pickled document of `job`."""
        definition = super().dump(job)
        if len(definition) > self.max_request_bytes:
            from apscheduler.errors import JobSerializationError  # hardly ever needed

            raise JobSerializationError(
                f"Job {job.id} cannot be stored: it takes {len(definition)} bytes, and etcd takes"
                f" {self.max_request_bytes} at most. Pass what is large by a name, an id or a path."
            )
        return definition

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (client={self.client})>"


def _as_client(given: Any) -> EtcdClient:
    if isinstance(given, EtcdClient):
        return given
    kind = f"{type(given).__module__}.{type(given).__qualname__}"
    raise TypeError(
        f"EtcdJobStore cannot use a client of the type {kind}: pass an apscheduler.jobstores.etcd.EtcdClient, or host=,"
        " port=, ca_cert= and so on, with which it makes one (etcd3, which 3.x used, has not been maintained for years)"
    )
