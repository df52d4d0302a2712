import pytest
from kazoo.client import KazooClient

import _tree_servers
from apscheduler.jobstores.zookeeper import ZooKeeperJobStore
from apscheduler.testing.jobstore import JobStoreContract


@pytest.fixture(scope="session")
def zookeeper():
    """Return a connected client."""
    client = KazooClient(_tree_servers.zookeeper())
    client.start()
    yield client
    client.stop()
    client.close()


@pytest.fixture
def path(zookeeper):
    yield "/contract"
    for path in ("/contract", "/contract.state"):
        zookeeper.delete(path, recursive=True)


class TestZooKeeper(JobStoreContract):
    @pytest.fixture
    def open_node(self, zookeeper, path):
        return lambda: ZooKeeperJobStore(path, hosts=_tree_servers.zookeeper())
