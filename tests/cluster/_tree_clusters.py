"""Clusters on ZooKeeper and etcd: what `Cluster` does, with a store that is told by an address."""

from __future__ import annotations

from typing import Any

from _cluster import Cluster

KINDS = ("zookeeper", "etcd")


class TreeCluster(Cluster):
    """One store on ZooKeeper or etcd, any number of scheduler processes."""

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.store.shutdown()


def make_store(url: str) -> Any:
    """Return the store that a URL such as etcd://host:port names."""
    kind, _, address = url.partition("://")
    if kind == "zookeeper":
        from apscheduler.jobstores.zookeeper import ZooKeeperJobStore

        return ZooKeeperJobStore("/cluster", hosts=address)
    from apscheduler.jobstores.etcd import EtcdJobStore

    host, _, port = address.partition(":")
    return EtcdJobStore("/cluster", host=host, port=int(port))
