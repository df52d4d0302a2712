import pytest

import _tree_servers
from apscheduler.jobstores._etcd_client import text64
from apscheduler.jobstores.etcd import EtcdClient, EtcdJobStore
from apscheduler.testing.jobstore import JobStoreContract


@pytest.fixture(scope="session")
def etcd():
    """Return a client."""
    host, port = _tree_servers.etcd().split(":")
    client = EtcdClient(host, int(port))
    yield client
    client.close()


@pytest.fixture
def path(etcd):
    yield "/contract"
    for first, end in ((b"/contract", b"/contracu"), (b"state:/contract", b"state:/contracu")):
        etcd.request("kv/deleterange", {"key": text64(first), "range_end": text64(end)})


class TestEtcd(JobStoreContract):
    @pytest.fixture
    def open_node(self, etcd, path):
        return lambda: EtcdJobStore(path, client=etcd)
